//! `memory.atomic.wait32`, `memory.atomic.wait64` and `memory.atomic.notify` (threads proposal,
//! "Wait and notify operators").

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::runtime::{SharedMemory, StoreState, Waited};
use crate::time::Deadline;
use crate::trap::Trap;
use crate::vm::call::running_deadline;

/// Takes the memory, the constant offset, the address, the expected value and the timeout in
/// nanoseconds. Returns 0 if woken by `notify`, 1 if the value differs, 2 if it timed out.
pub(super) fn wait32(store: &mut StoreState, instance: usize, args: [u64; 5]) -> Result<u64> {
    let [memory, offset, address, expected, timeout] = args;
    let address = effective_address(store, instance, [memory, offset, address], 4)?;
    let shared = expect_shared(store, instance, memory)?;
    wait(store, timeout, |left| shared.wait32(address, expected as u32, left))
}

/// Like [`wait32`].
pub(super) fn wait64(store: &mut StoreState, instance: usize, args: [u64; 5]) -> Result<u64> {
    let [memory, offset, address, expected, timeout] = args;
    let address = effective_address(store, instance, [memory, offset, address], 8)?;
    let shared = expect_shared(store, instance, memory)?;
    wait(store, timeout, |left| shared.wait64(address, expected, left))
}

/// Takes the memory, the constant offset, the address and the maximum number of waiters to wake.
/// Returns the number of waiters woken, which is 0 for a memory that is not shared.
pub(super) fn notify(
    store: &mut StoreState,
    instance: usize,
    [memory, offset, address, count, _]: [u64; 5],
) -> Result<u64> {
    let address = effective_address(store, instance, [memory, offset, address], 4)?;
    let memory = store.memory(store.instance(instance).memories[memory as usize]);
    Ok(memory.shared().map_or(0, |shared| shared.notify(address, count as u32)).into())
}

/// Returns the effective address of an access of `size` bytes. Traps if the address is not aligned,
/// then if it is out of bounds.
fn effective_address(
    store: &StoreState,
    instance: usize,
    [memory, offset, address]: [u64; 3],
    size: u64,
) -> Result<u64> {
    if !address.wrapping_add(offset).is_multiple_of(size) {
        return Err(Trap::UnalignedAtomic.into());
    }
    let start = address.checked_add(offset).ok_or(Trap::MemoryOutOfBounds)?;
    store.memory(store.instance(instance).memories[memory as usize]).range(start, size)?;
    Ok(start)
}

fn expect_shared(store: &StoreState, instance: usize, memory: u64) -> Result<SharedMemory> {
    let memory = store.memory(store.instance(instance).memories[memory as usize]);
    memory.shared().cloned().ok_or_else(|| Error::from(Trap::ExpectedSharedMemory))
}

/// Waits for this number of nanoseconds, or without a timeout if it is negative, but at most until
/// the deadline of the store.
fn wait(
    store: &mut StoreState,
    timeout: u64,
    wait: impl FnOnce(&dyn Fn() -> Option<Duration>) -> Waited,
) -> Result<u64> {
    let timeout = u64::try_from(timeout as i64).ok();
    let timeout = timeout.and_then(|nanos| Instant::now().checked_add(Duration::from_nanos(nanos)));
    let deadline = running_deadline();
    let left = || {
        let timeout = timeout.map(|timeout| timeout.saturating_duration_since(Instant::now()));
        timeout.into_iter().chain(deadline.map(Deadline::left)).min()
    };
    match wait(&left) {
        Waited::Woken => Ok(0),
        Waited::NotEqual => Ok(1),
        Waited::TimedOut if deadline.is_some_and(Deadline::is_over) => Err(store.interrupt()),
        Waited::TimedOut => Ok(2),
    }
}
