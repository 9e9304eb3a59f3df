//! Memory for code, mapped twice: once to write it and once to run it.
//!
//! No page is ever writable and executable at the same address, and no page changes its access
//! while it holds code. So to add code to a page needs no system call, and interrupts no other
//! processor.

use std::io;
use std::ptr;

use super::limits::reserve_between;
use super::mmap::{Mapping, PAGE};

/// A range of address space in which each page of memory appears twice: executable in the lower
/// half, and writable in the upper half. All offsets count from the start of a half.
///
/// A process that is made by fork(2) has neither half: its code would otherwise change when its
/// parent adds code.
#[derive(Debug)]
pub(crate) struct TwinMapping {
    map: Mapping,
    half: usize,
}

impl TwinMapping {
    /// Reserves between `least` and `most` bytes for code, and as many again to write it through.
    /// Nothing is accessible yet.
    ///
    /// # Errors
    ///
    /// Where there is no room for `least` bytes.
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

    /// Gives a range of whole pages memory of its own.
    ///
    /// # Safety
    ///
    /// The range was never opened before, or this failed for it.
    pub(crate) unsafe fn open(&self, start: usize, length: usize) -> io::Result<()> {
        let (code, writable) = self.addresses(start, length)?;
        let shared = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: `addresses` has checked that both ranges are inside of the mapping, and by the
        // condition above nothing uses them: they are replaced by fresh memory. Nothing else knows
        // the addresses, so that no code runs there before its access is final.
        unsafe {
            let made = libc::mmap(writable, length, access, shared, -1, 0);
            if made == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            // An old size of 0 makes a second mapping of shared memory (mremap(2)).
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

    /// Writes bytes that appear as code.
    ///
    /// # Safety
    ///
    /// The range was opened, no other thread accesses it meanwhile, and nothing runs the code that
    /// is there.
    pub(crate) unsafe fn write(&self, start: usize, bytes: &[u8]) {
        let writable = self.writable(start, bytes.len());
        // SAFETY: `writable` has checked that the range is inside of the upper half, and by the
        // condition above it is writable and not in use.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), writable, bytes.len()) };
    }

    /// Writes the same byte everywhere in a range.
    ///
    /// # Safety
    ///
    /// As for [`TwinMapping::write`].
    pub(crate) unsafe fn fill(&self, start: usize, length: usize, byte: u8) {
        let writable = self.writable(start, length);
        // SAFETY: `writable` has checked that the range is inside of the upper half, and by the
        // condition above it is writable and not in use.
        unsafe { ptr::write_bytes(writable, byte, length) };
    }

    /// Gives the memory of a range of whole pages back. They stay open, and are zero.
    ///
    /// # Safety
    ///
    /// The range was opened, and nothing runs or reads the code that is there.
    pub(crate) unsafe fn discard(&self, start: usize, length: usize) -> io::Result<()> {
        let (_, writable) = self.addresses(start, length)?;
        // SAFETY: `addresses` has checked that the range is inside of the mapping, and by the
        // condition above it is shared memory that nothing uses.
        if unsafe { libc::madvise(writable, length, libc::MADV_REMOVE) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Where bytes are written that appear at an offset.
    ///
    /// # Panics
    ///
    /// If they are not inside of the half.
    fn writable(&self, start: usize, length: usize) -> *mut u8 {
        assert!(start.checked_add(length).is_some_and(|end| end <= self.half), "a range of the mapping");
        self.map.base().wrapping_add(self.half + start)
    }

    /// The addresses of whole pages in both halves.
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

    /// The access to an address, as `/proc/self/maps` has it.
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
    fn what_is_written_in_one_half_appears_in_the_other() {
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
        assert_eq!(access(map.base()), "---p", "what is not open has no access");
    }

    #[test]
    fn ranges_outside_of_a_half_are_refused() {
        let map = TwinMapping::reserve_between(2 * PAGE, 2 * PAGE).unwrap();
        for (start, length) in [(0, 3 * PAGE), (1, PAGE), (usize::MAX - PAGE + 1, PAGE), (0, 0)] {
            // SAFETY: the pages were not opened before.
            assert!(unsafe { map.open(start, length) }.is_err(), "{start} {length}");
        }
    }
}
