//! Memory for code that is mapped twice: writable and executable.
//!
//! No page is writable and executable at the same address, and the permissions of a page do not
//! change after it was opened. Therefore code can be added to a page without a system call, and
//! without TLB shootdowns.

use std::io;
use std::ptr;
use std::slice;

use super::limits::reserve_between;
use super::mmap::{Mapping, PAGE};
use super::populate::populate;

/// A range of address space in which each page is mapped twice: executable in the lower half, and
/// writable in the upper half. Offsets are relative to the start of a half.
///
/// A process created by fork(2) has neither half, because its code would change when its parent
/// adds code.
#[derive(Debug)]
pub(crate) struct TwinMapping {
    map: Mapping,
    half: usize,
}

impl TwinMapping {
    /// Reserves two halves of between `least` and `most` bytes, which are inaccessible.
    ///
    /// # Errors
    ///
    /// Returns an error if `least` bytes cannot be reserved.
    pub(crate) fn reserve_between(least: usize, most: usize) -> io::Result<TwinMapping> {
        let map = reserve_between(least * 2, most.saturating_mul(2))?;
        let half = map.len() / 2 / PAGE * PAGE;
        Ok(TwinMapping { map, half })
    }

    /// The first byte of the executable half.
    pub(crate) fn base(&self) -> usize {
        self.map.base() as usize
    }

    /// The size of one half.
    pub(crate) fn len(&self) -> usize {
        self.half
    }

    /// Maps new memory in a range of whole pages.
    ///
    /// # Safety
    ///
    /// The range has not been opened before, except if that failed.
    pub(crate) unsafe fn open(&self, start: usize, length: usize) -> io::Result<()> {
        let (code, writable) = self.addresses(start, length)?;
        let shared = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: `addresses` has checked that both ranges are in the mapping. By the condition
        // above nothing uses them, so that they can be replaced by new memory. Nothing runs code
        // there before this returns.
        unsafe {
            let made = libc::mmap(writable, length, access, shared, -1, 0);
            if made == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            // With an old size of 0 the shared memory is mapped a second time (mremap(2)).
            let fixed = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            if libc::mremap(writable, 0, length, fixed, code) == libc::MAP_FAILED
                || libc::mprotect(code, length, libc::PROT_READ | libc::PROT_EXEC) != 0
                || libc::madvise(code, length, libc::MADV_DONTFORK) != 0
                || libc::madvise(writable, length, libc::MADV_DONTFORK) != 0
            {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }

    /// Writes code.
    ///
    /// # Safety
    ///
    /// The range was opened, and nothing else accesses it or runs code in it at the same time.
    pub(crate) unsafe fn write(&self, start: usize, bytes: &[u8]) {
        let writable = self.writable(start, bytes.len());
        // SAFETY: `writable` has checked that the range is in the upper half. By the condition
        // above it is writable and not in use.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), writable, bytes.len()) };
    }

    /// Fills a range with a byte.
    ///
    /// # Safety
    ///
    /// The conditions of [`TwinMapping::write`] must hold.
    pub(crate) unsafe fn fill(&self, start: usize, length: usize, byte: u8) {
        let writable = self.writable(start, length);
        // SAFETY: `writable` has checked that the range is in the upper half. By the condition
        // above it is writable and not in use.
        unsafe {
            populate(slice::from_raw_parts_mut(writable.cast::<u8>(), length));
            ptr::write_bytes(writable, byte, length);
        }
    }

    /// Returns the memory of a range of whole pages to the system. They stay open, and are zero.
    ///
    /// # Safety
    ///
    /// The range was opened, and nothing reads it or runs code in it.
    pub(crate) unsafe fn discard(&self, start: usize, length: usize) -> io::Result<()> {
        let (_, writable) = self.addresses(start, length)?;
        // SAFETY: `addresses` has checked that the range is in the mapping. By the condition above
        // it is shared memory that is not in use.
        if unsafe { libc::madvise(writable, length, libc::MADV_REMOVE) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// The address through which a range is written.
    ///
    /// # Panics
    ///
    /// Panics if the range is outside of the half.
    fn writable(&self, start: usize, length: usize) -> *mut u8 {
        assert!(
            start.checked_add(length).is_some_and(|end| end <= self.half),
            "range outside of the mapping"
        );
        self.map.base().wrapping_add(self.half + start)
    }

    /// The addresses of a range of whole pages in both halves.
    fn addresses(&self, start: usize, length: usize) -> io::Result<(*mut libc::c_void, *mut libc::c_void)> {
        let inside = start.checked_add(length).is_some_and(|end| end <= self.half);
        if !inside || !start.is_multiple_of(PAGE) || length == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let code = self.map.base().wrapping_add(start);
        Ok((code.cast(), code.wrapping_add(self.half).cast()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The permissions of an address in `/proc/self/maps`.
    fn access(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let lines = maps.lines().map(|line| line.split_once(' ').unwrap());
        let mut found = lines.filter_map(|(range, rest)| {
            let (start, end) = range.split_once('-')?;
            let bounds = [start, end].map(|bound| usize::from_str_radix(bound, 16).unwrap());
            (bounds[0]..bounds[1]).contains(&address).then(|| rest[..4].to_owned())
        });
        found.next().unwrap()
    }

    #[test]
    fn written_bytes_appear_in_the_executable_half() {
        let map = TwinMapping::reserve_between(4 * PAGE, 4 * PAGE).unwrap();
        // SAFETY: the pages were not opened before.
        unsafe { map.open(PAGE, 2 * PAGE) }.unwrap();
        let byte = (map.base() + 2 * PAGE + 5) as *const u8;
        // SAFETY: the range was opened, and only this thread uses the mapping.
        unsafe { map.write(2 * PAGE + 4, &[6, 7, 8]) };
        // SAFETY: the page is readable, and the byte is written by nothing at the same time.
        assert_eq!(unsafe { byte.read_volatile() }, 7);
        // SAFETY: the range was opened, and nothing uses what is there.
        unsafe { map.discard(2 * PAGE, PAGE) }.unwrap();
        // SAFETY: the page stays readable.
        assert_eq!(unsafe { byte.read_volatile() }, 0);
        assert_eq!(access(map.base() + PAGE), "r-xs");
        assert_eq!(access(map.base() + map.len() + PAGE), "rw-s");
        assert_eq!(access(map.base()), "---p", "closed pages are inaccessible");
    }

    #[test]
    fn ranges_outside_of_a_half_are_rejected() {
        let map = TwinMapping::reserve_between(2 * PAGE, 2 * PAGE).unwrap();
        for (start, length) in [(0, 3 * PAGE), (1, PAGE), (usize::MAX - PAGE + 1, PAGE), (0, 0)] {
            // SAFETY: the pages were not opened before.
            assert!(unsafe { map.open(start, length) }.is_err(), "{start} {length}");
        }
    }
}
