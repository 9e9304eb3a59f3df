//! Removes the contents of a folder, whatever a guest created in it.
//!
//! The removal is not recursive and uses at most three descriptors at a time: a nonempty folder is
//! moved to the top before it is emptied, so only two levels are visited. Links are removed and
//! never followed, and mounted file systems below the folder are not touched.
//!
//! The code does not allocate, lock or panic, because [signal handlers](super::signal) run it.

use std::ffi::CStr;
use std::fmt;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, SeekFrom, chmod, fchmod, fstat, openat, openat2,
    renameat, seek, unlinkat,
};
use rustix::io::Errno;

/// Entries of a folder that could not be removed.
#[derive(Clone, Copy)]
pub(super) struct Remaining {
    /// The number of entries at the top level.
    entries: u64,
    /// The name of the first of them, up to a zero byte.
    name: [u8; 64],
    /// The error of the removal.
    pub(super) error: Errno,
}

impl Remaining {
    /// Creates a value for a removal that failed completely.
    pub(super) fn all(error: Errno) -> Remaining {
        Remaining { entries: 0, name: [0; 64], error }
    }

    fn add(&mut self, name: &CStr, error: Errno) {
        if self.entries == 0 {
            let bytes = name.to_bytes();
            let length = bytes.len().min(self.name.len());
            if let (Some(to), Some(from)) = (self.name.get_mut(..length), bytes.get(..length)) {
                to.copy_from_slice(from);
            }
            self.error = error;
        }
        self.entries += 1;
    }
}

impl fmt::Display for Remaining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = std::io::Error::from(self.error);
        let name = self.name.split(|byte| *byte == 0).next().unwrap_or_default();
        match self.entries {
            0 => write!(f, "{error}"),
            1 => write!(f, "`{}`: {error}", name.escape_ascii()),
            more => write!(f, "`{}` and {} more: {error}", name.escape_ascii(), more - 1),
        }
    }
}

impl fmt::Debug for Remaining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remaining({self})")
    }
}

/// Removes an open folder with everything in it. Retries until the time limit if others still write
/// to it.
///
/// # Errors
///
/// Something could not be removed.
pub(super) fn remove(
    parent: BorrowedFd<'_>,
    name: &CStr,
    dir: BorrowedFd<'_>,
    until: Instant,
) -> Result<(), Remaining> {
    loop {
        empty(dir, until)?;
        match unlinkat(parent, name, AtFlags::REMOVEDIR) {
            // Something was created in it meanwhile.
            Err(Errno::NOTEMPTY | Errno::EXIST) if Instant::now() < until => {}
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(Remaining::all(error)),
        }
    }
}

/// Removes everything in a folder but not the folder itself.
fn empty(top: BorrowedFd<'_>, until: Instant) -> Result<(), Remaining> {
    let stat = fstat(top).map_err(Remaining::all)?;
    admit_to(top, stat.st_mode).map_err(Remaining::all)?;
    let mut emptying = Removal { top, device: stat.st_dev, until, number: 0 };
    loop {
        let mut left = Remaining::all(Errno::NOTEMPTY);
        let pass = emptying.pass(top, Some(&mut left)).map_err(Remaining::all)?;
        if !pass.found {
            return Ok(());
        }
        if !pass.progressed || emptying.is_late() {
            return Err(left);
        }
    }
}

/// Opens a folder in another one, but not a link or a mount point.
///
/// # Errors
///
/// The error of the system; `XDEV` for a mount point.
pub(super) fn open(dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open_with(dir, name, flags)
}

fn open_with(dir: BorrowedFd<'_>, name: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    match openat2(dir, name, flags, Mode::empty(), within) {
        // An older kernel, or a seccomp filter.
        Err(Errno::NOSYS | Errno::PERM) => openat(dir, name, flags, Mode::empty()),
        opened => opened,
    }
}

