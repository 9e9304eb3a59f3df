//! The folder of the code cache: files with machine code, which this process or another one wrote.
//!
//! Only this user may be able to change the folder and its files, since machine code can do
//! everything that the process can. So their owner and mode are checked before they are used. Files
//! are replaced by renaming; any number of processes can use the folder at the same time.

mod entries;

use std::fs::{self, DirBuilder, File, FileTimes};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, open, openat, renameat, unlinkat};
use thiserror::Error;

use entries::Entries;
pub(crate) use entries::Usage;

/// The permissions of others to write.
const SHARED: u32 = 0o022;

/// Why the cache cannot be used.
#[derive(Debug, Error)]
#[error("{}: {what}", folder.display())]
pub(crate) struct CacheError {
    folder: PathBuf,
    what: String,
}

/// An open cache.
#[derive(Debug)]
pub(crate) struct CodeCache {
    path: PathBuf,
    folder: Entries,
    max_size: u64,
}

impl CodeCache {
    /// Opens the cache in a folder, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// The folder cannot be created or opened, or another user owns it or can write to it.
    pub(crate) fn open(path: &Path, max_size: u64) -> Result<CodeCache, CacheError> {
        let failed = |what: String| CacheError { folder: path.to_owned(), what };
        let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
        created.map_err(|error| failed(format!("cannot create the folder: {error}")))?;
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = open(path, OFlags::RDONLY | flags, Mode::empty());
        let folder = opened.map_err(|error| failed(format!("cannot open the folder: {error}")))?;
        let stat = fstat(&folder).map_err(|error| failed(format!("cannot read its mode: {error}")))?;
        refuse_shared(&stat).map_err(|what| failed(format!("the folder {what}")))?;
        Ok(CodeCache { path: path.to_owned(), folder: Entries(folder), max_size })
    }

    /// Opens the cache, unless its folder does not exist.
    ///
    /// # Errors
    ///
    /// Those of [`CodeCache::open`].
    pub(crate) fn existing(path: &Path, max_size: u64) -> Result<Option<CodeCache>, CacheError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => CodeCache::open(path, max_size).map(Some),
        }
    }

    /// The file with the code of this name, if there is one that only this user can change. It
    /// counts as used now.
    #[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "code is used by the engine only"))]
    pub(crate) fn file(&self, name: &str) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.folder.0, entries::file_name(name), flags, Mode::empty()).ok()?;
        let stat = fstat(&file).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return None;
        }
        if let Err(what) = refuse_shared(&stat) {
            tracing::debug!(name, "the file {what}: it is ignored");
            return None;
        }
        let file = File::from(file);
        // In a folder for reading only, the order of use is lost.
        let _ = file.set_times(FileTimes::new().set_modified(SystemTime::now()));
        Some(file)
    }

    /// Stores the code of this name, and removes the least recently used code if the cache exceeds
    /// its size.
    ///
    /// # Errors
    ///
    /// The file cannot be written; an older one is kept.
    #[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "code is made by the engine only"))]
    pub(crate) fn store(&self, name: &str, bytes: &[u8]) -> Result<(), CacheError> {
        if bytes.len() as u64 > self.max_size {
            tracing::debug!(name, bytes = bytes.len(), "the code is larger than the cache");
            return Ok(());
        }
        let failed = |error: io::Error| CacheError {
            folder: self.path.clone(),
            what: format!("cannot store machine code: {error}"),
        };
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = entries::temporary_name(std::process::id(), number);
        let written = self.write(&temporary, bytes).and_then(|()| {
            Ok(renameat(&self.folder.0, &temporary, &self.folder.0, entries::file_name(name))?)
        });
        if let Err(error) = written {
            let _ = unlinkat(&self.folder.0, &temporary, AtFlags::empty());
            return Err(failed(error));
        }
        self.folder.shrink(self.max_size).map_err(failed)
    }

    /// The number of files, and their size.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub(crate) fn usage(&self) -> io::Result<Usage> {
        self.folder.usage()
    }

    /// Removes all files, and returns how many there were.
    ///
    /// # Errors
    ///
    /// The folder cannot be read, or a file cannot be removed.
    pub(crate) fn clear(&self) -> io::Result<Usage> {
        self.folder.clear()
    }

    /// Writes a new file.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = || openat(&self.folder.0, name, flags | OFlags::EXCL, Mode::RUSR | Mode::WUSR);
        let file = create().or_else(|error| {
            // A process with the same number left it, perhaps on another machine.
            let _ = unlinkat(&self.folder.0, name, AtFlags::empty());
            if error == rustix::io::Errno::EXIST { create() } else { Err(error) }
        })?;
        File::from(file).write_all(bytes)
    }
}

/// Checks that only this user can change a file or a folder.
fn refuse_shared(stat: &Stat) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != own {
        return Err(format!("belongs to user {}, and this is user {own}", stat.st_uid));
    }
    if stat.st_mode & SHARED != 0 {
        let mode = stat.st_mode & 0o7777;
        return Err(format!("can be changed by other users (mode {mode:o}); run `chmod go-w` on it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
