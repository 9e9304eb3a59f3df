//! `memory.grow`, `memory.fill`, `memory.copy`, `memory.init` and `data.drop` (core spec, section
//! 4.6.8).

use crate::error::Result;
use crate::runtime::StoreState;
use crate::runtime::ranges::two;

/// Takes the memory and the number of pages to add. Returns the old size in pages, or -1.
pub(super) fn grow(store: &mut StoreState, instance: usize, [memory, delta, ..]: [u64; 5]) -> Result<u64> {
    let memory = store.instance(instance).memories[memory as usize];
    Ok(store.grow_memory(memory, delta).unwrap_or(u64::MAX))
}

/// Takes the memory, the start, the byte and the length.
pub(super) fn fill(
    store: &mut StoreState,
    instance: usize,
    [memory, start, byte, length, _]: [u64; 5],
) -> Result<u64> {
    let memory = store.instance(instance).memories[memory as usize];
    store.memories[memory].fill(start, byte as u8, length, store.vm.alarm())?;
    Ok(0)
}

/// Takes the target memory, the source memory, the target, the source and the length.
pub(super) fn copy(
    store: &mut StoreState,
    instance: usize,
    [to, from, target, source, length]: [u64; 5],
) -> Result<u64> {
    let instance = store.instance(instance);
    let (to, from) = (instance.memories[to as usize], instance.memories[from as usize]);
    if to == from {
        store.memories[to].copy_within(target, source, length, store.vm.alarm())?;
    } else {
        let (to, from) = two(&mut store.memories, to, from);
        to.copy_from(target, from, source, length, store.vm.alarm())?;
    }
    Ok(0)
}

/// Takes the data segment, the memory, the target, the source and the length.
pub(super) fn init(
    store: &mut StoreState,
    instance: usize,
    [data, memory, target, source, length]: [u64; 5],
) -> Result<u64> {
    store.init_memory(instance, data as usize, memory as usize, target, source, length)?;
    Ok(0)
}

/// Takes the data segment.
pub(super) fn drop_data(store: &mut StoreState, instance: usize, [data, ..]: [u64; 5]) -> Result<u64> {
    store.instance_mut(instance).dropped_data[data as usize] = true;
    Ok(0)
}
