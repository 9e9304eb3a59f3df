//! What is expected of the directives of scripts besides that they pass, each with the reason why.
//!
//! A file of expectations is TOML:
//!
//! ```text
//! [[expected]]
//! suite = "proposals/mutable-global"   # the suite of the script; without it, every suite of the run
//! script = "linking.wast"              # the name of the script in the suite, or a glob such as "simd/*.wast"
//! key = "b261bd087095"                 # the directive, by its key
//! line = 17                            # where it stood, and what it says: for the reader where there is a key
//! text = '(assert_unlinkable (module …'
//! outcome = "xfail"                    # it is run and fails; or "skip": it is not run
//! reason = "a later version of the specification says otherwise"
//! link = "https://..."                 # where to read more; may be left out
//! ```
//!
//! What an entry is about follows from what it gives:
//!
//! | given | is about |
//! |---|---|
//! | `key` | the directive with this key, whatever line it is on |
//! | `line`, `text` or both, no `key` | the directives that begin on the line and say this; a text that ends in `…` is a beginning |
//! | `script`, none of these | all directives of the script, or of all scripts that the glob matches |
//! | `kind` alone | all directives of the suite |
//! | `kind` besides | of the directives above, those that fail in this way |
//!
//! A key is twelve hexadecimal digits, from the tokens of the directive and the number of directives before it that have the same. Lines
//! may shift, the key stays. A `kind` is the name of a failure as reports have it, or the words that it begins with: `invalid-instead` is
//! also `invalid-instead-of-malformed`. A timeout or a crash is expected only by an entry with that `kind`, which then also covers the
//! directives that were not run because of it. In a glob `*` stays within a folder, and `**` does not.
//!
//! What is expected has to happen. An entry about single directives fails the run where such a directive passes, or does not exist. Any
//! other fails a complete run in which none of its directives failed so. Entries about suites that are not run are left alone.

mod document;
mod entry;

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Spanned;

pub use self::document::{Added, Document, DocumentError, HEAD};
pub use self::entry::Entry;
use self::entry::Raw;
use crate::suite::Suite;

/// What is expected of directives of one script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// Which directives.
    pub target: Target,
    /// The kind of failure that is expected; any but the end of the script where there is none.
    pub kind: Option<String>,
    /// What is expected.
    pub outcome: Expected,
    /// Why, and where to read more.
    pub reason: String,
    /// The entry it comes from.
    pub origin: Origin,
}

/// Which directives of a script an expectation is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The one with this key.
    Key(String),
    /// Those that begin on a line, or say something, or both.
    Directive {
        /// The line, from 1.
        line: Option<usize>,
        /// The text, with one blank where there were several; a beginning where it ends in `…`.
        text: Option<String>,
    },
    /// All.
    All,
}

/// What can be expected of a directive, besides that it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// It is run and fails.
    Xfail,
    /// It is not run.
    Skip,
}

/// Where an entry begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The name that the reader of the file has for it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Expectation {
    /// Whether it is about no directive in particular, so that one which passes is not an unexpected pass.
    pub fn is_broad(&self) -> bool {
        self.target == Target::All
    }

    /// That a directive is not run, for no reason that is told.
    pub fn skip() -> Expectation {
        let (target, outcome, reason) = (Target::All, Expected::Skip, String::new());
        Expectation { target, kind: None, outcome, reason, origin: Origin { file: String::new(), line: 0 } }
    }

    /// Whether it covers a failure of this kind. `is_end` says that the script ended with the failure or before it.
    pub fn covers(&self, kind: &str, is_end: bool) -> bool {
        match self.kind.as_deref() {
            None => !is_end,
            Some(expected) if is_end => kind == expected || kind == NOT_RUN && ENDS.contains(&expected),
            Some(expected) => {
                kind.strip_prefix(expected).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            }
        }
    }
}

/// The kind of a directive that was not reached, and the kinds of failure after which others are not reached.
const NOT_RUN: &str = "not-run";
const ENDS: [&str; 2] = ["timeout", "crashed"];

