//! What suites on disk are called.
//!
//! A folder has one name, however its path is typed and on whatever machine: its path from the root of the git repository that it lies in,
//! `.` for the root itself; outside of a repository, its own name. Symbolic links are followed first. A name that is also one of the
//! catalogue's gets `./` before it, as it does on the command line. Where two folders of one run would have the same name,
//! [`tell_apart`] adds as many of the folders above as it takes.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::suite::Suite;
use crate::wasi::Variant;
use crate::{catalogue, fetched};

/// The path of a folder or file from the root of the file system, with no link in it.
pub(crate) fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// The name of the suite at a [real](real) path.
pub(crate) fn name(real: &Path) -> String {
    let repository = real.ancestors().find(|folder| is_repository(folder));
    let name = match repository.and_then(|root| real.strip_prefix(root).ok()) {
        Some(within) if within.as_os_str().is_empty() => ".".to_owned(),
        Some(within) => within.display().to_string(),
        None => tail(real, 1),
    };
    apart_from_catalogue(name)
}

/// Whether a folder is the root of a repository: its `.git` is a folder of git's, or the file that a worktree or a submodule has.
fn is_repository(folder: &Path) -> bool {
    let git = folder.join(".git");
    git.is_file() || git.join("HEAD").is_file()
}

/// Whether a word is the name of a suite of the catalogue, or of one that is fetched, perhaps under a variant.
pub fn is_of_catalogue(word: &str) -> bool {
    let is_suite = |name: &str| catalogue::find(name).is_some() || fetched::find(name).is_some();
    is_suite(word) || Variant::ALL.iter().any(|variant| variant.strip(word).is_some_and(is_suite))
}

/// Gives each of the suites of a run a name of its own, and leaves out a folder that is there twice.
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
        let places: Vec<PathBuf> =
            group.iter().map(|at| apart[*at].place.clone().unwrap_or_default()).collect();
        let deepest = places.iter().map(|place| place.components().count()).max().unwrap_or(1);
        let names = |count: usize| places.iter().map(|place| tail(place, count)).collect::<Vec<_>>();
        let is_clear = |names: &Vec<String>| {
            let taken = |name: &String| {
                apart.iter().enumerate().any(|(at, suite)| !group.contains(&at) && suite.name() == name)
            };
            let mut sorted = names.clone();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.len() == names.len() && !names.iter().any(taken)
        };
        let clear = (2..=deepest).map(names).find(is_clear).unwrap_or_else(|| names(deepest));
        for (at, name) in group.into_iter().zip(clear) {
            if apart[at].place.is_some() {
                apart[at].rename(apart_from_catalogue(name));
            }
        }
    }
    apart
}

/// Whether a word that an expectation or an older report has for a suite means this [real](real) place: its last components, or
/// all of them. An absolute path may lead there through links.
pub(crate) fn is_called(place: &Path, word: &str) -> bool {
    let parts = Path::new(word).components().filter(|part| *part != Component::CurDir);
    let word: PathBuf = parts.collect();
    !word.as_os_str().is_empty() && (place.ends_with(&word) || word.is_absolute() && real(&word) == place)
}

/// The last components of a path, all where there are no more.
fn tail(path: &Path, count: usize) -> String {
    let all = path.components().count();
    let names: PathBuf = path.components().skip(all.saturating_sub(count)).collect();
    names.display().to_string()
}

fn apart_from_catalogue(name: String) -> String {
    if is_of_catalogue(&name) { format!("./{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::directory;

    /// A folder with these folders, each with a script.
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
    fn a_folder_has_one_name_however_its_path_is_typed() {
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
    fn a_folder_is_never_called_as_a_suite_of_the_catalogue_is() {
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
    fn two_folders_of_one_run_have_two_names_and_one_that_is_there_twice_has_one() {
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
    fn a_word_for_a_folder_is_the_end_of_its_path() {
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
