//! What lies at an address: asked by signal handlers and walks of the stack, without a lock.
//!
//! The table of pages leads to the newest batch of code that touches a page, and each batch to the
//! one before it, at lower addresses. Code is added to a page while other threads run what is there
//! and look it up: a batch is complete before the table leads to it (release and acquire), and
//! nothing that the table leads to is changed afterwards. So a reader finds the new batch or not,
//! and always the older ones.

use std::sync::atomic::Ordering;

use super::map::{Code, CodeMap, Description, TRAP};
use super::space::existing_space;

/// Whether an address lies in the body of a wasm function, where nothing but frames of such
/// functions lies between it and the innermost entry. Takes no lock and allocates nothing.
///
/// # Safety
///
/// As for [`map_at`].
pub(crate) unsafe fn is_body(pc: usize) -> bool {
    // SAFETY: by the condition above.
    unsafe { map_at(pc) }.is_some_and(|map| map.code.is_wasm())
}

/// Whether an address is that of a thunk.
///
/// # Safety
///
/// As for [`map_at`].
pub(super) unsafe fn is_thunk(pc: usize) -> bool {
    // SAFETY: by the condition above.
    unsafe { map_at(pc) }.is_some_and(|map| map.code == Code::Thunks)
}

/// What a fault at an address in a wasm function means: a [`Trap`](crate::Trap) by its code or
/// [`STACK_OVERFLOW`](crate::vm::artifact::STACK_OVERFLOW).
///
/// `None` for an address that is not a faulting instruction of live code, or one of a stub or a
/// trampoline, whose traps follow calls that do not return. Takes no lock and allocates nothing.
///
/// # Safety
///
/// As for [`map_at`].
pub(crate) unsafe fn trap_at(pc: usize) -> Option<u8> {
    // SAFETY: by the condition above.
    let map = unsafe { map_at(pc) }.filter(|map| map.code.is_wasm())?;
    let offset = map.offset(pc)?;
    let found = map.traps.binary_search_by_key(&offset, |(at, _)| *at).ok()?;
    Some(map.traps[found].1)
}

/// Whether the instruction at an address of live code is the one by which wasm code traps. Takes no
/// lock and allocates nothing.
///
/// # Safety
///
/// As for [`map_at`].
pub(crate) unsafe fn is_trap_instruction(pc: usize) -> bool {
    // SAFETY: by the condition above.
    let Some(map) = (unsafe { map_at(pc) }) else { return false };
    let rest = (map.base + map.length).saturating_sub(pc);
    // SAFETY: code is readable as long as its arena lives, and both bytes lie in it.
    rest >= 2 && unsafe { *(pc as *const [u8; 2]) } == TRAP
}

/// What lies at an address of the range that holds code, for reports; `None` outside of it. Takes
/// no lock and allocates nothing.
///
/// # Safety
///
/// As for [`map_at`], or the process ends with the report, because a defect has made the thread
/// jump there.
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

/// Where the exceptions of the call with that return address are handled: the handler's address,
/// and how far its stack pointer lies below the frame pointer of the function that made the call.
/// `None` where the call has no handler. Takes no lock.
///
/// # Safety
///
/// As for [`map_at`].
pub(crate) unsafe fn handler_at(return_address: usize) -> Option<(usize, usize)> {
    // The call itself: where it is the last instruction, the next address belongs to other code.
    // SAFETY: by the condition above.
    let map = unsafe { map_at(return_address.wrapping_sub(1)) }?;
    let offset = u32::try_from(return_address - map.base).ok()?;
    let found = map.handlers.binary_search_by_key(&offset, |site| site.return_address).ok()?;
    let site = &map.handlers[found];
    Some((map.base + site.handler as usize, site.frame_offset as usize))
}

/// What is known of the code at an address.
///
/// # Safety
///
/// If the address is in a page with code, that code is in use as long as the map is: a frame of the
/// thread that asks runs code of the same arena, or returns to it, so that a store keeps the arena;
/// or the arena is kept otherwise.
unsafe fn map_at<'a>(pc: usize) -> Option<&'a CodeMap> {
    let space = existing_space()?;
    let mut newest = space.entry(space.page(pc)?)?.load(Ordering::Acquire).cast_const();
    loop {
        // SAFETY: the pointer is null, or leads to a batch of the arena that has the page. By the
        // condition above the arena lives, which owns all its batches until it is dropped.
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
    fn an_address_that_is_no_code_is_no_trap() {
        let here = an_address_that_is_no_code_is_no_trap as *const () as usize;
        for address in [0, usize::MAX, here] {
            // SAFETY: the address is in no page with code.
            let found = unsafe { (trap_at(address), handler_at(address)) };
            assert_eq!(found, (None, None));
        }
    }
}
