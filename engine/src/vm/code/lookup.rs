//! Lookup of code by address, without a lock: for signal handlers and stack walks.
//!
//! The entry of a page refers to the newest batch in the page, and each batch to the previous one,
//! at lower addresses. Code can be added to a page while other threads run and look up the code
//! that is already there: a batch is complete before its entry is set (with release and acquire
//! ordering), and is not changed afterwards. A concurrent reader may miss the new batch, but always
//! finds the older ones.

use std::sync::atomic::Ordering;

use super::map::{Code, CodeMap, Description, TRAP};
use super::space::existing_space;

/// Whether an address is in the body of a wasm function, where all frames up to the innermost entry
/// are frames of wasm functions. Does not lock or allocate.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(crate) unsafe fn is_body(pc: usize) -> bool {
    // SAFETY: by the condition above.
    unsafe { map_at(pc) }.is_some_and(|map| map.code.is_wasm())
}

/// Whether an address is in a thunk.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(super) unsafe fn is_thunk(pc: usize) -> bool {
    // SAFETY: by the condition above.
    unsafe { map_at(pc) }.is_some_and(|map| map.code == Code::Thunks)
}

/// The trap code of a fault at an address in a wasm function: the code of a [`Trap`](crate::Trap)
/// or [`STACK_OVERFLOW`](crate::vm::artifact::STACK_OVERFLOW).
///
/// `None` if the address is not a faulting instruction of live code, or if it is in a stub or a
/// trampoline, whose traps follow calls that do not return. Does not lock or allocate.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(crate) unsafe fn trap_at(pc: usize) -> Option<u8> {
    // SAFETY: by the condition above.
    let map = unsafe { map_at(pc) }.filter(|map| map.code.is_wasm())?;
    let offset = map.offset(pc)?;
    let found = map.traps.binary_search_by_key(&offset, |(at, _)| *at).ok()?;
    Some(map.traps[found].1)
}

/// Whether the instruction at an address of live code is the one that wasm code uses for traps.
/// Does not lock or allocate.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(crate) unsafe fn is_trap_instruction(pc: usize) -> bool {
    // SAFETY: by the condition above.
    let Some(map) = (unsafe { map_at(pc) }) else { return false };
    let rest = (map.base + map.length).saturating_sub(pc);
    // SAFETY: code is readable as long as its arena exists, and both bytes are in the batch.
    rest >= 2 && unsafe { *(pc as *const [u8; 2]) } == TRAP
}

/// Describes the code at an address, for reports; `None` if the address is outside of the code
/// range. Does not lock or allocate.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold, or the process ends with the report, because the thread
/// has jumped there due to a bug.
pub(crate) unsafe fn describe(pc: usize) -> Option<Description> {
    existing_space()?.page(pc)?;
    // SAFETY: by the condition above.
    let Some(map) = (unsafe { map_at(pc) }) else { return Some(Description::NoCode) };
    let (position, offset) = map.function(map.offset(pc)?)?;
    Some(match map.code {
        Code::Module { first } => Description::Function { index: first + position as u32, offset },
        _ => Description::Ours { offset },
    })
}

/// The handler for exceptions of the call with this return address: the handler's address, and the
/// distance from the frame pointer of the calling function down to the stack pointer that the
/// handler expects. `None` if the call has no handler. Does not lock.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(crate) unsafe fn handler_at(return_address: usize) -> Option<(usize, usize)> {
    // The return address of a call that is the last instruction is outside of the batch.
    // SAFETY: by the condition above.
    let map = unsafe { map_at(return_address.wrapping_sub(1)) }?;
    let offset = u32::try_from(return_address - map.base).ok()?;
    let found = map.handlers.binary_search_by_key(&offset, |site| site.return_address).ok()?;
    let site = &map.handlers[found];
    Some((map.base + site.handler as usize, site.frame_offset as usize))
}

/// The metadata of the batch that contains an address.
///
/// # Safety
///
/// If the address is in a page of an arena, the arena exists as long as the result is used: for
/// example because a frame of the current thread runs the code or returns to it, so that a store
/// keeps the arena.
unsafe fn map_at<'a>(pc: usize) -> Option<&'a CodeMap> {
    let space = existing_space()?;
    let mut newest = space.entry(space.page(pc)?)?.load(Ordering::Acquire).cast_const();
    loop {
        // SAFETY: the pointer is null, or refers to a batch of the arena that owns the page. By the
        // condition above the arena exists, which owns its batches until it is dropped.
        let map = unsafe { newest.as_ref() }?;
        if map.base <= pc {
            return Some(map).filter(|map| pc - map.base < map.length);
        }
        newest = map.previous;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_outside_of_code_is_not_a_trap() {
        let here = an_address_outside_of_code_is_not_a_trap as *const () as usize;
        for address in [0, usize::MAX, here] {
            // SAFETY: the address is in no page with code.
            let found = unsafe { (trap_at(address), handler_at(address)) };
            assert_eq!(found, (None, None));
        }
    }
}
