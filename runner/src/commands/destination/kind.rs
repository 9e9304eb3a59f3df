//! What a path leads to.

use std::ffi::OsString;
use std::fs::Metadata;
use std::path::PathBuf;

use crate::printer::Stream;

/// What a path leads to, and how that is written.
#[derive(Debug)]
pub(crate) enum Destination {
    /// Standard output or standard error, by whatever name.
    Stream(Stream),
    /// Another descriptor that this process was started with.
    Descriptor(u32),
    /// A FIFO or a character device.
    Pipe(PathBuf),
    /// A regular file that is there, or none yet. The path has no links.
    File {
        /// Where it is.
        path: PathBuf,
        /// What is there.
        old: Option<Box<Metadata>>,
    },
}

/// What two destinations have in common that are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A stream of the process.
    Stream(bool),
    /// A file, by its device and its number there.
    File(u64, u64),
    /// A file that is still to come, by its folder and its name.
    New(u64, u64, OsString),
}
