//! Accesses to bytes that compiled code of other threads can read and write at the same time.
//!
//! Rust has no copy function that permits data races. A loop over atomic bytes would be correct but
//! copies one byte at a time; the processor's string instructions are equivalent and copy whole
//! cache lines.

use std::arch::asm;

/// Copies `length` bytes in ascending order.
///
/// # Safety
///
/// Both ranges are mapped while this runs, the source readable and the target writable; no Rust
/// reference to bytes that others write points into them.
pub(crate) unsafe fn copy_upwards(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the instruction reads and writes those two ranges, which are accessible by the
    // condition above, and changes only the three registers; the direction flag is clear, as Rust's
    // inline assembly guarantees. The effect is that of relaxed atomic loads and stores of single
    // bytes, so other accesses at the same time are not data races.
    unsafe {
        asm!("rep movsb", inout("rcx") length => _, inout("rsi") from => _, inout("rdi") to => _,
            options(nostack, preserves_flags));
    }
}

/// Sets `length` bytes in ascending order.
///
/// # Safety
///
/// The range is mapped and writable while this runs, and no Rust reference points into it.
pub(crate) unsafe fn fill(to: *mut u8, byte: u8, length: usize) {
    // SAFETY: the instruction writes that range, which is accessible by the condition above, and
    // changes only the three registers; the direction flag is clear, as Rust's inline assembly
    // guarantees. The effect is that of relaxed atomic stores of single bytes.
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
            // SAFETY: both ranges are in 200 bytes that nothing else uses.
            unsafe { copy_upwards(from[start..].as_ptr(), to[start..].as_mut_ptr(), length) };
            assert_eq!(to[start..start + length], from[start..start + length]);
            assert!(to[start + length..].iter().all(|byte| *byte == 255));
            // SAFETY: the range is in 200 bytes that nothing else uses.
            unsafe { fill(to[start..].as_mut_ptr(), 7, length) };
            assert!(to[start..start + length].iter().all(|byte| *byte == 7));
            assert!(to[start + length..].iter().all(|byte| *byte == 255));
        }
    }
}
