//! The memory of a store's heap: reserved once, opened as it grows, accessed by reference and offset.

use std::io;
use std::ops::Range;

use super::layout::{VmFree, VmStore, VmVal};
use super::ptr::VmPtr;
use super::sys::limits::{self, reserve_between};
use super::sys::mmap::Mapping;

/// The memory in which a store's objects lie. References to objects are addresses in it.
///
/// Every access is checked against what is open: a reference that points elsewhere is a defect of ours, and panics.
#[derive(Debug)]
pub(crate) struct HeapMemory {
    map: Mapping,
    /// How many bytes from the begin are open.
    open: usize,
}

impl HeapMemory {
    /// Reserves room for `most` bytes, or as many as there is address space for, but no fewer than
    /// `least`.
    pub(crate) fn reserve(least: usize, most: usize) -> io::Result<HeapMemory> {
        Ok(HeapMemory { map: reserve_between(least, most)?, open: 0 })
    }

    /// Opens another `size` bytes, whole pages, behind those that are open; they are zero.
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
        self.map.discard(range.start, range.end - range.start)
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

    /// The address of an offset.
    pub(crate) fn address_of(&self, offset: usize) -> u64 {
        self.map.base() as u64 + offset as u64
    }

    /// The word at an offset, a multiple of 8.
    #[inline]
    pub(crate) fn word(&self, offset: usize) -> u64 {
        // SAFETY: `place` has checked the offset; otherwise as for `bytes`.
        unsafe { self.place(offset).read() }
    }

    /// Sets the word at an offset, a multiple of 8.
    #[inline]
    pub(crate) fn set_word(&mut self, offset: usize, word: u64) {
        // SAFETY: as for `word`, and `&mut self` makes this the only access.
        unsafe { self.place(offset).write(word) }
    }

    /// The address of a word inside what is open. Both the mapping and what is open of it are whole pages, so that a word that begins
    /// there ends there.
    #[inline]
    fn place(&self, offset: usize) -> *mut u64 {
        assert!(offset < self.open && offset.is_multiple_of(8), "a word inside the heap");
        self.map.base().wrapping_add(offset).cast()
    }

    /// A range of the open bytes.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.open, "a range inside the heap");
        let length = range.end - range.start;
        // SAFETY: the range is open, hence readable and initialised; compiled code, the only one to write here without `&mut`, does not run
        // while Rust holds the store.
        unsafe { std::slice::from_raw_parts(self.map.base().add(range.start), length) }
    }

    /// [`HeapMemory::bytes`], to change.
    pub(crate) fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        assert!(range.start <= range.end && range.end <= self.open, "a range inside the heap");
        let length = range.end - range.start;
        // SAFETY: as for `bytes`, and `&mut self` makes this the only access.
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

impl VmPtr<VmStore> {
    /// Where compiled code may allocate by itself.
    pub(crate) fn free_range(self) -> VmFree {
        // SAFETY: the record is alive with its store, which the caller holds; its code does not run meanwhile.
        unsafe { (*self.as_ptr()).free }
    }

    /// Sets where compiled code may allocate by itself.
    pub(crate) fn set_free_range(self, free: VmFree) {
        // SAFETY: as for `free_range`.
        unsafe { (*self.as_ptr()).free = free }
    }
}
