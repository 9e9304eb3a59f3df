//! File descriptors inherited by this process, by their names in the file system: `/dev/stdout`,
//! `/dev/fd/3`, `/proc/self/fd/3`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::kind::Destination;
use crate::printer::Stream;

/// The relevant flags of an open file (`fcntl.h` of Linux).
const ACCESS: u32 = 0o3;
const CLOSE_ON_EXEC: u32 = 0o2000000;

/// The descriptor of this process that a name in a folder denotes, if any. The folder has no links.
pub(super) fn number(folder: &Path, name: &OsStr) -> Option<u32> {
    let own = Path::new("/proc").join(std::process::id().to_string());
    let within = folder.strip_prefix(own).ok()?;
    let is_table = within == Path::new("fd") || within.starts_with("task") && within.ends_with("fd");
    name.to_str().filter(|_| is_table)?.parse().ok()
}

/// The path of a descriptor in `/proc`.
pub(super) fn path(number: u32) -> PathBuf {
    format!("/proc/self/fd/{number}").into()
}

/// A descriptor as a destination.
pub(super) fn destination(number: u32) -> io::Result<Destination> {
    let closed = || io::Error::other(format!("descriptor {number} is not open"));
    let shown = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).map_err(|_| closed())?;
    let flags = shown.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).ok_or_else(closed)?;
    match number {
        1 => return Ok(Destination::Stream(Stream::Out)),
        2 => return Ok(Destination::Stream(Stream::Err)),
        // Close-on-exec descriptors were opened by this process itself.
        _ if flags & CLOSE_ON_EXEC != 0 => return Err(closed()),
        _ if flags & ACCESS == 0 => {
            return Err(io::Error::other(format!("descriptor {number} is open for reading only")));
        }
        _ => {}
    }
    Ok(Destination::Descriptor(number))
}

/// Writes to a descriptor at its current offset.
pub(super) fn write(number: u32, bytes: &[u8]) -> io::Result<()> {
    let same = || -> rustix::io::Result<OwnedFd> {
        let process = pidfd_open(getpid(), PidfdFlags::empty())?;
        pidfd_getfd(process, number.try_into().unwrap_or(-1), PidfdGetfdFlags::empty())
    };
    let mut file = match same() {
        Ok(descriptor) => File::from(descriptor),
        // If duplication is forbidden, open it again: equivalent, except for concurrent writes.
        Err(_) => File::options().append(true).open(path(number))?,
    };
    file.write_all(bytes)
}
