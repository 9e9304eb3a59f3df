//! The versions of the text grammar.

use wassay_terms::Features;

use crate::wanted::advice;

/// The features that add forms to the grammar.
const GROWING: [&str; 3] = ["compact-import-section", "acquire-release-atomics", "shared-everything-threads"];

/// A version of the grammar of modules in the text format, as far as two of them derive what the
/// other does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grammar {
    /// That of version 1.0 and of what was proposed on top of it: a segment may name its memory or
    /// table by an index alone. Later versions have `(memory x)` or `(table x)` there (core spec,
    /// sections 6.6.7 and 6.6.8).
    pub(super) is_first: bool,
    /// With what may be `shared` (proposal of shared-everything threads).
    pub(super) shared: bool,
    /// With `item` in imports (proposal of compact imports).
    pub(super) import_groups: bool,
    /// With the orderings of atomic accesses (proposal of acquire-release atomics).
    pub(super) orderings: bool,
    /// The features that it was made for, if it was made for features.
    features: Option<Features>,
}

impl Grammar {
    /// The grammar of version 1.0.
    pub const FIRST: Grammar =
        Grammar { is_first: true, shared: false, import_groups: false, orderings: false, features: None };

    /// The grammar of the current version.
    pub const CURRENT: Grammar = Grammar { is_first: false, ..Grammar::FIRST };

    /// The grammar that scripts with these features are written in.
    pub fn of(features: Features) -> Self {
        let shared = features.contains("shared-everything-threads");
        Grammar {
            // Reference types changed it.
            is_first: !features.contains("reference-types"),
            shared,
            import_groups: features.contains("compact-import-section"),
            orderings: shared || features.contains("acquire-release-atomics"),
            features: Some(features),
        }
    }

    /// A hint on how to enable the feature whose grammar satisfies `will_do`; `None` if none of
    /// those that change the grammar does.
    pub(super) fn hint(self, will_do: impl Fn(Grammar) -> bool) -> Option<String> {
        let given = self.features?;
        let missing = GROWING.into_iter().find(|name| {
            let mut more = given;
            !given.contains(name) && more.set(name, true) && will_do(Grammar::of(more))
        })?;
        Some(advice(given, &[missing]))
    }
}
