//! Violations of the binary grammar.

use wassay_terms::Rule;

/// The result of parsing: a value, or the first violation of the grammar.
pub(super) type Parsed<T> = Result<T, Fault>;

/// A violation of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The violated rule.
    pub(crate) rule: Rule,
    /// The violated rule as another version of the grammar names it, which has an integer where
    /// this one has a byte, or vice versa.
    pub(crate) also: Option<Rule>,
    /// The offset in the module's bytes.
    pub(crate) offset: usize,
}

impl Fault {
    pub(super) fn new(rule: Rule, offset: usize) -> Fault {
        Fault { rule, also: None, offset }
    }

    /// Adds the rule as another version of the grammar names it.
    pub(super) fn or(self, also: Option<Rule>) -> Fault {
        Fault { also, ..self }
    }
}
