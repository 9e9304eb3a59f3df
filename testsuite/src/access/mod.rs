//! The one place where files of suites are opened, read and written.
//!
//! A suite may come from a stranger: a pull request, an archive. So nothing in it is opened by a path of the system. A [`Root`] is the
//! folder of a suite, and everything below it is opened relative to that folder by cap-std, which the kernel enforces (`openat2` with
//! `RESOLVE_BENEATH`, or name by name where the system lacks it):
//!
//! - A symbolic link that stays below the folder is followed. One that leads out of it is an error, unless the user allowed the folder that
//!   it leads into ([`Reach`]).
//! - Only regular files are read. Nothing else is opened at all, and what was opened is looked at once more, since the file may have been
//!   replaced in between; it is opened without blocking, so that a pipe or a device cannot hold its reader.
//! - What is read is paid for from a [`Budget`] of bytes and time, entries of folders too.
//! - What is written ([`Target`]) is new, a regular file, a folder or a link, and has no permission bits but those of 0644 or 0755. Nothing
//!   is written through a link.
//!
//! What the user names on the command line is the user's word: the folder of a suite and a single script may be links.

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
