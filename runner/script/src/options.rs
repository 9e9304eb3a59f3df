//! Options for running a script.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wassay_terms::Features;
use wassay_testsuite::conditions::Dialect;
use wassay_testsuite::expectation::Expectation;

use super::messages::MatchKind;
use super::source::{Place, Source, Span};
use crate::verdict::DirectiveResult;

/// Options for running a script.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The enabled features.
    pub features: Features,
    /// How to compare error texts.
    pub match_kind: MatchKind,
    /// The lines to check; earlier directives run unchecked.
    pub lines: Option<LineRange>,
    /// Whether to stop at the first failure; the remaining directives are skipped.
    pub fail_fast: bool,
    /// The expectations of directives, by index; the first that matches applies.
    pub expected: HashMap<usize, Vec<Arc<Expectation>>>,
    /// The indices of directives to skip as if the script did not have them. In contrast, a
    /// directive that is *expected* to be skipped unbinds the names that it would bind.
    pub left_out: HashSet<usize>,
    /// The time limit; directives that are not reached fail as not run.
    pub timeout: Option<Duration>,
    /// The limit in bytes for the memories, tables and objects of the script's stores together, if
    /// the engine supports one.
    pub max_memory: Option<u64>,
    /// Whether every NaN that an instruction computes is canonical.
    pub nan_canonicalization: bool,
    /// What the script may rely on beyond the specification's interpreter.
    pub dialect: Dialect,
    /// The observer of each directive.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Observes the progress of a script, on the thread that runs it. The script's own threads belong
/// to the directives that start them and wait for them.
pub trait Observer: fmt::Debug + Send + Sync {
    /// The directive at this position starts.
    fn begins(&self, place: Place);

    /// A directive was judged.
    fn judged(&self, result: &DirectiveResult);

    /// All directives were judged.
    fn ended(&self) {}
}

/// An inclusive range of lines, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRange(RangeInclusive<usize>);

/// The error for an invalid range of lines.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid lines `{0}`: expected a line number such as `12`, or a range such as `12-20`")]
pub struct BadLineRange(String);

/// The position of a directive relative to a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// It ends before the range.
    Before,
    /// It overlaps the range.
    Within,
    /// It begins after the range.
    After,
}

impl LineRange {
    /// The position of a span relative to the range; a span that overlaps it is within.
    pub fn position(&self, source: &Source<'_>, span: &Span) -> Position {
        let (first, last) = (source.line(span.start), source.line(span.end.saturating_sub(1)));
        if last < *self.0.start() {
            Position::Before
        } else if first > *self.0.end() {
            Position::After
        } else {
            Position::Within
        }
    }
}

impl fmt::Display for LineRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.start(), self.0.end()) {
            (first, last) if first == last => write!(f, "line {first}"),
            (first, last) => write!(f, "lines {first}-{last}"),
        }
    }
}

impl From<NonZeroUsize> for LineRange {
    fn from(line: NonZeroUsize) -> LineRange {
        LineRange(line.get()..=line.get())
    }
}

impl FromStr for LineRange {
    type Err = BadLineRange;

    fn from_str(text: &str) -> Result<Self, BadLineRange> {
        let bad = || BadLineRange(text.to_owned());
        let line = |text: &str| text.parse::<usize>().ok().filter(|line| *line > 0).ok_or_else(bad);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (line(first)?, line(last)?);
        if first > last { Err(bad()) } else { Ok(LineRange(first..=last)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_line_or_two_in_order() {
        assert_eq!("7".parse(), Ok(LineRange(7..=7)));
        assert_eq!("7-9".parse(), Ok(LineRange(7..=9)));
        for bad in ["", "0", "9-7", "a", "1-", "-1", "1-2-3", "99999999999999999999"] {
            assert_eq!(bad.parse::<LineRange>(), Err(BadLineRange(bad.into())), "{bad}");
        }
    }

    #[test]
    fn a_directive_is_within_if_any_of_its_lines_is() {
        let source = Source::new("a.wast", "(a)\n(b\n)\n(c)");
        let position = |range: &str, span| range.parse::<LineRange>().unwrap().position(&source, &span);
        assert_eq!(position("2", 0..3), Position::Before);
        assert_eq!(position("2", 4..8), Position::Within);
        assert_eq!(position("3", 4..8), Position::Within);
        assert_eq!(position("3", 9..12), Position::After);
    }
}
