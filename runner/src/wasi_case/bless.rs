//! Writes golden files anew.

use std::path::Path;
use std::{fs, io};

use wassay_testsuite::wasi::{Goldens, Guest};

use crate::printer::note;

/// The environment variable that asks for it: `1`.
const BLESS: &str = "BLESS";

pub(super) fn is_asked_for() -> bool {
    std::env::var_os(BLESS).is_some_and(|value| value == "1")
}

/// Writes what a guest left into those of its golden files that are there and have something else, and says which.
pub(super) fn write(guest: &Guest, left: &Goldens) -> io::Result<()> {
    let Some(module) = guest.path() else { return Ok(()) };
    let old = guest.goldens().map_err(io::Error::other)?;
    for (extension, old, left) in
        [("stdout", &old.stdout, &left.stdout), ("stderr", &old.stderr, &left.stderr)]
    {
        if let (Some(old), Some(left)) = (old, left)
            && old != left
        {
            let path = module.with_extension(extension);
            if fs::symlink_metadata(&path)?.is_symlink() {
                return Err(io::Error::other(format!(
                    "{} is a link: what it leads to stays",
                    path.display()
                )));
            }
            fs::write(&path, left)?;
            say(&path);
        }
    }
    if let (Some(old), Some(left)) = (&old.files, &left.files)
        && !old.has_same_contents(left)
    {
        let path = module.with_extension("fs");
        // The old folder goes when the new one is complete.
        let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let new = tempfile::Builder::new().prefix(".wassay-").tempdir_in(beside)?;
        left.write(new.path())?;
        left.keep_in_git(new.path())?;
        fs::set_permissions(new.path(), fs::metadata(&path)?.permissions())?;
        fs::remove_dir_all(&path)?;
        fs::rename(new.keep(), &path)?;
        say(&path);
    }
    Ok(())
}

fn say(path: &Path) {
    note(&format!("blessed: {}", path.display()));
}
