//! Whether bytes are a valid module, an invalid one, or none at all.

use crate::rule::Rule;

/// What the specification makes of the bytes of a module, under a feature set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Classification {
    /// They are a valid module (core spec, section 3.5).
    Valid,
    /// Not a module: the binary grammar (chapter 5) of the feature set does not derive the bytes.
    Malformed {
        /// The rule of the grammar.
        rule: Rule,
        /// The rule in the words of another version of the grammar, which reads an integer where this one reads a byte.
        also: Option<Rule>,
        /// The offset of the first byte that is not derived.
        offset: u64,
    },
    /// They are a module that breaks a rule of validation (chapter 3).
    Invalid {
        /// The rule; [`Rule::Other`] where it has no name here.
        rule: Rule,
        /// The offset at which it is broken.
        offset: u64,
    },
    /// They are a module that is too large for the engine to tell (appendix "Implementation Limitations").
    BeyondLimits {
        /// The offset at which the limit is passed.
        offset: u64,
    },
}
