//! Stores the results of many directives compactly.
//!
//! A script may have millions of directives, most of which pass. A pass takes about three bytes:
//! its keyword and its distance from the previous directive. Other results are stored completely,
//! up to [`LISTED`] of them; the rest are only counted.

use std::borrow::Cow;
use std::fmt;

use data_encoding::BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wassay_reports::{Aside, Counts};

use super::directive::{DirectiveResult, Outcome};
use crate::model::KEYWORDS;
use crate::source::Place;

/// The maximum number of complete results. A failure takes about a kilobyte, and a script of a few
/// megabytes can have millions.
pub const LISTED: usize = 10_000;

/// The results of a script's directives, in order.
#[derive(Clone, Default)]
pub struct Directives {
    /// A byte for each directive: [`WHOLE`], or its index in [`KEYWORDS`] and two flags. For a
    /// pass, the number of lines after the previous directive and the column follow.
    codes: Vec<u8>,
    /// The complete results: those that are not plain passes or cannot be encoded.
    whole: Vec<DirectiveResult>,
    /// The line that the next one is relative to.
    line: usize,
    len: usize,
    text_not_compared: u32,
    reader_only: u32,
    /// Every [`STRIDE`]th directive.
    marks: Vec<Mark>,
    /// The counts of results beyond the first [`LISTED`].
    unlisted: Box<Unlisted>,
}

/// The counts of directives that are not listed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Unlisted {
    counts: Counts,
    aside: Aside,
    /// Their worst outcome.
    worst: Option<wassay_reports::Outcome>,
}

/// A directive from which decoding can start.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// The offset of its code.
    code: usize,
    /// The number of complete results before it.
    whole: usize,
    /// The line of the previous directive.
    line: usize,
}

/// The number of directives between marks.
const STRIDE: usize = 1024;

/// The code of a complete result.
const WHOLE: u8 = 0xff;

/// The flags of a code.
const TEXT_NOT_COMPARED: u8 = 0x80;
const READER_ONLY: u8 = 0x40;

static PASSED: Outcome = Outcome::Passed;

/// A borrowed [`DirectiveResult`].
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    /// Where it begins.
    pub place: Place,
    /// Its keyword.
    pub keyword: &'a str,
    /// Its outcome.
    pub outcome: &'a Outcome,
    /// Whether it passed by the kind of an error only.
    pub text_not_compared: bool,
    /// Whether it passed by the parser alone.
    pub reader_only: bool,
    /// Whether it passed with an error that the engine's adapter does not distinguish from others.
    pub coarse: bool,
}

impl Verdict<'_> {
    /// Counts it if it says nothing about the engine, or less than it could.
    pub fn put_aside(self, aside: &mut Aside) {
        if self.coarse {
            aside.coarse = aside.coarse.saturating_add(1);
        }
        if let Outcome::Apart(apart, _) = self.outcome {
            aside.record(*apart);
        }
    }

    /// Converts it to an owned result.
    pub fn to_owned(self) -> DirectiveResult {
        let keyword = match KEYWORDS.iter().find(|word| **word == self.keyword) {
            Some(word) => Cow::Borrowed(*word),
            None => Cow::Owned(self.keyword.to_owned()),
        };
        let Verdict { place, outcome, text_not_compared, reader_only, coarse, .. } = self;
        DirectiveResult { place, keyword, outcome: outcome.clone(), text_not_compared, reader_only, coarse }
    }
}

impl Directives {
    /// The number of directives, including unlisted ones.
    pub fn len(&self) -> usize {
        self.len.saturating_add(usize::try_from(self.unlisted()).unwrap_or(usize::MAX))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of unlisted directives, after [`LISTED`] that did not pass.
    pub fn unlisted(&self) -> u64 {
        self.unlisted.counts.total()
    }

    /// The worst outcome of unlisted directives, if any.
    pub(crate) fn worst_unlisted(&self) -> Option<wassay_reports::Outcome> {
        self.unlisted.worst
    }

    /// Whether the limit of listed results is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.whole.len() >= LISTED
    }

    /// Adds unlisted directives with this outcome.
    pub(crate) fn push_unlisted(&mut self, outcome: &Outcome, count: u64) {
        if count > 0 {
            let word = outcome.word();
            self.unlisted.counts.record_many(word, count);
            self.unlisted.worst = self.unlisted.worst.max(Some(word));
        }
    }

