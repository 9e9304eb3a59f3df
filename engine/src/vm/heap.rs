//! The memory of a store's heap: reserved once, opened as it grows, and accessed by offset.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::layout::VmVal;
use super::sys::limits::{self, reserve_between};
use super::sys::mmap::Mapping;

/// The memory of a store's objects. References to objects are addresses in it.
///
/// Every access is checked against the open range: a reference outside of it is an engine bug, and
/// panics. The store owns the heap, so code of the store does not run while the heap is borrowed:
/// see the [rules](super).
#[derive(Debug)]
pub(crate) struct HeapMemory {
    /// Also kept by the record of the store, once compiled code allocates in it.
    map: Arc<Mapping>,
    /// The number of bytes at the start that are open.
    open: usize,
}

impl HeapMemory {
    /// Reserves `most` bytes, or as many as there is address space for, but at least `least`.
    pub(crate) fn reserve(least: usize, most: usize) -> io::Result<HeapMemory> {
        Ok(HeapMemory { map: Arc::new(reserve_between(least, most)?), open: 0 })
    }

    /// Opens `size` bytes, a multiple of the page size, after the open range. They are zero.
    pub(crate) fn grow(&mut self, size: usize) -> io::Result<()> {
        limits::open(&self.map, self.open, size)?;
        self.open += size;
        Ok(())
    }

    /// The maximum number of bytes that can be opened.
    pub(crate) fn reserved(&self) -> usize {
        self.map.len()
    }

    /// Returns the memory of whole pages to the system. They are zero afterwards.
    pub(crate) fn discard(&mut self, range: Range<usize>) -> io::Result<()> {
        assert!(range.start <= range.end && range.end <= self.open, "range outside of the heap");
        // SAFETY: `self` is borrowed mutably, so no reference points into the range. The collector
        // guarantees that it contains no live objects; if it does, they read as zeros.
        unsafe { self.map.discard(range.start, range.end - range.start) }
    }

    /// The number of open bytes.
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    /// The open range.
    #[inline]
    pub(crate) fn words(&self) -> HeapWords<'_> {
        let (base, count) = (self.map.base().cast(), self.open / 8);
        // SAFETY: the mapping and its open range consist of whole pages, which are aligned,
        // readable and initialised. Nothing writes them meanwhile: `self` is borrowed, and no code
        // of the store runs.
        HeapWords(unsafe { std::slice::from_raw_parts(base, count) })
    }

    /// The offset that a word points to, if it points into the open range.
    #[inline]
    pub(crate) fn offset_of(&self, word: u64) -> Option<usize> {
        self.words().offset_of(word)
    }

    /// Makes the record of a store keep the mapping.
    pub(super) fn keep_in(&self, kept: &mut Option<Arc<Mapping>>) {
        if !kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &self.map)) {
            *kept = Some(Arc::clone(&self.map));
        }
    }

    /// The address of an offset.
    pub(crate) fn address_of(&self, offset: usize) -> u64 {
        self.map.base() as u64 + offset as u64
    }

    /// Reads the word at an offset, a multiple of 8.
    #[inline]
    pub(crate) fn word(&self, offset: usize) -> u64 {
        self.words().word(offset)
    }

    /// Writes the word at an offset, a multiple of 8.
    #[inline]
    pub(crate) fn set_word(&mut self, offset: usize, word: u64) {
        // SAFETY: `word_ptr` returns the address of an aligned word in the open range, which is
        // writable. `self` is borrowed mutably, so this is the only access.
        unsafe { self.word_ptr(offset).write(word) }
    }

    /// The address of a word in the open range. The mapping and its open range consist of whole
    /// pages, so a word that starts in the range also ends in it.
    #[inline]
    fn word_ptr(&self, offset: usize) -> *mut u64 {
        assert!(offset < self.open && offset.is_multiple_of(8), "word outside of the heap or misaligned");
        self.map.base().wrapping_add(offset).cast()
    }

    /// A range of the open bytes.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.open, "range outside of the heap");
        let length = range.end - range.start;
        // SAFETY: by the assertion the range is open, thus readable and initialised. Nothing writes
        // it meanwhile: `self` is borrowed, and no code of the store runs.
        unsafe { std::slice::from_raw_parts(self.map.base().add(range.start), length) }
    }

    /// Like [`HeapMemory::bytes`], mutably.
    pub(crate) fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        assert!(range.start <= range.end && range.end <= self.open, "range outside of the heap");
        let length = range.end - range.start;
        // SAFETY: by the assertion the range is open, thus readable, writable and initialised.
        // `self` is borrowed mutably, so this is the only access.
        unsafe { std::slice::from_raw_parts_mut(self.map.base().add(range.start), length) }
    }

    /// Reads a value of `size` bytes, at most 16, at an offset.
    pub(crate) fn read(&self, offset: usize, size: usize) -> VmVal {
        let mut bytes = [0; 16];
        bytes[..size].copy_from_slice(self.bytes(offset..offset + size));
        VmVal(u128::from_le_bytes(bytes))
    }

    /// Writes the low `size` bytes of a value at an offset.
    pub(crate) fn write(&mut self, offset: usize, size: usize, value: VmVal) {
        self.bytes_mut(offset..offset + size).copy_from_slice(&value.0.to_le_bytes()[..size]);
    }
}

/// The words in the open range of a heap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeapWords<'a>(&'a [u64]);

impl HeapWords<'_> {
    /// The word at an offset, a multiple of 8.
    #[inline]
    pub(crate) fn word(self, offset: usize) -> u64 {
        debug_assert!(offset.is_multiple_of(8), "misaligned word");
        self.0[offset / 8]
    }

    /// The offset that a word points to, if it points into the range.
    #[inline]
    pub(crate) fn offset_of(self, word: u64) -> Option<usize> {
        let offset = (word as usize).wrapping_sub(self.0.as_ptr().addr());
        (offset < size_of_val(self.0)).then_some(offset)
    }
}
