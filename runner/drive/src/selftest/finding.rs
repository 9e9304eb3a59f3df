//! What a check of an adapter found.

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub what: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it has to be.
    Good,
    /// As it may be, which costs something: what.
    Note(String),
    /// Not as it has to be.
    Bad {
        /// What happened.
        why: String,
        /// What to do about it.
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
