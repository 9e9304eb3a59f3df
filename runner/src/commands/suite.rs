//! `wassay suite`: lists, shows and fetches suites.

use std::path::PathBuf;

use clap::Subcommand;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};
use wassay_reports::terminal::{Text, printable};
use wassay_script::suggest::did_you_mean;
use wassay_testsuite::{Case, Suite, catalogue, fetched};

use super::{Error, Exit, show as print};
use crate::batch::label;
use crate::catalogue::{SUITE, judging, resolve};
use crate::fetch::{self, FetchError};
use crate::printer;
use crate::scratch;

/// List, inspect and fetch suites
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the suites
    List,
    /// Download a suite at its pinned commit, with git
    Fetch {
        /// The suite: one that `wassay suite list` shows as not run unless named
        name: String,
        /// Another copy of the repository: a URL or a folder
        #[arg(long, value_name = "URL or DIR")]
        from: Option<String>,
        /// Folder to put it in, missing or empty [default: in the user's cache, where `wassay test
        /// NAME` finds it]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Show a suite and its cases
    Show {
        /// A suite by name or a folder by path; suite:NAME or ./NAME if both exist
        name: String,
    },
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    match args.command {
        Command::List => print(&lines(&list(catalogue::suites(), width())))?,
        Command::Fetch { name, from, to } => print(&lines(&fetched(&name, from.as_deref(), to)?))?,
        Command::Show { name } => print(&lines(&show(&resolve(&name)?)))?,
    }
    Ok(Exit::Success)
}

/// Fetches a suite and prints its folder.
fn fetched(name: &str, from: Option<&str>, to: Option<PathBuf>) -> Result<String, Error> {
    let names = || fetched::all().iter().map(|fetched| fetched.name).collect::<Vec<_>>().join("` or `");
    let unknown = || {
        let meant = did_you_mean(name, fetched::all().iter().map(|fetched| fetched.name));
        Error::Usage(format!("unknown suite `{name}`; expected `{}`{meant}", names()))
    };
    let suite = fetched::find(name.strip_prefix(SUITE).unwrap_or(name)).ok_or_else(unknown)?;
    let to_run = match &to {
        Some(folder) => suite.cases_in(folder).display().to_string(),
        None => name.to_owned(),
    };
    scratch::signal::end_clean()
        .map_err(|error| Error::System { what: "cannot handle signals".to_owned(), error })?;
    let folder = to.or_else(|| fetch::place(suite)).ok_or(FetchError::NoPlace)?;
    let cases = fetch::fetch(suite, from, &folder)?.cases().len();
    Ok(printable(&format!("{name}: {cases} cases in {}; `wassay test {to_run}` runs them", folder.display()))
        .into_owned())
}

/// The lines of a table whose cells are already escaped.
fn lines(text: &str) -> Text {
    let mut lines = Text::new(false);
    text.lines().for_each(|line| {
        lines.line(line);
    });
    lines
}

/// The width if standard output is not a terminal.
const COLUMNS: u16 = 100;

/// The minimum width for names, numbers and wrapped features.
const NARROW: u16 = 80;

/// The maximum width of a line.
fn width() -> u16 {
    printer::columns().unwrap_or(COLUMNS)
}