    /// Maps the listed results.
    pub fn altered(&self, alter: impl FnMut(Verdict<'_>) -> DirectiveResult) -> Directives {
        let mut altered: Directives = self.iter().map(alter).collect();
        altered.unlisted.add(&self.unlisted);
        altered
    }

    /// Appends a result.
    pub fn push(&mut self, directive: DirectiveResult) {
        if self.is_full() && !matches!(directive.outcome, Outcome::Passed) {
            self.push_unlisted(&directive.outcome, 1);
            if let Outcome::Apart(apart, _) = directive.outcome {
                self.unlisted.aside.record(apart);
            }
            return;
        }
        if self.len.is_multiple_of(STRIDE) {
            self.marks.push(Mark { code: self.codes.len(), whole: self.whole.len(), line: self.line });
        }
        self.len += 1;
        self.text_not_compared = self.text_not_compared.saturating_add(directive.text_not_compared.into());
        self.reader_only = self.reader_only.saturating_add(directive.reader_only.into());
        let line = directive.place.line;
        match self.code(&directive) {
            Some((code, lines)) => {
                self.codes.push(code);
                push_number(&mut self.codes, lines);
                push_number(&mut self.codes, directive.place.column);
            }
            None => {
                self.codes.push(WHOLE);
                self.whole.push(directive);
            }
        }
        self.line = line;
    }

    /// The code of a pass, and its distance in lines from the previous directive.
    fn code(&self, directive: &DirectiveResult) -> Option<(u8, usize)> {
        if !matches!(directive.outcome, Outcome::Passed) || directive.coarse {
            return None;
        }
        let word = KEYWORDS.iter().position(|word| *word == directive.keyword)?;
        let word = u8::try_from(word).ok().filter(|word| *word < 0x3f)?;
        let text = if directive.text_not_compared { TEXT_NOT_COMPARED } else { 0 };
        let reader = if directive.reader_only { READER_ONLY } else { 0 };
        Some((word | text | reader, directive.place.line.checked_sub(self.line)?))
    }

    /// Iterates over the listed results in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { of: self, at: Mark::default() }
    }

    /// The listed results that are not plain passes, in order, and possibly some that are.
    pub fn others(&self) -> impl DoubleEndedIterator<Item = &DirectiveResult> {
        self.whole.iter()
    }

    /// The directives that begin on a line. Directives are sorted by position.
    pub(crate) fn on_line(&self, line: usize) -> Directives {
        // A mark's line is that of the previous directive.
        let first = self.marks.partition_point(|mark| mark.line < line).saturating_sub(1);
        let at = self.marks.get(first).copied().unwrap_or_default();
        let there = Iter { of: self, at }.skip_while(|directive| directive.place.line < line);
        there.take_while(|directive| directive.place.line == line).map(Verdict::to_owned).collect()
    }

    /// The number of directives by outcome.
    pub(crate) fn counts(&self) -> Counts {
        let others = self.whole.iter().map(|directive| directive.outcome.word());
        let mut counts: Counts = others.collect();
        counts.passed += (self.len - self.whole.len()) as u64;
        counts += self.unlisted.counts;
        counts
    }

    /// The worst outcome of all.
    pub(crate) fn worst(&self) -> wassay_reports::Outcome {
        let listed = self.whole.iter().map(|directive| directive.outcome.word()).max();
        listed.max(self.unlisted.worst).unwrap_or(wassay_reports::Outcome::Passed)
    }

    /// The directives that say nothing about the engine, or less than they could.
    pub(crate) fn aside(&self) -> Aside {
        let mut aside = self.unlisted.aside;
        self.iter().for_each(|directive| directive.put_aside(&mut aside));
        aside
    }

    /// The number that passed by the kind of an error only.
    pub(crate) fn text_not_compared(&self) -> usize {
        self.text_not_compared as usize
    }

    /// The number that passed by the parser alone.
    pub(crate) fn reader_only(&self) -> usize {
        self.reader_only as usize
    }
}

/// An iterator over [`Directives`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    of: &'a Directives,
    at: Mark,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Verdict<'a>;

    fn next(&mut self) -> Option<Verdict<'a>> {
        // Stop at a truncated code.
        let mut at = self.at;
        let code = *self.of.codes.get(at.code)?;
        at.code += 1;
        let verdict = if code == WHOLE {
            let DirectiveResult { place, keyword, outcome, text_not_compared, reader_only, coarse } =
                self.of.whole.get(at.whole)?;
            at.whole += 1;
            at.line = place.line;
            let (text_not_compared, reader_only, coarse) = (*text_not_compared, *reader_only, *coarse);
            Verdict { place: *place, keyword, outcome, text_not_compared, reader_only, coarse }
        } else {
            let lines = take_number(&self.of.codes, &mut at.code)?;
            let column = take_number(&self.of.codes, &mut at.code)?;
            at.line = at.line.checked_add(lines)?;
            Verdict {
                place: Place { line: at.line, column },
                keyword: KEYWORDS.get(usize::from(code & 0x3f)).copied()?,
                outcome: &PASSED,
                text_not_compared: code & TEXT_NOT_COMPARED != 0,
                reader_only: code & READER_ONLY != 0,
                coarse: false,
            }
        };
        self.at = at;
        Some(verdict)
    }
}

