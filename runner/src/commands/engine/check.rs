//! The self-test of an adapter.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use wassay_drive::Limits;
use wassay_drive::selftest::{self, Finding, Verdict};
use wassay_reports::terminal::Text;

use super::super::driven::choose;
use super::super::{Error, Exit, plural, show};
use crate::engines::Chosen;
use crate::printer::Stream;
use crate::verdict::{BAD, STRONG};

/// The time limit for each request of the self-test.
const REQUEST: Duration = Duration::from_secs(5);
const GOOD: Style = AnsiColor::Green.on_default();
const NOTE: Style = AnsiColor::Yellow.on_default();

/// Runs the self-test and prints what fails.
pub(super) fn check(word: &str) -> Result<Exit, Error> {
    let chosen = choose(word)?;
    let Some(command) = chosen.command() else { return by_command(&chosen) };
    let colour = Stream::Out.has_colour();
    let (mut good, mut bad, mut shown) = (0, 0, Ok(()));
    let limits = Limits { request: REQUEST, ..chosen.limits(None) };
    let hello = selftest::run(command, limits, &mut |finding| {
        match finding.verdict {
            Verdict::Good => good += 1,
            Verdict::Bad { .. } => bad += 1,
            Verdict::Note(_) => {}
        }
        if shown.is_ok() {
            shown = show(&line(&finding, colour));
        }
    });
    let hello = hello.map_err(|error| Error::Usage(format!("{word}: {error}")))?;
    shown?;
    let mut text = Text::new(colour);
    text.paint(STRONG, format!("{} {}", hello.engine, hello.version).trim());
    match bad {
        0 => text.line(format_args!(": {} as expected", plural(good, "check"))),
        bad => text.line(format_args!(": {} of {} failed", bad, plural(good + bad, "check"))),
    };
    if bad > 0 {
        text.line(
            "see docs/protocol.md for requests and answers, docs/engines.md for how to write an adapter",
        );
    }
    show(&text)?;
    Ok(if bad == 0 { Exit::Success } else { Exit::Failure })
}

/// Checks an engine that is driven by its command line: whether it runs the test modules, with the
/// right exit codes.
fn by_command(chosen: &Chosen) -> Result<Exit, Error> {
    let identity = chosen.ask(None)?.identity();
    let mut text = Text::new(Stream::Out.has_colour());
    text.paint(STRONG, format!("{} {}", identity.name, identity.version).trim());
    text.line(format_args!(": driven by its command, as expected: {}", chosen.shown()));
    if chosen.runtime(None)?.is_some() {
        text.line("it runs WASI programs");
    }
    show(&text)?;
    Ok(Exit::Success)
}

fn line(Finding { what, verdict }: &Finding, colour: bool) -> Text {
    let mut text = Text::new(colour);
    match verdict {
        Verdict::Good => text.paint(GOOD, "ok  ").put("  ").line(what),
        Verdict::Note(note) => text.paint(NOTE, "note").put("  ").put(what).put(": ").line(note),
        Verdict::Bad { why, fix } => {
            text.paint(BAD, "FAIL").put("  ").paint(STRONG, what).end();
            text.put("      ").line(why);
            text.put("      to do: ").line(fix)
        }
    };
    text
}