/// Lists the suites that run by default, and those that must be named, one per line if the width
/// permits.
fn list(suites: &[Suite], width: u16) -> String {
    let mut defaults = table();
    defaults.set_header(["suite", "cases", "directives", "features"]);
    let mut others = table();
    others.set_header(["not run unless named", "cases", "directives", "features", ""]);
    for suite in suites {
        let (cases, directives) = counts(suite);
        let (name, features) = (suite.name(), suite.features());
        if suite.is_default() {
            defaults.add_row([name, cases.as_str(), directives.as_str(), features]);
        } else {
            others.add_row([name, cases.as_str(), directives.as_str(), features, ""]);
        }
    }
    for fetched in fetched::all() {
        let (cases, directives) = (fetched.pin.cases.to_string(), fetched.pin.directives.to_string());
        let there = fetch::place(fetched).is_some_and(|place| fetched.cases_in(&place).is_dir());
        let state = if there { "fetched" } else { "not fetched yet" };
        others.add_row([fetched.name, &cases, &directives, fetched.features, state]);
    }
    let tables = [defaults, others].map(|mut table| {
        // Blanks after the last column are trimmed.
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_add(2));
        for column in table.column_iter_mut().skip(1).take(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        // If the width permits, names are not wrapped.
        if let (true, Some(names)) = (width >= NARROW, table.column_mut(0)) {
            names.set_constraint(ColumnConstraint::ContentWidth);
        }
        for column in table.column_iter_mut().skip(3) {
            column.set_delimiter(',');
        }
        text(table)
    });
    let [defaults, others] = tables;
    format!(
        "{defaults}\n{others}\n`wassay suite show NAME` says where a suite comes from and what is in it.\n"
    )
}

/// Shows a suite with one line per case; scripts with their features if these are not the suite's.
fn show(suite: &Suite) -> String {
    let (cases, directives) = counts(suite);
    let default = if suite.is_default() { "yes" } else { "no" };
    let mut head = table();
    // A cell has one line.
    let one_line = |text: &str| printable(text).into_owned();
    head.add_row(["suite", &one_line(suite.name())]);
    head.add_row(["title", &one_line(suite.title())]);
    head.add_row(["source", &one_line(suite.source())]);
    head.add_row(["features", suite.features()]);
    head.add_row(["cases", &cases]);
    head.add_row(["directives", &directives]);
    head.add_row(["default", default]);
    let mut names = table();
    for case in suite.cases() {
        let Some(script) = case.script() else {
            let state = if matches!(case, Case::Unreadable(_)) { "cannot be read" } else { "" };
            names.add_row([one_line(case.name()), state.to_owned()]);
            continue;
        };
        let label = label(suite, &case);
        let text = script.read().map_err(|error| error.to_string());
        let judged = text.and_then(|text| judging(script, &label, &text, None).map_err(|e| e.to_string()));
        let features = match judged {
            Ok(judging) => judging.features.to_string(),
            Err(message) => {
                printer::warning(&message);
                "unknown".to_owned()
            }
        };
        let note = if features == suite.features() { String::new() } else { features };
        names.add_row([one_line(script.name()), note]);
    }
    format!("{}\n{}", text(head), text(names))
}

/// The number of cases and directives of a suite; the directives of a folder are unknown before it
/// runs.
fn counts(suite: &Suite) -> (String, String) {
    match suite.pin() {
        Some(pin) => (pin.cases.to_string(), pin.directives.to_string()),
        None => (suite.cases().len().to_string(), "not counted".to_owned()),
    }
}

/// A table without borders.
fn table() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

/// The text of a table, with two blanks between columns.
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
        let list = list(catalogue::suites(), COLUMNS);
        for name in catalogue::suites().iter().map(Suite::name).chain(fetched::all().iter().map(|f| f.name)) {
            assert_eq!(list.lines().filter(|line| line.split(' ').next() == Some(name)).count(), 1, "{name}");
        }
        let line = list.lines().find(|line| line.starts_with("spec-v1 ")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["spec-v1", "73", "19245", "1.0"]);
        let line = list.lines().find(|line| line.starts_with("proposals/gc ")).unwrap();
        assert!(line.ends_with(" 2.0,function-references,gc"), "{line}");
        assert!(list.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn a_list_fits_its_columns() {
        for width in [60, NARROW, COLUMNS, 200] {
            let list = list(catalogue::suites(), width);
            let is_whole =
                catalogue::suites().iter().all(|suite| list.contains(&format!("{} ", suite.name())));
            assert_eq!(is_whole, width >= NARROW, "{width}: {list}");
            let widest =
                list.lines().take_while(|line| !line.starts_with('`')).map(|line| line.chars().count());
            assert!(widest.max().unwrap() <= usize::from(width), "{width}: {list}");
        }
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
