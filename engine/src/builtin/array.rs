//! Instructions on ranges of array elements (core spec, section 4.6.10, "Aggregate Instructions").

use crate::error::Result;
use crate::runtime::StoreState;
use crate::runtime::ranges::within;
use crate::trap::Trap;
use crate::vm::layout::VmVal;

/// `array.new_data`: takes the type's number, the data segment, the source and the length. Returns
/// the array.
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

/// `array.new_elem`: takes the type's number, the element segment, the source and the length.
/// Returns the array.
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

/// `array.fill`: takes the address of the first element, the size of the range in bytes, the size
/// of an element, and the low and the high half of the value.
pub(super) fn fill(
    store: &mut StoreState,
    _: usize,
    [elements, size, step, low, high]: [u64; 5],
) -> Result<u64> {
    let value = VmVal(u128::from(low) | u128::from(high) << 64);
    store.heap.fill(elements, size as usize, step as usize, value, store.vm.alarm())?;
    Ok(0)
}

/// `array.copy`: takes the addresses of the first target and source element, in the same array or
/// in two arrays, and the size of the range in bytes.
pub(super) fn copy(store: &mut StoreState, _: usize, [to, from, size, ..]: [u64; 5]) -> Result<u64> {
    store.heap.copy(to, from, size as usize, store.vm.alarm())?;
    Ok(0)
}

/// `array.init_data`: takes the data segment, the array, the target, the source and the length.
pub(super) fn init_data(
    store: &mut StoreState,
    instance: usize,
    [segment, array, target, source, length]: [u64; 5],
) -> Result<u64> {
    check_null(array)?;
    store.array_from_data(instance, segment as usize, array, target, source, length)?;
    Ok(0)
}

/// `array.init_elem`: takes the element segment, the array, the target, the source and the length.
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
