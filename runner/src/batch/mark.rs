//! The position of a script that runs in another process.
//!
//! A crashed process cannot report which directive it was running, and a system call per directive
//! would cost more than most directives. So both processes share a page of memory: the child stores
//! the position of each directive before running it, and the parent reads the last one after the
//! child has ended.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};
use wassay_script::source::Place;

/// How many bytes are shared.
const SIZE: usize = size_of::<AtomicU64>();

/// The seals that keep the file at least as long as its mapping.
const SEALS: SealFlags = SealFlags::SHRINK;

/// The position of a directive, shared by two processes.
#[derive(Debug)]
pub(super) struct Mark {
    file: OwnedFd,
    page: NonNull<AtomicU64>,
}

impl Mark {
    /// Creates a mark without a position.
    ///
    /// # Errors
    ///
    /// The system is out of memory.
    pub(super) fn new() -> io::Result<Mark> {
        let file = memfd_create("wassay-mark", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, SIZE as u64)?;
        fcntl_add_seals(&file, SEALS)?;
        Mark::map(file)
    }

    /// The path for [opening](Mark::open) it from another process of the same user.
    pub(super) fn path(&self) -> OsString {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// Opens the mark of another process.
    ///
    /// # Errors
    /// There is no valid mark at the path.
    pub(super) fn open(path: &OsString) -> io::Result<Mark> {
        Mark::map(File::options().read(true).write(true).open(path)?.into())
    }

    #[allow(unsafe_code)]
    fn map(file: OwnedFd) -> io::Result<Mark> {
        if !fcntl_get_seals(&file)?.contains(SEALS) || fstat(&file)?.st_size < SIZE as i64 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: a new mapping of whole pages, at a place that the system chooses.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(page.cast()).filter(|_| page != libc::MAP_FAILED) {
            Some(page) => Ok(Mark { file, page }),
            None => Err(io::Error::last_os_error()),
        }
    }

    #[allow(unsafe_code)]
    fn shared(&self) -> &AtomicU64 {
        // SAFETY: the mapping begins on a page, has `SIZE` bytes, lives as long as `self`, and is
        // used by atomic operations alone in both processes. The file cannot become shorter, since
        // `SEALS` was found on it, so every access is to memory that exists.
        unsafe { self.page.as_ref() }
    }

    /// Stores the position of a directive before it runs.
    pub(super) fn set(&self, place: Place) {
        let number = |number: usize| u64::from(u32::try_from(number).unwrap_or(u32::MAX));
        self.shared().store(number(place.line) << 32 | number(place.column), Ordering::Release);
    }

    /// The position that was stored last, if any.
    pub(super) fn get(&self) -> Option<Place> {
        let stored = self.shared().load(Ordering::Acquire);
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        (stored != 0).then(|| Place { line: number(stored >> 32), column: number(stored & 0xffff_ffff) })
    }
}

impl Drop for Mark {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping, and no reference to it can exist any more.
        unsafe {
            libc::munmap(self.page.as_ptr().cast(), SIZE);
        }
    }
}

// SAFETY: the shared value is atomic and not bound to a thread.
#[allow(unsafe_code)]
unsafe impl Send for Mark {}

// SAFETY: all access through `&Mark` is by atomic operations.
#[allow(unsafe_code)]
unsafe impl Sync for Mark {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_visible_to_every_process_that_opened_the_mark() {
        let mark = Mark::new().unwrap();
        let other = Mark::open(&mark.path()).unwrap();
        assert_eq!(mark.get(), None);
        for place in [Place { line: 1, column: 1 }, Place { line: 4_000_000_000, column: 7 }] {
            other.set(place);
            assert_eq!(mark.get(), Some(place));
        }
        assert!(Mark::open(&"/dev/null".into()).is_err());
    }
}