/// The progress of a pass over a folder.
#[derive(Clone, Copy, Default)]
struct Pass {
    /// Whether anything was in it.
    found: bool,
    /// Whether anything was removed or moved.
    progressed: bool,
}

struct Removal<'a> {
    top: BorrowedFd<'a>,
    /// The device of the top folder.
    device: u64,
    until: Instant,
    /// The name for the next folder that is moved.
    number: u64,
}

impl Removal<'_> {
    fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Tries once to remove each entry of a folder: of the top folder, which records what is left,
    /// or of a folder in it.
    fn pass(&mut self, dir: BorrowedFd<'_>, mut left: Option<&mut Remaining>) -> Result<Pass, Errno> {
        let mut pass = Pass::default();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        seek(dir, SeekFrom::Start(0))?;
        let mut entries = RawDir::new(dir, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = match entry {
                // Someone else removed the folder.
                Err(Errno::NOENT) => return Ok(pass),
                entry => entry?,
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            pass.found = true;
            let is_top = left.is_some();
            match self.remove(dir, name, entry.file_type() == FileType::Directory, is_top, &mut pass) {
                Ok(()) | Err(Errno::NOENT) => pass.progressed = true,
                Err(error) => left.iter_mut().for_each(|left| left.add(name, error)),
            }
            if self.is_late() {
                break;
            }
        }
        Ok(pass)
    }

    fn remove(
        &mut self,
        dir: BorrowedFd<'_>,
        name: &CStr,
        seems_folder: bool,
        is_top: bool,
        pass: &mut Pass,
    ) -> Result<(), Errno> {
        if !seems_folder {
            match unlinkat(dir, name, AtFlags::empty()) {
                // For a folder Linux returns ISDIR, POSIX specifies PERM.
                Err(Errno::ISDIR | Errno::PERM) => {}
                removed => return removed,
            }
        }
        match unlinkat(dir, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) if is_top => self.flatten(name, pass),
            Err(Errno::NOTEMPTY | Errno::EXIST) => self.move_up(dir, name),
            removed => removed,
        }
    }

    /// Empties a folder at the top level, moving nonempty folders in it to the top level, and
    /// removes it.
    fn flatten(&mut self, name: &CStr, progress: &mut Pass) -> Result<(), Errno> {
        let dir = self.enter(name)?;
        loop {
            let pass = self.pass(dir.as_fd(), None)?;
            progress.progressed |= pass.progressed;
            if !pass.found {
                let removed = unlinkat(self.top, name, AtFlags::REMOVEDIR);
                // If it is not empty, someone else is creating entries: retry.
                progress.progressed |= removed.is_err();
                return removed;
            }
            if !pass.progressed || self.is_late() {
                return Err(Errno::NOTEMPTY);
            }
        }
    }

    /// Moves a folder to the top level, under an unused name.
    fn move_up(&mut self, dir: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        let mut admitted = false;
        loop {
            let mut text = [0; 24];
            let mut rest = text.as_mut_slice();
            // The buffer is large enough for any number.
            let _ = write!(rest, "{}", self.number);
            let number = CStr::from_bytes_until_nul(&text).map_err(|_| Errno::INVAL)?;
            match renameat(dir, name, self.top, number) {
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::ISDIR) if !self.is_late() => {
                    self.number += 1;
                }
                // A moved folder must be writable, because its entry `..` changes.
                Err(Errno::ACCESS) if !admitted => {
                    admit(dir, name)?;
                    admitted = true;
                }
                moved => {
                    self.number += 1;
                    return moved;
                }
            }
        }
    }

    /// Opens a folder at the top level so that its entries can be removed.
    fn enter(&self, name: &CStr) -> Result<OwnedFd, Errno> {
        let opened = match open(self.top, name) {
            Err(Errno::ACCESS) => {
                admit(self.top, name)?;
                open(self.top, name)
            }
            opened => opened,
        }?;
        let stat = fstat(&opened)?;
        if stat.st_dev != self.device {
            return Err(Errno::XDEV);
        }
        admit_to(opened.as_fd(), stat.st_mode)?;
        Ok(opened)
    }
}

