//! How far directives are judged.

/// How completely a passing directive was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judged {
    /// Completely.
    Fully,
    /// By the kind of an error only; its text is not in the table.
    ByKindAlone,
    /// By an error whose kind the engine does not distinguish from others.
    Coarsely,
}
