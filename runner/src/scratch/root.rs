//! The folder of a process for its temporary folders, and removal of those of killed processes.
//!
//! A process holds a lock (flock(2)) on its folder, which the system releases however the process
//! ends. A folder is locked before it is used, and must be locked before it is removed, so that no
//! folder in use is removed. If a new folder is removed before its process has locked it, the
//! process creates another one.

use std::ffi::{CString, OsStr};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, FlockOperation, Mode, OFlags, Stat, fchmod, flock, fstat, mkdirat, open};
use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::rand::{GetRandomFlags, getrandom};

use super::remove;
use super::signal::Listed;

/// The prefix of folder names; 16 hexadecimal digits follow.
const PREFIX: &str = "wassay-";

/// The time limit for removing folders of killed processes.
const SWEEP: Duration = Duration::from_secs(2);

/// The time limit for removing everything at the end of the process: folders that abandoned threads
/// still write to are retried, and a slow disk removes a few thousand folders per second.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of a process.
pub(super) struct Root {
    path: PathBuf,
    /// The folder, locked.
    dir: OwnedFd,
    listed: &'static Listed,
    /// The number of folders created in it.
    made: AtomicU64,
    is_removed: AtomicBool,
}

impl Root {
    /// Creates a folder for this process.
    pub(super) fn new(parent: &Path) -> io::Result<Root> {
        let parent = std::path::absolute(parent)?;
        let failed = |error: io::Error| {
            let message = format!("cannot create a temporary folder in {}: {error}", parent.display());
            io::Error::new(error.kind(), message)
        };
        // Retry if another process removes it before it is locked.
        for _ in 0..100 {
            let path = parent.join(format!("{PREFIX}{:016x}", random().map_err(failed)?));
            if let Some((dir, stat)) = make(&path).map_err(failed)? {
                let listed = Listed::new(&path, (stat.st_dev, stat.st_ino)).map_err(failed)?;
                return Ok(Root { path, dir, listed, made: AtomicU64::new(0), is_removed: false.into() });
            }
        }
        Err(failed(ErrorKind::AlreadyExists.into()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a folder in it and returns its name.
    pub(super) fn make(&self) -> io::Result<String> {
        let name = self.made.fetch_add(1, Ordering::Relaxed).to_string();
        mkdirat(&self.dir, &*name, Mode::RWXU)?;
        Ok(name)
    }

    /// Removes a folder in it within a time limit. What cannot be removed is removed with the
    /// folder of the process.
    ///
    /// # Errors
    ///
    /// Something is left, because of the time limit or an error.
    pub(super) fn remove(&self, name: &str, time: Duration) -> Result<(), remove::Remaining> {
        let name = CString::new(name).map_err(|_| remove::Remaining::all(Errno::INVAL))?;
        let dir = match remove::open(self.dir.as_fd(), &name) {
            // It was renamed.
            Err(Errno::NOENT) => return Ok(()),
            opened => opened.map_err(remove::Remaining::all)?,
        };
        remove::remove(self.dir.as_fd(), &name, dir.as_fd(), Instant::now() + time)
    }

    /// Removes it with its contents, even if they are still in use.
    pub(super) fn remove_all(&self) -> Result<(), remove::Remaining> {
        if self.is_removed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let path = CString::new(self.path.as_os_str().as_bytes());
        let path = path.map_err(|_| remove::Remaining::all(Errno::INVAL))?;
        remove::remove(CWD, &path, self.dir.as_fd(), Instant::now() + PATIENCE)?;
        self.is_removed.store(true, Ordering::Relaxed);
        self.listed.gone();
        Ok(())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Err(left) = self.remove_all() {
            tracing::warn!(folder = %self.path.display(), %left, "a temporary folder cannot be removed");
        }
    }
}

/// Creates and locks a private folder; `None` if the name is taken, or another process removed the
/// new folder.
fn make(path: &Path) -> io::Result<Option<(OwnedFd, Stat)>> {
    match mkdirat(CWD, path, Mode::RWXU) {
        Err(Errno::EXIST) => return Ok(None),
        made => made?,
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = match open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        opened => opened?,
    };
    match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(None),
        // Without support for locks, other processes cannot lock it either, and don't remove it.
        Err(Errno::BADF | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        locked => locked?,
    }
    // The umask and the parent folder may have changed the mode.
    fchmod(&dir, Mode::RWXU)?;
    let stat = fstat(&dir)?;
    let is_there = rustix::fs::lstat(path).is_ok_and(|there| is_same(&there, &stat));
    Ok(is_there.then_some((dir, stat)))
}

fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Removes folders of ended processes: those with our prefix and owner that are private and not
/// locked. What cannot be removed within the time limit is left for later.
pub(super) fn sweep(parent: &Path) {
    let until = Instant::now() + SWEEP;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(dir) = open(parent, flags, Mode::empty()) else { return };
    let Ok(entries) = rustix::fs::Dir::read_from(&dir) else { return };
    for entry in entries.flatten() {
        if is_ours(OsStr::from_bytes(entry.file_name().to_bytes())) {
            sweep_one(dir.as_fd(), entry.file_name(), until);
        }
        if Instant::now() >= until {
            return;
        }
    }
}

fn is_ours(name: &OsStr) -> bool {
    let digits = name.as_bytes().strip_prefix(PREFIX.as_bytes());
    digits.is_some_and(|digits| {
        digits.len() == 16 && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn sweep_one(parent: BorrowedFd<'_>, name: &std::ffi::CStr, until: Instant) {
    let Ok(dir) = remove::open(parent, name) else { return };
    let is_private = |stat: Stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            && stat.st_uid == geteuid().as_raw()
            && stat.st_mode & 0o077 == 0
    };
    if !fstat(&dir).is_ok_and(is_private) || flock(&dir, FlockOperation::NonBlockingLockExclusive).is_err() {
        return;
    }
    if remove::remove(parent, name, dir.as_fd(), until).is_ok() {
        tracing::debug!(name = %name.to_string_lossy(), "removed the folder of a process that was killed");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::Barrier;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn folders_are_private_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        // A set-group-ID folder passes its group on (inode(7)).
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o2777)).unwrap();
        let root = Root::new(folder.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(root.path()), 0o700);
        let name = root.make().unwrap();
        fs::create_dir_all(root.path().join(&name).join("a/b/c")).unwrap();
        root.remove(&name, Duration::from_secs(60)).unwrap();
        assert_eq!(names(root.path()), [""; 0]);
        fs::create_dir_all(root.path().join(root.make().unwrap()).join("a/b/c")).unwrap();
        drop(root);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn only_folders_of_ended_processes_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let private = |name: &str, mode: u32| {
            fs::create_dir(folder.path().join(name)).unwrap();
            // Not by a mode at creation, which depends on the umask.
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        private("wassay-0123456789abcdef", 0o700);
        fs::create_dir_all(folder.path().join("wassay-0123456789abcdef/0/deep")).unwrap();
        // Not these, because of their names, permissions and types, ...
        private("wassay-0123456789ABCDEF", 0o700);
        private("wassay-0123456789abcde", 0o700);
        private("wassay-0000000000000001", 0o755);
        symlink(folder.path().join("wassay-0123456789abcde"), folder.path().join("wassay-0000000000000002"))
            .unwrap();
        fs::write(folder.path().join("wassay-0000000000000003"), "").unwrap();
        // ... nor what is in use.
        let root = Root::new(folder.path()).unwrap();
        let before = names(folder.path());
        sweep(folder.path());
        let kept = before.into_iter().filter(|name| name != "wassay-0123456789abcdef");
        assert_eq!(names(folder.path()), kept.collect::<Vec<_>>());
        drop(root);
    }

    #[test]
    fn a_folder_is_not_swept_while_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let (together, done) = (Barrier::new(4), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    together.wait();
                    while !done.load(Ordering::Relaxed) {
                        sweep(folder.path());
                    }
                });
            }
            let makers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        together.wait();
                        for _ in 0..300 {
                            let root = Root::new(folder.path()).unwrap();
                            let name = root.make().unwrap();
                            fs::write(root.path().join(&name).join("file"), "").unwrap();
                            assert!(root.path().join(&name).join("file").exists());
                            root.remove_all().unwrap();
                        }
                    })
                })
                .collect();
            let joined: Vec<_> = makers.into_iter().map(|maker| maker.join()).collect();
            done.store(true, Ordering::Relaxed);
            assert!(joined.iter().all(Result::is_ok));
        });
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
