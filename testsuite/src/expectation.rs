//! Directives that are expected to fail, or that are not to be run, each with the reason why.
//!
//! An expectation is about one directive, which it names by its key: twelve hexadecimal digits, from the tokens of the directive and the
//! number of directives before it that have the same. Lines may shift, the key stays. A file of expectations is TOML:
//!
//! ```text
//! [[expected]]
//! suite = "proposals/mutable-global"   # the suite that the script is in; without it, any
//! script = "linking.wast"              # the name of the script in the suite
//! key = "b261bd087095"                 # the directive
//! outcome = "xfail"                    # it is run and fails; or "skip": it is not run
//! reason = "a later version of the specification says otherwise"
//! link = "https://..."                 # where to read more; may be left out
//! ```
//!
//! What is expected has to happen: a directive that passes though it is expected to fail, and an expectation that is about no directive of
//! its script, fail the run.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is expected of one directive of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// The key of the directive.
    pub key: String,
    /// What is expected.
    pub outcome: Expected,
    /// Why, and where to read more.
    pub reason: String,
}

/// What can be expected of a directive, besides that it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// It is run and fails.
    Xfail,
    /// It is not run.
    Skip,
}

/// A file of expectations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Its entries, in order.
    #[serde(default, rename = "expected", skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

/// An expectation with the script that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The suite of the script; `None` for the script of any suite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// The name of the script in its suite.
    pub script: String,
    /// The key of the directive.
    pub key: String,
    /// What is expected.
    pub outcome: Expected,
    /// Why.
    pub reason: String,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
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

impl Expectations {
    /// Reads a file of expectations; `file` is what messages call it.
    ///
    /// # Errors
    ///
    /// It is not such a TOML file, a key is none, a reason is empty, or two entries are about the same directive.
    pub fn parse(file: &str, text: &str) -> Result<Expectations, ExpectationError> {
        let parsed: Expectations = toml::from_str(text).map_err(|error| {
            let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            ExpectationError { file: file.to_owned(), line: before.matches('\n').count() + 1, message }
        })?;
        for (at, entry) in parsed.entries.iter().enumerate() {
            let twice = parsed.entries.iter().take(at).any(|other| other.is_about_same(entry));
            let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            let message = if entry.key.len() != 12 || !entry.key.bytes().all(is_digit) {
                format!("`{}` is no key: expected twelve hexadecimal digits in lower case", entry.key)
            } else if entry.reason.trim().is_empty() {
                "the reason is empty: expected a text that says why this is expected".to_owned()
            } else if twice {
                format!("{entry} is there twice")
            } else {
                continue;
            };
            return Err(ExpectationError { file: file.to_owned(), line: line_of_entry(text, at), message });
        }
        Ok(parsed)
    }

    /// What is expected of the directives of a script, in the order of the file.
    pub fn of<'a>(&'a self, suite: &'a str, script: &'a str) -> impl Iterator<Item = Expectation> + 'a {
        self.entries.iter().filter(move |entry| entry.is_of(suite, script)).map(Entry::expectation)
    }

    /// The file of these entries, with a comment before them.
    ///
    /// # Errors
    ///
    /// An entry cannot be written as TOML.
    pub fn render(&self) -> Result<String, toml::ser::Error> {
        let entries = toml::to_string(self)?;
        Ok(format!(
            "# Directives that are expected to fail or are not run, each with the reason why.\n\n{entries}"
        ))
    }
}

impl Entry {
    /// Whether it is about a directive of this script.
    pub fn is_of(&self, suite: &str, script: &str) -> bool {
        self.script == script && self.suite.as_deref().is_none_or(|name| name == suite)
    }

    fn is_about_same(&self, other: &Entry) -> bool {
        (&self.suite, &self.script, &self.key) == (&other.suite, &other.script, &other.key)
    }

    fn expectation(&self) -> Expectation {
        let link = self.link.as_ref().map(|link| format!(" ({link})")).unwrap_or_default();
        Expectation { key: self.key.clone(), outcome: self.outcome, reason: format!("{}{link}", self.reason) }
    }
}

impl fmt::Display for Entry {
    /// The script and the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.suite {
            Some(suite) => write!(f, "{suite}::{} {}", self.script, self.key),
            None => write!(f, "{} {}", self.script, self.key),
        }
    }
}

/// The line on which an entry begins.
fn line_of_entry(text: &str, entry: usize) -> usize {
    let begins = |(_, line): &(usize, &str)| line.trim_start().starts_with("[[");
    text.lines().enumerate().filter(begins).nth(entry).map_or(1, |(line, _)| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# why\n[[expected]]\nsuite = \"s\"\nscript = \"a.wast\"\nkey = \"0123456789ab\"\noutcome = \"xfail\"\n\
        reason = \"stale\"\nlink = \"about:it\"\n\n[[expected]]\nscript = \"a.wast\"\nkey = \"0123456789ab\"\n\
        outcome = \"skip\"\nreason = \"slow\"\n";

    #[test]
    fn expectations_are_found_by_suite_and_script() {
        let file = Expectations::parse("e.toml", FILE).unwrap();
        let of = |suite, script| file.of(suite, script).map(|e| (e.outcome, e.reason)).collect::<Vec<_>>();
        let (stale, slow) =
            ((Expected::Xfail, "stale (about:it)".to_owned()), (Expected::Skip, "slow".to_owned()));
        assert_eq!(of("s", "a.wast"), [stale, slow.clone()]);
        assert_eq!(of("t", "a.wast"), [slow]);
        assert_eq!(of("s", "b.wast"), []);
        assert_eq!(Expectations::parse("e.toml", ""), Ok(Expectations::default()));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let file = Expectations::parse("e.toml", FILE).unwrap();
        assert_eq!(Expectations::parse("e.toml", &file.render().unwrap()), Ok(file));
        let empty = Expectations::default().render().unwrap();
        assert_eq!(Expectations::parse("e.toml", &empty), Ok(Expectations::default()));
    }

    #[test]
    fn a_file_that_is_not_understood_is_named_with_the_line() {
        let message = |from: &str, to: &str| {
            Expectations::parse("e.toml", &FILE.replace(from, to)).unwrap_err().to_string()
        };
        assert!(
            message("key = \"0", "key = \"x")
                .starts_with("e.toml:2: `x123456789ab` is no key: expected twelve")
        );
        assert!(message("\"slow\"", "\" \"").starts_with("e.toml:10: the reason is empty"));
        assert!(message("suite = \"s\"\n", "").starts_with("e.toml:9: a.wast 0123456789ab is there twice"));
        assert!(message("\"skip\"", "\"fail\"").starts_with("e.toml:13: unknown variant `fail`"));
        assert!(message("link", "url").starts_with("e.toml:8: unknown field `url`"));
        assert!(message("reason = \"slow\"", "").contains("missing field `reason`"));
        assert!(message("[[", "[").starts_with("e.toml:2: "));
    }
}