impl Target {
    /// Whether it is a directive with this key, that begins on this line and has this text.
    pub fn is(&self, key: &str, line: usize, text: &str) -> bool {
        match self {
            Target::Key(expected) => expected == key,
            Target::Directive { line: expected, text: begin } => {
                expected.is_none_or(|expected| expected == line)
                    && begin.as_deref().is_none_or(|begin| is_text(begin, text))
            }
            Target::All => true,
        }
    }
}

/// The text of a directive in one line: each run of blanks and line ends is one blank.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_text(expected: &str, text: &str) -> bool {
    let text = one_line(text);
    match expected.strip_suffix('…') {
        Some(begin) => text.starts_with(begin.trim_end()),
        None => text == expected,
    }
}

/// A file of expectations.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    /// Its entries, in order.
    pub entries: Vec<Entry>,
}

/// A file of expectations that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {message}")]
pub struct ExpectationError {
    /// The name that the caller has for the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "expected")]
    entries: Vec<Spanned<Raw>>,
}

impl Expectations {
    /// Reads a file of expectations; `file` is what messages call it.
    ///
    /// # Errors
    ///
    /// It is not such a TOML file, an entry is about nothing or is unclear, a reason is empty, or two entries are about the same.
    pub fn parse(file: &str, text: &str) -> Result<Expectations, ExpectationError> {
        let line_of = |offset: usize| text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
        let bad = |line: usize, message: String| ExpectationError { file: file.to_owned(), line, message };
        let written: Written = toml::from_str(text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            bad(line_of(error.span().map_or(0, |span| span.start)), message)
        })?;
        let mut seen = HashSet::new();
        let mut entries = Vec::with_capacity(written.entries.len());
        for raw in written.entries {
            let line = line_of(raw.span().start);
            let origin = Origin { file: file.to_owned(), line };
            let entry = Entry::new(raw.into_inner(), origin).map_err(|message| bad(line, message))?;
            if !seen.insert(entry.subject()) {
                return Err(bad(line, format!("{entry} is there twice")));
            }
            entries.push(entry);
        }
        Ok(Expectations { entries })
    }

    /// What is expected of the directives of a script, in the order of the file.
    pub fn of(&self, suite: &Suite, script: &str) -> Vec<Expectation> {
        let of_script = self.entries.iter().filter(|entry| entry.is_of(suite, script));
        of_script.map(Entry::expectation).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    const FILE: &str = "# why\n[[expected]]\nsuite = \"scripts\"\nscript = \"a.wast\"\nkey = \"0123456789ab\"\noutcome = \"xfail\"\n\
        reason = \"stale\"\nlink = \"about:it\"\n\n[[expected]]\nscript = \"a.wast\"\nkey = \"0123456789ab\"\n\
        outcome = \"skip\"\nreason = \"slow\"\n";

    fn parsed(text: &str) -> Result<Expectations, ExpectationError> {
        Expectations::parse("e.toml", text)
    }

    /// The first entry of a file with these lines.
    fn entry(lines: &str) -> Result<Entry, String> {
        let text = format!("[[expected]]\n{lines}\noutcome = \"xfail\"\nreason = \"r\"\n");
        parsed(&text).map(|mut file| file.entries.remove(0)).map_err(|error| error.to_string())
    }

    #[test]
    fn expectations_are_found_by_suite_and_script() {
        let file = parsed(FILE).unwrap();
        let of = |suite, script| {
            let expected = file.of(catalogue::find(suite).unwrap(), script);
            expected.into_iter().map(|e| (e.outcome, e.reason, e.origin.line)).collect::<Vec<_>>()
        };
        let (stale, slow) =
            ((Expected::Xfail, "stale (about:it)".to_owned(), 2), (Expected::Skip, "slow".to_owned(), 10));
        assert_eq!(of("scripts", "a.wast"), [stale, slow.clone()]);
        assert_eq!(of("spec", "a.wast"), [slow]);
        assert_eq!(of("scripts", "b.wast"), []);
        assert!(parsed("").unwrap().entries.is_empty());
    }

    #[test]
    fn a_file_that_is_not_understood_is_named_with_the_line() {
        let message = |from: &str, to: &str| parsed(&FILE.replace(from, to)).unwrap_err().to_string();
        assert!(
            message("key = \"0", "key = \"x")
                .starts_with("e.toml:2: `x123456789ab` is not a key: expected twelve")
        );
        assert!(message("\"slow\"", "\" \"").starts_with("e.toml:10: the reason is empty"));
        assert!(
            message("suite = \"scripts\"\n", "").starts_with("e.toml:9: a.wast 0123456789ab is there twice")
        );
        assert!(message("\"skip\"", "\"fail\"").starts_with("e.toml:13: unknown variant `fail`"));
        assert!(message("link", "url").starts_with("e.toml:8: unknown field `url`"));
        assert!(message("reason = \"slow\"", "").contains("missing field `reason`"));
        assert!(message("[[", "[").starts_with("e.toml:2: "));
    }

    #[test]
    fn an_entry_says_enough_and_no_more_than_can_be_meant() {
        for (lines, message) in [
            ("suite = \"s\"", "expected `script`, `kind` or both"),
            ("script = \"*.wast\"\nkey = \"0123456789ab\"", "expected one script by its name"),
            ("line = 3", "expected `script`"),
            ("kind = \"trap\"\ntext = \"(x)\"", "expected `script`"),
            ("script = \"a.wast\"\nline = 0", "lines are counted from 1"),
            ("script = \"a.wast\"\ntext = \" \"", "the text is empty"),
            ("script = \"a[.wast\"", "not a glob"),
            ("kind = \"\"", "the kind is empty"),
        ] {
            let error = entry(lines).unwrap_err();
            assert!(error.starts_with("e.toml:1: ") && error.contains(message), "{lines}: {error}");
        }
        let skip = "[[expected]]\nkind = \"trap\"\noutcome = \"skip\"\nreason = \"r\"\n";
        assert!(parsed(skip).unwrap_err().message.contains("known only after a run"));
    }

    #[test]
    fn a_glob_stays_within_a_folder_unless_it_says_otherwise() {
        let suite = catalogue::find("scripts").unwrap();
        let matches =
            |glob: &str, script: &str| entry(&format!("script = \"{glob}\"")).unwrap().is_of(suite, script);
        assert!(matches("simd/*.wast", "simd/a.wast") && !matches("simd/*.wast", "simd/b/a.wast"));
        assert!(matches("simd/**", "simd/b/a.wast") && !matches("simd/**", "gc/a.wast"));
        assert!(matches("{a,b}.wast", "b.wast") && matches("a.wast", "a.wast") && !matches("a", "a.wast"));
    }

    #[test]
    fn a_kind_is_a_name_or_its_first_words() {
        let covers = |kind: Option<&str>, failure: &str, is_end: bool| {
            let target = Target::All;
            let origin = Origin { file: String::new(), line: 1 };
            let (outcome, reason, kind) = (Expected::Xfail, String::new(), kind.map(str::to_owned));
            Expectation { target, kind, outcome, reason, origin }.covers(failure, is_end)
        };
        assert!(covers(None, "wrong-value", false) && !covers(None, "timeout", true));
        assert!(covers(Some("invalid-instead"), "invalid-instead-of-malformed", false));
        assert!(!covers(Some("invalid-inst"), "invalid-instead-of-malformed", false));
        assert!(covers(Some("timeout"), "timeout", true) && covers(Some("timeout"), "not-run", true));
        assert!(!covers(Some("timeout"), "crashed", true) && !covers(Some("not"), "not-run", true));
    }

    #[test]
    fn a_directive_is_known_by_line_and_text() {
        let is = |line: Option<usize>, text: Option<&str>| {
            let text = text.map(str::to_owned);
            Target::Directive { line, text }.is("", 3, "(invoke\n  \"f\")")
        };
        assert!(is(Some(3), None) && !is(Some(4), None));
        assert!(is(None, Some("(invoke \"f\")")) && is(Some(3), Some("(invoke …")));
        assert!(!is(None, Some("(invoke")) && !is(Some(4), Some("(invoke \"f\")")));
    }
}
