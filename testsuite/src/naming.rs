//! Names of suites on disk.
//!
//! A folder has the same name however its path is written, and on every machine: its path from the
//! root of its git repository (`.` for the root itself) or, outside of a repository, its own name.
//! Symbolic links are resolved first. A name that is also a suite of the catalogue gets the prefix
//! `./`, as on the command line. If several folders of a run would have the same name,
//! [`tell_apart`] prepends as many parent folders as necessary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::paths::{is_repository, tail};
use crate::suite::Suite;
use crate::wasi::Variant;
use crate::{catalogue, fetched};

/// The name of the suite at a [canonical](crate::paths::real) path.
pub(crate) fn name(real: &Path) -> String {
    let repository = real.ancestors().find(|folder| is_repository(folder));
    let name = match repository.and_then(|root| real.strip_prefix(root).ok()) {
        Some(within) if within.as_os_str().is_empty() => ".".to_owned(),
        Some(within) => within.display().to_string(),
        None => tail(real, 1),
    };
    avoid_catalogue(name)
}

/// Whether a word is the name of a suite of the catalogue or of a fetched suite, possibly with a
/// variant.
pub fn is_of_catalogue(word: &str) -> bool {
    let is_suite = |name: &str| catalogue::find(name).is_some() || fetched::find(name).is_some();
    is_suite(word) || Variant::ALL.iter().any(|variant| variant.strip(word).is_some_and(is_suite))
}

/// Gives each suite of a run a unique name, and drops repeated folders.
pub fn tell_apart(suites: Vec<Suite>) -> Vec<Suite> {
    let mut apart: Vec<Suite> = Vec::new();
    for suite in suites {
        if apart.iter().all(|known| !known.is_same(&suite)) {
            apart.push(suite);
        }
    }
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, suite) in apart.iter().enumerate() {
        by_name.entry(suite.name().to_owned()).or_default().push(at);
    }
    for group in by_name.into_values().filter(|group| group.len() > 1) {
        let paths: Vec<PathBuf> =
            group.iter().map(|at| apart[*at].path.clone().unwrap_or_default()).collect();
        let deepest = paths.iter().map(|path| path.components().count()).max().unwrap_or(1);
        let names = |count: usize| paths.iter().map(|path| tail(path, count)).collect::<Vec<_>>();
        let is_unique = |names: &Vec<String>| {
            let taken = |name: &String| {
                apart.iter().enumerate().any(|(at, suite)| !group.contains(&at) && suite.name() == name)
            };
            let mut sorted = names.clone();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.len() == names.len() && !names.iter().any(taken)
        };
        let unique = (2..=deepest).map(names).find(is_unique).unwrap_or_else(|| names(deepest));
        for (at, name) in group.into_iter().zip(unique) {
            if apart[at].path.is_some() {
                apart[at].rename(avoid_catalogue(name));
            }
        }
    }
    apart
}

fn avoid_catalogue(name: String) -> String {
    if is_of_catalogue(&name) { format!("./{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::directory;
    use crate::paths::real;

    /// Creates a folder with these subfolders, each with a script.
    fn folders(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::create_dir_all(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("a.wast"), "(module)").unwrap();
        }
        folder
    }

    fn named(path: &Path) -> String {
        directory::open(path).unwrap().name().to_owned()
    }

    #[test]
    fn a_folder_has_one_name_however_its_path_is_written() {
        let folder = folders(&["x/s", "y"]);
        symlink("x/s", folder.path().join("link")).unwrap();
        for path in ["x/s", "x/s/", "x/./s", "y/../x/s", "link", "link/"] {
            assert_eq!(named(&folder.path().join(path)), "s", "{path}");
        }
        fs::write(folder.path().join(".git"), "gitdir: elsewhere").unwrap();
        for path in ["x/s", "x/s/", "x/./s", "y/../x/s", "link", "link/"] {
            assert_eq!(named(&folder.path().join(path)), "x/s", "{path}");
        }
        assert_eq!(named(folder.path()), ".");
        assert_eq!(named(&folder.path().join("y/a.wast")), "y/a.wast");
    }

    #[test]
    fn a_folder_never_has_the_name_of_a_catalogue_suite() {
        let folder = folders(&["scripts", "wasi@no-openat2", "spec-official", "proposals/gc"]);
        for name in ["scripts", "wasi@no-openat2", "spec-official"] {
            assert_eq!(named(&folder.path().join(name)), format!("./{name}"));
        }
        assert_eq!(named(&folder.path().join("proposals/gc")), "gc");
        fs::create_dir(folder.path().join(".git")).unwrap();
        fs::write(folder.path().join(".git/HEAD"), "").unwrap();
        assert_eq!(named(&folder.path().join("proposals/gc")), "./proposals/gc");
    }

    #[test]
    fn folders_of_a_run_have_unique_names() {
        let folder = folders(&["a/s", "b/s", "b/t", "s"]);
        let open = |name: &str| directory::open(&folder.path().join(name)).unwrap();
        let names = |suites: Vec<Suite>| {
            tell_apart(suites).iter().map(|suite| suite.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(vec![open("a/s"), open("b/s"), open("b/t")]), ["a/s", "b/s", "t"]);
        assert_eq!(names(vec![open("a/s"), open("a/s/"), open("b/t")]), ["s", "t"]);
        let three = names(vec![open("a/s"), open("s"), open("b/s")]);
        assert_eq!((three[0].as_str(), three[2].as_str()), ("a/s", "b/s"));
        let under = |suite: Suite| suite.under(Variant::NoOpenat2);
        assert_eq!(
            names(vec![open("a/s"), under(open("a/s")), under(open("b/s"))]),
            ["s", "a/s@no-openat2", "b/s@no-openat2"]
        );
    }

    #[test]
    fn a_folder_is_found_by_the_end_of_its_path() {
        let folder = folders(&["x/s"]);
        let suite = directory::open(&folder.path().join("x/s")).unwrap();
        let path = real(&folder.path().join("x/s"));
        symlink(folder.path(), folder.path().join("link")).unwrap();
        let linked = folder.path().join("link/x/s");
        for word in ["s", "s/", "./s", "x/s", path.to_str().unwrap(), linked.to_str().unwrap()] {
            assert!(suite.is_called(word), "{word}");
        }
        for word in ["x", "", ".", "/s", "as", "../s"] {
            assert!(!suite.is_called(word), "{word}");
        }
        assert!(suite.clone().under(Variant::NoOpenat2).is_called("x/s@no-openat2"));
        assert!(!suite.under(Variant::NoOpenat2).is_called("x/s"));
    }
}
