//! Memories (embedding appendix: `mem_alloc`, `mem_type`, `mem_read`, `mem_write`, `mem_size`,
//! `mem_grow`).

use std::io;
use std::ops::Range;

use super::shared::SharedMemory;
use super::store::StoreState;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::runtime::ranges::within;
use crate::trap::Trap;
use crate::types::MemoryType;
use crate::vm::alarm::Alarm;
use crate::vm::instance::NewInstance;
use crate::vm::memory::LinearMemory;
use crate::vm::ptr::StoreId;
use crate::vm::sys::populate::populate;

/// A memory in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    store: StoreId,
    index: usize,
}

/// A memory's bytes and its type, whose minimum is the initial size.
#[derive(Debug)]
pub(crate) struct MemoryEntity {
    pub(super) ty: MemoryType,
    bytes: MemoryBytes,
}

/// The owner of the bytes of a memory.
#[derive(Debug)]
enum MemoryBytes {
    /// The store is the only owner.
    Own(LinearMemory),
    /// Other stores can use the memory at the same time.
    Shared(SharedMemory),
}

impl Memory {
    /// Creates a memory of zero bytes, which is shared if the type says so.
    ///
    /// # Errors
    ///
    /// Returns an error if the memory exceeds the store's limit, if the system cannot provide it,
    /// or if its limits are invalid.
    pub fn alloc(store: &mut StoreState, ty: MemoryType) -> Result<Memory> {
        let index = store.add_memory(ty)?;
        Ok(Memory::new(index, store))
    }

    /// The type of the memory, with the current size as its minimum.
    ///
    /// # Panics
    ///
    /// All methods panic if the memory belongs to another store.
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

    /// Grows the memory by this number of pages and returns the old size in pages. The store is
    /// charged for the pages, even if the memory is shared.
    ///
    /// # Errors
    ///
    /// Returns an error if the memory would exceed its maximum or the store's limit, or if the
    /// system cannot provide it.
    pub fn grow(self, store: &mut StoreState, pages: u64) -> Result<u64> {
        store.grow_memory(self.index(store), pages)
    }

    /// Adds a shared memory to the store. The store is not charged for the memory's current size.
    pub fn from_shared(store: &mut StoreState, shared: &SharedMemory) -> Memory {
        let known = store
            .memories
            .iter()
            .position(|memory| matches!(&memory.bytes, MemoryBytes::Shared(bytes) if bytes.is(shared)));
        let index = known.unwrap_or_else(|| {
            let (ty, bytes) = (shared.ty(), MemoryBytes::Shared(shared.clone()));
            store.memories.push(MemoryEntity { ty, bytes });
            store.memories.len() - 1
        });
        Memory::new(index, store)
    }

    /// The shared memory, to add to other stores; `None` if the memory is not shared.
    pub fn shared(self, store: &StoreState) -> Option<SharedMemory> {
        self.entity(store).shared().cloned()
    }

    /// The bytes of the memory; `None` if it is shared, because other threads can write to it at
    /// any time. [`Memory::read`] works for all memories.
    pub fn bytes(self, store: &StoreState) -> Option<&[u8]> {
        match &self.entity(store).bytes {
            MemoryBytes::Own(bytes) => Some(bytes.bytes()),
            MemoryBytes::Shared(_) => None,
        }
    }

    /// The mutable bytes of the memory; `None` if it is shared. [`Memory::write`] works for all
    /// memories.
    pub fn bytes_mut(self, store: &mut StoreState) -> Option<&mut [u8]> {
        let index = self.index(store);
        store.memories[index].own_bytes_mut()
    }

    /// Copies bytes from the memory. For shared memories, see [`SharedMemory`] for the guarantees.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if the range is out of bounds.
    pub fn read(self, store: &StoreState, address: u64, buffer: &mut [u8]) -> Result<()> {
        self.entity(store).read(address, buffer)
    }

    /// Copies bytes into the memory.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Memory::read`].
    pub fn write(self, store: &mut StoreState, address: u64, data: &[u8]) -> Result<()> {
        let index = self.index(store);
        store.memories[index].write(address, data, store.vm.alarm())
    }

    pub(super) fn new(index: usize, store: &StoreState) -> Memory {
        Memory { store: store.id(), index }
    }

