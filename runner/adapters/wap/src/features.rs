//! Feature expressions, such as `3.0`, `3.0,threads` or `2.0,-reference-types,threads`.

use std::collections::BTreeSet;

/// What each version of the specification adds to the one before.
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

/// The features that a script is judged under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features(BTreeSet<String>);

impl Features {
    /// Reads an expression: a version, which stands for all that it has, then names to add or,
    /// after a `-`, to take away. A name that is not known is kept: an engine that does not know it
    /// either never asks for it.
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

    /// Whether the feature of this name is on.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
