//! The bytes of shared memories.
//!
//! Code of any number of stores reads and writes them at any time, and so do the methods here.
//! Therefore no reference to the bytes exists, and every access is bounded by the accessor's own
//! copy of the length, which can only grow.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::layout::{VmMemory, VmMemoryRef};
use super::memory::reserve_guarded;
use super::ptr::VmBox;
use super::sys::bytes;
use super::sys::limits::{self, reserve_between, share};
use super::sys::mmap::{Mapping, round_up};

/// The maximum reservation for a memory whose accesses are checked. It cannot grow beyond that.
const MAX_RESERVED: usize = 64 << 30;

/// The number of bytes of an overlapping range that are copied to a buffer at a time: a larger
/// buffer is not faster, and a smaller one stalls the processor.
const PIECE: usize = 32 << 10;

/// The bytes of one shared memory. They never move.
#[derive(Debug)]
pub(crate) struct SharedBytes {
    vm: VmBox<VmMemory>,
    map: Mapping,
    guarded: bool,
    /// The initial number of bytes.
    first_length: usize,
    growing: Mutex<()>,
}

// SAFETY: the record that the box owns is written only when it is created, except for its length,
// which is atomic; its base points into `map`. Nothing here belongs to a thread.
unsafe impl Send for SharedBytes {}
// SAFETY: through `&self` the record is read, or its length changed atomically; bytes are accessed
// only as described in `load32` and `sys::bytes`.
unsafe impl Sync for SharedBytes {}

/// The right to grow a memory, which one thread has at a time.
#[derive(Debug)]
pub(crate) struct Growing<'a> {
    bytes: &'a SharedBytes,
    _lock: MutexGuard<'a, ()>,
}

impl SharedBytes {
    /// Like [`LinearMemory::guarded`](super::memory::LinearMemory::guarded).
    pub(crate) fn guarded(length: usize) -> io::Result<SharedBytes> {
        SharedBytes::open(reserve_guarded(length)?, length, true)
    }

    /// Creates a memory whose accesses are checked. It can grow to `max` bytes, if there is enough
    /// address space.
    pub(crate) fn checked(length: usize, max: usize) -> io::Result<SharedBytes> {
        /// If the address space is limited, a memory reserves at most `1 / PARTS` of it.
        const PARTS: usize = 16;
        SharedBytes::open(reserve_between(length, share(max.min(MAX_RESERVED), PARTS))?, length, false)
    }

    fn open(map: Mapping, length: usize, guarded: bool) -> io::Result<SharedBytes> {
        limits::open(&map, 0, round_up(length).ok_or(io::ErrorKind::OutOfMemory)?)?;
        let vm = VmBox::new(VmMemory { base: map.base(), length: AtomicUsize::new(length) });
        Ok(SharedBytes { vm, map, guarded, first_length: length, growing: Mutex::new(()) })
    }

    /// Whether an address is after the initial bytes, in the range where an unchecked out-of-bounds
    /// access faults: another thread may have grown the memory since the fault.
    pub(crate) fn guards(&self, address: usize) -> bool {
        let offset = address.wrapping_sub(self.map.base() as usize);
        self.guarded && (self.first_length..self.map.len()).contains(&offset)
    }

