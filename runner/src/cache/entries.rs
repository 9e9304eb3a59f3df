//! The files in the folder of the cache, and which of them are removed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, statat, unlinkat};
use rustix::io::Errno;

/// The extension of files with code, which are object files.
const EXTENSION: &str = ".o";

/// The beginning of the names of files that are being written.
const TEMPORARY: &str = ".wassay-";

/// The age after which a file that is being written is left from a process that was killed.
const ABANDONED: Duration = Duration::from_secs(600);

/// After the cache was full, it has one tenth of its size free.
const KEPT: (u64, u64) = (9, 10);

/// The number of files of a cache, and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The number of modules with code.
    pub(crate) modules: usize,
    /// The size of all files in bytes.
    pub(crate) bytes: u64,
}

/// A file of the cache. Other files in the folder are left alone.
struct Entry {
    name: OsString,
    is_temporary: bool,
    bytes: u64,
    used: SystemTime,
}

/// The name of the file for code with this name.
pub(super) fn file_name(name: &str) -> String {
    format!("{name}{EXTENSION}")
}

/// The name of a file that a process writes.
pub(super) fn temporary_name(process: u32, number: u64) -> String {
    format!("{TEMPORARY}{process}-{number}")
}

/// Whether a name is one of [`file_name`], for code that the engine names: two hexadecimal numbers.
fn is_code(name: &OsStr) -> bool {
    let is_number =
        |part: &[u8]| !part.is_empty() && part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let stem = name.as_bytes().strip_suffix(EXTENSION.as_bytes());
    let parts = stem.map(|stem| stem.split(|byte| *byte == b'-').collect::<Vec<_>>());
    parts.is_some_and(|parts| parts.len() == 2 && parts.iter().all(|part| is_number(part)))
}

fn is_temporary(name: &OsStr) -> bool {
    let rest = name.as_bytes().strip_prefix(TEMPORARY.as_bytes());
    rest.is_some_and(|rest| rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
}

/// An open folder of code.
#[derive(Debug)]
pub(super) struct Entries(pub(super) OwnedFd);

impl Entries {
    /// The number of files, and their size.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub(super) fn usage(&self) -> io::Result<Usage> {
        let entries = self.entries()?;
        let modules = entries.iter().filter(|entry| !entry.is_temporary).count();
        Ok(Usage { modules, bytes: entries.iter().map(|entry| entry.bytes).sum() })
    }

    /// Removes all files, and returns how many there were.
    ///
    /// # Errors
    ///
    /// The folder cannot be read, or a file cannot be removed.
    pub(super) fn clear(&self) -> io::Result<Usage> {
        let mut removed = Usage::default();
        for entry in self.entries()? {
            self.remove(&entry.name)?;
            removed.modules += usize::from(!entry.is_temporary);
            removed.bytes += entry.bytes;
        }
        Ok(removed)
    }

    /// Removes what killed processes have left and, if the cache exceeds its size, the least
    /// recently used code.
    pub(super) fn shrink(&self, max_size: u64) -> io::Result<()> {
        let mut entries = self.entries()?;
        let now = SystemTime::now();
        let is_abandoned = |entry: &Entry| {
            entry.is_temporary && now.duration_since(entry.used).is_ok_and(|age| age > ABANDONED)
        };
        for entry in entries.extract_if(.., |entry| is_abandoned(entry)) {
            self.remove(&entry.name)?;
        }
        let mut bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        if bytes <= max_size {
            return Ok(());
        }
        let target = max_size / KEPT.1 * KEPT.0;
        entries.retain(|entry| !entry.is_temporary);
        entries.sort_by_key(|entry| entry.used);
        // The last one was just stored.
        entries.pop();
        for entry in entries {
            if bytes <= target {
                break;
            }
            self.remove(&entry.name)?;
            bytes -= entry.bytes;
        }
        Ok(())
    }

    /// Removes a file.
    fn remove(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            // Another process was faster.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            let is_temporary = is_temporary(&name);
            if !is_temporary && !is_code(&name) {
                continue;
            }
            // Another process may have removed it.
            let Ok(stat) = statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                continue;
            }
            let since = Duration::new(
                stat.st_mtime.try_into().unwrap_or(0),
                stat.st_mtime_nsec.try_into().unwrap_or(0),
            );
            let used = SystemTime::UNIX_EPOCH + since;
            entries.push(Entry { name, is_temporary, bytes: stat.st_size.try_into().unwrap_or(0), used });
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_cache_have_such_names() {
        for name in ["0a-1f.o", "00-0.o"] {
            assert!(is_code(OsStr::new(name)), "{name}");
        }
        for name in ["0a-1f", "main.o", "a-b-c.o", "-.o", "a-.o", "A-B.o", ".o", ".wassay-1-1"] {
            assert!(!is_code(OsStr::new(name)), "{name}");
        }
        assert!(is_temporary(OsStr::new(&temporary_name(12, 3))));
        assert!(!is_temporary(OsStr::new(".wassay-rc")));
    }
}
