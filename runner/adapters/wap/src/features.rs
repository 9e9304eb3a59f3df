//! Feature expressions, such as `3.0`, `3.0,threads` or `2.0,-reference-types,threads`.

use std::collections::BTreeSet;

/// The features that each version of the specification adds to the previous one.
const VERSIONS: &[(&str, &[&str])] = &[
    ("1.0", &["mutable-global"]),
    (
        "2.0",
        &[
            "saturating-float-to-int",
            "sign-extension",
            "multi-value",
            "bulk-memory",
            "reference-types",
            "simd",
        ],
    ),
    (
        "3.0",
        &[
            "relaxed-simd",
            "tail-call",
            "function-references",
            "extended-const",
            "multi-memory",
            "memory64",
            "exceptions",
            "gc",
        ],
    ),
];

/// The features of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features(BTreeSet<String>);

impl Features {
    /// Parses an expression: a version, which includes all its features, then names to add or,
    /// after a `-`, to remove. Unknown names are kept, since an engine that does not know them
    /// either never asks for them.
    pub fn parse(expression: &str) -> Self {
        let mut features = BTreeSet::new();
        for word in expression.split(',').filter(|word| !word.is_empty()) {
            if let Some(last) = VERSIONS.iter().position(|(version, _)| *version == word) {
                let names = VERSIONS[..=last].iter().flat_map(|(_, names)| *names);
                features.extend(names.map(|name| (*name).to_owned()));
            } else if let Some(name) = word.strip_prefix('-') {
                features.remove(name);
            } else {
                features.insert(word.to_owned());
            }
        }
        Self(features)
    }

    /// Whether the feature with this name is on.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
