//! Allocation.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::runtime::StoreState;
use crate::types::layout::HEADER;
use crate::types::{StorageType, TypeId};
use crate::vm::heap::HeapMemory;
use crate::vm::layout::VmVal;

/// The objects of a store. Its memory is reserved when the first is made.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    memory: Option<HeapMemory>,
    used: usize,
}

/// By how much the memory grows at once.
const GROWTH: usize = 64 << 10;

impl Heap {
    /// The type of an object, and its length if it is an array.
    pub(crate) fn header(&self, object: u64) -> (TypeId, u32) {
        let word = self.read(object, 0, 8).0 as u64;
        (TypeId(word as u32), (word >> 32) as u32)
    }

    /// A value of an object, at that offset.
    pub(crate) fn field(&self, object: u64, offset: usize, storage: StorageType) -> VmVal {
        self.read(object, offset, storage.size() as usize)
    }

    /// Sets a value of an object, at that offset.
    pub(crate) fn set_field(&mut self, object: u64, offset: usize, storage: StorageType, value: VmVal) {
        let at = self.offset(object) + offset;
        self.memory_mut().write(at, storage.size() as usize, value);
    }

    /// Bytes of an object, by their offsets, to change.
    pub(super) fn bytes_mut(&mut self, object: u64, range: Range<usize>) -> &mut [u8] {
        let start = self.offset(object);
        self.memory_mut().bytes_mut(start + range.start..start + range.end)
    }

    /// Sets every `step` of `size` bytes inside an object, from that address on, to the low bytes of a value.
    pub(crate) fn fill(&mut self, address: u64, size: usize, step: usize, value: VmVal) {
        fn chunks<const SIZE: usize>(bytes: &mut [u8], value: VmVal) {
            let mut chunk = [0; SIZE];
            chunk.copy_from_slice(&value.0.to_le_bytes()[..SIZE]);
            bytes.as_chunks_mut().0.fill(chunk);
        }
        let bytes = self.bytes_mut(address, 0..size);
        match step {
            1 => bytes.fill(value.0 as u8),
            2 => chunks::<2>(bytes, value),
            4 => chunks::<4>(bytes, value),
            8 => chunks::<8>(bytes, value),
            _ => chunks::<16>(bytes, value),
        }
    }

    /// Copies bytes from an address inside an object to one inside the same or another.
    pub(crate) fn copy(&mut self, to: u64, from: u64, size: usize) {
        if size == 0 {
            // Behind the last element there may be nothing.
            return;
        }
        let (to, from) = (self.offset(to), self.offset(from));
        let memory = self.memory_mut();
        let end = memory.len();
        memory.bytes_mut(0..end).copy_within(from..from + size, to);
    }

    fn read(&self, object: u64, offset: usize, size: usize) -> VmVal {
        match &self.memory {
            Some(memory) => memory.read(self.offset(object) + offset, size),
            None => unreachable!("a reference to an object, in a store without objects"),
        }
    }

    fn offset(&self, object: u64) -> usize {
        match self.memory.as_ref().and_then(|memory| memory.offset_of(object)) {
            Some(offset) => offset,
            None => unreachable!("a reference to an object points into the heap"),
        }
    }

    fn memory_mut(&mut self) -> &mut HeapMemory {
        match &mut self.memory {
            Some(memory) => memory,
            None => unreachable!("a reference to an object, in a store without objects"),
        }
    }
}

impl StoreState {
    /// Makes an object of that type: `size` bytes, header included, a multiple of 8, all zero but for the header.
    ///
    /// # Errors
    ///
    /// Where it would pass the store's limit, or the machine has no room for it.
    pub(crate) fn allocate_object(&mut self, ty: TypeId, length: u32, size: u64) -> Result<u64> {
        let limit = self.engine().config().limits.heap_bytes;
        let no_room = |error| Error::limit("no room for the heap").caused_by(error);
        let heap = &mut self.heap;
        let memory = match &mut heap.memory {
            Some(memory) => memory,
            none => none.insert(HeapMemory::reserve(limit as usize).map_err(no_room)?),
        };
        let start = heap.used;
        let end = start as u64 + size;
        if end > limit {
            return Err(Error::limit(format!("a store's objects may use {limit} bytes")));
        }
        while (memory.len() as u64) < end {
            memory.grow(GROWTH).map_err(no_room)?;
        }
        heap.used = end as usize;
        memory.write(start, HEADER as usize, VmVal(u128::from(u64::from(ty.0) | u64::from(length) << 32)));
        Ok(memory.address_of(start))
    }
}
