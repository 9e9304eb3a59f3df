//! Renders the results of scripts, which are defined in [`wassay_script::verdict`].

use anstyle::{AnsiColor, Style};
use wassay_reports::terminal::Text;
use wassay_script::source::Place;
pub use wassay_script::verdict::*;
use wassay_testsuite::text::lines;

/// A result that can be rendered as text.
pub trait Render {
    /// Renders the text, in colour if requested.
    fn render(&self, colour: bool) -> Text;
}

impl Render for ScriptResult {
    /// Renders everything except passes, in the order of the script: failures in full; skipped
    /// directives, expected failures and unexpected passes with the reason.
    fn render(&self, colour: bool) -> Text {
        let not_run = |directive: &&DirectiveResult| is_not_run(directive);
        let mut text = Text::new(colour);
        let mut rest = self.directives.others().peekable();
        while let Some(directive) = rest.next() {
            push_directive(&self.name, directive, &mut text);
            if is_not_run(directive) {
                // They all have the same message.
                let mut others = 0;
                while rest.next_if(not_run).is_some() {
                    others += 1;
                }
                if others > 0 {
                    text.line(format_args!("… and {others} more that were not run"));
                }
            }
        }
        push_apart(self, &mut text);
        if let Some(message) = self.not_listed() {
            text.line(format_args!("{}: {message}", self.name));
        }
        text
    }
}

fn push_directive(name: &str, DirectiveResult { place, outcome, .. }: &DirectiveResult, text: &mut Text) {
    let (style, what, reason) = match outcome {
        // There may be many of these: they are counted at the end.
        Outcome::Passed | Outcome::Apart(..) => return,
        Outcome::Failed(failure) => return push_failure(failure, name, *place, text),
        // Directives that were not reached add nothing to the failure that ended the script.
        Outcome::ExpectedFailure(failure, _) if failure.kind == FailureKind::NotRun => return,
        Outcome::Skipped(reason) => (Style::new(), "skipped", reason),
        Outcome::ExpectedFailure(_, reason) => (Style::new(), "failed as expected", reason),
        Outcome::UnexpectedPass(reason) => (BAD, "passed, but was expected to fail", reason),
    };
    text.paint(STRONG, format_args!("{}:{place}", name)).put(": ").paint(style, what);
    text.put(": ").put(reason).end();
}

/// Adds a line for each category of directives that say nothing about the engine, with their number
/// and the reason of the first.
fn push_apart(result: &ScriptResult, text: &mut Text) {
    for way in [Apart::Blocked, Apart::Limit, Apart::Unsupported, Apart::Superseded, Apart::NotApplicable] {
        let mut of_way = result.directives.others().filter_map(|directive| match &directive.outcome {
            Outcome::Apart(apart, why) if *apart == way => Some((directive.place, why)),
            _ => None,
        });
        let Some((place, why)) = of_way.next() else { continue };
        let (count, word) = (1 + of_way.count(), way.word());
        text.line(format_args!("{}:{place}: {count} {word}: {why}", result.name));
    }
}

fn is_not_run(directive: &DirectiveResult) -> bool {
    matches!(&directive.outcome, Outcome::Failed(failure) if failure.kind == FailureKind::NotRun)
}

/// Adds a failure: its position, the directive's text, and the expected and actual values.
fn push_failure(failure: &Failure, name: &str, place: Place, text: &mut Text) {
    text.paint(STRONG, format_args!("{name}:{place}")).put(": ").paint(BAD, failure.kind);
    text.put(": ").put(&failure.message).end();
    text.block("    ", &shortened(&failure.source), |_| FAINT);
    for (label, value) in [("expected", &failure.expected), ("actual  ", &failure.actual)] {
        if let Some(value) = value {
            text.put("  ").paint(STRONG, label).put(" ").put(value).end();
        }
    }
    if let Some(backtrace) = &failure.backtrace {
        text.block("  ", &shortened(backtrace), |_| FAINT);
    }
}

/// The style of names and kinds.
pub(crate) const STRONG: Style = Style::new().bold();
/// The style of errors.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// The style of secondary information.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The maximum number of lines of a directive to show, and of characters per line.
const SHOWN: (usize, usize) = (8, 160);

/// Shortens a directive's text, with a note of what is left out.
fn shortened(source: &str) -> String {
    let all: Vec<&str> = lines(source).collect();
    let lines = all.len();
    // The note takes a line itself: show one more line instead of a note about one.
    let shown = if lines <= SHOWN.0 + 1 { lines } else { SHOWN.0 };
    let mut text = String::new();
    for line in all.into_iter().take(shown) {
        match line.char_indices().nth(SHOWN.1) {
            Some((end, _)) => text.push_str(&format!("{}…\n", line.get(..end).unwrap_or(line))),
            None => text.push_str(&format!("{line}\n")),
        }
    }
    if lines > shown {
        text.push_str(&format!("… {} more lines\n", lines - shown));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use wassay_script::matching::MismatchKind;

    fn failure(source: &str) -> Failure {
        let kind = FailureKind::Mismatch(MismatchKind::Value);
        let failure = Failure::new(kind, "result 0 has the wrong value")
            .with("i32 1 (0x00000001)", "i32 2 (0x00000002)");
        Failure { source: source.into(), ..failure }
    }

    fn show(failure: &Failure, name: &str, place: Place, colour: bool) -> String {
        let mut text = Text::new(colour);
        push_failure(failure, name, place, &mut text);
        text.to_string()
    }

    const PLACE: Place = Place { line: 3, column: 5 };

    #[test]
    fn a_failure_shows_its_position_text_and_both_values() {
        let shown = show(&failure("(assert_return\n  (invoke \"f\"))"), "a.wast", PLACE, false);
        assert_eq!(
            shown,
            "a.wast:3:5: wrong-value: result 0 has the wrong value\n    (assert_return\n      (invoke \"f\"))\n  \
             expected i32 1 (0x00000001)\n  actual   i32 2 (0x00000002)\n"
        );
    }

    #[test]
    fn colour_is_used_only_on_request() {
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
    fn control_characters_of_a_script_are_escaped() {
        let shown = show(&failure("(invoke \"\u{1b}[2J\t\u{7}\")"), "a.wast", PLACE, false);
        assert!(shown.contains("(invoke \"\\u{1b}[2J\t\\u{7}\")"), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown}");
    }
}
