//! What changed, as text for a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{CaseDrift, Change, Diff, Run, State, SuiteDrift, What};
use crate::text::{MAX_SHOWN, at, cut, plural, printable, seconds};

const PLAIN: Style = Style::new();
const GOOD: Style = AnsiColor::Green.on_default();
const ODD: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// What changed: the runs, a list for each way to change, and a line that says whether something regressed. Colours are ANSI
/// escape sequences.
pub fn render(diff: &Diff, colour: bool) -> String {
    let mut out = Out { text: String::new(), colour };
    out.line(PLAIN, &format!("old  {}", run(&diff.old)));
    out.line(PLAIN, &format!("new  {}", run(&diff.new)));
    for (title, style, changes) in [
        ("regressed", BAD, &diff.regressed),
        ("fixed", GOOD, &diff.fixed),
        ("changed otherwise", ODD, &diff.changed),
    ] {
        out.title(title, style, changes.len());
        changes.iter().for_each(|change| out.change(change, "  "));
    }
    out.title("slower", ODD, diff.slower.len());
    for slower in &diff.slower {
        let name = printable(&slower.suite).into_owned() + "::" + &printable(&slower.case);
        out.line(PLAIN, &format!("  {name}: {} -> {}", seconds(slower.before), seconds(slower.after)));
    }
    if !diff.drift.is_empty() {
        out.line(PLAIN, "");
        out.line(ODD, "drift of the suites, which is no change of the engine:");
        diff.drift.suites.iter().for_each(|drift| out.line(PLAIN, &format!("  {}", suite_drift(drift))));
        diff.drift.cases.iter().for_each(|drift| out.case_drift(drift));
    }
    out.line(PLAIN, "");
    let (verdict, style) = match diff.regressed.len() as u64 {
        0 => ("nothing regressed".to_owned(), GOOD),
        count => (format!("{} regressed", plural(count, "result")), BAD),
    };
    out.line(style, &verdict);
    out.text
}

fn run(run: &Run) -> String {
    let counts = &run.totals.directives;
    let who = format!("{} {}, {}", run.engine.name, run.engine.version, run.started);
    format!(
        "{}: {}, {}, {} passed, {} failed",
        printable(&who),
        plural(run.totals.cases.total(), "case"),
        plural(counts.total(), "directive"),
        counts.passed,
        counts.failed
    )
}

/// What became of a suite, in a line.
pub(crate) fn suite_drift(drift: &SuiteDrift) -> String {
    let line = match drift {
        SuiteDrift::New { suite, cases } => {
            let odd = cases.failed.saturating_add(cases.xpassed);
            let odd = if odd > 0 { format!(", {odd} not as expected") } else { String::new() };
            format!("the suite {suite} is new: {}{odd}", plural(cases.total(), "case"))
        }
        SuiteDrift::Gone { suite, cases } => {
            format!("the suite {suite} is gone: {}", plural(cases.total(), "case"))
        }
        SuiteDrift::Origin { suite: [old, new], source: [before, after] } if old == new => {
            format!("the suite {new} is from {after}, was from {before}")
        }
        SuiteDrift::Origin { suite: [old, new], source: [before, after] } => {
            format!("the suite {new} ({after}) was called {old} ({before})")
        }
    };
    printable(&line).into_owned()
}

/// What became of a case, in words behind its name.
pub(crate) fn case_drift(drift: &CaseDrift) -> String {
    let CaseDrift { directives_new, directives_gone, unexpected, .. } = drift;
    let odd =
        if unexpected.is_empty() { String::new() } else { format!(", {} not as expected", unexpected.len()) };
    match drift.what {
        What::New => format!("is new: {}{odd}", plural(*directives_new, "directive")),
        What::Gone => format!("is gone: {}", plural(*directives_gone, "directive")),
        What::Moved => format!("was called {}", printable(drift.from.as_deref().unwrap_or_default())),
        What::Edited => format!("was edited: {directives_new} new{odd}, {directives_gone} gone"),
    }
}

/// How it ended before, in a line, with what came then where that is another value than now.
pub(crate) fn was(change: &Change) -> Option<String> {
    let before = change.before.as_ref()?;
    let other = before
        .actual
        .as_ref()
        .filter(|actual| change.after.actual.as_ref().is_some_and(|now| now != *actual));
    let actual =
        other.map_or_else(String::new, |actual| format!(", actual {}", printable(&cut(actual, MAX_SHOWN))));
    Some(state(before) + &actual)
}

/// How something ended, in a line.
pub(crate) fn state(state: &State) -> String {
    match (state.outcome, state.message.as_str()) {
        (outcome, "") => outcome.to_string(),
        (outcome, message) => format!("{outcome}: {}", printable(message)),
    }
}

struct Out {
    text: String,
    colour: bool,
}

impl Out {
    fn line(&mut self, style: Style, line: &str) {
        // Writing to a string cannot fail.
        let _ = if self.colour && !style.is_plain() {
            writeln!(self.text, "{style}{line}{style:#}")
        } else {
            writeln!(self.text, "{line}")
        };
    }

    fn title(&mut self, title: &str, style: Style, count: usize) {
        if count > 0 {
            self.line(PLAIN, "");
            self.line(style, &format!("{count} {title}:"));
        }
    }

    fn change(&mut self, change: &Change, margin: &str) {
        let name = format!("{}::{}", change.suite, change.case);
        let place = at(&printable(&name), change.line, change.column);
        self.line(PLAIN, &format!("{margin}{place}: {}", state(&change.after)));
        for line in cut(&change.source, MAX_SHOWN).lines().take(8) {
            self.line(PLAIN, &format!("{margin}    {}", printable(line)));
        }
        for (label, value) in [("expected", &change.after.expected), ("actual  ", &change.after.actual)] {
            if let Some(value) = value {
                self.line(PLAIN, &format!("{margin}  {label} {}", printable(&cut(value, MAX_SHOWN))));
            }
        }
        if let Some(before) = was(change) {
            self.line(PLAIN, &format!("{margin}  before   {before}"));
        }
    }

    fn case_drift(&mut self, drift: &CaseDrift) {
        let name = format!("{}::{}", drift.suite, drift.case);
        self.line(PLAIN, &format!("  {} {}", printable(&name), case_drift(drift)));
        drift.unexpected.iter().for_each(|change| self.change(change, "    "));
    }
}
