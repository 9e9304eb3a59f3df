//! What an expectation says, and which directives it applies to.

use std::fmt;

use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
    use super::*;

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
