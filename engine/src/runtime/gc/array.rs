//! Arrays on the heap: allocation, fills and copies (core spec, section 4.6.10, "Aggregate
//! Instructions").

use std::ops::Range;

use crate::error::Result;
use crate::runtime::StoreState;
use crate::runtime::ranges::within;
use crate::trap::Trap;
use crate::types::StorageType;
use crate::types::layout::{ObjectLayout, PAYLOAD, array_size};

impl StoreState {
    /// Allocates an array of `length` elements with default values. `ty` is the number of its type.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`StoreState::allocate_object`].
    pub(crate) fn allocate_array(&mut self, ty: u32, length: u32) -> Result<u64> {
        let size = array_size(self.storage_of(ty), length);
        self.allocate_object(ty, length, size)
    }

    /// The binary logarithm of the size of an array type's elements.
    pub(crate) fn element_size_log2(&self, ty: u32) -> u32 {
        self.storage_of(ty).size_log2()
    }

    /// Traps unless `size` bytes from `source` on are inside a data segment.
    pub(crate) fn check_data(&self, instance: usize, segment: usize, source: u64, size: u64) -> Result<()> {
        let data = self.instance(instance).data(segment);
        within(data.len(), source, size, Trap::MemoryOutOfBounds).map(drop)
    }

    /// Initialises elements from the bytes of a data segment, from byte `source` on.
    pub(crate) fn array_from_data(
        &mut self,
        instance: usize,
        segment: usize,
        array: u64,
        target: u64,
        source: u64,
        length: u64,
    ) -> Result<()> {
        let target = self.element_range(array, target, length)?;
        let data = self.instances[instance].data(segment);
        let source = within(data.len(), source, target.len() as u64, Trap::MemoryOutOfBounds)?;
        let alarm = self.vm.alarm();
        alarm.copy(self.heap.bytes_mut(array, target), &data[source])
    }

    /// Initialises elements from references of an element segment.
    pub(crate) fn array_from_elements(
        &mut self,
        instance: usize,
        segment: usize,
        array: u64,
        target: u64,
        source: u64,
        length: u64,
    ) -> Result<()> {
        let target = self.element_range(array, target, length)?;
        let words = &self.instances[instance].elements[segment];
        let source = within(words.len(), source, length, Trap::TableOutOfBounds)?;
        let (words, alarm) = (&words[source], self.vm.alarm());
        let elements = self.heap.bytes_mut(array, target).as_chunks_mut::<8>().0;
        alarm.in_pieces(words.len(), size_of::<u64>(), |piece| {
            for (element, word) in elements[piece.clone()].iter_mut().zip(&words[piece]) {
                *element = word.to_le_bytes();
            }
        })
    }

    /// The byte range of elements in their array, which is not null.
    fn element_range(&self, array: u64, start: u64, length: u64) -> Result<Range<usize>> {
        let (ty, elements) = self.heap.header(array);
        let range = within(elements as usize, start, length, Trap::ArrayOutOfBounds)?;
        let log2 = self.element_size_log2(ty);
        let offset = |index: usize| PAYLOAD as usize + (index << log2);
        Ok(offset(range.start)..offset(range.end))
    }

    fn storage_of(&self, ty: u32) -> StorageType {
        match self.engine().types().numbered(ty).layout {
            ObjectLayout::Array(storage) => storage,
            _ => unreachable!("the type of an array is an array type"),
        }
    }
}