    #[inline]
    pub(super) fn index(self, store: &StoreState) -> usize {
        store.check(self.store);
        self.index
    }

    fn entity(self, store: &StoreState) -> &MemoryEntity {
        &store.memories[self.index(store)]
    }
}

impl MemoryEntity {
    /// The mutable bytes; `None` if the memory is shared.
    #[inline]
    pub(super) fn own_bytes_mut(&mut self) -> Option<&mut [u8]> {
        match &mut self.bytes {
            MemoryBytes::Own(bytes) => Some(bytes.bytes_mut()),
            MemoryBytes::Shared(_) => None,
        }
    }

    fn pages(&self) -> u64 {
        (self.len() as u64) >> self.ty.page_size_log2
    }

    #[inline]
    fn len(&self) -> usize {
        match &self.bytes {
            MemoryBytes::Own(bytes) => bytes.len(),
            MemoryBytes::Shared(shared) => shared.bytes().len(),
        }
    }

    /// The shared memory, if it is one.
    pub(crate) fn shared(&self) -> Option<&SharedMemory> {
        match &self.bytes {
            MemoryBytes::Own(_) => None,
            MemoryBytes::Shared(shared) => Some(shared),
        }
    }

    /// Whether the base address never changes and out-of-bounds accesses fault.
    pub(super) fn is_guarded(&self) -> bool {
        match &self.bytes {
            MemoryBytes::Own(bytes) => bytes.is_guarded(),
            MemoryBytes::Shared(shared) => shared.bytes().is_guarded(),
        }
    }

    /// Whether an address is in the guard pages of the memory, so that a fault there is an
    /// out-of-bounds access.
    pub(crate) fn guards(&self, address: usize) -> bool {
        match &self.bytes {
            MemoryBytes::Own(bytes) => bytes.guards(address),
            MemoryBytes::Shared(shared) => shared.bytes().guards(address),
        }
    }

    /// Adds the memory to the context of an instance.
    pub(super) fn connect(&self, instance: &mut NewInstance, index: u32) {
        match &self.bytes {
            MemoryBytes::Own(bytes) => instance.set_memory(index, bytes),
            MemoryBytes::Shared(shared) => instance.set_shared_memory(index, shared.bytes()),
        }
    }

    /// Returns the range of `length` bytes from `start`, or a trap if it is out of bounds. The
    /// range remains valid, because memories never shrink.
    #[inline]
    pub(crate) fn range(&self, start: u64, length: u64) -> Result<Range<usize>> {
        within(self.len(), start, length, Trap::MemoryOutOfBounds)
    }

    fn read(&self, start: u64, to: &mut [u8]) -> Result<()> {
        let range = self.range(start, to.len() as u64)?;
        match &self.bytes {
            MemoryBytes::Own(bytes) => to.copy_from_slice(&bytes.bytes()[range]),
            MemoryBytes::Shared(shared) => shared.bytes().read(range.start, to),
        }
        Ok(())
    }

    /// Has the system provide memory for a range that is about to be written, if it is in bounds.
    pub(super) fn populate(&mut self, start: u64, length: u64) {
        let Ok(range) = self.range(start, length) else { return };
        if let Some(bytes) = self.own_bytes_mut() {
            populate(&mut bytes[range]);
        }
    }

    pub(super) fn write(&mut self, start: u64, from: &[u8], alarm: Alarm<'_>) -> Result<()> {
        let range = self.range(start, from.len() as u64)?;
        match &mut self.bytes {
            MemoryBytes::Own(bytes) => alarm.copy(&mut bytes.bytes_mut()[range], from),
            MemoryBytes::Shared(shared) => alarm.in_pieces(from.len(), 1, |piece| {
                shared.bytes().write(range.start + piece.start, &from[piece]);
            }),
        }
    }

    /// Implements `memory.fill`.
    #[inline]
    pub(crate) fn fill(&mut self, start: u64, byte: u8, length: u64, alarm: Alarm<'_>) -> Result<()> {
        let range = self.range(start, length)?;
        match &mut self.bytes {
            MemoryBytes::Own(bytes) => alarm.fill(&mut bytes.bytes_mut()[range], byte),
            MemoryBytes::Shared(shared) => alarm.in_pieces(range.len(), 1, |piece| {
                shared.bytes().fill(range.start + piece.start..range.start + piece.end, byte);
            }),
        }
    }

