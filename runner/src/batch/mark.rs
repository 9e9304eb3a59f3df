//! Where a script is that runs in another process.
//!
//! A process that crashes cannot say at which directive it did, and a system call for each
//! directive would cost more than most directives do. So both processes share a page of memory: the
//! child stores the place of each directive before it begins, and the parent reads the last one
//! when the child has ended.

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

/// What keeps the file from becoming shorter than what is mapped of it.
const SEALS: SealFlags = SealFlags::SHRINK;

/// The place of a directive, shared by two processes.
#[derive(Debug)]
pub(super) struct Mark {
    file: OwnedFd,
    page: NonNull<AtomicU64>,
}

impl Mark {
    /// One without a place.
    ///
    /// # Errors
    ///
    /// The system has no memory for it.
    pub(super) fn new() -> io::Result<Mark> {
        let file = memfd_create("wassay-mark", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, SIZE as u64)?;
        fcntl_add_seals(&file, SEALS)?;
        Mark::map(file)
    }

    /// The path by which another process of the same user [opens](Mark::open) it.
    pub(super) fn path(&self) -> OsString {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// The one of another process.
    ///
    /// # Errors
    ///
    /// There is none.
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

    /// Stores the place of a directive that begins.
    pub(super) fn set(&self, place: Place) {
        let number = |number: usize| u64::from(u32::try_from(number).unwrap_or(u32::MAX));
        self.shared().store(number(place.line) << 32 | number(place.column), Ordering::Release);
    }

    /// The place that was stored last; `None` where there is none.
    pub(super) fn get(&self) -> Option<Place> {
        let stored = self.shared().load(Ordering::Acquire);
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        (stored != 0).then(|| Place { line: number(stored >> 32), column: number(stored & 0xffff_ffff) })
    }
}

impl Drop for Mark {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's alone, and nobody can have a reference to it any
        // more.
        unsafe {
            libc::munmap(self.page.as_ptr().cast(), SIZE);
        }
    }
}

// SAFETY: what is shared is an atomic value, which any thread may use, and it belongs to no thread.
#[allow(unsafe_code)]
unsafe impl Send for Mark {}

// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Mark {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_seen_by_whoever_has_opened_it() {
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
