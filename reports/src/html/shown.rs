//! Texts on pages, and their size.

use std::time::Duration;

use crate::aside::Aside;
use crate::model::{Case, Report, Suite};
use crate::outcome::Counts;
use crate::terminal::printable_lines;
use crate::text::{MAX_SHOWN, cut, grouped};

/// The maximum size in bytes of an escaped text.
pub(crate) fn cost(text: &str) -> usize {
    text.len() + 5 * text.bytes().filter(|byte| b"<>&\"'/".contains(byte)).count()
}

/// Cuts a text for display.
pub(crate) fn shown(text: &str) -> String {
    printable_lines(&cut(text, MAX_SHOWN)).into_owned()
}

/// Cuts a name for display.
pub(crate) fn name(text: &str) -> String {
    printable_lines(&cut(text, 200)).into_owned()
}

pub(super) fn full_name(suite: &Suite, case: &Case) -> String {
    name(&format!("{}::{}", suite.name, case.name))
}

/// The title of a script on the page: without the suite if there is only one.
pub(super) fn title(report: &Report, suite: &Suite, case: &Case) -> String {
    if report.suites.len() == 1 { name(&case.name) } else { full_name(suite, case) }
}

/// A duration in seconds, to the millisecond.
pub(super) fn milliseconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

pub(super) fn nonzero(count: u64) -> String {
    if count > 0 { grouped(count) } else { String::new() }
}

/// Describes what was set aside or skipped, and expected failures.
pub(super) fn other(counts: &Counts, aside: &Aside) -> String {
    let apart = aside.by_kind().map(|(apart, count)| (count, apart.word()));
    let rest = [
        (aside.rest_of(counts.skipped), "skipped"),
        (counts.xfailed, "xfailed"),
        (counts.xpassed, "xpassed"),
    ];
    let named = apart.into_iter().chain(rest).filter(|(count, _)| *count > 0);
    named.map(|(count, what)| format!("{} {what}", grouped(count))).collect::<Vec<_>>().join(", ")
}
