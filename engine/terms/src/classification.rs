//! Whether the bytes of a module are valid, invalid or malformed.

use crate::rule::Rule;

/// The classification of a module's bytes under a feature set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Classification {
    /// A valid module (core spec, section 3.5).
    Valid,
    /// Malformed: the binary grammar (chapter 5) of the feature set does not derive the bytes.
    Malformed {
        /// The violated rule of the grammar.
        rule: Rule,
        /// The same violation as another version of the grammar names it, which has an integer
        /// where this one has a byte.
        also: Option<Rule>,
        /// The offset of the first grammar error.
        offset: u64,
    },
    /// Well-formed bytes that violate a rule of validation (chapter 3).
    Invalid {
        /// The violated rule, or [`Rule::Other`] if it has no name here.
        rule: Rule,
        /// The offset of the violation.
        offset: u64,
    },
    /// A module that exceeds the limits of the engine, so that it cannot be classified (appendix
    /// "Implementation Limitations").
    BeyondLimits {
        /// The offset at which the limit is exceeded.
        offset: u64,
    },
}
