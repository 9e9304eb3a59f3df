//! Opening, reading and writing of the files of suites.
//!
//! A suite may come from an untrusted source, such as a pull request or an archive. Files in it are
//! therefore never opened by a path of the system. A [`Root`] is the folder of a suite, and cap-std
//! opens everything below it relative to that folder, enforced by the kernel (`openat2` with
//! `RESOLVE_BENEATH`, or name by name if the system lacks it):
//!
//! - A symbolic link that stays below the folder is followed. One that leads out of it is an error,
//!   unless the user allowed the folder that it leads to ([`Reach`]).
//! - Only regular files are read; other kinds are not opened. The kind is checked again after
//!   opening, since the file may have been replaced in between. Files are opened without blocking,
//!   so that a pipe or device cannot hang the reader.
//! - Everything that is read, including entries of folders, counts towards a [`Budget`] of bytes
//!   and time.
//! - Everything that is written ([`Target`]) is a new regular file, folder or symbolic link, with
//!   no permission bits beyond 0644 or 0755. Nothing is written through a link.
//!
//! Paths that the user gives on the command line are trusted: the folder of a suite and a single
//! script may be symbolic links.

mod budget;
mod deep;
mod file;
mod reach;
mod root;
mod target;

pub use self::budget::Budget;
pub use self::file::{Kind, read_named, read_text};
pub use self::reach::{Reach, SETTINGS};
pub(crate) use self::root::Identity;
pub use self::root::{Found, Listed, Root};
pub use self::target::Target;
