//! How what became of a script is shown to people; what it is stands in [`wassay_script::verdict`].

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use wassay_testsuite::text::lines;

pub use wassay_script::verdict::*;

use crate::script::source::Place;

/// What can be shown to people.
pub trait Render {
    /// The text, in colours where they are asked for.
    fn render(&self, colour: bool) -> String;
}

impl Render for ScriptResult {
    /// Everything but what passed as text for people, in the order of the script: failures in full, what was skipped, failed as
    /// expected or passed against expectation with the reason.
    fn render(&self, colour: bool) -> String {
        let style = |style: Style| if colour { style } else { Style::new() };
        let (strong, bad) = (style(Style::new().bold()), style(AnsiColor::Red.on_default().bold()));
        let of = |DirectiveResult { place, outcome, .. }: &DirectiveResult| {
            let line = |what: &str, reason: &str| {
                format!("{strong}{}:{place}{strong:#}: {what}: {}\n", self.name, printable(reason))
            };
            match outcome {
                Outcome::Passed => String::new(),
                Outcome::Failed(failure) => show(failure, &self.name, *place, colour),
                Outcome::Skipped(reason) => line("skipped", reason),
                // Of these there may be very many: they are counted below.
                Outcome::Apart(..) => String::new(),
                // What a script came to an end before says nothing that the end does not.
                Outcome::ExpectedFailure(failure, _) if failure.kind == FailureKind::NotRun => String::new(),
                Outcome::ExpectedFailure(_, reason) => line("failed as expected", reason),
                Outcome::UnexpectedPass(reason) => {
                    line(&format!("{bad}passed, and was expected to fail{bad:#}"), reason)
                }
            }
        };
        let not_run = |directive: &&DirectiveResult| is_not_run(directive);
        let mut text = String::new();
        let mut rest = self.directives.iter().peekable();
        while let Some(directive) = rest.next() {
            text.push_str(&of(directive));
            if is_not_run(directive) {
                // They all say the same.
                let mut others = 0;
                while rest.next_if(not_run).is_some() {
                    others += 1;
                }
                if others > 0 {
                    push_line(&mut text, format_args!("… and {others} more that were not run"));
                }
            }
        }
        text + &apart(self)
    }
}

/// A line for each way in which directives say nothing about the engine: how many there are, and why the first is.
fn apart(result: &ScriptResult) -> String {
    let ways = [Apart::Blocked, Apart::Limit, Apart::Superseded, Apart::NotApplicable];
    let lines = ways.into_iter().filter_map(|way| {
        let mut of_way = result.directives.iter().filter_map(|directive| match &directive.outcome {
            Outcome::Apart(apart, why) if *apart == way => Some((directive.place, why)),
            _ => None,
        });
        let (place, why) = of_way.next()?;
        let (count, word) = (1 + of_way.count(), way.word());
        Some(format!("{}:{place}: {count} {word}: {}\n", result.name, printable(why)))
    });
    lines.collect()
}

fn is_not_run(directive: &DirectiveResult) -> bool {
    matches!(&directive.outcome, Outcome::Failed(failure) if failure.kind == FailureKind::NotRun)
}

/// The failure as text for people: its place, the directive's text, what was expected and what came.
fn show(failure: &Failure, name: &str, place: Place, colour: bool) -> String {
    let style = |style: Style| if colour { style } else { Style::new() };
    let bad = style(AnsiColor::Red.on_default().bold());
    let strong = style(Style::new().bold());
    let faint = style(Style::new().dimmed());
    let mut text = format!(
        "{strong}{name}:{place}{strong:#}: {bad}{}{bad:#}: {}\n",
        failure.kind,
        printable(&failure.message)
    );
    for line in shortened(&failure.source).lines() {
        push_line(&mut text, format_args!("    {faint}{}{faint:#}", printable(line)));
    }
    for (label, value) in [("expected", &failure.expected), ("actual  ", &failure.actual)] {
        if let Some(value) = value {
            push_line(&mut text, format_args!("  {strong}{label}{strong:#} {}", printable(value)));
        }
    }
    for line in failure.backtrace.as_deref().map(shortened).iter().flat_map(|lines| lines.lines()) {
        push_line(&mut text, format_args!("  {faint}{}{faint:#}", printable(line)));
    }
    text
}

/// A text whose control characters are written out: a script must not be able to steer a terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\t';
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { printable.extend(c.escape_unicode()) } else { printable.push(c) }
    }
    Cow::Owned(printable)
}

fn push_line(text: &mut String, line: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

/// At most so many lines of a directive are shown, each with at most so many characters.
const SHOWN: (usize, usize) = (8, 160);

/// A directive's text as far as it fits a screen, with a note of what is left out.
fn shortened(source: &str) -> String {
    let all: Vec<&str> = lines(source).collect();
    let lines = all.len();
    // A note takes a line itself: one line more is shown rather than announced.
    let shown = if lines <= SHOWN.0 + 1 { lines } else { SHOWN.0 };
    let mut text = String::new();
    for line in all.into_iter().take(shown) {
        match line.char_indices().nth(SHOWN.1) {
            Some((end, _)) => push_line(&mut text, format_args!("{}…", line.get(..end).unwrap_or(line))),
            None => push_line(&mut text, format_args!("{line}")),
        }
    }
    if lines > shown {
        push_line(&mut text, format_args!("… {} more lines", lines - shown));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::matching::MismatchKind;

    fn failure(source: &str) -> Failure {
        let kind = FailureKind::Mismatch(MismatchKind::Value);
        let failure =
            Failure::new(kind, "result 0 is another value").with("i32 1 (0x00000001)", "i32 2 (0x00000002)");
        Failure { source: source.to_owned(), ..failure }
    }

    const PLACE: Place = Place { line: 3, column: 5 };

    #[test]
    fn a_failure_shows_its_place_its_text_and_both_sides() {
        let shown = show(&failure("(assert_return\n  (invoke \"f\"))"), "a.wast", PLACE, false);
        assert_eq!(
            shown,
            "a.wast:3:5: wrong-value: result 0 is another value\n    (assert_return\n      (invoke \"f\"))\n  \
             expected i32 1 (0x00000001)\n  actual   i32 2 (0x00000002)\n"
        );
    }

    #[test]
    fn colour_is_added_only_where_it_is_asked_for() {
        assert!(!show(&failure("(x)"), "a.wast", PLACE, false).contains('\u{1b}'));
        assert!(show(&failure("(x)"), "a.wast", PLACE, true).contains('\u{1b}'));
    }

    #[test]
    fn a_long_directive_is_cut_with_a_note() {
        let source = vec!["é".repeat(500); 30].join("\n");
        let shown = show(&failure(&source), "a.wast", PLACE, false);
        assert!(shown.contains("… 22 more lines"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 165), "{shown}");
        let nine = show(&failure(&["(x)"; 9].join("\n")), "a.wast", PLACE, false);
        assert!(!nine.contains("more lines"));
    }

    #[test]
    fn a_script_does_not_steer_the_terminal() {
        let shown = show(&failure("(invoke \"\u{1b}[2J\t\u{7}\")"), "a.wast", PLACE, false);
        assert!(shown.contains("(invoke \"\\u{1b}[2J\t\\u{7}\")"), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown}");
    }
}
