//! Parses files of expectations.

use std::collections::HashSet;

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::entry::{Entry, Raw};
use super::model::Origin;

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
    entries: RawEntries,
}

/// Entries as written in a file.
pub(crate) type RawEntries = Vec<Spanned<Raw>>;

impl Expectations {
    /// Parses a file of expectations. `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is invalid TOML, or if an entry is invalid, selects every
    /// directive, has an empty reason, or repeats another one.
    pub fn parse(file: &str, text: &str) -> Result<Expectations, ExpectationError> {
        let bad = |line: usize, message: String| ExpectationError { file: file.to_owned(), line, message };
        let raw_file: RawFile = toml::from_str(text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            bad(line_of(text, error.span().map_or(0, |span| span.start)), message)
        })?;
        Expectations::of_entries(file, text, raw_file.entries)
    }

    /// Checks the entries that a file with this text contains.
    ///
    /// # Errors
    ///
    /// Those of [`Expectations::parse`] about single entries.
    pub(crate) fn of_entries(
        file: &str,
        text: &str,
        raw_entries: RawEntries,
    ) -> Result<Expectations, ExpectationError> {
        let line_of = |offset: usize| line_of(text, offset);
        let bad = |line: usize, message: String| ExpectationError { file: file.to_owned(), line, message };
        let mut seen = HashSet::new();
        let mut entries = Vec::with_capacity(raw_entries.len());
        for raw in raw_entries {
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
}

/// The line of an offset, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::super::model::Expected;
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
}
