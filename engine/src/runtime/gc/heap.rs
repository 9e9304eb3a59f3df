//! Allocation of and access to objects.

use std::ops::Range;

use super::layouts::Layouts;
use super::space::{MAX_RESERVED, Space, no_room};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::runtime::StoreState;
use crate::runtime::budget::Budget;
use crate::trap::Trap;
use crate::types::StorageType;
use crate::vm::alarm::Alarm;
use crate::vm::heap::HeapMemory;
use crate::vm::layout::VmVal;

/// The objects of a store. Memory is reserved for the first allocation.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    pub(super) parts: Option<Parts>,
    /// The number of collections.
    pub(super) collections: u64,
    /// The size in bytes of the objects that the last collection kept.
    pub(super) live_bytes: u64,
}

/// The parts of an initialised heap.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) space: Space,
    pub(super) layouts: Layouts,
}

impl Heap {
    /// The number of an object's type, and the length of an array.
    pub(crate) fn header(&self, object: u64) -> (u32, u32) {
        let word = self.memory().word(self.offset(object));
        (word as u32, (word >> 32) as u32)
    }

    /// Reads a field of an object, at this offset.
    pub(crate) fn field(&self, object: u64, offset: usize, storage: StorageType) -> VmVal {
        self.memory().read(self.offset(object) + offset, storage.size() as usize)
    }

    /// Writes a field of an object, at this offset.
    pub(crate) fn set_field(&mut self, object: u64, offset: usize, storage: StorageType, value: VmVal) {
        let at = self.offset(object) + offset;
        self.memory_mut().write(at, storage.size() as usize, value);
    }

    /// A range of an object's bytes, mutably.
    pub(super) fn bytes_mut(&mut self, object: u64, range: Range<usize>) -> &mut [u8] {
        let start = self.offset(object);
        self.memory_mut().bytes_mut(start + range.start..start + range.end)
    }

    /// Sets each `step` bytes of the `size` bytes at an address inside an object to the low bytes
    /// of a value.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Alarm::check`].
    pub(crate) fn fill(
        &mut self,
        address: u64,
        size: usize,
        step: usize,
        value: VmVal,
        alarm: Alarm<'_>,
    ) -> Result<()> {
        fn chunks<const SIZE: usize>(bytes: &mut [u8], value: VmVal, alarm: Alarm<'_>) -> Result<()> {
            let mut chunk = [0; SIZE];
            chunk.copy_from_slice(&value.0.to_le_bytes()[..SIZE]);
            alarm.fill(bytes.as_chunks_mut().0, chunk)
        }
        if size == 0 {
            // The address is beyond the object if the array is empty.
            return Ok(());
        }
        let bytes = self.bytes_mut(address, 0..size);
        match step {
            1 => alarm.fill(bytes, value.0 as u8),
            2 => chunks::<2>(bytes, value, alarm),
            4 => chunks::<4>(bytes, value, alarm),
            8 => chunks::<8>(bytes, value, alarm),
            _ => chunks::<16>(bytes, value, alarm),
        }
    }

    /// Copies bytes from an address inside an object to an address inside the same or another
    /// object.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Alarm::check`].
    pub(crate) fn copy(&mut self, to: u64, from: u64, size: usize, alarm: Alarm<'_>) -> Result<()> {
        if size == 0 {
            // The address is beyond the object if it follows the last element.
            return Ok(());
        }
        let (to, from) = (self.offset(to), self.offset(from));
        let memory = self.memory_mut();
        let end = memory.len();
        alarm.copy_within(memory.bytes_mut(0..end), from..from + size, to)
    }

    fn offset(&self, object: u64) -> usize {
        match self.memory().offset_of(object) {
            Some(offset) => offset,
            None => unreachable!("references to objects point into the heap"),
        }
    }

    fn memory(&self) -> &HeapMemory {
        match &self.parts {
            Some(parts) => &parts.space.memory,
            None => unreachable!("a reference to an object, in a store without objects"),
        }
    }

    fn memory_mut(&mut self) -> &mut HeapMemory {
        match &mut self.parts {
            Some(parts) => &mut parts.space.memory,
            None => unreachable!("a reference to an object, in a store without objects"),
        }
    }
}

