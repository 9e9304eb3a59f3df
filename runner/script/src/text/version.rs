//! The versions of the text grammar.

use wassay_terms::Features;

/// A version of the grammar of modules in the text format, as far as two of them derive what the
/// other does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grammar {
    /// That of version 1.0 and of what was proposed on top of it: a segment may name its memory or
    /// table by an index alone.
    First,
    /// That of later versions: a segment names its memory or table as `(memory x)` or `(table x)`
    /// (core spec, sections 6.6.7 and 6.6.8).
    #[default]
    Current,
}

impl Grammar {
    /// The grammar that scripts with these features are written in: reference types changed it.
    pub fn of(features: Features) -> Self {
        if features.contains("reference-types") { Grammar::Current } else { Grammar::First }
    }
}