/// Sets the permissions of an open folder that removing its entries requires.
fn admit_to(dir: BorrowedFd<'_>, mode: u32) -> Result<(), Errno> {
    if mode & 0o700 == 0o700 { Ok(()) } else { fchmod(dir, Mode::RWXU) }
}

/// Sets the permissions of a folder that cannot be opened, and never of another file that has taken
/// its name.
fn admit(dir: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = open_with(dir, name, flags)?;
    // `fchmod` does not accept an O_PATH descriptor; its path below /proc leads to the same folder
    // (proc_pid_fd(5)).
    let mut text = [0; 40];
    let mut rest = text.as_mut_slice();
    write!(rest, "/proc/self/fd/{}", found.as_raw_fd()).map_err(|_| Errno::INVAL)?;
    let path = CStr::from_bytes_until_nul(&text).map_err(|_| Errno::INVAL)?;
    chmod(path, Mode::RWXU)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs::{self, File, Permissions};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::time::Duration;

    use super::*;

    fn emptied(folder: &Path) -> Result<(), Remaining> {
        empty(File::open(folder).unwrap().as_fd(), Instant::now() + Duration::from_secs(120))
    }

    /// Creates a chain of nested folders with a file in the last.
    fn chain(folder: &Path, name: &str, depth: usize) {
        let mut dir: OwnedFd = File::open(folder).unwrap().into();
        for _ in 0..depth {
            rustix::fs::mkdirat(&dir, name, Mode::RWXU).unwrap();
            dir = openat(&dir, name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        }
        openat(&dir, "file", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
    }

    #[test]
    fn a_tree_of_any_depth_and_width_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        chain(folder.path(), "d", 5000);
        // Occupy the names that moved folders get.
        chain(folder.path(), "0", 40);
        chain(folder.path(), "1", 40);
        fs::write(folder.path().join("2"), "").unwrap();
        let wide = folder.path().join("wide");
        for number in 0..2000 {
            fs::create_dir_all(wide.join(format!("{number}/in"))).unwrap();
            fs::write(wide.join(format!("{number}/in/file")), "").unwrap();
        }
        emptied(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn permissions_and_names_do_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c/d");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join(OsStr::from_bytes(b"\xff\x1b[31m")), "").unwrap();
        fs::write(folder.path().join("a/file"), "").unwrap();
        for (path, mode) in
            [(deep.as_path(), 0), (deep.parent().unwrap(), 0o555), (&folder.path().join("a"), 0)]
        {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(folder.path(), Permissions::from_mode(0o500)).unwrap();
        emptied(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn links_are_removed_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
        fs::create_dir_all(inside.join("a/b")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "").unwrap();
        fs::set_permissions(&outside, Permissions::from_mode(0o500)).unwrap();
        symlink(&outside, inside.join("link")).unwrap();
        symlink("../../../out", inside.join("a/b/link")).unwrap();
        fs::hard_link(outside.join("kept"), inside.join("a/hard")).unwrap();
        emptied(&inside).unwrap();
        assert_eq!(fs::read_dir(&inside).unwrap().count(), 0);
        assert!(outside.join("kept").exists());
        assert_eq!(fs::metadata(&outside).unwrap().permissions().mode() & 0o777, 0o500);
    }

    #[test]
    fn the_error_names_the_first_entry_left() {
        let mut left = Remaining::all(Errno::PERM);
        assert_eq!(left.to_string(), "Operation not permitted (os error 1)");
        left.add(c"a\x1b", Errno::BUSY);
        assert_eq!(left.to_string(), "`a\\x1b`: Device or resource busy (os error 16)");
        left.add(c"b", Errno::PERM);
        assert_eq!(left.to_string(), "`a\\x1b` and 1 more: Device or resource busy (os error 16)");
    }
}
