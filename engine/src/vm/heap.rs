//! The memory of a store's heap: reserved once, opened as it grows, accessed by offset.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::layout::VmVal;
use super::sys::limits::{self, reserve_between};
use super::sys::mmap::Mapping;

/// The memory in which a store's objects lie. References to objects are addresses in it.
///
/// Every access is checked against what is open: a reference that points elsewhere is a defect of
/// the engine, and panics. The heap is owned by its store, so that code of the store does not run
/// while it is borrowed: see the [rules](super).
#[derive(Debug)]
pub(crate) struct HeapMemory {
    /// The record of the store keeps it, too, once compiled code allocates in it.
    map: Arc<Mapping>,
    /// How many bytes from the begin are open.
    open: usize,
}

impl HeapMemory {
    /// Reserves room for `most` bytes, or as many as there is address space for, but no fewer than
    /// `least`.
    pub(crate) fn reserve(least: usize, most: usize) -> io::Result<HeapMemory> {
        Ok(HeapMemory { map: Arc::new(reserve_between(least, most)?), open: 0 })
    }

    /// Opens another `size` bytes, whole pages, after those that are open; they are zero.
    pub(crate) fn grow(&mut self, size: usize) -> io::Result<()> {
        limits::open(&self.map, self.open, size)?;
        self.open += size;
        Ok(())
    }

    /// How many bytes can be opened in all.
    pub(crate) fn reserved(&self) -> usize {
        self.map.len()
    }

    /// Gives the memory of whole pages back, which are zero afterwards.
    pub(crate) fn discard(&mut self, range: Range<usize>) -> io::Result<()> {
        assert!(range.start <= range.end && range.end <= self.open, "a range inside the heap");
        // SAFETY: this is borrowed by `&mut`, so that no reference points into the range; that the
        // collector has found nothing alive there is its word, and a mistake reads as zeros.
        unsafe { self.map.discard(range.start, range.end - range.start) }
    }

    /// How many bytes are open.
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    /// The offset that a word points to, where it points into what is open.
    #[inline]
    pub(crate) fn offset_of(&self, word: u64) -> Option<usize> {
        let offset = (word as usize).checked_sub(self.map.base() as usize)?;
        (offset < self.open).then_some(offset)
    }

    /// Has the record of a store keep the mapping.
    pub(super) fn keep_in(&self, kept: &mut Option<Arc<Mapping>>) {
        if !kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &self.map)) {
            *kept = Some(Arc::clone(&self.map));
        }
    }

    /// The address of an offset.
    pub(crate) fn address_of(&self, offset: usize) -> u64 {
        self.map.base() as u64 + offset as u64
    }

    /// The word at an offset, a multiple of 8.
    #[inline]
    pub(crate) fn word(&self, offset: usize) -> u64 {
        // SAFETY: `place` gives the address of an aligned word inside what is open, hence readable
        // and initialised. Nothing writes it meanwhile: this is borrowed, and no code of the store
        // runs.
        unsafe { self.place(offset).read() }
    }

    /// Sets the word at an offset, a multiple of 8.
    #[inline]
    pub(crate) fn set_word(&mut self, offset: usize, word: u64) {
        // SAFETY: `place` gives the address of an aligned word inside what is open, hence writable.
        // This is borrowed by `&mut`, so that it is the only access.
        unsafe { self.place(offset).write(word) }
    }

    /// The address of a word inside what is open. Both the mapping and what is open of it are whole
    /// pages, so that a word that begins there ends there.
    #[inline]
    fn place(&self, offset: usize) -> *mut u64 {
        assert!(offset < self.open && offset.is_multiple_of(8), "a word inside the heap");
        self.map.base().wrapping_add(offset).cast()
    }

    /// A range of the open bytes.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.open, "a range inside the heap");
        let length = range.end - range.start;
        // SAFETY: by the assertion the range is open, hence readable and initialised. Nothing
        // writes it meanwhile: this is borrowed, and no code of the store runs.
        unsafe { std::slice::from_raw_parts(self.map.base().add(range.start), length) }
    }

    /// [`HeapMemory::bytes`], to change.
    pub(crate) fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        assert!(range.start <= range.end && range.end <= self.open, "a range inside the heap");
        let length = range.end - range.start;
        // SAFETY: by the assertion the range is open, hence readable, writable and initialised.
        // This is borrowed by `&mut`, so that it is the only access.
        unsafe { std::slice::from_raw_parts_mut(self.map.base().add(range.start), length) }
    }

    /// The value of that many bytes, at most 16, at an offset.
    pub(crate) fn read(&self, offset: usize, size: usize) -> VmVal {
        let mut bytes = [0; 16];
        bytes[..size].copy_from_slice(self.bytes(offset..offset + size));
        VmVal(u128::from_le_bytes(bytes))
    }

    /// Sets that many bytes at an offset to the low ones of a value.
    pub(crate) fn write(&mut self, offset: usize, size: usize, value: VmVal) {
        self.bytes_mut(offset..offset + size).copy_from_slice(&value.0.to_le_bytes()[..size]);
    }
}
