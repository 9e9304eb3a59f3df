//! Scripts and guests on disk: any folder, or a single file.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use walkdir::{DirEntry, WalkDir};

use crate::case::Case;
use crate::features;
use crate::naming::{self, real};
use crate::script::Script;
use crate::suite::{Origin, Suite};
use crate::wasi::{self, Files, Guest};

/// Opens `path` as a suite: a folder with all the `.wast` files (`.WAST` too) and all [guests](crate::wasi) below it, symbolic links followed; or
/// one file, which is a guest where its name ends in `.wasm` or `.wat`, else a script. They are found now and read later. What git
/// keeps in `.git` is not looked at, nor are the folders that guests are given or leave behind.
///
/// The features of a script are those of the nearest folder above it that is known, inside `path` and above it, else
/// [`features::DEFAULT`].
///
/// # Errors
///
/// `path` is missing or neither a folder nor a file, there is no case below it, something below it cannot be read, or
/// links run in a circle.
pub fn open(path: &Path) -> Result<Suite, OpenError> {
    match open_any(path)? {
        Suite { origin: Origin::Folder(cases), .. } if cases.is_empty() => {
            Err(OpenError::NoCases { path: path.to_owned() })
        }
        suite => Ok(suite),
    }
}

/// The same, also where there is no case.
///
/// # Errors
///
/// Those of [`open`] but for that.
pub fn open_any(path: &Path) -> Result<Suite, OpenError> {
    let cases = if metadata(path)?.is_dir() { walk(path)? } else { vec![file(path)?] };
    let place = real(path);
    Ok(suite(naming::name(&place), Some(place), cases))
}

fn suite(name: String, place: Option<PathBuf>, cases: Vec<Case>) -> Suite {
    Suite {
        title: "A folder".into(),
        source: name.clone().into(),
        name: name.into(),
        features: features::DEFAULT,
        pin: None,
        by_default: false,
        origin: Origin::Folder(cases),
        variant: None,
        place,
        expectations: Vec::new(),
    }
}

/// Opens the file `path` as one script, whatever its name. Its features are those that [`open`] would find.
///
/// # Errors
///
/// `path` is missing or is no file.
pub fn script(path: &Path) -> Result<Script, OpenError> {
    let name = file_name(path)?;
    Ok(Script::file(name.to_owned(), features_at(path), path.to_owned()))
}

/// The feature expression that holds for a script at this path, whatever is there.
pub fn features_at(path: &Path) -> &'static str {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let path = real(folder).join(path.file_name().unwrap_or_default());
    features::of_folder(&path).unwrap_or(features::DEFAULT)
}

/// A suite of one script.
pub fn of_script(script: Script) -> Suite {
    let name = script.path().map_or_else(|| script.name().to_owned(), |path| path.display().to_string());
    suite(name, None, vec![Case::Script(script)])
}

/// Opens the file `path` as one case.
fn file(path: &Path) -> Result<Case, OpenError> {
    if wasi::is_module(Files::Disk, path) {
        return Ok(Case::Guest(Guest::new(file_name(path)?.to_owned(), path.to_owned(), Files::Disk)));
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wasm")) {
        return Err(OpenError::Module { path: path.to_owned() });
    }
    script(path).map(Case::Script)
}

/// The name of a regular file.
fn file_name(path: &Path) -> Result<&str, OpenError> {
    let kind = metadata(path)?;
    if !kind.is_file() {
        let found = if kind.is_dir() { "a folder" } else { "a device, socket or pipe" };
        return Err(OpenError::NotAFile { path: path.to_owned(), found });
    }
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| OpenError::Name { path: path.to_owned() })
}

fn walk(root: &Path) -> Result<Vec<Case>, OpenError> {
    let real_root = real(root);
    let mut cases = Vec::new();
    let is_looked_at = |entry: &DirEntry| {
        entry.depth() == 0 || (entry.file_name() != ".git" && !wasi::is_of_guest(Files::Disk, entry.path()))
    };
    let entries = WalkDir::new(root).follow_links(true).into_iter().filter_entry(is_looked_at);
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(root, error))?;
        let path = entry.path();
        let is_script = wasi::has_suffix(path, "wast");
        if entry.file_type().is_dir() || !(is_script || wasi::is_module(Files::Disk, path)) {
            continue;
        }
        if !entry.file_type().is_file() {
            return Err(OpenError::NotAFile { path: path.to_owned(), found: "a device, socket or pipe" });
        }
        let below = path.strip_prefix(root).unwrap_or(path);
        let name = name(below).ok_or_else(|| OpenError::Name { path: path.to_owned() })?;
        cases.push(if is_script {
            let features = features::of_folder(&real_root.join(below)).unwrap_or(features::DEFAULT);
            Case::Script(Script::file(name, features, path.to_owned()))
        } else {
            Case::Guest(Guest::new(name, path.to_owned(), Files::Disk))
        });
    }
    Ok(cases)
}

