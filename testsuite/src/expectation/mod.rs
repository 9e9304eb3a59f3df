//! Expectations: directives and WASI cases that fail or are not run, each with the reason.
//!
//! A file of expectations is TOML:
//!
//! ```text
//! [[expected]]
//! suite = "proposals/mutable-global"  # the suite of the script; default: all suites of the run
//! script = "linking.wast"             # the script's name in the suite, or a glob: "simd/*.wast"
//! key = "b261bd087095"                # the key of the directive
//! line = 17                           # its line and text; only for readers if there is a key
//! text = '(assert_unlinkable (module …'
//! outcome = "xfail"                   # run and expected to fail; or "skip": not run
//! reason = "a later version of the specification says otherwise"
//! link = "https://..."                # optional: where to read more
//! ```
//!
//! The fields of an entry select the directives that it applies to:
//!
//! | fields | directives |
//! |---|---|
//! | `key` | the directive with this key, on any line |
//! | `line`, `text` or both, no `key` | those on this line and with this text; `…` at the end matches the rest |
//! | `script`, none of these | all directives of the script, or of all scripts that the glob matches |
//! | only `kind` | all directives of the suite |
//! | `kind` with any of these | those of the above that fail with this kind |
//!
//! A WASI case is selected by its name or a glob, in `case`, which is another name of `script`, and
//! by `kind`. It has no directives, so `key`, `line` and `text` cannot be used. It fails as expected
//! if entries cover each of its failures.
//!
//! A key is 12 hexadecimal digits, a hash of the tokens of the directive and of the number of equal
//! directives before it. It stays the same when lines shift. A `kind` is the name of a failure as
//! in reports, or its first words: `invalid-instead` matches `invalid-instead-of-malformed`.
//! Timeouts and crashes are only covered by entries with that `kind`, which then also cover the
//! directives that were not run because of it. In a glob, `*` does not match `/`, and `**` does.
//!
//! Expectations must be met. An entry for single directives fails the run if such a directive
//! passes or does not exist. Any other entry fails a complete run in which none of its directives
//! failed as expected. Entries for suites that are not part of the run are ignored.

mod document;
mod entry;

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Spanned;

pub use self::document::{Added, AddedDirective, Document, DocumentError, HEAD};
pub use self::entry::Entry;
use self::entry::Raw;
use crate::suite::Suite;

/// An expectation for directives of one script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// Which directives it applies to.
    pub target: Target,
    /// The expected kind of failure; `None` for any except those that end the script.
    pub kind: Option<String>,
    /// The expected outcome.
    pub outcome: Expected,
    /// The reason, with the link if there is one.
    pub reason: String,
    /// The entry that it comes from.
    pub origin: Origin,
}

/// The directives of a script that an expectation applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The directive with this key.
    Key(String),
    /// The directives on a line, with a text, or both.
    Directive {
        /// The line, from 1.
        line: Option<usize>,
        /// The text, with single spaces; a prefix if it ends in `…`.
        text: Option<String>,
    },
    /// All directives.
    All,
}

/// The expected outcome of a directive, if it is not to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// The directive is run and fails.
    Xfail,
    /// The directive is not run.
    Skip,
}

/// The position of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The name of the file, for messages.
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
    /// Whether it applies to no directive in particular, so that a directive that passes is not an
    /// unexpected pass.
    pub fn is_broad(&self) -> bool {
        self.target == Target::All
    }

    /// Creates an expectation to skip all directives, without a reason.
    pub fn skip() -> Expectation {
        let (target, outcome, reason) = (Target::All, Expected::Skip, String::new());
        Expectation { target, kind: None, outcome, reason, origin: Origin { file: String::new(), line: 0 } }
    }

    /// Whether it covers a failure of this kind. `is_end` is true if the script ended with or
    /// before the failure.
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

/// The kind of directives that were not reached, and the kinds of failures that end a script.
const NOT_RUN: &str = "not-run";
const ENDS: [&str; 2] = ["timeout", "crashed"];

impl Target {
    /// Whether it applies to a directive with this key, start line and text.
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

/// The text of a directive on one line, with single spaces.
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
    /// The entries in order.
    pub entries: Vec<Entry>,
}

/// An invalid file of expectations.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {message}")]
pub struct ExpectationError {
    /// The name of the file, for messages.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The problem, and what was expected.
    pub message: String,
}

/// The file as raw_file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default, rename = "expected")]
    entries: Vec<Spanned<Raw>>,
}

