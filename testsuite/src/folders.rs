//! The features that a script gets from its folder.

use std::path::{Component, Path};

use crate::catalogue;

/// Folders of `proposals/` that are other names for a suite of the catalogue.
const MORE_PROPOSALS: &[(&str, &str)] = &[("bulk-memory-operations", "3.0"), ("exception-handling", "3.0")];

/// Folders that are named after a feature, anywhere in a path. Features of 3.0 are not in the list,
/// because they are enabled anyway.
const FEATURES: &[(&str, &str)] = &[
    ("threads", "3.0,threads"),
    ("custom-page-sizes", "3.0,custom-page-sizes"),
    ("wide-arithmetic", "3.0,wide-arithmetic"),
    ("custom-descriptors", "3.0,custom-descriptors"),
    ("stack-switching", "3.0,stack-switching"),
    ("compact-import-section", "3.0,compact-import-section"),
    ("compact-imports", "3.0,compact-import-section"),
    ("acquire-release-atomics", "3.0,threads,acquire-release-atomics"),
    ("multibyte-array-access", "3.0,multibyte-array-access"),
    ("shared-everything-threads", "3.0,threads,acquire-release-atomics,shared-everything-threads"),
    ("legacy", "3.0,legacy-exceptions"),
    ("legacy-exceptions", "3.0,legacy-exceptions"),
    ("legacy-eh", "3.0,legacy-exceptions"),
];

/// The prefix of folders that are named after an extension, as in `ext:threads`.
const EXTENSION: &str = "ext:";

/// The feature expression for the script `path`, by the nearest known folder above it:
/// `proposals/NAME` for the proposals of the catalogue, or the name of a feature that is not in
/// 3.0, such as `threads`, `stack_switching` or `ext:legacy-exceptions`. `None` if there is no
/// known folder. The name of the script itself is ignored.
pub fn of_folder(path: &Path) -> Option<&'static str> {
    let folders: Vec<&str> = path
        .parent()?
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_str().unwrap_or_default()),
            _ => None,
        })
        .collect();
    (0..folders.len()).rev().find_map(|at| {
        let is_proposal = at > 0 && folders[at - 1] == "proposals";
        is_proposal.then(|| of_proposal(folders[at])).flatten().or_else(|| of_feature(folders[at]))
    })
}

fn of_feature(folder: &str) -> Option<&'static str> {
    let name = folder.strip_prefix(EXTENSION).unwrap_or(folder).replace('_', "-");
    FEATURES.iter().find(|feature| feature.0 == name).map(|feature| feature.1)
}

fn of_proposal(name: &str) -> Option<&'static str> {
    let listed =
        catalogue::suites().iter().find(|suite| suite.name().strip_prefix("proposals/") == Some(name));
    let more = || MORE_PROPOSALS.iter().find(|more| more.0 == name);
    listed.map(|suite| suite.features()).or_else(|| more().map(|more| more.1))
}

#[cfg(test)]
mod tests {
    use wassay_terms::Features;

    use super::*;
    use crate::features::tests::is_expression;

    #[test]
    fn the_features_of_known_folders_are_expressions() {
        assert!(MORE_PROPOSALS.iter().chain(FEATURES).all(|known| is_expression(known.1)));
    }

    #[test]
    fn every_feature_beyond_3_is_the_name_of_a_folder() {
        for name in Features::names().filter(|name| !Features::V3.contains(name)) {
            let features = of_folder(Path::new(&format!("x/{name}/y/a.wast"))).unwrap_or_default();
            assert!(features.parse::<Features>().unwrap().contains(name), "{name}: {features}");
        }
    }

    #[test]
    fn a_folder_may_be_called_after_an_extension_and_with_underscores() {
        let of = |path: &str| of_folder(Path::new(path));
        assert_eq!(of("test/ext:threads/a.wast"), Some("3.0,threads"));
        assert_eq!(of("test/ext:legacy-eh/a/b.wast"), Some("3.0,legacy-exceptions"));
        assert_eq!(of("stack_switching/a.wast"), Some("3.0,stack-switching"));
        assert_eq!(of("threads/ext:custom_page_sizes/a.wast"), Some("3.0,custom-page-sizes"));
        // A feature of 3.0 adds nothing to the folder around it.
        assert_eq!(of("threads/simd/a.wast"), Some("3.0,threads"));
        assert_eq!(of("ext:gc/a.wast"), None);
        assert_eq!(of("threadsafe/a.wast"), None);
    }

    #[test]
    fn the_nearest_known_folder_decides() {
        let of = |path: &str| of_folder(Path::new(path));
        assert_eq!(of("proposals/threads/atomic.wast"), Some("2.0,-reference-types,threads"));
        assert_eq!(
            of("/suites/spec/proposals/threads/deeper/atomic.wast"),
            Some("2.0,-reference-types,threads")
        );
        assert_eq!(of("legacy/throw.wast"), Some("3.0,legacy-exceptions"));
        assert_eq!(of("proposals/threads/legacy/a.wast"), Some("3.0,legacy-exceptions"));
        assert_eq!(of("legacy/proposals/wide-arithmetic/a.wast"), Some("3.0,wide-arithmetic"));
        assert_eq!(of("proposals/exception-handling/throw.wast"), Some("3.0"));
        // An unknown proposal does not hide known folders above it.
        assert_eq!(of("legacy/proposals/unheard-of/a.wast"), Some("3.0,legacy-exceptions"));
    }

    #[test]
    fn file_names_do_not_imply_features() {
        let of = |path: &str| of_folder(Path::new(path));
        for path in [
            "a.wast",
            "",
            "/",
            "simd/a.wast",
            "threads.wast",
            "proposals/a.wast",
            "proposals/unheard-of/a.wast",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
        assert_eq!(of("proposals/threads"), None, "the last component is the script");
        assert_eq!(of("legacy"), None);
    }
}