    /// Whether out-of-bounds accesses fault.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// The current number of bytes. It can increase at any time, but never decreases.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: the record is alive as long as `self`, its base never changes, and the length is
        // atomic.
        unsafe { (*self.vm.as_ptr()).length.load(Ordering::SeqCst) }
    }

    /// Waits for the right to grow the memory.
    pub(crate) fn growing(&self) -> Growing<'_> {
        // The memory is consistent even if a thread panics, because the length is published last.
        Growing { bytes: self, _lock: self.growing.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// The memory for the context of an instance.
    pub(super) fn reference(&self) -> VmMemoryRef {
        VmMemoryRef { base: self.map.base(), memory: self.vm.as_ptr() }
    }

    /// Copies bytes from the memory, starting at `start`.
    ///
    /// # Panics
    ///
    /// All methods panic if a range is out of bounds.
    pub(crate) fn read(&self, start: usize, to: &mut [u8]) {
        let from = self.range_ptr(start..start + to.len());
        // SAFETY: `range_ptr` has checked that the source is accessible, and it stays so as long as
        // `self`; the target is borrowed exclusively.
        unsafe { bytes::copy_upwards(from, to.as_mut_ptr(), to.len()) };
    }

    /// Copies bytes to the memory, starting at `start`.
    pub(crate) fn write(&self, start: usize, from: &[u8]) {
        let to = self.range_ptr(start..start + from.len());
        // SAFETY: `range_ptr` has checked that the target is accessible, and it stays so as long as
        // `self`. No reference points into it, because none to bytes of a shared memory exists. The
        // source is borrowed.
        unsafe { bytes::copy_upwards(from.as_ptr(), to, from.len()) };
    }

    /// Sets all bytes of a range.
    pub(crate) fn fill(&self, range: Range<usize>, byte: u8) {
        let (to, length) = (self.range_ptr(range.clone()), range.len());
        // SAFETY: `range_ptr` has checked that the range is accessible, and it stays so as long as
        // `self`. No reference points into it, because none to bytes of a shared memory exists.
        unsafe { bytes::fill(to, byte, length) };
    }

    /// Copies a range of another memory, or of the same one, to `target`. The ranges can overlap.
    pub(crate) fn copy(&self, target: usize, from: &SharedBytes, source: Range<usize>) {
        let length = source.len();
        let to = self.range_ptr(target..target + length);
        let from_ptr = from.range_ptr(source.clone());
        if !std::ptr::eq(self, from) || target <= source.start || source.end <= target {
            // SAFETY: `range_ptr` has checked that both ranges are accessible, and they stay so as
            // long as the two memories.
            unsafe { bytes::copy_upwards(from_ptr, to, length) };
            return;
        }
        // The target overlaps the source from above: copy chunks in descending order through a
        // buffer.
        let mut piece = vec![0; length.min(PIECE)];
        let mut left = length;
        while left > 0 {
            let size = left.min(PIECE);
            left -= size;
            self.read(source.start + left, &mut piece[..size]);
            self.write(target + left, &piece[..size]);
        }
    }

    /// Loads the 32 bits at an address that is a multiple of 4.
    pub(crate) fn load32(&self, address: usize) -> u32 {
        let word = self.range_ptr(address..address + 4).cast::<u32>();
        assert!(word.is_aligned(), "misaligned atomic access");
        // SAFETY: `range_ptr` has checked that the word is readable, and it stays so as long as
        // `self`; it is aligned. Rust code accesses it atomically or by the instructions of
        // `sys::bytes`. Compiled code writes it by plain stores of 1 to 16 bytes. For the machine
        // these are ordinary stores, and for Rust compiled code is foreign code, like another
        // process that shares the page.
        unsafe { AtomicU32::from_ptr(word) }.load(Ordering::SeqCst)
    }

    /// Loads the 64 bits at an address that is a multiple of 8.
    pub(crate) fn load64(&self, address: usize) -> u64 {
        let word = self.range_ptr(address..address + 8).cast::<u64>();
        assert!(word.is_aligned(), "misaligned atomic access");
        // SAFETY: the same conditions as for `load32` hold for 64 bits: the word is readable,
        // aligned, and written only by atomic stores, by `sys::bytes` or by foreign code.
        unsafe { AtomicU64::from_ptr(word) }.load(Ordering::SeqCst)
    }

    /// The address of a range, which is readable and writable from now on.
    fn range_ptr(&self, range: Range<usize>) -> *mut u8 {
        assert!(range.start <= range.end && range.end <= self.len(), "range outside of the memory");
        self.map.base().wrapping_add(range.start)
    }
}

impl Growing<'_> {
    /// The number of bytes, which does not change before [`Growing::grow`].
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Grows to `length` bytes, which must not be less than the current length.
    pub(crate) fn grow(self, length: usize) -> io::Result<()> {
        let opened = round_up(self.len()).unwrap_or_default();
        let needed = round_up(length).ok_or(io::ErrorKind::OutOfMemory)?;
        limits::open(&self.bytes.map, opened, needed.saturating_sub(opened))?;
        // SAFETY: the record is alive as long as the memory, and only its atomic field is borrowed.
        // A thread that reads the new length finds the pages open.
        unsafe { (*self.bytes.vm.as_ptr()).length.store(length, Ordering::SeqCst) };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlapping_copy_behaves_like_a_buffered_one() {
        let size = 3 * PIECE + 5;
        let memory = SharedBytes::checked(2 * size, 2 * size).unwrap();
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        for (source, target) in [(0, 0), (0, 1), (7, 0), (0, PIECE + 3), (PIECE + 3, 2), (0, size)] {
            memory.fill(0..2 * size, 0);
            memory.write(source, &bytes);
            memory.copy(target, &memory, source..source + size);
            let mut copied = vec![0; size];
            memory.read(target, &mut copied);
            assert!(copied == bytes, "from {source} to {target}");
        }
    }

    #[test]
    fn growing_keeps_the_bytes() {
        for memory in [SharedBytes::guarded(10).unwrap(), SharedBytes::checked(10, 1 << 20).unwrap()] {
            memory.write(6, &[1, 0, 0, 9]);
            memory.growing().grow(1 << 20).unwrap();
            assert_eq!(memory.len(), 1 << 20);
            assert_eq!((memory.load32(4), memory.load32((1 << 20) - 4)), (1 << 16, 0));
            assert_eq!(memory.load64(0), 1 << 48);
            memory.growing().grow(1 << 20).unwrap();
        }
        assert!(SharedBytes::checked(0, 10).unwrap().growing().grow(1 << 20).is_err());
    }
}
