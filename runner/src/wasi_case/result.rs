//! What became of a guest.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde::{Deserialize, Serialize};
use wassay_reports::{Case, Counts, Failure, Outcome};

use crate::verdict::printable;

/// At most so many characters of a call are shown.
const SHOWN: usize = 200;

/// What became of a guest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GuestResult {
    /// What messages call it.
    pub name: String,
    /// How many steps were to be judged.
    pub checks: usize,
    /// What was not as expected, at most one a step; steps that were not reached are among them.
    pub failures: Vec<Failure>,
    /// Whether its time was over.
    pub timed_out: bool,
}

impl GuestResult {
    /// Whether everything came as expected.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty()
    }

    /// The guest as a case of a report, with how long it took.
    pub fn to_case(&self, duration: Duration) -> Case {
        let failed = self.failures.len().min(self.checks);
        let outcome = match (self.is_success(), self.timed_out) {
            (true, _) => Outcome::Passed,
            (false, true) => Outcome::Timeout,
            (false, false) => Outcome::Failed,
        };
        let directives =
            Counts { passed: (self.checks - failed) as u64, failed: failed as u64, ..Counts::default() };
        let case = Case::new(self.name.clone(), outcome, duration, directives);
        Case { failures: self.failures.clone(), ..case }
    }

    /// What was not as expected, as text for people; empty where there is nothing.
    pub fn render(&self, colour: bool) -> String {
        self.failures.iter().map(|failure| self.failure(failure, colour)).collect()
    }

    fn failure(&self, failure: &Failure, colour: bool) -> String {
        let style = |style: Style| if colour { style } else { Style::new() };
        let (strong, bad) = (style(Style::new().bold()), style(AnsiColor::Red.on_default().bold()));
        let faint = style(Style::new().dimmed());
        let (name, kind, message) = (&self.name, &failure.kind, printable(&failure.message));
        let mut text = format!("{strong}{name}{strong:#}: {bad}{kind}{bad:#}: {message}\n");
        // Writing to a string cannot fail.
        for (label, value) in [("expected", &failure.expected), ("actual  ", &failure.actual)] {
            if let Some(value) = value.as_ref().filter(|_| failure.diff.is_none()) {
                let _ = writeln!(text, "  {strong}{label}{strong:#} {}", indented(value));
            }
        }
        for line in failure.diff.iter().flat_map(|diff| diff.lines()) {
            let style = style(colour_of(line));
            let _ = writeln!(text, "    {style}{}{style:#}", printable(line));
        }
        if !failure.calls.is_empty() {
            let _ = writeln!(text, "  {strong}last calls{strong:#}");
        }
        for call in &failure.calls {
            let _ = writeln!(text, "    {faint}{}{faint:#}", shortened(&printable(call)));
        }
        text
    }
}

/// How a line of a unified diff looks.
fn colour_of(line: &str) -> Style {
    match line.bytes().next() {
        Some(b'-') => AnsiColor::Red.on_default(),
        Some(b'+') => AnsiColor::Green.on_default(),
        Some(b'@') => AnsiColor::Cyan.on_default(),
        _ => Style::new(),
    }
}

/// A text of several lines, each but the first behind blanks.
fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| printable(line).into_owned()).collect();
    lines.join("\n           ")
}

/// As much of a line as fits a screen.
fn shortened(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)).into(),
        None => line.into(),
    }
}
