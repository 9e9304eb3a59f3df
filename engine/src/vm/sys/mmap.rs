//! Address space: reserved inaccessible, opened in pages, and unmapped on drop.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The page size of the host, which is constant on x86-64 Linux.
pub(crate) const PAGE: usize = 4096;

/// A range of address space, owned by this value.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread, and `Mapping` itself never accesses
// its contents.
unsafe impl Send for Mapping {}
// SAFETY: the kernel serialises changes of permissions. Methods with `&self` that destroy contents
// or revoke a permission are `unsafe`: see each.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves `length` bytes, rounded up to pages. They are inaccessible and use no memory.
    pub(crate) fn reserve(length: usize) -> io::Result<Mapping> {
        let length = round_up(length).ok_or(io::ErrorKind::OutOfMemory)?.max(PAGE);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let hint = std::ptr::without_provenance_mut(large::hint(length));
        // SAFETY: a new anonymous mapping at an address chosen by the kernel, which may follow the
        // hint, does not affect existing ones.
        let base = unsafe { libc::mmap(hint, length, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        large::mapped(base.addr().get(), length);
        Ok(Mapping { base, length })
    }

    /// The address of the first byte.
    #[inline]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The size in bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Makes a range of whole pages readable and writable.
    pub(crate) fn open(&self, start: usize, length: usize) -> io::Result<()> {
        self.protect(start, length, libc::PROT_READ | libc::PROT_WRITE)
    }

    /// Asks for large pages in a range of whole pages, where whole ones are in it. Otherwise the
    /// range has small ones.
    pub(crate) fn prefer_large_pages(&self, start: usize, length: usize) -> io::Result<()> {
        let base = self.range(start, length)?;
        // SAFETY: `range` has checked that the pages belong to this mapping. This does not change
        // their contents (madvise(2), MADV_HUGEPAGE); it fails if the system has no large pages.
        unsafe { libc::madvise(base.cast(), length, libc::MADV_HUGEPAGE) };
        Ok(())
    }

    /// Returns the memory of a range of whole pages to the system. They stay accessible, and are
    /// zero when they are next read.
    ///
    /// # Safety
    ///
    /// No reference into the range is in use, and nothing relies on its contents.
    pub(crate) unsafe fn discard(&self, start: usize, length: usize) -> io::Result<()> {
        let base = self.range(start, length)?;
        // SAFETY: `range` has checked that the pages belong to this mapping, which is private and
        // anonymous.
        if unsafe { libc::madvise(base.cast(), length, libc::MADV_DONTNEED) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    fn protect(&self, start: usize, length: usize, access: libc::c_int) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let base = self.range(start, length)?;
        // SAFETY: `range` has checked that the pages belong to this mapping.
        if unsafe { libc::mprotect(base.cast(), length, access) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    fn range(&self, start: usize, length: usize) -> io::Result<*mut u8> {
        let inside = start.checked_add(length).is_some_and(|end| end <= self.length);
        if !inside || !start.is_multiple_of(PAGE) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(self.base.as_ptr().wrapping_add(start))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `reserve` and is not unmapped elsewhere.
        let result = unsafe { libc::munmap(self.base.as_ptr().cast(), self.length) };
        debug_assert_eq!(result, 0, "munmap: {}", io::Error::last_os_error());
        large::unmapped(self.base.addr().get(), self.length);
    }
}

/// Addresses for large mappings, away from all others.
///
/// Linux has an entry for each GiB in one of its tables of pages (x86-64). To unmap a range, it
/// goes through the next table of an entry only if there is anything else in that GiB; then this
/// takes longer than all the rest of creating and dropping a memory.
mod large {
    use super::{AtomicUsize, Ordering};

    /// The range of an entry.
    const SPAN: usize = 1 << 30;

    /// The distance from the addresses that Linux chooses.
    const APART: usize = 256 * SPAN;

    /// The lowest hint. Far below are the executable and the heap of the allocator, which grows.
    const LOWEST: usize = 96 << 40;

    /// The end of the next mapping, a multiple of [`SPAN`]; 0 if Linux chooses the next address.
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    /// An address for a mapping, which need not be free; 0 if any is as good.
    pub(super) fn hint(length: usize) -> usize {
        if length < SPAN {
            return 0;
        }
        Some(NEXT.load(Ordering::Relaxed).saturating_sub(slot(length)))
            .filter(|hint| *hint >= LOWEST)
            .unwrap_or(0)
    }

    /// Notes where a mapping is. The next one is below it.
    pub(super) fn mapped(base: usize, length: usize) {
        if length < SPAN {
            return;
        }
        let next = match hint(length) {
            0 => (base / SPAN * SPAN).saturating_sub(APART),
            hint => hint,
        };
        NEXT.store(next, Ordering::Relaxed);
    }

    /// Notes that a mapping was removed, so that the next one can be there.
    pub(super) fn unmapped(base: usize, length: usize) {
        if length >= SPAN && base.is_multiple_of(SPAN) {
            NEXT.store(base.saturating_add(slot(length)), Ordering::Relaxed);
        }
    }

    /// The length of a mapping with the rest of its last entry.
    fn slot(length: usize) -> usize {
        length.saturating_add(SPAN - 1) / SPAN * SPAN
    }
}

/// Rounds up to whole pages; `None` if that overflows.
pub(crate) fn round_up(length: usize) -> Option<usize> {
    length.checked_next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_pages_keep_their_contents_and_discarded_ones_lose_them() {
        let map = Mapping::reserve(3 * PAGE).unwrap();
        map.open(PAGE, PAGE).unwrap();
        let byte = map.base().wrapping_add(PAGE);
        // SAFETY: the page was just made readable and writable.
        unsafe { byte.write(7) };
        // SAFETY: nothing refers to the page.
        unsafe { map.discard(PAGE, PAGE) }.unwrap();
        // SAFETY: a discarded page stays readable.
        assert_eq!(unsafe { byte.read() }, 0);
    }

    #[test]
    fn large_mappings_are_apart_from_others_and_take_the_place_of_those_that_are_gone() {
        // Other tests map large ranges at the same time.
        let alone = |what: &dyn Fn() -> bool| (0..100).any(|_| what());
        let far =
            |one: &Mapping, other: &Mapping| one.base().addr().abs_diff(other.base().addr()) >= 64 << 30;
        let large = || Mapping::reserve((4 << 30) + PAGE).unwrap();
        let _first = large();
        assert!(alone(&|| {
            let (small, one, other) = (Mapping::reserve(PAGE).unwrap(), large(), large());
            let places = [&one, &other].map(|map| map.base().addr());
            let aligned = places.iter().all(|place| place.is_multiple_of(1 << 30));
            drop(other);
            aligned && far(&small, &one) && places[1] == large().base().addr()
        }));
    }

    #[test]
    fn ranges_outside_the_mapping_are_rejected() {
        let map = Mapping::reserve(PAGE).unwrap();
        assert!(map.open(0, 2 * PAGE).is_err());
        assert!(map.open(1, 1).is_err());
        assert!(map.open(usize::MAX - PAGE + 1, PAGE).is_err());
    }
}
