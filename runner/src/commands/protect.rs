//! Prevents reports from overwriting files that the command reads, however the paths are spelled.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use wassay_testsuite::Case;

use super::Error;
use super::destination::{Destination, Key, key_of};
use crate::batch::Selection;

/// The extensions of files that belong to a guest and have its name.
const BESIDE: [&str; 4] = ["json", "stdin", "stdout", "stderr"];
const MANIFEST: &str = "manifest.json";

/// The extensions of folders that a guest is given, or that its results are compared with.
const FOLDERS: [&str; 2] = ["dir", "fs"];

/// The extensions of scripts and modules.
const SOURCES: [&str; 3] = ["wast", "wat", "wasm"];

/// Checks that no output file is an input named by an option or a file of the cases.
///
/// # Errors
///
/// Wrong usage: an output file is an input, has the extension of a script or a module, or would
/// belong to a guest.
pub(crate) fn refuse_overwrites(
    written: &[&Path],
    named: &[PathBuf],
    selections: &[Selection],
) -> Result<(), Error> {
    if written.is_empty() {
        return Ok(());
    }
    let read = Read::of(named, selections);
    for path in written {
        let Ok(destination) = Destination::of(path) else { continue };
        let Destination::File { path: target, .. } = &destination else { continue };
        let why = if destination.keys().iter().any(|key| read.keys.contains(key)) {
            "the command reads this file, and the report would replace it"
        } else if has_extension(target, &SOURCES) || has_extension(path, &SOURCES) {
            "this is the name of a script or a module, so the next run would try to run the report"
        } else if read.is_of_guest(target) {
            "the file would become part of a WASI case of the suite"
        } else {
            continue;
        };
        return Err(Error::Usage(format!("{}: {why}; choose another file for the report", path.display())));
    }
    Ok(())
}

/// The inputs of a command.
struct Read {
    keys: HashSet<Key>,
    /// The folders with guests, and the guests' names without extension.
    guests: HashSet<PathBuf>,
    folders: HashSet<PathBuf>,
}

impl Read {
    fn of(named: &[PathBuf], selections: &[Selection]) -> Read {
        let mut read = Read { keys: HashSet::new(), guests: HashSet::new(), folders: HashSet::new() };
        // New files, such as blessed expectations, have keys too.
        for path in named {
            read.keys.extend(Destination::of(path).map(|destination| destination.keys()).unwrap_or_default());
            read.keys.extend(key_of(path));
        }
        for case in selections.iter().flat_map(|selection| &selection.cases) {
            let Some(path) = case.path() else { continue };
            read.keys.extend(key_of(path));
            if let Case::Guest(_) = case {
                let beside = BESIDE.map(|extension| path.with_extension(extension));
                let beside = beside.into_iter().chain([path.with_file_name(MANIFEST)]);
                read.keys.extend(beside.filter_map(|path| key_of(&path)));
                let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
                read.folders.extend(full.parent().map(Path::to_owned));
                read.guests.insert(full.with_extension(""));
            }
        }
        read
    }

    /// Whether a file would belong to a guest: it has a guest's name, or is in a folder that guests
    /// are given.
    fn is_of_guest(&self, path: &Path) -> bool {
        let is_given = |folder: &Path| {
            has_extension(folder, &FOLDERS)
                && folder.parent().is_some_and(|parent| self.folders.contains(parent))
        };
        let is_manifest =
            path.ends_with(MANIFEST) && path.parent().is_some_and(|it| self.folders.contains(it));
        is_manifest
            || has_extension(path, &BESIDE) && self.guests.contains(&path.with_extension(""))
            || path.ancestors().any(is_given)
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|found| extensions.iter().any(|known| found.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use wassay_testsuite::directory;

    use super::*;

    #[test]
    fn an_input_is_not_overwritten_by_any_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("d")).unwrap();
        for name in ["a.json", "b.json", "c.wast"] {
            fs::write(path(name), "").unwrap();
        }
        symlink("a.json", path("link")).unwrap();
        symlink("gone.json", path("dangling")).unwrap();
        let read = [path("a.json"), path("gone.json")];
        for name in ["a.json", "link", "d/../a.json", "./a.json", "gone.json", "d/../gone.json", "dangling"] {
            let written = path(name);
            let error = refuse_overwrites(&[&written], &read, &[]).unwrap_err().to_string();
            assert!(error.contains("the command reads this file"), "{name}: {error}");
        }
        for name in ["b.json", "new.json"] {
            assert!(refuse_overwrites(&[&path(name)], &read, &[]).is_ok(), "{name}");
        }
        for name in ["c.wast", "new.wast", "new.WAT", "d/new.wasm"] {
            let error = refuse_overwrites(&[&path(name)], &read, &[]).unwrap_err().to_string();
            assert!(error.contains("the name of a script or a module"), "{name}: {error}");
        }
        assert!(refuse_overwrites(&[Path::new("/dev/null")], &[PathBuf::from("/dev/null")], &[]).is_ok());
    }

    #[test]
    fn files_of_a_guest_are_not_overwritten_or_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("x.dir/deep")).unwrap();
        fs::write(path("x.wasm"), "\0asm\u{1}\0\0\0").unwrap();
        fs::write(path("x.json"), "{}").unwrap();
        let selections = [Selection::all(directory::open(folder.path()).unwrap())];
        for name in ["x.json", "x.stdout", "x.dir/new", "x.dir/deep/new", "manifest.json"] {
            assert!(refuse_overwrites(&[&path(name)], &[], &selections).is_err(), "{name}");
        }
        for name in ["report.json", "y.json", "x.xml"] {
            assert!(refuse_overwrites(&[&path(name)], &[], &selections).is_ok(), "{name}");
        }
    }
}
