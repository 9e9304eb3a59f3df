//! Folders that are written into: what guests are given, and golden files.

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

/// How many bytes are copied between two looks at the clock.
const PIECE: usize = 256 << 10;

/// A folder to write into. Nothing is written through a link, and nothing that is there is opened for writing.
///
/// What is made belongs to this process, and has the permission bits 0644, or 0755 for folders and files that can be executed, as far as the
/// process's umask lets it. Other bits are never set, setuid and setgid the least.
#[derive(Debug)]
pub struct Target {
    dir: Dir,
}

impl Target {
    pub(super) fn new(dir: Dir) -> Target {
        Target { dir }
    }

    /// A folder of this process's own.
    ///
    /// # Errors
    ///
    /// It cannot be opened.
    pub fn open(path: &Path) -> io::Result<Target> {
        Ok(Target::new(Dir::open_ambient_dir(path, ambient_authority())?))
    }

    /// Makes a folder.
    ///
    /// # Errors
    ///
    /// The system refuses it, or something is there.
    pub fn make_folder(&self, path: &Path) -> io::Result<()> {
        let (deep, path) = descend(&self.dir, path)?;
        deep.as_ref().unwrap_or(&self.dir).create_dir_with(path, DirBuilder::new().mode(0o755))
    }

    /// Makes a file, and says how many bytes were written to it. They are taken from the budget.
    ///
    /// # Errors
    ///
    /// The system refuses it, something is there, what it is to hold cannot be read, or is more than the budget allows.
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

    /// Makes a symbolic link that leads nowhere but to something below the folder.
    ///
    /// # Errors
    ///
    /// The system refuses it, something is there, or it leads elsewhere.
    pub fn make_link(&self, path: &Path, to: &Path) -> io::Result<()> {
        if !stays_below(path, to) {
            let message =
                format!("a link that leads out of the folder, to `{}`; make it a file", to.display());
            return Err(io::Error::other(message));
        }
        let (deep, path) = descend(&self.dir, path)?;
        deep.as_ref().unwrap_or(&self.dir).symlink_contents(to, path)
    }

    /// Puts something new in the place of the entry of this name, where that is of this kind. The new one is made beside it under another
    /// name, and takes its place when it is complete.
    pub(crate) fn replace(
        &self,
        name: &Path,
        kind: Kind,
        make: impl FnOnce(&Target, &Path) -> io::Result<()>,
    ) -> io::Result<()> {
        let there = Kind::of(self.dir.symlink_metadata(name)?.mode());
        if there != kind {
            return Err(io::Error::other(format!("expected {kind}, found {there}, which stays as it is")));
        }
        let (new, old) = (beside(), beside());
        let made = make(self, &new).and_then(|()| match kind {
            // A file is replaced in one go.
            Kind::File => self.dir.rename(&new, &self.dir, name),
            _ => {
                self.dir.rename(name, &self.dir, &old)?;
                if let Err(error) = self.dir.rename(&new, &self.dir, name) {
                    // What was there comes back.
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

    /// The folder of this name in it.
    pub(crate) fn folder(&self, name: &Path) -> io::Result<Target> {
        self.dir.open_dir(name).map(Target::new)
    }
}

impl Root {
    /// Puts a file of these contents in the place of one that is there.
    ///
    /// # Errors
    ///
    /// There is no regular file at the path, or it cannot be written.
    pub(crate) fn replace_file(&self, below: &Path, bytes: &[u8]) -> io::Result<()> {
        let (folder, name) = split(below)?;
        self.target(folder)?.replace(name, Kind::File, |target, new| {
            target.make_file(new, bytes, false, &mut Budget::new(bytes.len() as u64)).map(drop)
        })
    }

    /// Puts a folder in the place of one that is there; `fill` writes into the new one.
    ///
    /// # Errors
    ///
    /// There is no folder at the path, or it cannot be written.
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

/// The folder and the name of a path.
fn split(below: &Path) -> io::Result<(&Path, &Path)> {
    let name = below.file_name().ok_or(ErrorKind::InvalidInput)?;
    Ok((below.parent().unwrap_or(Path::new("")), Path::new(name)))
}

/// A name that nothing has.
fn beside() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!(".wassay-{}-{since:x}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

/// Whether a link at a path leads to something below the folder that the path begins in, by its words alone.
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
