//! What the grammar does not derive.

use wassay_terms::Rule;

/// What reading gives: a value, or where the grammar does not derive the bytes.
pub(super) type Parsed<T> = Result<T, Fault>;

/// The first place that the grammar does not derive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The rule.
    pub(crate) rule: Rule,
    /// The same in the words of another version of the grammar, which reads an integer where this
    /// one reads a byte, or the other way round.
    pub(crate) also: Option<Rule>,
    /// The offset in the module's bytes.
    pub(crate) offset: usize,
}

impl Fault {
    pub(super) fn new(rule: Rule, offset: usize) -> Fault {
        Fault { rule, also: None, offset }
    }

    /// The fault with its name in another version.
    pub(super) fn or(self, also: Option<Rule>) -> Fault {
        Fault { also, ..self }
    }
}
