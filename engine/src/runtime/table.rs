//! Tables (embedding appendix: `table_alloc`, `table_type`, `table_read`, `table_write`,
//! `table_size`, `table_grow`).

use std::io;

use super::store::StoreState;
use super::value::Ref;
use crate::error::{Error, Result};
use crate::trap::Trap;
use crate::types::{TableType, ValType};
use crate::vm::memory::TableElements;
use crate::vm::ptr::StoreId;

/// A table in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    store: StoreId,
    index: usize,
}

/// A table's elements and its type, whose minimum is the initial size.
#[derive(Debug)]
pub(crate) struct TableEntity {
    pub(super) ty: TableType,
    pub(crate) elements: TableElements,
}

impl Table {
    /// Creates a table whose elements are all `init`.
    ///
    /// # Errors
    ///
    /// Returns an error if the table exceeds the store's limit, if `init` does not have the element
    /// type, or if the limits are invalid.
    pub fn alloc(store: &mut StoreState, ty: TableType, init: Ref) -> Result<Table> {
        let word = init.to_word(ty.element, store)?;
        store.types.hold_val(ValType::Ref(ty.element))?;
        let index = store.add_table(ty, word)?;
        Ok(Table::new(index, store))
    }

    /// The type of the table, with the current size as its minimum.
    ///
    /// # Panics
    ///
    /// All methods panic if the table belongs to another store.
    pub fn ty(self, store: &StoreState) -> TableType {
        let entity = self.entity(store);
        let mut ty = entity.ty;
        ty.limits.min = entity.elements.len();
        ty
    }

    /// The number of elements.
    pub fn size(self, store: &StoreState) -> u64 {
        self.entity(store).elements.len()
    }

    /// Returns the element at an index.
    ///
    /// # Errors
    ///
    /// [`Trap::TableOutOfBounds`] if the index is out of bounds.
    pub fn read(self, store: &StoreState, index: u64) -> Result<Ref> {
        let entity = self.entity(store);
        let word = usize::try_from(index).ok().and_then(|index| entity.elements.words().get(index));
        let word = word.ok_or(Trap::TableOutOfBounds)?;
        Ok(Ref::from_word(*word, entity.ty.element, store))
    }

    /// Sets the element at an index.
    ///
    /// # Errors
    ///
    /// [`Trap::TableOutOfBounds`] if the index is out of bounds; [`Usage`](crate::ErrorKind::Usage)
    /// if the value does not have the element type.
    pub fn write(self, store: &mut StoreState, index: u64, value: Ref) -> Result<()> {
        let word = value.to_word(self.entity(store).ty.element, store)?;
        let table = self.index(store);
        let words = store.tables[table].elements.words_mut();
        let element = usize::try_from(index).ok().and_then(|index| words.get_mut(index));
        *element.ok_or(Trap::TableOutOfBounds)? = word;
        Ok(())
    }

    /// Grows the table by `delta` elements, all `init`, and returns the old size.
    ///
    /// # Errors
    ///
    /// Returns an error if the table would exceed its maximum or the store's limit, if the system
    /// cannot provide it, or if `init` does not have the element type.
    pub fn grow(self, store: &mut StoreState, delta: u64, init: Ref) -> Result<u64> {
        let word = init.to_word(self.entity(store).ty.element, store)?;
        store.grow_table(self.index(store), delta, word)
    }

    pub(super) fn new(index: usize, store: &StoreState) -> Table {
        Table { store: store.id(), index }
    }

    pub(super) fn index(self, store: &StoreState) -> usize {
        store.check(self.store);
        self.index
    }

    fn entity(self, store: &StoreState) -> &TableEntity {
        &store.tables[self.index(store)]
    }
}

/// The size of an element.
const ELEMENT: u64 = 8;

/// The bytes that a process can address on x86-64. A larger table fails by a trap, not by a limit:
/// no store could ever contain it.
const ADDRESSABLE: u64 = 1 << 47;

impl StoreState {
    pub(super) fn add_table(&mut self, ty: TableType, init: u64) -> Result<usize> {
        if ty.limits.max.is_some_and(|max| max < ty.limits.min) {
            return Err(Error::usage("invalid table type: the minimum exceeds the maximum"));
        }
        let length = ty.limits.min;
        if length > ADDRESSABLE / ELEMENT {
            return Err(Trap::AllocationTooLarge.into());
        }
        self.charge_table(length)?;
        let made = TableElements::new(length).map_err(|error| no_room(length, error));
        let made = made.inspect_err(|_| self.release_table(length))?;
        let index = self.tables.len();
        self.tables.push(TableEntity { ty, elements: made });
        if init != 0 {
            self.vm.alarm().fill(self.tables[index].elements.words_mut(), init)?;
        }
        Ok(index)
    }

    /// Grows a table by `delta` elements with the value `fill` and returns its old size.
    pub(crate) fn grow_table(&mut self, index: usize, delta: u64, fill: u64) -> Result<u64> {
        let TableEntity { ty, elements } = &self.tables[index];
        let old = elements.len();
        let reach = if ty.table64 { u64::MAX } else { u64::from(u32::MAX) };
        let max = ty.limits.max.unwrap_or(u64::MAX).min(reach);
        let length = old.checked_add(delta).filter(|length| *length <= max);
        let length = length.ok_or_else(|| Error::limit("the table exceeds its maximum"))?;
        self.charge_table(delta)?;
        let grown = self.tables[index].elements.grow(length, fill, self.vm.alarm());
        grown.map_err(|error| {
            self.release_table(delta);
            error.into_error(|error| no_room(length, error))
        })?;
        Ok(old)
    }

    fn charge_table(&mut self, elements: u64) -> Result<()> {
        let limit = self.engine().config().limits.table_elements;
        let total = self.table_elements.checked_add(elements).filter(|total| *total <= limit);
        let total =
            total.ok_or_else(|| Error::limit(format!("a store can have at most {limit} table elements")))?;
        self.budget.charge(elements.saturating_mul(ELEMENT))?;
        self.table_elements = total;
        Ok(())
    }

    fn release_table(&mut self, elements: u64) {
        self.table_elements -= elements;
        self.budget.release(elements * ELEMENT);
    }
}

fn no_room(length: u64, error: io::Error) -> Error {
    Error::limit(format!("cannot allocate a table of {length} elements")).caused_by(error)
}
