//! Memory for pages that are about to be written, in one system call instead of a fault for each.

use super::mmap::PAGE;

/// The smallest number of pages for which the system call pays.
const LEAST: usize = 4;

/// Has the system provide memory for the whole pages of a range, whose contents stay as they are.
///
/// If that fails, the pages get their memory when they are written.
pub(crate) fn populate<T>(items: &mut [T]) {
    let start = items.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    let length = size_of_val(items).saturating_sub(skipped) / PAGE * PAGE;
    if length < LEAST * PAGE {
        return;
    }
    // SAFETY: the range is in `items`, which is writable and borrowed for this call. The system
    // provides pages as a write would, without a change of their contents (madvise(2),
    // MADV_POPULATE_WRITE).
    unsafe { libc::madvise(start.wrapping_add(skipped).cast(), length, libc::MADV_POPULATE_WRITE) };
}

/// How many pages of a range, which starts at a page, have memory (mincore(2)).
#[cfg(test)]
pub(crate) fn resident<T>(items: &[T]) -> usize {
    let length = size_of_val(items);
    let mut found = vec![0_u8; length.div_ceil(PAGE)];
    // SAFETY: the range is mapped, and `found` has a byte for each of its pages.
    let result = unsafe { libc::mincore(items.as_ptr().cast_mut().cast(), length, found.as_mut_ptr()) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    found.iter().filter(|page| **page & 1 != 0).count()
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    use super::*;
    use crate::vm::sys::mmap::Mapping;

    #[test]
    fn whole_pages_get_memory_and_keep_their_contents() {
        let map = Mapping::reserve(16 * PAGE).unwrap();
        map.open(0, 16 * PAGE).unwrap();
        let base = map.base();
        // SAFETY: the pages are open, and nothing else refers to them.
        let bytes = unsafe { std::slice::from_raw_parts_mut(base.cast::<MaybeUninit<u8>>(), 16 * PAGE) };
        bytes[8 * PAGE] = MaybeUninit::new(7);
        assert_eq!(resident(bytes), 1);
        // Less than whole pages, or too few of them.
        populate(&mut bytes[1..PAGE]);
        populate(&mut bytes[..2 * PAGE]);
        populate::<u8>(&mut []);
        assert_eq!(resident(bytes), 1);
        populate(&mut bytes[1..11 * PAGE + 1]);
        assert_eq!(resident(bytes), 10);
        // SAFETY: the byte was written above.
        assert_eq!(unsafe { bytes[8 * PAGE].assume_init() }, 7);
    }
}
