//! What a check of an adapter found.

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The description of the check.
    pub what: String,
    /// The verdict.
    pub verdict: Verdict,
}

/// The verdict of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Passed.
    Good,
    /// Allowed, with this disadvantage.
    Note(String),
    /// Failed.
    Bad {
        /// What happened.
        why: String,
        /// How to fix it.
        fix: String,
    },
}

impl Finding {
    pub(super) fn good(what: &str) -> Finding {
        Finding { what: what.to_owned(), verdict: Verdict::Good }
    }

    pub(super) fn note(what: &str, note: impl Into<String>) -> Finding {
        Finding { what: what.to_owned(), verdict: Verdict::Note(note.into()) }
    }

    pub(super) fn bad(what: &str, why: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { what: what.to_owned(), verdict: Verdict::Bad { why: why.into(), fix: fix.into() } }
    }
}
