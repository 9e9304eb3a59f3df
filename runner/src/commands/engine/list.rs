//! The list of engines.

use std::thread;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use wassay_drive::version;
use wassay_reports::terminal::{Text, printable};

use crate::engines::{Origin, Searched, all, choose};
use crate::printer;

/// The width if standard output is not a terminal, and the maximum.
const COLUMNS: u16 = 100;

/// Lists the engines, each with its version or how to install it.
pub(super) fn list() -> Text {
    let all = all();
    let states = states(&all);
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // Blanks after the last column are trimmed.
    table.set_width(printer::columns().unwrap_or(COLUMNS).min(COLUMNS).saturating_add(2));
    table.set_header(["engine", "columns", "from", "version"]);
    for (Searched { name, found }, state) in all.iter().zip(states) {
        let (columns, from) = match found {
            Ok(found) => {
                let columns: Vec<&str> = found.description.columns.keys().map(String::as_str).collect();
                (columns.join(" "), from(&found.origin))
            }
            Err(_) => (String::new(), ""),
        };
        table.add_row([name, &columns, from, &printable(&state)]);
    }
    let mut text = Text::new(false);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.lines().for_each(|line| {
        text.line(line.trim_end());
    });
    text.end();
    text.line("`wassay engine show NAME` shows the commands; `--engine NAME:COLUMN` selects a column.");
    text
}

fn from(origin: &Origin) -> &'static str {
    match origin {
        Origin::Named(_) => "file",
        Origin::Project(_) => "project",
        Origin::User(_) => "user",
        Origin::BuiltIn => "built in",
    }
}

/// The version of each engine, or why it is not available; determined in parallel.
fn states(all: &[Searched]) -> Vec<String> {
    thread::scope(|scope| {
        let asked: Vec<_> = all
            .iter()
            .map(|searched| thread::Builder::new().spawn_scoped(scope, || state(searched)))
            .collect();
        let joined = asked.into_iter().map(|thread| thread.ok()?.join().ok());
        joined.map(|state| state.unwrap_or_else(|| "unknown: cannot start a thread".to_owned())).collect()
    })
}

fn state(searched: &Searched) -> String {
    let found = match &searched.found {
        Ok(found) => found,
        Err(error) => return error.to_string(),
    };
    let install = found.description.install.as_deref();
    let missing = |what: &str| install.map_or_else(|| what.to_owned(), |how| format!("{what}: {how}"));
    let chosen = match choose(&searched.name) {
        Ok(chosen) => chosen,
        Err(error) if error.is_not_installed() => return missing("not installed"),
        Err(error) => return error.to_string(),
    };
    match chosen.version_command() {
        // Don't start the adapter: it may start a browser.
        Some(command) => version::of(command).unwrap_or_else(|| missing("not installed")),
        None => match chosen.ask(None) {
            Ok(way) => match way.identity().version {
                version if version.is_empty() => "installed".to_owned(),
                version => version,
            },
            Err(error) => error.to_string(),
        },
    }
}
