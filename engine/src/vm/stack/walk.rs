//! The words on the stacks of continuations, which the collector scans conservatively.

use std::ops::Range;

use super::record::VmStack;
use crate::vm::host::Host;
use crate::vm::store::StoreRecord;

/// The stacks of a store, as a collection sees them: which of them it has found, and the words on
/// them. No code of the store runs while this exists, since the store is borrowed.
pub(crate) struct Continuations<'a, H: ?Sized>(&'a StoreRecord<H>);

impl<H: ?Sized> Clone for Continuations<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H: ?Sized> Copy for Continuations<'_, H> {}

impl<'a, H: Host + ?Sized> Continuations<'a, H> {
    /// Begins a collection, which has found no stacks.
    pub(crate) fn of(store: &'a StoreRecord<H>) -> Continuations<'a, H> {
        for stack in store.stacks.all() {
            // SAFETY: the pool owns the stack, and only this thread accesses its record, since no
            // code of the store runs.
            unsafe { (*stack).marked = false };
        }
        Continuations(store)
    }

    /// Calls `visit` with every word on the stacks that wait for the host, and on those that were
    /// suspended last.
    pub(crate) fn visit_roots(self, mut visit: impl FnMut(u64)) {
        // SAFETY: the record is alive while it is borrowed.
        let (suspended, mut waiting) = unsafe {
            let stacks = &raw const (*self.0.vm()).stacks;
            ((*stacks).suspended, (*stacks).waiting)
        };
        while !waiting.is_null() {
            self.visit_chain(waiting, std::ptr::null_mut(), &mut visit);
            // SAFETY: a stack that waits is alive.
            waiting = unsafe { (*waiting).next };
        }
        self.visit(suspended.addr() as u64, visit);
    }

    /// Calls `visit` with every word on the stacks of a suspended continuation, given by the
    /// address of its first stack, unless the collection has found it before. Any other word is
    /// ignored.
    pub(crate) fn visit(self, address: u64, mut visit: impl FnMut(u64)) {
        let Some(stack) = self.0.stacks.at(address) else { return };
        // SAFETY: the pool owns the stack, and no code of the store runs.
        let (is_busy, is_marked, last) = unsafe { ((*stack).busy, (*stack).marked, (*stack).last) };
        if is_busy && !is_marked && !last.is_null() {
            self.visit_chain(stack, last, &mut visit);
        }
    }

    /// Visits a chain of stacks up to `last`, or to the one that the thread's stack has resumed.
    fn visit_chain(self, first: *mut VmStack, last: *mut VmStack, visit: &mut dyn FnMut(u64)) {
        let mut stack = first;
        // SAFETY: the stacks of a chain that waits or is suspended are alive. The first one was
        // left with the stack pointer `sp`, the others with the one that the stack which they
        // resumed has noted. From there up to the record at its top, a stack is in use: mapped and
        // aligned words, which no other thread accesses.
        unsafe {
            let mut sp = (*first).sp;
            loop {
                (*stack).marked = true;
                words(sp..stack.addr(), visit);
                if stack == last || (*stack).parent.is_null() {
                    return;
                }
                sp = (*stack).resumer_sp;
                stack = (*stack).parent;
            }
        }
    }

    /// Ends a collection: frees the stacks that it has not found. Returns the number of those that
    /// it has found.
    pub(crate) fn sweep(self) -> usize {
        let mut kept = 0;
        for stack in self.0.stacks.all() {
            // SAFETY: the pool owns the stack, and no code of the store runs. A stack that was not
            // found belongs to no chain that waits, and to no continuation that can be resumed.
            unsafe {
                if (*stack).busy && !(*stack).marked {
                    (*self.0.vm()).stacks.release(stack);
                }
                kept += usize::from((*stack).busy);
            }
        }
        kept
    }
}

/// # Safety
///
/// The range consists of mapped, initialised memory that no other thread accesses.
unsafe fn words(range: Range<usize>, visit: &mut dyn FnMut(u64)) {
    for at in (range.start.next_multiple_of(8)..range.end).step_by(8) {
        // SAFETY: by the condition above; the address is aligned.
        visit(unsafe { std::ptr::with_exposed_provenance::<u64>(at).read_volatile() });
    }
}
