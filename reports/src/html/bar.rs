//! The bar that shows counts as parts of its length.

use serde::Serialize;

use crate::aside::Aside;
use crate::outcome::{Counts, Outcome};
use crate::text::grouped;

/// A segment of a bar, in percent.
#[derive(Serialize)]
pub(super) struct Segment {
    class: &'static str,
    outcome: &'static str,
    count: String,
    width: String,
}

pub(super) fn bar(counts: &Counts, aside: &Aside) -> Vec<Segment> {
    let segment = |(class, outcome, count): (&'static str, &'static str, u64)| Segment {
        class,
        outcome,
        count: grouped(count),
        width: width(count as f64, counts.total() as f64),
    };
    parts(counts, aside).into_iter().filter(|(.., count)| *count > 0).map(segment).collect()
}

/// The segments of a bar: class, word and count.
fn parts(counts: &Counts, aside: &Aside) -> Vec<(&'static str, &'static str, u64)> {
    let Counts { passed, failed, skipped, xfailed, xpassed, .. } = *counts;
    let of = |outcome: Outcome, count: u64| (outcome.as_str(), outcome.as_str(), count);
    let mut parts = vec![of(Outcome::Passed, passed), of(Outcome::XFailed, xfailed)];
    parts.extend(aside.by_kind().map(|(apart, count)| ("apart", apart.word(), count)));
    parts.extend([
        of(Outcome::Skipped, aside.rest_of(skipped)),
        of(Outcome::XPassed, xpassed),
        of(Outcome::Failed, failed),
    ]);
    parts
}

/// A percentage for CSS.
pub(super) fn width(part: f64, whole: f64) -> String {
    format!("{:.3}", if whole > 0.0 { part / whole * 100.0 } else { 0.0 })
}
