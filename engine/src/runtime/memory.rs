//! Memories (embedding appendix: `mem_alloc`, `mem_type`, `mem_read`, `mem_write`, `mem_size`, `mem_grow`).

use super::store::{StoreId, StoreState};
use crate::builtin::within;
use crate::error::{Error, Result};
use crate::trap::Trap;
use crate::types::MemoryType;
use crate::vm::memory::LinearMemory;

/// A memory in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    store: StoreId,
    index: usize,
}

/// A memory's type, with the minimum it was made with, and its bytes.
#[derive(Debug)]
pub(crate) struct MemoryEntity {
    pub(super) ty: MemoryType,
    pub(crate) bytes: LinearMemory,
}

impl Memory {
    /// Makes a memory of zero bytes.
    ///
    /// # Errors
    ///
    /// Where it would pass the store's limit or the machine has no room for it, or its limits contradict each other.
    pub fn alloc(store: &mut StoreState, ty: MemoryType) -> Result<Memory> {
        let index = store.add_memory(ty)?;
        Ok(Memory::new(index, store))
    }

    /// The type of the memory: its minimum is the size that it has now.
    ///
    /// # Panics
    ///
    /// As all methods here: where the memory belongs to another store.
    pub fn ty(self, store: &StoreState) -> MemoryType {
        let entity = self.entity(store);
        let mut ty = entity.ty;
        ty.limits.min = entity.pages();
        ty
    }

    /// The size in pages.
    pub fn size(self, store: &StoreState) -> u64 {
        self.entity(store).pages()
    }

    /// Grows by that many pages and gives the old size in pages.
    ///
    /// # Errors
    ///
    /// Where the memory would pass its maximum, the store's limit, or what the machine has.
    pub fn grow(self, store: &mut StoreState, pages: u64) -> Result<u64> {
        store.grow_memory(self.index(store), pages)
    }

    /// The bytes of the memory.
    pub fn bytes(self, store: &StoreState) -> &[u8] {
        self.entity(store).bytes.bytes()
    }

    /// The bytes of the memory, to write.
    pub fn bytes_mut(self, store: &mut StoreState) -> &mut [u8] {
        let index = self.index(store);
        store.memories[index].bytes.bytes_mut()
    }

    /// Copies bytes out of the memory.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] where the range does not lie inside the memory.
    pub fn read(self, store: &StoreState, address: u64, buffer: &mut [u8]) -> Result<()> {
        let bytes = self.bytes(store);
        let range = within(bytes.len(), address, buffer.len() as u64, Trap::MemoryOutOfBounds)?;
        buffer.copy_from_slice(&bytes[range]);
        Ok(())
    }

    /// Copies bytes into the memory.
    ///
    /// # Errors
    ///
    /// As [`Memory::read`].
    pub fn write(self, store: &mut StoreState, address: u64, data: &[u8]) -> Result<()> {
        let bytes = self.bytes_mut(store);
        let range = within(bytes.len(), address, data.len() as u64, Trap::MemoryOutOfBounds)?;
        bytes[range].copy_from_slice(data);
        Ok(())
    }

    pub(super) fn new(index: usize, store: &StoreState) -> Memory {
        Memory { store: store.id(), index }
    }

    pub(super) fn index(self, store: &StoreState) -> usize {
        store.check(self.store);
        self.index
    }

    fn entity(self, store: &StoreState) -> &MemoryEntity {
        &store.memories[self.index(store)]
    }
}

impl MemoryEntity {
    fn pages(&self) -> u64 {
        (self.bytes.len() as u64) >> self.ty.page_size_log2
    }
}

impl StoreState {
    pub(super) fn add_memory(&mut self, ty: MemoryType) -> Result<usize> {
        if ty.shared {
            return Err(Error::unsupported("shared memories"));
        }
        if ty.limits.max.is_some_and(|max| max < ty.limits.min) || ty.page_size_log2 > 16 {
            return Err(Error::usage("a memory whose limits contradict each other"));
        }
        let length =
            ty.limits.min.checked_mul(1 << ty.page_size_log2).filter(|length| *length <= max_bytes(&ty));
        let length = length.ok_or_else(|| Error::limit("a memory larger than its addresses reach"))?;
        self.charge_memory(length)?;
        let length = length as usize;
        let reserve = self.engine().config().guard_pages && !ty.memory64 && ty.page_size_log2 == 16;
        let guarded = if reserve { LinearMemory::guarded(length).ok() } else { None };
        let room = ty.limits.max.and_then(|max| max.checked_mul(1 << ty.page_size_log2)).unwrap_or(u64::MAX);
        let room = room.min(max_bytes(&ty)) as usize;
        let bytes = match guarded {
            Some(bytes) => bytes,
            None => LinearMemory::checked(length, room).map_err(|error| {
                Error::limit(format!("no room for a memory of {length} bytes")).caused_by(error)
            })?,
        };
        self.memory_bytes += length as u64;
        self.memories.push(MemoryEntity { ty, bytes });
        Ok(self.memories.len() - 1)
    }

    /// Grows a memory by pages and gives its old size in pages.
    pub(crate) fn grow_memory(&mut self, index: usize, delta: u64) -> Result<u64> {
        let MemoryEntity { ty, bytes } = &self.memories[index];
        let (old, old_length) = (self.memories[index].pages(), bytes.len() as u64);
        let max = ty.limits.max.unwrap_or(u64::MAX);
        let pages = old.checked_add(delta).filter(|pages| *pages <= max);
        let length = pages.and_then(|pages| pages.checked_mul(1 << ty.page_size_log2));
        let length = length
            .filter(|length| *length <= max_bytes(ty))
            .ok_or_else(|| Error::limit("the memory's maximum"))?;
        self.charge_memory(length - old_length)?;
        let grown = self.memories[index].bytes.grow(length as usize);
        grown.map_err(|error| {
            Error::limit(format!("no room for a memory of {length} bytes")).caused_by(error)
        })?;
        self.memory_bytes += length - old_length;
        Ok(old)
    }

    fn charge_memory(&self, bytes: u64) -> Result<()> {
        let limit = self.engine().config().limits.memory_bytes;
        match self.memory_bytes.checked_add(bytes) {
            Some(total) if total <= limit => Ok(()),
            _ => Err(Error::limit(format!("a store may use {limit} bytes of memory"))),
        }
    }
}

/// How many bytes the memory's addresses reach; with 64 bits, no more than a process can have.
fn max_bytes(ty: &MemoryType) -> u64 {
    if ty.memory64 { 1 << 47 } else { 1 << 32 }
}
