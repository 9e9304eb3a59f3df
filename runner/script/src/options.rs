//! How a script is to be run.

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
use wassay_testsuite::expectation::Expectation;

use super::messages::MatchKind;
use super::source::{Place, Source, Span};
use crate::verdict::DirectiveResult;

/// How a script is to be run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The features that modules may use.
    pub features: Features,
    /// How texts of errors are compared.
    pub match_kind: MatchKind,
    /// The lines to judge; what stands before them is run for its effects.
    pub lines: Option<LineRange>,
    /// Whether to end at the first failure; what was not reached is skipped.
    pub fail_fast: bool,
    /// What is expected of directives besides that they pass, by their number in the script; of
    /// several the first that fits holds.
    pub expected: HashMap<usize, Vec<Arc<Expectation>>>,
    /// The directives, by their number, that are passed over as if they did not stand in the
    /// script. What is *expected* to be skipped unbinds what it would have bound.
    pub left_out: HashSet<usize>,
    /// How long the script may run; what was not reached then fails as not run.
    pub timeout: Option<Duration>,
    /// How many bytes the memories, tables and objects of the script's stores may have together,
    /// where the engine has such a limit.
    pub max_memory: Option<u64>,
    /// Who is told of each directive while the script runs.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Who is told how far a script has come, by the thread that runs it. What its own threads do is
/// part of the directives that start them and wait for them.
pub trait Observer: fmt::Debug + Send + Sync {
    /// The directive at this place begins.
    fn begins(&self, place: Place);

    /// A directive was judged.
    fn judged(&self, result: &DirectiveResult);

    /// All directives were judged.
    fn ended(&self) {}
}

/// A range of lines, counted from 1, both ends within.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRange(RangeInclusive<usize>);

/// A text that is no range of lines.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid lines `{0}`: expected a line number such as `12`, or a range such as `12-20`")]
pub struct BadLineRange(String);

/// Where a directive stands, as seen from a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// It ends before the range.
    Before,
    /// It has a line in common with it.
    Within,
    /// It begins after the range.
    Behind,
}

impl LineRange {
    /// Where a span of a source stands, as seen from the range; a span that has a line in common
    /// with it is within.
    pub fn position(&self, source: &Source<'_>, span: &Span) -> Position {
        let (first, last) = (source.line(span.start), source.line(span.end.saturating_sub(1)));
        if last < *self.0.start() {
            Position::Before
        } else if first > *self.0.end() {
            Position::Behind
        } else {
            Position::Within
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
    fn a_directive_is_within_by_any_of_its_lines() {
        let source = Source::new("a.wast", "(a)\n(b\n)\n(c)");
        let position = |range: &str, span| range.parse::<LineRange>().unwrap().position(&source, &span);
        assert_eq!(position("2", 0..3), Position::Before);
        assert_eq!(position("2", 4..8), Position::Within);
        assert_eq!(position("3", 4..8), Position::Within);
        assert_eq!(position("3", 9..12), Position::Behind);
    }
}
