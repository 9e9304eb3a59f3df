//! A report is never written over something that the command reads, however the two paths are spelled.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use wassay_testsuite::Case;

use super::Error;
use crate::batch::Selection;

/// The names of the files that belong to a guest besides its module: what is beside it under its own name, and what its folder has.
const BESIDE: [&str; 4] = ["json", "stdin", "stdout", "stderr"];
const MANIFEST: &str = "manifest.json";

/// Makes sure that no file which is to be written is one of those that are read.
///
/// # Errors
///
/// Wrong usage: one is, or it is a script or a module of which nothing says that it may be replaced.
pub(crate) fn spare<'a>(written: impl IntoIterator<Item = &'a Path>, read: &[PathBuf]) -> Result<(), Error> {
    for path in written {
        let refused = |what: &str| {
            Error::Usage(format!("{}: {what}: name another file for the report", path.display()))
        };
        let Some(target) = identity(path) else { continue };
        if read.iter().any(|read| identity(read) == Some(target)) {
            return Err(refused("this command reads the file, and the report would replace it"));
        }
        if path.extension().is_some_and(|extension| {
            ["wast", "wat", "wasm"].iter().any(|source| extension.eq_ignore_ascii_case(source))
        }) {
            return Err(refused("a script or a module, which the report would replace"));
        }
    }
    Ok(())
}

/// The files of cases.
pub(crate) fn of_cases(selections: &[Selection]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for case in selections.iter().flat_map(|selection| &selection.cases) {
        let Some(path) = case.path() else { continue };
        files.push(path.to_owned());
        if let Case::Guest(_) = case {
            files.extend(BESIDE.map(|extension| path.with_extension(extension)));
            files.push(path.with_file_name(MANIFEST));
        }
    }
    files
}

/// What tells a regular file apart from every other one, whatever path or link leads to it.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

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
        fs::hard_link(path("a.json"), path("hard")).unwrap();
        let read = [path("a.json"), path("gone.json")];
        for name in ["a.json", "link", "hard", "d/../a.json", "./a.json"] {
            let written = path(name);
            let error = spare([written.as_path()], &read).unwrap_err().to_string();
            assert!(error.contains("this command reads the file"), "{name}: {error}");
        }
        for name in ["b.json", "new.json", "gone.json", "new.wast"] {
            assert!(spare([path(name).as_path()], &read).is_ok(), "{name}");
        }
        assert!(spare([path("c.wast").as_path()], &read).is_err());
        assert!(spare([Path::new("/dev/null")], &[PathBuf::from("/dev/null")]).is_ok());
    }
}
