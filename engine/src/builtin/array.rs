//! Instructions on many elements of an array at once (core spec, section 4.6.10, "Aggregate
//! Instructions").

use crate::error::Result;
use crate::runtime::StoreState;
use crate::runtime::ranges::within;
use crate::trap::Trap;
use crate::vm::layout::VmVal;

/// The number of a type, data segment, source, length; gives the array.
pub(super) fn new_data(
    store: &mut StoreState,
    instance: usize,
    [ty, segment, source, length, _]: [u64; 5],
) -> Result<u64> {
    let ty = ty as u32;
    store.check_data(instance, segment as usize, source, length << store.element_size_log2(ty))?;
    let array = store.allocate_array(ty, length as u32)?;
    store.array_from_data(instance, segment as usize, array, 0, source, length)?;
    Ok(array)
}

/// The number of a type, element segment, source, length; gives the array.
pub(super) fn new_elements(
    store: &mut StoreState,
    instance: usize,
    [ty, segment, source, length, _]: [u64; 5],
) -> Result<u64> {
    let words = &store.instance(instance).elements[segment as usize];
    within(words.len(), source, length, Trap::TableOutOfBounds)?;
    let array = store.allocate_array(ty as u32, length as u32)?;
    store.array_from_elements(instance, segment as usize, array, 0, source, length)?;
    Ok(array)
}

/// The address of elements inside an array, how many bytes they have together, how many each, the
/// low and the high half of the value.
pub(super) fn fill(
    store: &mut StoreState,
    _: usize,
    [elements, size, step, low, high]: [u64; 5],
) -> Result<u64> {
    let value = VmVal(u128::from(low) | u128::from(high) << 64);
    store.heap.fill(elements, size as usize, step as usize, value, store.vm.alarm())?;
    Ok(0)
}

/// The address of elements inside an array, that of others inside the same or another, and how many
/// bytes to copy from there to the first.
pub(super) fn copy(store: &mut StoreState, _: usize, [to, from, size, ..]: [u64; 5]) -> Result<u64> {
    store.heap.copy(to, from, size as usize, store.vm.alarm())?;
    Ok(0)
}

/// Data segment, array, target, source, length.
pub(super) fn init_data(
    store: &mut StoreState,
    instance: usize,
    [segment, array, target, source, length]: [u64; 5],
) -> Result<u64> {
    check_null(array)?;
    store.array_from_data(instance, segment as usize, array, target, source, length)?;
    Ok(0)
}

/// Element segment, array, target, source, length.
pub(super) fn init_elements(
    store: &mut StoreState,
    instance: usize,
    [segment, array, target, source, length]: [u64; 5],
) -> Result<u64> {
    check_null(array)?;
    store.array_from_elements(instance, segment as usize, array, target, source, length)?;
    Ok(0)
}

fn check_null(array: u64) -> Result<()> {
    if array == 0 { Err(Trap::NullArrayReference.into()) } else { Ok(()) }
}
