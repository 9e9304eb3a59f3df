//! Output files of the user: reports and blessed expectations.
//!
//! A regular file is replaced atomically, and keeps its owner, group, mode and attributes. Links
//! are followed, even to a file that does not exist yet. FIFOs, terminals and inherited descriptors
//! are written to directly. Anything that could lose data is rejected before the run: see
//! [`Destination::of`].

mod descriptor;
mod kind;
mod pipe;
mod replace;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

pub(crate) use self::kind::{Destination, Key};
use crate::printer::{self, Stream};

/// The path that denotes standard output.
pub(crate) const STDOUT: &str = "-";

/// The maximum number of links to follow, as in Linux (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

impl Destination {
    /// Resolves a path to a destination.
    ///
    /// # Errors
    ///
    /// It is a folder, a block device or a socket; a file with several names (hard links), of which
    /// the others would keep the old content; or a file of another user in a world-writable folder,
    /// such as `/tmp`.
    pub(crate) fn of(path: &Path) -> io::Result<Destination> {
        if path == Path::new(STDOUT) {
            return Ok(Destination::Stream(Stream::Out));
        }
        let mut path = path.to_owned();
        for _ in 0..=MOST_LINKS {
            let (folder, name) = folder_and_name(&path)?;
            if let Some(number) = descriptor::number(&folder, &name) {
                return descriptor::destination(number);
            }
            let full = folder.join(&name);
            let found = match full.symlink_metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Destination::File { path: full, old: None });
                }
                found => found?,
            };
            refuse_planted(&folder, &found)?;
            let kind = found.file_type();
            if kind.is_symlink() {
                path = folder.join(fs::read_link(&full)?);
            } else if kind.is_fifo() || kind.is_char_device() {
                return Ok(Destination::Pipe(full));
            } else if kind.is_file() && found.nlink() <= 1 {
                return Ok(Destination::File { path: full, old: Some(Box::new(found)) });
            } else {
                return Err(io::Error::other(match () {
                    () if kind.is_dir() => "it is a folder; expected a file".to_owned(),
                    () if kind.is_file() => format!(
                        "the file has {} names (hard links), and the others would keep the old content: remove it first, or \
                        name another file",
                        found.nlink()
                    ),
                    () => "it is not a file, FIFO or character device; expected a file".to_owned(),
                }));
            }
        }
        Err(io::Error::from(rustix::io::Errno::LOOP))
    }

    /// Checks, before a run, that it can be written after it.
    ///
    /// # Errors
    ///
    /// It cannot be written; the error has the reason.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self {
            Destination::Stream(_) | Destination::Descriptor(_) => Ok(()),
            // Opening it would cause an end of file for the reader.
            Destination::Pipe(path) => writable(path),
            Destination::File { path, old } => {
                if old.is_some() {
                    writable(path)?;
                }
                replace::check(path, old.as_deref())
            }
        }
    }

    /// Writes these bytes; a file is replaced atomically.
    ///
    /// # Errors
    ///
    /// It cannot be written; a file keeps its old content. A FIFO has no reader, or one that does
    /// not read.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Destination::Stream(stream) => printer::document(*stream, bytes),
            Destination::Descriptor(number) => descriptor::write(*number, bytes),
            Destination::Pipe(path) => pipe::write(path, bytes),
            Destination::File { path, old } => replace::write(path, old.as_deref(), bytes),
        }
    }

    /// The keys that identify it; none for a device, which may be written several times.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let (own, path) = match self {
            Destination::Stream(stream) => {
                (Some(Key::Stream(*stream == Stream::Out)), descriptor::path(stream.number()))
            }
            Destination::Descriptor(number) => (None, descriptor::path(*number)),
            Destination::Pipe(path) => (None, path.clone()),
            Destination::File { path, old: None } => (new_key(path), path.clone()),
            Destination::File { path, old: Some(_) } => (None, path.clone()),
        };
        own.into_iter().chain(key_of(&path)).collect()
    }
}

/// The key of the file at a path, even if it may be written several times; `None` if nothing exists
/// there.
pub(crate) fn key_of(path: &Path) -> Option<Key> {
    let found = path.metadata().ok().filter(|found| !found.file_type().is_char_device())?;
    Some(Key::File(found.dev(), found.ino()))
}

/// The key of a file that does not exist yet.
fn new_key(path: &Path) -> Option<Key> {
    let (folder, name) = (path.parent()?, path.file_name()?);
    let found = folder.metadata().ok()?;
    let name = if replace::is_caseless(folder) {
        name.to_string_lossy().to_lowercase().into()
    } else {
        name.to_owned()
    };
    Some(Key::New(found.dev(), found.ino(), name))
}

/// Writes to a path.
///
/// # Errors
///
/// Those of [`Destination::of`] and [`Destination::write`].
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Destination::of(path)?.write(bytes)
}

/// Checks that [`write`] can write to a path.
///
/// # Errors
///
/// Those of [`Destination::of`] and [`Destination::check`].
pub(crate) fn check(path: &Path) -> io::Result<()> {
    Destination::of(path)?.check()
}

/// Splits a path into its folder, without links, and its last name.
fn folder_and_name(path: &Path) -> io::Result<(PathBuf, OsString)> {
    let is_folder = path.as_os_str().as_bytes().ends_with(b"/");
    let name = path.file_name().filter(|_| !is_folder);
    let name = name.ok_or_else(|| io::Error::other("it is a folder; expected a file"))?;
    let folder = path.parent().filter(|folder| *folder != OsStr::new("")).unwrap_or(Path::new("."));
    let full = folder.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::other(format!("the folder {} does not exist: create it first", folder.display()))
        }
        _ => io::Error::new(error.kind(), format!("{}: {error}", folder.display())),
    })?;
    Ok((full, name.to_owned()))
}

/// Rejects files of another user in a sticky world-writable folder, as Linux does for links, files
/// and FIFOs if configured (`proc_sys_fs(5)`, `protected_symlinks` and others).
fn refuse_planted(folder: &Path, found: &Metadata) -> io::Result<()> {
    const SHARED: u32 = 0o1002;
    let folder = folder.metadata()?;
    let own = rustix::process::geteuid().as_raw();
    if folder.mode() & SHARED == SHARED && found.uid() != own && found.uid() != folder.uid() {
        return Err(io::Error::other("it belongs to another user and is in a world-writable folder"));
    }
    Ok(())
}

/// Whether this user may write to a file.
fn writable(path: &Path) -> io::Result<()> {
    Ok(accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS)?)
}
