//! The features that a script gets from its folder.

use std::path::{Component, Path};

use crate::catalogue;

/// Folders of `proposals/` that are not suites of the catalogue: other names for one, or a proposal
/// without a suite yet.
const MORE_PROPOSALS: &[(&str, &str)] = &[
    ("bulk-memory-operations", "3.0"),
    ("exception-handling", "3.0"),
    ("stack-switching", "3.0,stack-switching"),
];

/// The feature expression for the script `path`, by the nearest known folder above it:
/// `proposals/NAME` for the proposals of the catalogue, or `legacy`. `None` if there is no known
/// folder. The name of the script itself is ignored.
pub fn of_folder(path: &Path) -> Option<&'static str> {
    let folders: Vec<&str> = path
        .parent()?
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_str().unwrap_or_default()),
            _ => None,
        })
        .collect();
    (0..folders.len()).rev().find_map(|at| match folders[at] {
        "legacy" => Some("3.0,legacy-exceptions"),
        name if at > 0 && folders[at - 1] == "proposals" => of_proposal(name),
        _ => None,
    })
}

fn of_proposal(name: &str) -> Option<&'static str> {
    let listed =
        catalogue::suites().iter().find(|suite| suite.name().strip_prefix("proposals/") == Some(name));
    let more = || MORE_PROPOSALS.iter().find(|more| more.0 == name);
    listed.map(|suite| suite.features()).or_else(|| more().map(|more| more.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::tests::is_expression;

    #[test]
    fn the_features_of_known_folders_are_expressions() {
        assert!(MORE_PROPOSALS.iter().all(|more| is_expression(more.1)));
        assert!(is_expression(of_folder(Path::new("legacy/a.wast")).unwrap()));
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
            "threads/a.wast",
            "proposals/a.wast",
            "proposals/unheard-of/a.wast",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
        assert_eq!(of("proposals/threads"), None, "the last component is the script");
        assert_eq!(of("legacy"), None);
    }
}
