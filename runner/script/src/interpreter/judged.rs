//! How far directives are judged.

/// How far a directive that passes was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judged {
    /// In all it says.
    Fully,
    /// By the kind of an error; the table knows nothing of its text.
    ByKindAlone,
    /// By an error whose kind the engine does not tell apart from others.
    Coarsely,
}
