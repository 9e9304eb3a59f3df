//! Bytes that compiled code of other threads may read and write at the same time.
//!
//! Rust has no copy that may race. A loop over atomic bytes may, but is a byte at a time; the
//! processor's own string instructions mean the same and move whole lines.

use std::arch::asm;

/// Copies `length` bytes one after the other, from the first to the last.
///
/// # Safety
///
/// Both ranges are mapped as long as this runs, the source readable and the target writable; no
/// reference of Rust's to bytes that others write points into them.
pub(crate) unsafe fn copy_upwards(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the instruction reads and writes those two ranges, by our caller's word accessible,
    // and changes no other register than the three; the direction flag is clear, as in all assembly
    // of Rust's. What it does could be written as loads and stores of single bytes that are atomic
    // and relaxed, so that other accesses at the same time are no data race.
    unsafe {
        asm!("rep movsb", inout("rcx") length => _, inout("rsi") from => _, inout("rdi") to => _,
            options(nostack, preserves_flags));
    }
}

/// Sets `length` bytes, from the first to the last.
///
/// # Safety
///
/// The range is mapped and writable as long as this runs, and no reference of Rust's points into
/// it.
pub(crate) unsafe fn fill(to: *mut u8, byte: u8, length: usize) {
    // SAFETY: the instruction writes that range, which is accessible by the condition above, and
    // changes no other register than the three; the direction flag is clear, as in all assembly of
    // Rust's. Its stores are as good as relaxed atomic ones of single bytes.
    unsafe {
        asm!("rep stosb", inout("rcx") length => _, in("al") byte, inout("rdi") to => _,
            options(nostack, preserves_flags));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_copied_and_set() {
        let from: Vec<u8> = (0..200).collect();
        let mut to = [0; 200];
        for (start, length) in [(0, 0), (3, 1), (5, 17), (0, 200)] {
            to.fill(255);
            // SAFETY: both ranges lie in 200 bytes that nobody else uses.
            unsafe { copy_upwards(from[start..].as_ptr(), to[start..].as_mut_ptr(), length) };
            assert_eq!(to[start..start + length], from[start..start + length]);
            assert!(to[start + length..].iter().all(|byte| *byte == 255));
            // SAFETY: the range lies in 200 bytes that nothing else uses.
            unsafe { fill(to[start..].as_mut_ptr(), 7, length) };
            assert!(to[start..start + length].iter().all(|byte| *byte == 7));
            assert!(to[start + length..].iter().all(|byte| *byte == 255));
        }
    }
}
