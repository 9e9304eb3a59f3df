//! Regular files, and the other kinds of files.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{FileType, OFlags};

use super::budget::Budget;

/// How many bytes are read between two checks of the deadline.
const PIECE: u64 = 1 << 20;

/// The kind of a directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device.
    Device,
    /// Anything else.
    Other,
}

impl Kind {
    /// The kind for a mode of `stat`.
    pub(super) fn of(mode: u32) -> Kind {
        match FileType::from_raw_mode(mode) {
            FileType::Directory => Kind::Folder,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Fifo,
            FileType::Socket => Kind::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => Kind::Device,
            FileType::Unknown => Kind::Other,
        }
    }

    /// Checks that it is a regular file.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not.
    pub fn regular(self) -> io::Result<()> {
        match self {
            Kind::File => Ok(()),
            other => Err(io::Error::other(format!("expected a regular file, found {other}"))),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Folder => "a folder",
            Kind::File => "a regular file",
            Kind::Link => "a link",
            Kind::Fifo => "a pipe",
            Kind::Socket => "a socket",
            Kind::Device => "a device",
            Kind::Other => "something else",
        })
    }
}

/// The flags for opening files: a pipe does not block until there is a writer, and a terminal does
/// not become the controlling terminal.
fn flags() -> i32 {
    (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32
}

/// Opens a regular file below a folder.
pub(super) fn open_regular(dir: &Dir, path: &Path, follow: FollowSymlinks) -> io::Result<File> {
    let metadata = match follow {
        FollowSymlinks::Yes => dir.metadata(path)?,
        FollowSymlinks::No => dir.symlink_metadata(path)?,
    };
    // Opening a device or a pipe can have side effects.
    Kind::of(metadata.mode()).regular()?;
    let mut options = OpenOptions::new();
    options.read(true).follow(follow).custom_flags(flags());
    let file = dir.open_with(path, &options)?;
    // The file may have been replaced since.
    Kind::of(file.metadata()?.mode()).regular()?;
    Ok(file.into_std())
}

/// Reads an open file to its end.
pub(super) fn read_all(file: File, budget: &mut Budget) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    budget.allow(length)?;
    read_to_end(file, Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1), budget)
}

fn read_to_end(mut file: File, mut bytes: Vec<u8>, budget: &mut Budget) -> io::Result<Vec<u8>> {
    loop {
        let count = file.by_ref().take(PIECE).read_to_end(&mut bytes)?;
        budget.spend(count as u64)?;
        if count == 0 {
            return Ok(bytes);
        }
    }
}

/// Reads a text file that the user named. It may be of any kind; reading a pipe blocks.
///
/// # Errors
///
/// Returns an error if the file is missing, exceeds the budget, or is not UTF-8.
pub fn read_text(path: &Path, budget: &mut Budget) -> io::Result<String> {
    let bytes = read_to_end(File::open(path)?, Vec::new(), budget)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// Reads a regular file that the user named. Symbolic links in its path are followed.
///
/// # Errors
///
/// Returns an error if the file is missing, is not a regular file, or exceeds the budget.
pub fn read_named(path: &Path, budget: &mut Budget) -> io::Result<Vec<u8>> {
    let file = File::options().read(true).custom_flags(flags()).open(path)?;
    Kind::of(file.metadata()?.mode()).regular()?;
    read_all(file, budget)
}