/// `path` with `/` between its components; `None` if one is not UTF-8.
fn name(path: &Path) -> Option<String> {
    let names: Option<Vec<&str>> =
        path.components().map(|component| component.as_os_str().to_str()).collect();
    Some(names?.join("/"))
}

fn metadata(path: &Path) -> Result<std::fs::Metadata, OpenError> {
    path.metadata().map_err(|error| OpenError::Io { path: path.to_owned(), error })
}

fn unreadable(root: &Path, error: walkdir::Error) -> OpenError {
    let path = error.path().unwrap_or(root).to_owned();
    match error.loop_ancestor() {
        Some(ancestor) => OpenError::Loop { path, ancestor: ancestor.to_owned() },
        None => {
            let error = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
            OpenError::Io { path, error }
        }
    }
}

/// Why a path could not be opened as scripts.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Something is missing or may not be read.
    #[error("{}: cannot look for scripts here: {error}", path.display())]
    Io {
        /// What was looked at.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A symbolic link leads back to a folder it lies in.
    #[error("{}: symbolic links run in a circle, back to {}; remove the link", path.display(), ancestor.display())]
    Loop {
        /// The link.
        path: PathBuf,
        /// The folder it leads to.
        ancestor: PathBuf,
    },
    /// A script or a module must be a regular file.
    #[error("{}: expected a regular file, found {found}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// A module is a case only where something says what it is to do.
    #[error(
        "{}: a module, and nothing says what it is to do: expected a script, or beside the module a .json of its name or a \
         manifest.json; `wassay run` runs a module",
        path.display()
    )]
    Module {
        /// The module.
        path: PathBuf,
    },
    /// The name of a case is not UTF-8, so that no report could name it.
    #[error("{}: the name of a case must be UTF-8; rename it", path.display())]
    Name {
        /// The path.
        path: PathBuf,
    },
    /// A folder without cases is more likely a mistake than a suite.
    #[error(
        "{}: no .wast file in this folder or below it, and no WASI case: a module with a .json of its name, or beside a manifest.json",
        path.display()
    )]
    NoCases {
        /// The folder.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A folder with `files`, each of which holds its own name.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    fn names(suite: &Suite) -> Vec<String> {
        suite.scripts().iter().map(|script| script.name().to_owned()).collect()
    }

    #[test]
    fn scripts_are_found_at_every_depth_and_sorted() {
        let folder = folder(&[
            "b.wast",
            "a/z.wast",
            "a/b/c.wast",
            "a.wast",
            "a-b.wast",
            "x.txt",
            "x.wast.bak",
            ".git/g.wast",
        ]);
        let suite = open(folder.path()).unwrap();
        assert_eq!(names(&suite), ["a-b.wast", "a.wast", "a/b/c.wast", "a/z.wast", "b.wast"]);
        for script in suite.scripts() {
            assert_eq!(script.read().unwrap(), script.name());
            assert_eq!(script.path().unwrap(), folder.path().join(script.name()));
        }
        assert_eq!(suite.name(), folder.path().file_name().unwrap().to_str().unwrap());
        assert_eq!((suite.source(), suite.pin(), suite.is_default()), (suite.name(), None, false));
    }

    #[test]
    fn capitals_in_a_suffix_make_no_difference() {
        let folder = folder(&["a.WAST", "b.Wast", "c.WASM", "c.json", "d.Wat", "d.json"]);
        let suite = open(folder.path()).unwrap();
        let names: Vec<String> = suite.cases().iter().map(|case| case.name().to_owned()).collect();
        assert_eq!(names, ["a.WAST", "b.Wast", "c.WASM", "d.Wat"]);
        assert_eq!(suite.scripts().len(), 2);
    }

    #[test]
    fn features_are_those_of_the_nearest_known_folder() {
        let folder =
            folder(&["a.wast", "legacy/a.wast", "proposals/threads/a.wast", "proposals/threads/deep/a.wast"]);
        let features = |path: &Path| -> Vec<&str> {
            open(path).unwrap().scripts().iter().map(|script| script.features()).collect()
        };
        let threads = "2.0,-reference-types,threads";
        assert_eq!(features(folder.path()), ["3.0", "3.0,legacy-exceptions", threads, threads]);
        // Also where the known folder is the one that was named, or above it.
        assert_eq!(features(&folder.path().join("proposals/threads/")), [threads, threads]);
        assert_eq!(features(&folder.path().join("proposals/threads/deep")), [threads]);
        assert_eq!(features(&folder.path().join("legacy/../proposals/threads/deep/a.wast")), [threads]);
        assert_eq!(features(&folder.path().join("legacy/a.wast")), ["3.0,legacy-exceptions"]);
    }

    #[test]
    fn a_single_file_is_a_suite_of_one() {
        let folder = folder(&["a.wast", "b.txt"]);
        for file in ["a.wast", "b.txt"] {
            let path = folder.path().join(file);
            assert_eq!(names(&open(&path).unwrap()), [file]);
            assert_eq!(script(&path).unwrap().read().unwrap(), file);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = folder(&[]);
        let path = folder.path().join("gone");
        for message in [open(&path).unwrap_err().to_string(), script(&path).unwrap_err().to_string()] {
            assert!(
                message.starts_with(&format!("{}: cannot look for scripts here: ", path.display())),
                "{message}"
            );
        }
    }

    #[test]
    fn a_folder_is_no_script_and_an_empty_one_no_suite() {
        let folder = folder(&["readme.txt"]);
        let place = folder.path().display();
        assert_eq!(
            script(folder.path()).unwrap_err().to_string(),
            format!("{place}: expected a regular file, found a folder")
        );
        let message = open(folder.path()).unwrap_err().to_string();
        assert!(
            message
                .starts_with(&format!("{place}: no .wast file in this folder or below it, and no WASI case")),
            "{message}"
        );
    }

    #[test]
    fn a_circle_of_links_is_an_error() {
        let folder = folder(&["a/a.wast"]);
        symlink(folder.path(), folder.path().join("a/again")).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(matches!(&error, OpenError::Loop { path, ancestor }
            if path.ends_with("a/again") && ancestor == folder.path()));
        assert!(error.to_string().contains("a/again: symbolic links run in a circle"), "{error}");
    }

    #[test]
    fn links_to_scripts_are_followed_and_broken_ones_reported() {
        let folder = folder(&["store/1", "proposals/gc/a.wast"]);
        symlink("../../store/1", folder.path().join("proposals/gc/b.wast")).unwrap();
        let suite = open(folder.path()).unwrap();
        assert_eq!(names(&suite), ["proposals/gc/a.wast", "proposals/gc/b.wast"]);
        let b = &suite.scripts()[1];
        assert_eq!((b.read().unwrap().as_ref(), b.features()), ("store/1", "2.0,function-references,gc"));
        // The place of the link counts, not that of the file it leads to.
        assert_eq!(script(b.path().unwrap()).unwrap().features(), b.features());

        symlink("nowhere", folder.path().join("broken.wast")).unwrap();
        let message = open(folder.path()).unwrap_err().to_string();
        assert!(message.contains("broken.wast: cannot look for scripts here: "), "{message}");
    }

    #[test]
    fn a_script_must_be_a_regular_file() {
        let folder = folder(&["a.wast"]);
        let path = folder.path().join("socket.wast");
        let _socket = UnixListener::bind(&path).unwrap();
        let expected = format!("{}: expected a regular file, found a device, socket or pipe", path.display());
        assert_eq!(open(folder.path()).unwrap_err().to_string(), expected);
        assert_eq!(script(&path).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_an_error() {
        let folder = folder(&["a.wast"]);
        let path = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.wast"));
        fs::write(&path, "").unwrap();
        assert!(matches!(open(folder.path()), Err(OpenError::Name { path: p }) if p == path));
        assert!(matches!(script(&path), Err(OpenError::Name { path: p }) if p == path));
    }
}