impl<'a> IntoIterator for &'a Directives {
    type Item = Verdict<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<DirectiveResult> for Directives {
    fn from_iter<I: IntoIterator<Item = DirectiveResult>>(directives: I) -> Directives {
        let mut all = Directives::default();
        directives.into_iter().for_each(|directive| all.push(directive));
        all
    }
}

impl fmt::Debug for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// The serialised form of [`Directives`], for other processes.
#[derive(Serialize, Deserialize)]
struct Written {
    /// The codes in base 64.
    codes: String,
    whole: Vec<DirectiveResult>,
    #[serde(default)]
    unlisted: Unlisted,
}

impl Unlisted {
    fn add(&mut self, other: &Unlisted) {
        self.counts += other.counts;
        self.aside += other.aside;
        self.worst = self.worst.max(other.worst);
    }
}

impl Serialize for Directives {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (codes, whole) = (BASE64.encode(&self.codes), self.whole.clone());
        Written { codes, whole, unlisted: *self.unlisted }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Directives {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Directives, D::Error> {
        let Written { codes, whole, unlisted } = Written::deserialize(deserializer)?;
        let codes = BASE64.decode(codes.as_bytes()).map_err(D::Error::custom)?;
        // Everything else is derived from these; invalid codes are an error.
        let read = Directives { codes, whole, ..Directives::default() };
        let mut iter = read.iter();
        let mut all: Directives = iter.by_ref().map(Verdict::to_owned).collect();
        all.unlisted.add(&unlisted);
        let Mark { code, whole, .. } = iter.at;
        if code != read.codes.len() || whole != read.whole.len() {
            return Err(D::Error::custom("invalid codes of directives"));
        }
        Ok(all)
    }
}

/// Adds a number in LEB128.
fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let (mut number, mut shift) = (0usize, 0);
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if shift >= usize::BITS {
            return None;
        }
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Failure, FailureKind};

    fn directive(line: usize, column: usize, outcome: Outcome) -> DirectiveResult {
        let place = Place { line, column };
        let (text_not_compared, reader_only) = (line.is_multiple_of(3), line.is_multiple_of(5));
        let keyword = "assert_return".into();
        DirectiveResult { place, keyword, outcome, text_not_compared, reader_only, coarse: false }
    }

    fn several(count: usize) -> Vec<DirectiveResult> {
        let outcome = |number: usize| match number % 700 {
            13 => Outcome::Failed(Failure::new(FailureKind::NotRun, "why").into()),
            14 => Outcome::Skipped("why".to_owned()),
            _ => Outcome::Passed,
        };
        (0..count)
            .map(|number| DirectiveResult {
                coarse: number.is_multiple_of(77),
                ..directive(1 + number / 2 * 40, 1 + number % 2 * 300, outcome(number))
            })
            .collect()
    }

    fn shown(directives: &[DirectiveResult]) -> String {
        format!("{directives:?}")
    }

    #[test]
    fn results_survive_serialisation() {
        let mut all = several(5000);
        // Unknown keywords, and lines before the previous one, are kept too.
        all.push(DirectiveResult { keyword: "other".to_owned().into(), ..directive(7, 1, Outcome::Passed) });
        let kept: Directives = all.iter().cloned().collect();
        assert_eq!(kept.len(), 5001);
        let again: Vec<DirectiveResult> = kept.iter().map(Verdict::to_owned).collect();
        assert_eq!(shown(&again), shown(&all));
        let sent: Directives = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
        assert_eq!(shown(&sent.iter().map(Verdict::to_owned).collect::<Vec<_>>()), shown(&all));
        let counts: Counts = all.iter().map(|directive| directive.outcome.word()).collect();
        assert_eq!((kept.counts(), sent.counts()), (counts, counts));
        let count = |is: fn(&DirectiveResult) -> bool| all.iter().filter(|directive| is(directive)).count();
        assert_eq!(sent.text_not_compared(), count(|directive| directive.text_not_compared));
        assert_eq!(sent.reader_only(), count(|directive| directive.reader_only));
    }

    #[test]
    fn a_pass_takes_a_few_bytes() {
        let kept: Directives = (1..=100_000).map(|line| directive(line, 1, Outcome::Passed)).collect();
        assert_eq!((kept.codes.len(), kept.whole.len()), (300_000, 0));
    }

    #[test]
    fn lines_are_found() {
        let all = several(5000);
        let kept: Directives = all.iter().cloned().collect();
        for line in [0, 1, 2, 41, 20_441, 20_481, 40_961, 99_961, 99_962] {
            let there: Vec<_> = all.iter().filter(|one| one.place.line == line).cloned().collect();
            let found: Vec<_> = kept.on_line(line).iter().map(Verdict::to_owned).collect();
            assert_eq!(shown(&found), shown(&there), "{line}");
        }
    }

    #[test]
    fn invalid_codes_are_rejected() {
        for written in [
            r#"{"codes":"!","whole":[]}"#,
            r#"{"codes":"/w==","whole":[]}"#,
            r#"{"codes":"Pw==","whole":[]}"#,
            r#"{"codes":"AIA=","whole":[]}"#,
            r#"{"codes":"PgEB","whole":[]}"#,
            r#"{"codes":"AP////////////8BAQ==","whole":[]}"#,
        ] {
            assert!(serde_json::from_str::<Directives>(written).is_err(), "{written}");
        }
    }
}