impl StoreState {
    /// Allocates an object of `size` bytes including its header, a multiple of 8. All bytes after
    /// the header are zero. `ty` is the number of its type.
    ///
    /// # Errors
    ///
    /// [`Trap::AllocationTooLarge`] if no store could contain the object.
    /// [`Limit`](crate::ErrorKind::Limit) if the heap would exceed the store's limit or the system
    /// cannot provide the memory. [`Interrupted`](crate::ErrorKind::Interrupted) if the store was
    /// interrupted.
    pub(crate) fn allocate_object(&mut self, ty: u32, length: u32, size: u64) -> Result<u64> {
        self.refuse_if_interrupted()?;
        let limit = self.engine().config().limits.heap_bytes;
        if size > limit.clamp(LARGE, MAX_RESERVED) {
            return Err(Trap::AllocationTooLarge.into());
        }
        if size > limit {
            return Err(over(limit));
        }
        self.begin_heap()?;
        self.vm.note_depth();
        self.learn_hole();
        let object = self.allocate_zeroed(size as usize)?;
        let Some(Parts { space, .. }) = &mut self.heap.parts else { unreachable!("the heap is initialised") };
        space.memory.set_word(object, u64::from(ty) | u64::from(length) << 32);
        let address = space.memory.address_of(object);
        self.publish_hole();
        Ok(address)
    }

    /// Allocates zeroed memory for an object. Collects first if a collection is due or memory runs
    /// out.
    fn allocate_zeroed(&mut self, size: usize) -> Result<usize> {
        let Config { limits, collect_always, .. } = self.engine().config();
        let (limit, mut collect) = (limits.heap_bytes, *collect_always);
        collect |= self.space().is_some_and(|space| space.is_due(size));
        if collect {
            self.collect()?;
        }
        loop {
            let (Some(Parts { space, .. }), budget) = (&mut self.heap.parts, &mut self.budget) else {
                unreachable!("the heap is initialised")
            };
            let alarm = self.vm.alarm();
            match space.allocate(size, budget, alarm)? {
                Some(object) => return Ok(object),
                None if collect => return Err(space.full(limit, budget)),
                None => self.collect()?,
            }
            collect = true;
            if let Some(Parts { space, .. }) = &self.heap.parts
                && space.is_full(&self.budget)
            {
                return Err(space.full(limit, &self.budget));
            }
        }
    }

    /// Reserves the heap's memory if that has not been done yet.
    pub(super) fn begin_heap(&mut self) -> Result<()> {
        if self.heap.parts.is_none() {
            let space = Space::new(self.engine().config().limits.heap_bytes).map_err(no_room)?;
            let layouts = Layouts::new(self.engine());
            self.heap.parts = Some(Parts { space, layouts });
            self.publish_hole();
        }
        Ok(())
    }

    /// Reads how much of the current hole compiled code has used.
    pub(super) fn learn_hole(&mut self) {
        if self.engine().config().collect_always {
            return;
        }
        if let Some(Parts { space, .. }) = &mut self.heap.parts
            && let Some(start) = self.vm.free_start(&space.memory)
        {
            space.hole.start = start;
        }
    }

    /// Sets the hole in which compiled code can allocate objects; an empty one if every allocation
    /// must run a collection.
    pub(super) fn publish_hole(&mut self) {
        if self.engine().config().collect_always {
            return;
        }
        if let Some(Parts { space, .. }) = &self.heap.parts {
            self.vm.set_free_range(&space.memory, space.hole.clone());
        }
    }

    fn space(&mut self) -> Option<&mut Space> {
        self.heap.parts.as_mut().map(|parts| &mut parts.space)
    }
}

/// The size from which an array may exceed the heap of any store, which is the default limit of
/// stores.
const LARGE: u64 = 1 << 30;

impl Space {
    /// The error for a full heap, where `limit` is the store's limit in bytes.
    fn full(&self, limit: u64, budget: &Budget) -> Error {
        if budget.left() < limit.saturating_sub(self.memory.len() as u64) {
            return budget.used_up();
        }
        match self.memory.reserved() as u64 {
            reserved if reserved < limit.min(MAX_RESERVED) => Error::limit(format!(
                "cannot allocate memory for the heap: only {reserved} bytes of address space are reserved for it"
            )),
            _ => over(limit),
        }
    }
}

fn over(limit: u64) -> Error {
    Error::limit(format!("the objects of a store can use at most {limit} bytes"))
}
