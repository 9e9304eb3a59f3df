//! Descriptors that this process was started with, by the names that the system has for them:
//! `/dev/stdout`, `/dev/fd/3`, `/proc/self/fd/3`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::kind::Destination;
use crate::printer::Stream;

/// The flags of an open file that matter here (`fcntl.h` of Linux).
const ACCESS: u32 = 0o3;
const CLOSE_ON_EXEC: u32 = 0o2000000;

/// The number of the descriptor that a name in a folder without links stands for, if it is one of
/// this process.
pub(super) fn number(folder: &Path, name: &OsStr) -> Option<u32> {
    let own = Path::new("/proc").join(std::process::id().to_string());
    let within = folder.strip_prefix(own).ok()?;
    let is_table = within == Path::new("fd") || within.starts_with("task") && within.ends_with("fd");
    name.to_str().filter(|_| is_table)?.parse().ok()
}

/// Where the system shows what a descriptor leads to.
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
        // What is not to be inherited was opened by this process, and is its own.
        _ if flags & CLOSE_ON_EXEC != 0 => return Err(closed()),
        _ if flags & ACCESS == 0 => {
            return Err(io::Error::other(format!("descriptor {number} is open for reading only")));
        }
        _ => {}
    }
    Ok(Destination::Descriptor(number))
}

/// Writes to a descriptor, from where it stands.
pub(super) fn write(number: u32, bytes: &[u8]) -> io::Result<()> {
    let same = || -> rustix::io::Result<OwnedFd> {
        let process = pidfd_open(getpid(), PidfdFlags::empty())?;
        pidfd_getfd(process, number.try_into().unwrap_or(-1), PidfdGetfdFlags::empty())
    };
    let mut file = match same() {
        Ok(descriptor) => File::from(descriptor),
        // Where that is forbidden it is opened once more, which is the same but for what is written
        // to it besides.
        Err(_) => File::options().append(true).open(path(number))?,
    };
    file.write_all(bytes)
}
