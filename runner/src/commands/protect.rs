//! A report is never written over something that the command reads, however the two paths are
//! spelled.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use wassay_testsuite::Case;

use super::Error;
use super::destination::{Destination, Key, key_of};
use crate::batch::Selection;

/// The names of the files that belong to a guest besides its module: what is beside it under its
/// own name, and what its folder has.
const BESIDE: [&str; 4] = ["json", "stdin", "stdout", "stderr"];
const MANIFEST: &str = "manifest.json";

/// How the folders beside a guest end that are given to it, and compared with what it leaves.
const FOLDERS: [&str; 2] = ["dir", "fs"];

/// What the name of a script or a module ends in.
const SOURCES: [&str; 3] = ["wast", "wat", "wasm"];

/// Makes sure that no file which is to be written is one of those that options name or that are of
/// the cases.
///
/// # Errors
///
/// Wrong usage: one is, or it has the name of a script or a module, or of something that belongs to
/// a guest.
pub(crate) fn spare(written: &[&Path], named: &[PathBuf], selections: &[Selection]) -> Result<(), Error> {
    if written.is_empty() {
        return Ok(());
    }
    let read = Read::of(named, selections);
    for path in written {
        let Ok(destination) = Destination::of(path) else { continue };
        let Destination::File { path: target, .. } = &destination else { continue };
        let why = if destination.keys().iter().any(|key| read.keys.contains(key)) {
            "this command reads the file, and the report would replace it"
        } else if has_extension(target, &SOURCES) || has_extension(path, &SOURCES) {
            "that is the name of a script or a module, and the next run would take the report for one"
        } else if read.is_of_guest(target) {
            "the file would belong to a guest of the suite"
        } else {
            continue;
        };
        return Err(Error::Usage(format!("{}: {why}: name another file for the report", path.display())));
    }
    Ok(())
}

/// What a command reads.
struct Read {
    keys: HashSet<Key>,
    /// The folders that have guests, and the names of these without their ending.
    guests: HashSet<PathBuf>,
    folders: HashSet<PathBuf>,
}

impl Read {
    fn of(named: &[PathBuf], selections: &[Selection]) -> Read {
        let mut read = Read { keys: HashSet::new(), guests: HashSet::new(), folders: HashSet::new() };
        // One that is still to come, such as expectations that are blessed, has a key too.
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

    /// Whether a file would belong to a guest: it is named like one, or lies in a folder that
    /// guests are given.
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
    fn a_file_that_is_read_is_spared_whatever_path_leads_to_it() {
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
            let error = spare(&[&written], &read, &[]).unwrap_err().to_string();
            assert!(error.contains("this command reads the file"), "{name}: {error}");
        }
        for name in ["b.json", "new.json"] {
            assert!(spare(&[&path(name)], &read, &[]).is_ok(), "{name}");
        }
        for name in ["c.wast", "new.wast", "new.WAT", "d/new.wasm"] {
            let error = spare(&[&path(name)], &read, &[]).unwrap_err().to_string();
            assert!(error.contains("the name of a script or a module"), "{name}: {error}");
        }
        assert!(spare(&[Path::new("/dev/null")], &[PathBuf::from("/dev/null")], &[]).is_ok());
    }

    #[test]
    fn what_belongs_to_a_guest_is_spared_also_where_it_is_still_to_come() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("x.dir/deep")).unwrap();
        fs::write(path("x.wasm"), "\0asm\u{1}\0\0\0").unwrap();
        fs::write(path("x.json"), "{}").unwrap();
        let selections = [Selection::all(directory::open(folder.path()).unwrap())];
        for name in ["x.json", "x.stdout", "x.dir/new", "x.dir/deep/new", "manifest.json"] {
            assert!(spare(&[&path(name)], &[], &selections).is_err(), "{name}");
        }
        for name in ["report.json", "y.json", "x.xml"] {
            assert!(spare(&[&path(name)], &[], &selections).is_ok(), "{name}");
        }
    }
}