impl Expectations {
    /// Parses a file of expectations. `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is invalid TOML, or if an entry is invalid, selects every
    /// directive, has an empty reason, or repeats another one.
    pub fn parse(file: &str, text: &str) -> Result<Expectations, ExpectationError> {
        let line_of = |offset: usize| text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
        let bad = |line: usize, message: String| ExpectationError { file: file.to_owned(), line, message };
        let raw_file: RawFile = toml::from_str(text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            bad(line_of(error.span().map_or(0, |span| span.start)), message)
        })?;
        let mut seen = HashSet::new();
        let mut entries = Vec::with_capacity(raw_file.entries.len());
        for raw in raw_file.entries {
            let line = line_of(raw.span().start);
            let origin = Origin { file: file.to_owned(), line };
            let entry = Entry::new(raw.into_inner(), origin).map_err(|message| bad(line, message))?;
            if !seen.insert(entry.subject()) {
                return Err(bad(line, format!("duplicate entry for {entry}")));
            }
            entries.push(entry);
        }
        Ok(Expectations { entries })
    }

    /// The expectations for the directives of a script, or for a WASI case, in the order of the
    /// file.
    pub fn of(&self, suite: &Suite, case: &str) -> Vec<Expectation> {
        let of_case = self.entries.iter().filter(|entry| entry.applies_to(suite, case));
        of_case.map(Entry::expectation).collect()
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

    /// Parses a file whose first entry has these lines.
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
    fn an_invalid_file_is_an_error_with_its_line() {
        let message = |from: &str, to: &str| parsed(&FILE.replace(from, to)).unwrap_err().to_string();
        assert!(
            message("key = \"0", "key = \"x")
                .starts_with("e.toml:2: invalid key `x123456789ab`: expected 12 ")
        );
        assert!(message("\"slow\"", "\" \"").starts_with("e.toml:10: empty `reason`"));
        assert!(
            message("suite = \"scripts\"\n", "")
                .starts_with("e.toml:9: duplicate entry for a.wast 0123456789ab")
        );
        assert!(message("\"skip\"", "\"fail\"").starts_with("e.toml:13: unknown variant `fail`"));
        assert!(message("link", "url").starts_with("e.toml:8: unknown field `url`"));
        assert!(message("reason = \"slow\"", "").contains("missing field `reason`"));
        assert!(message("[[", "[").starts_with("e.toml:2: "));
    }

    #[test]
    fn entries_must_select_some_directives() {
        for (lines, message) in [
            ("suite = \"s\"", "add `script`, `kind` or both"),
            (
                "script = \"*.wast\"\nkey = \"0123456789ab\"",
                "require `script` with the name of a script, not a glob",
            ),
            ("line = 3", "require `script`"),
            ("kind = \"trap\"\ntext = \"(x)\"", "require `script`"),
            ("script = \"a.wast\"\nline = 0", "lines are counted from 1"),
            ("script = \"a.wast\"\ntext = \" \"", "empty `text`"),
            ("script = \"a[.wast\"", "invalid glob"),
            ("kind = \"\"", "empty `kind`"),
        ] {
            let error = entry(lines).unwrap_err();
            assert!(error.starts_with("e.toml:1: ") && error.contains(message), "{lines}: {error}");
        }
        let skip = "[[expected]]\nkind = \"trap\"\noutcome = \"skip\"\nreason = \"r\"\n";
        assert!(parsed(skip).unwrap_err().message.contains("a skipped directive does not fail"));
    }

    #[test]
    fn a_star_in_a_glob_does_not_match_a_slash() {
        let suite = catalogue::find("scripts").unwrap();
        let matches = |glob: &str, script: &str| {
            entry(&format!("script = \"{glob}\"")).unwrap().applies_to(suite, script)
        };
        assert!(matches("simd/*.wast", "simd/a.wast") && !matches("simd/*.wast", "simd/b/a.wast"));
        assert!(matches("simd/**", "simd/b/a.wast") && !matches("simd/**", "gc/a.wast"));
        assert!(matches("{a,b}.wast", "b.wast") && matches("a.wast", "a.wast") && !matches("a", "a.wast"));
    }

    #[test]
    fn a_kind_may_be_the_first_words_of_a_name() {
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
    fn directives_are_selected_by_line_and_text() {
        let is = |line: Option<usize>, text: Option<&str>| {
            let text = text.map(str::to_owned);
            Target::Directive { line, text }.is("", 3, "(invoke\n  \"f\")")
        };
        assert!(is(Some(3), None) && !is(Some(4), None));
        assert!(is(None, Some("(invoke \"f\")")) && is(Some(3), Some("(invoke …")));
        assert!(!is(None, Some("(invoke")) && !is(Some(4), Some("(invoke \"f\")")));
    }
}
