//! What a path leads to.

use std::ffi::OsString;
use std::fs::Metadata;
use std::path::PathBuf;

use crate::printer::Stream;

/// The target of a path, and how to write to it.
#[derive(Debug)]
pub(crate) enum Destination {
    /// Standard output or standard error, under any name.
    Stream(Stream),
    /// Another inherited descriptor.
    Descriptor(u32),
    /// A FIFO or a character device.
    Pipe(PathBuf),
    /// A regular file, existing or new. The path has no links.
    File {
        /// Its path.
        path: PathBuf,
        /// The metadata of the existing file.
        old: Option<Box<Metadata>>,
    },
}

/// The identity of a destination, for comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A standard stream.
    Stream(bool),
    /// A file, by device and inode number.
    File(u64, u64),
    /// A new file, by its folder and its name.
    New(u64, u64, OsString),
}
