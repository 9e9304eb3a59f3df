//! `table.grow`, `table.fill`, `table.copy`, `table.init` and `elem.drop` (core spec, section
//! 4.6.7).

use crate::error::Result;
use crate::runtime::StoreState;
use crate::runtime::ranges::{self, copy_between, copy_within, two};
use crate::trap::Trap;

const PAST_END: Trap = Trap::TableOutOfBounds;

/// Takes the table, the value and the number of elements to add. Returns the old size, or -1.
pub(super) fn grow(
    store: &mut StoreState,
    instance: usize,
    [table, value, delta, ..]: [u64; 5],
) -> Result<u64> {
    let table = store.instance(instance).tables[table as usize];
    Ok(store.grow_table(table, delta, value).unwrap_or(u64::MAX))
}

/// Takes the table, the start, the value and the length.
pub(super) fn fill(
    store: &mut StoreState,
    instance: usize,
    [table, start, value, length, _]: [u64; 5],
) -> Result<u64> {
    let table = store.instance(instance).tables[table as usize];
    let words = store.tables[table].elements.words_mut();
    ranges::fill(words, start, value, length, PAST_END, store.vm.alarm())?;
    Ok(0)
}

/// Takes the target table, the source table, the target, the source and the length.
pub(super) fn copy(
    store: &mut StoreState,
    instance: usize,
    [to, from, target, source, length]: [u64; 5],
) -> Result<u64> {
    let (instance, alarm) = (store.instance(instance), store.vm.alarm());
    let (to, from) = (instance.tables[to as usize], instance.tables[from as usize]);
    if to == from {
        copy_within(store.tables[to].elements.words_mut(), target, source, length, PAST_END, alarm)?;
    } else {
        let (to, from) = two(&mut store.tables, to, from);
        let (to, from) = ((to.elements.words_mut(), target), (from.elements.words(), source));
        copy_between(to, from, length, PAST_END, alarm)?;
    }
    Ok(0)
}

/// Takes the element segment, the table, the target, the source and the length.
pub(super) fn init(
    store: &mut StoreState,
    instance: usize,
    [segment, table, target, source, length]: [u64; 5],
) -> Result<u64> {
    store.init_table(instance, segment as usize, table as usize, target, source, length)?;
    Ok(0)
}

/// Takes the element segment.
pub(super) fn drop_elements(store: &mut StoreState, instance: usize, [segment, ..]: [u64; 5]) -> Result<u64> {
    store.instance_mut(instance).elements[segment as usize] = Box::default();
    Ok(0)
}