    /// Implements `memory.copy` within the memory; the ranges can overlap.
    pub(crate) fn copy_within(
        &mut self,
        target: u64,
        source: u64,
        length: u64,
        alarm: Alarm<'_>,
    ) -> Result<()> {
        let (target, source) = (self.range(target, length)?, self.range(source, length)?);
        match &mut self.bytes {
            MemoryBytes::Own(bytes) => alarm.copy_within(bytes.bytes_mut(), source, target.start),
            MemoryBytes::Shared(shared) => alarm.in_order(source, target.start, 1, |source, target| {
                shared.bytes().copy(target, shared.bytes(), source);
            }),
        }
    }

    /// Implements `memory.copy` from another memory of the store.
    pub(crate) fn copy_from(
        &mut self,
        target: u64,
        from: &MemoryEntity,
        source: u64,
        length: u64,
        alarm: Alarm<'_>,
    ) -> Result<()> {
        let (target, source) = (self.range(target, length)?, from.range(source, length)?);
        match (&mut self.bytes, &from.bytes) {
            (MemoryBytes::Own(to), MemoryBytes::Own(from)) => {
                alarm.copy(&mut to.bytes_mut()[target], &from.bytes()[source])
            }
            (MemoryBytes::Own(to), MemoryBytes::Shared(from)) => {
                let to = &mut to.bytes_mut()[target];
                alarm.in_pieces(to.len(), 1, |piece| {
                    from.bytes().read(source.start + piece.start, &mut to[piece]);
                })
            }
            (MemoryBytes::Shared(to), MemoryBytes::Own(from)) => {
                let from = &from.bytes()[source];
                alarm.in_pieces(from.len(), 1, |piece| {
                    to.bytes().write(target.start + piece.start, &from[piece]);
                })
            }
            (MemoryBytes::Shared(to), MemoryBytes::Shared(from)) => {
                alarm.in_order(source, target.start, 1, |source, target| {
                    to.bytes().copy(target, from.bytes(), source);
                })
            }
        }
    }
}

impl StoreState {
    pub(super) fn add_memory(&mut self, ty: MemoryType) -> Result<usize> {
        let plan = MemoryPlan::of(&ty, self.engine().config())?;
        let length = plan.length as u64;
        self.charge_memory(length)?;
        let made = if ty.shared {
            SharedMemory::open(ty, &plan).map(MemoryBytes::Shared)
        } else {
            plan.open(LinearMemory::guarded, LinearMemory::checked).map(MemoryBytes::Own)
        };
        let bytes = made.inspect_err(|_| self.budget.release(length))?;
        self.memory_bytes += length;
        self.memories.push(MemoryEntity { ty, bytes });
        Ok(self.memories.len() - 1)
    }

    /// Grows a memory by `delta` pages and returns its old size in pages.
    pub(crate) fn grow_memory(&mut self, index: usize, delta: u64) -> Result<u64> {
        let charged = self.budget.own();
        let grown = self.grow_charged(index, delta);
        if grown.is_err() {
            self.budget.release(self.budget.own() - charged);
        }
        grown
    }

    fn grow_charged(&mut self, index: usize, delta: u64) -> Result<u64> {
        let MemoryEntity { ty, bytes } = &self.memories[index];
        let (ty, shared) = match bytes {
            MemoryBytes::Shared(shared) => (*ty, Some(shared.clone())),
            MemoryBytes::Own(_) => (*ty, None),
        };
        if let Some(shared) = shared {
            let mut charge = self.budget.share();
            let (old, added) = shared.grow_charged(delta, |added| {
                self.may_charge_memory(added)?;
                charge.charge(added)
            })?;
            shared.keep_charge(charge);
            self.memory_bytes += added;
            return Ok(old);
        }
        let old = self.memories[index].len() as u64;
        let length = grown(&ty, old, delta)?;
        self.charge_memory(length - old)?;
        if let MemoryBytes::Own(bytes) = &mut self.memories[index].bytes {
            let grown = bytes.grow(length as usize, self.vm.alarm());
            grown.map_err(|error| error.into_error(|error| no_room(length, error)))?;
        }
        self.memory_bytes += length - old;
        Ok(old >> ty.page_size_log2)
    }

