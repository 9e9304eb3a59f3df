//! `table.grow`, `table.fill`, `table.copy`, `table.init` and `elem.drop` (core spec, section 4.6.7).

use std::ops::Range;

use super::within;
use crate::error::Result;
use crate::runtime::StoreState;
use crate::trap::Trap;

/// Table, value, elements to add; gives the old size, or -1.
pub(super) fn grow(
    store: &mut StoreState,
    instance: usize,
    [table, value, delta, ..]: [u64; 5],
) -> Result<u64> {
    let table = store.instance(instance).tables[table as usize];
    Ok(store.grow_table(table, delta, value).unwrap_or(u64::MAX))
}

/// Table, start, value, length.
pub(super) fn fill(
    store: &mut StoreState,
    instance: usize,
    [table, start, value, length, _]: [u64; 5],
) -> Result<u64> {
    let table = store.instance(instance).tables[table as usize];
    let words = store.table_mut(table).elements.words_mut();
    let range = check(words.len(), start, length)?;
    words[range].fill(value);
    Ok(0)
}

/// Target table, source table, target, source, length.
pub(super) fn copy(
    store: &mut StoreState,
    instance: usize,
    [to, from, target, source, length]: [u64; 5],
) -> Result<u64> {
    let instance = store.instance(instance);
    let (to, from) = (instance.tables[to as usize], instance.tables[from as usize]);
    if to == from {
        let words = store.table_mut(to).elements.words_mut();
        let (target, source) = (check(words.len(), target, length)?, check(words.len(), source, length)?);
        words.copy_within(source, target.start);
    } else {
        let (to, from) = store.two_tables(to, from);
        let (to, from) = (to.elements.words_mut(), from.elements.words());
        let (target, source) = (check(to.len(), target, length)?, check(from.len(), source, length)?);
        to[target].copy_from_slice(&from[source]);
    }
    Ok(0)
}

/// Element segment, table, target, source, length.
pub(super) fn init(
    store: &mut StoreState,
    instance: usize,
    [segment, table, target, source, length]: [u64; 5],
) -> Result<u64> {
    store.init_table(instance, segment as usize, table as usize, target, source, length)?;
    Ok(0)
}

/// Element segment.
pub(super) fn drop_elements(store: &mut StoreState, instance: usize, [segment, ..]: [u64; 5]) -> Result<u64> {
    store.instance_mut(instance).elements[segment as usize] = Box::default();
    Ok(0)
}

/// The range from `start`, which must lie inside `size` elements.
fn check(size: usize, start: u64, length: u64) -> Result<Range<usize>> {
    within(size, start, length, Trap::TableOutOfBounds)
}
