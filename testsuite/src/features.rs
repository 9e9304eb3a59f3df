//! Feature expressions.
//!
//! An expression is a version of the specification (`1.0`, `2.0` or `3.0`), which stands for its
//! complete feature set, followed by features to add or, with a leading `-`, to remove, separated
//! by commas: `2.0,-reference-types,threads`. They apply from left to right. The names, and what
//! they stand for, are defined by `wassay_terms::Features`.
//!
//! The feature set must be exact: with a feature too few, valid modules are rejected; with one too
//! many, modules that the script asserts to be malformed or invalid are accepted. A script does not
//! say which features it needs, so they come from the nearest [known folder](crate::folders).

/// The features of a script in no known folder and without a header.
pub const DEFAULT: &str = "3.0";

#[cfg(test)]
pub(crate) mod tests {
    use wassay_terms::Features;

    use super::*;

    /// Whether `expression` is a version followed by known names, each at most once.
    pub(crate) fn is_expression(expression: &str) -> bool {
        let mut words = expression.split(',');
        let version = words.next().is_some_and(|word| ["1.0", "2.0", "3.0"].contains(&word));
        let mut seen = Vec::new();
        version
            && words.all(|word| {
                let name = word.strip_prefix('-').unwrap_or(word);
                let new = !seen.contains(&name);
                seen.push(name);
                new && Features::names().any(|known| known == name)
            })
    }

    #[test]
    fn feature_expressions_are_recognised() {
        assert!(is_expression(DEFAULT) && is_expression("2.0,-reference-types,threads"));
        for other in ["3", "2.0,", "gc", "3.0,gc,-gc"] {
            assert!(!is_expression(other), "{other}");
        }
    }
}
