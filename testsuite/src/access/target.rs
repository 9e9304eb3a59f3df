//! Writing into folders: the folders of guests, and golden files.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, MetadataExt, OpenOptions, OpenOptionsExt};

use super::budget::Budget;
use super::deep::descend;
use super::file::Kind;
use super::root::Root;

/// How many bytes are copied between two checks of the deadline.
const PIECE: usize = 256 << 10;

/// A folder to write into. Nothing is written through a link, and existing files are not opened for
/// writing.
///
/// New files and folders belong to this process. Their permissions are 0644, or 0755 for folders
/// and executable files, minus the umask. Other bits, in particular setuid and setgid, are never
/// set.
#[derive(Debug)]
pub struct Target {
    dir: Dir,
}

impl Target {
    pub(super) fn new(dir: Dir) -> Target {
        Target { dir }
    }

    /// Opens a folder of this process.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Target> {
        Ok(Target::new(Dir::open_ambient_dir(path, ambient_authority())?))
    }

    /// Creates a folder.
    ///
    /// # Errors
    ///
    /// Returns an error if the path exists, or the system refuses.
    pub fn make_folder(&self, path: &Path) -> io::Result<()> {
        let (deep, path) = descend(&self.dir, path)?;
        deep.as_ref().unwrap_or(&self.dir).create_dir_with(path, DirBuilder::new().mode(0o755))
    }

    /// Creates a file with the contents of `from`, and returns the number of bytes written. They
    /// count towards the budget.
    ///
    /// # Errors
    ///
    /// Returns an error if the path exists, the system refuses, `from` cannot be read, or the
    /// budget is exceeded.
    pub fn make_file(
        &self,
        path: &Path,
        mut from: impl Read,
        is_executable: bool,
        budget: &mut Budget,
    ) -> io::Result<u64> {
        let mode = if is_executable { 0o755 } else { 0o644 };
        let options = OpenOptions::new().write(true).create_new(true).mode(mode).clone();
        let (deep, path) = descend(&self.dir, path)?;
        let mut file = deep.as_ref().unwrap_or(&self.dir).open_with(path, &options)?;
        let (mut piece, mut length) = (vec![0; PIECE], 0);
        loop {
            let count = match from.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            budget.spend(count as u64)?;
            if count == 0 {
                return Ok(length);
            }
            file.write_all(piece.get(..count).unwrap_or_default())?;
            length += count as u64;
        }
    }

    /// Creates a symbolic link to something below the folder.
    ///
    /// # Errors
    ///
    /// Returns an error if the link would lead elsewhere, the path exists, or the system refuses.
    pub fn make_link(&self, path: &Path, to: &Path) -> io::Result<()> {
        if !stays_below(path, to) {
            let message =
                format!("symbolic link leads out of the folder, to `{}`; use a file instead", to.display());
            return Err(io::Error::other(message));
        }
        let (deep, path) = descend(&self.dir, path)?;
        deep.as_ref().unwrap_or(&self.dir).symlink_contents(to, path)
    }

    /// Replaces the entry `name`, which must be of this kind. `make` creates the new one under a
    /// temporary name; it then takes the place of the old one.
    pub(crate) fn replace(
        &self,
        name: &Path,
        kind: Kind,
        make: impl FnOnce(&Target, &Path) -> io::Result<()>,
    ) -> io::Result<()> {
        let found = Kind::of(self.dir.symlink_metadata(name)?.mode());
        if found != kind {
            return Err(io::Error::other(format!("expected {kind}, found {found}; nothing was changed")));
        }
        let (new, old) = (temporary_name(), temporary_name());
        let made = make(self, &new).and_then(|()| match kind {
            // A file is replaced atomically.
            Kind::File => self.dir.rename(&new, &self.dir, name),
            _ => {
                self.dir.rename(name, &self.dir, &old)?;
                if let Err(error) = self.dir.rename(&new, &self.dir, name) {
                    // Restore the old folder.
                    let _ = self.dir.rename(&old, &self.dir, name);
                    return Err(error);
                }
                self.dir.remove_dir_all(&old)
            }
        });
        if made.is_err() {
            let _ = match kind {
                Kind::File => self.dir.remove_file(&new),
                _ => self.dir.remove_dir_all(&new),
            };
        }
        made
    }

    /// Opens the subfolder of this name.
    pub(crate) fn folder(&self, name: &Path) -> io::Result<Target> {
        self.dir.open_dir(name).map(Target::new)
    }
}

impl Root {
    /// Opens the folder at a path below this one for writing. Only links that stay below are
    /// followed.
    pub(crate) fn target(&self, below: &Path) -> io::Result<Target> {
        self.within(below, |dir, path| dir.open_dir(path)).map(Target::new)
    }

    /// Replaces an existing file by one with these contents.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no regular file at the path, or it cannot be written.
    pub(crate) fn replace_file(&self, below: &Path, bytes: &[u8]) -> io::Result<()> {
        let (folder, name) = split(below)?;
        self.target(folder)?.replace(name, Kind::File, |target, new| {
            target.make_file(new, bytes, false, &mut Budget::new(bytes.len() as u64)).map(drop)
        })
    }

    /// Replaces an existing folder by a new one, which `fill` writes into.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no folder at the path, or it cannot be written.
    pub(crate) fn replace_folder(
        &self,
        below: &Path,
        fill: impl FnOnce(&Target) -> io::Result<()>,
    ) -> io::Result<()> {
        let (folder, name) = split(below)?;
        self.target(folder)?.replace(name, Kind::Folder, |target, new| {
            target.make_folder(new)?;
            fill(&target.folder(new)?)
        })
    }
}

/// Splits a path into its folder and its name.
fn split(below: &Path) -> io::Result<(&Path, &Path)> {
    let name = below.file_name().ok_or(ErrorKind::InvalidInput)?;
    Ok((below.parent().unwrap_or(Path::new("")), Path::new(name)))
}

/// A unique name for a temporary file or folder.
fn temporary_name() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!(".wassay-{}-{since:x}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

/// Whether a link at `path` with the target `to` stays below the folder that `path` is relative to,
/// judging by the text alone.
fn stays_below(path: &Path, to: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    for component in to.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return false,
            },
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}