    /// Charges for `bytes` of memory, within the store's limit.
    fn charge_memory(&mut self, bytes: u64) -> Result<()> {
        self.may_charge_memory(bytes)?;
        self.budget.charge(bytes)
    }

    fn may_charge_memory(&self, bytes: u64) -> Result<()> {
        let limit = self.engine().config().limits.memory_bytes;
        match self.memory_bytes.checked_add(bytes) {
            Some(total) if total <= limit => Ok(()),
            _ => Err(Error::limit(format!("a store can use at most {limit} bytes of memory"))),
        }
    }
}

/// What to allocate for a memory of a type.
#[derive(Debug)]
pub(super) struct MemoryPlan {
    /// The initial size in bytes.
    length: usize,
    /// The maximum size in bytes.
    max: usize,
    /// Whether to reserve the whole address range.
    guarded: bool,
}

impl MemoryPlan {
    pub(super) fn of(ty: &MemoryType, config: &Config) -> Result<MemoryPlan> {
        if ty.limits.max.is_some_and(|max| max < ty.limits.min) || ty.page_size_log2 > 16 {
            return Err(Error::usage(
                "invalid memory type: the minimum exceeds the maximum, or the page size exceeds 64 KiB",
            ));
        }
        let bytes = |pages: u64| pages.checked_mul(1 << ty.page_size_log2);
        let length = bytes(ty.limits.min).filter(|length| *length <= max_bytes(ty));
        let length = length.ok_or_else(|| Error::limit("the memory exceeds its address range"))?;
        let max = ty.limits.max.and_then(bytes).unwrap_or(u64::MAX).min(max_bytes(ty));
        let guarded = config.guard_pages && !ty.memory64 && ty.page_size_log2 == 16;
        Ok(MemoryPlan { length: length as usize, max: max as usize, guarded })
    }

    /// Creates the memory: with guard pages if that is possible, otherwise with bounds checks.
    pub(super) fn open<M>(
        &self,
        guarded: impl FnOnce(usize) -> io::Result<M>,
        checked: impl FnOnce(usize, usize) -> io::Result<M>,
    ) -> Result<M> {
        let memory = if self.guarded { guarded(self.length).ok() } else { None };
        let memory = memory.map_or_else(|| checked(self.length, self.max), Ok);
        memory.map_err(|error| no_room(self.length as u64, error))
    }
}

/// Returns the size in bytes of a memory after it has grown by `delta` pages.
pub(super) fn grown(ty: &MemoryType, old: u64, delta: u64) -> Result<u64> {
    let pages = (old >> ty.page_size_log2).checked_add(delta);
    let pages = pages.filter(|pages| *pages <= ty.limits.max.unwrap_or(u64::MAX));
    let length = pages.and_then(|pages| pages.checked_mul(1 << ty.page_size_log2));
    length
        .filter(|length| *length <= max_bytes(ty))
        .ok_or_else(|| Error::limit("the memory exceeds its maximum"))
}

pub(super) fn no_room(length: u64, error: io::Error) -> Error {
    Error::limit(format!("cannot allocate a memory of {length} bytes")).caused_by(error)
}

/// The size of the address range in bytes; with 64-bit addresses, the size of a process's address
/// space.
fn max_bytes(ty: &MemoryType) -> u64 {
    if ty.memory64 { 1 << 47 } else { 1 << 32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::engine::Engine;
    use crate::vm::sys::mmap::PAGE;
    use crate::vm::sys::populate::resident;

    #[test]
    fn a_range_that_is_about_to_be_written_gets_memory_if_it_is_in_bounds() {
        let engine = Engine::new(&Config::new()).unwrap();
        let mut store = Store::new(&engine);
        let index = Memory::alloc(&mut store, MemoryType::new(1, None)).unwrap().index(&store);
        let memory = &mut store.memories[index];
        memory.populate(0, (1 << 16) + 1);
        memory.populate(u64::MAX, u64::MAX);
        assert_eq!(resident(memory.own_bytes_mut().unwrap()), 0);
        memory.populate(PAGE as u64, 8 * PAGE as u64);
        assert_eq!(resident(memory.own_bytes_mut().unwrap()), 8);
    }
}
