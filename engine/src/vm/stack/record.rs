//! The records of stacks, which compiled code and the [switches](super::switch) read.

use std::ffi::c_void;
use std::mem::offset_of;
use std::ops::Range;

/// The record of a stack, at the top of its memory.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct VmStack {
    /// The stack pointer with which the stack was left by a switch or a call of the host. The
    /// registers that a switch saves are there: see [`SAVED`].
    pub(super) sp: usize,
    /// Where the values of the next resumption are written.
    pub(crate) slots: *mut c_void,
    /// The last stack of the chain of a suspended continuation, if this is its first one, on which
    /// the suspension happened. Otherwise null.
    pub(super) last: *mut VmStack,
    /// The lowest address that the stack pointer of compiled code can have.
    pub(super) limit: usize,
    /// The stack whose code resumed this one, or null for the stack of the thread. It is not valid
    /// for the last stack of a suspended continuation.
    pub(crate) parent: *mut VmStack,
    /// The stack pointer with which `parent` was left.
    pub(in crate::vm) resumer_sp: usize,
    /// The limit of `parent`.
    pub(crate) resumer_limit: usize,
    /// The clauses of the `resume` that runs this stack, in a frame of `parent`.
    pub(super) handlers: *const VmHandlers,
    /// The next free stack, if this one is free. If it waits for the host, the stack that waits for
    /// an outer activation.
    pub(super) next: *mut VmStack,
    /// Whether the stack is not free.
    pub(super) busy: bool,
    /// Whether the collection that runs has found the stack.
    pub(super) marked: bool,
}

/// The size of what a switch saves on the stack: the callee-saved registers r15, r14, r13, r12 and
/// rbx, and the frame, which is the caller's frame pointer and its return address.
pub(super) const SAVED: usize = 7 * size_of::<usize>();

/// The offset of the frame in what a switch saves.
pub(in crate::vm) const SAVED_FRAME: usize = 5 * size_of::<usize>();

/// The clauses of a `resume`: the addresses of the tags follow, first those of clauses with labels,
/// then those of `switch` clauses.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmHandlers {
    pub(crate) labels: u32,
    pub(crate) switches: u32,
}

/// The stacks of a store, in its [record](crate::vm::layout::VmStore).
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmStacks {
    /// The stack that runs; null for the thread's stack, so also while the host runs.
    pub(crate) current: *mut VmStack,
    /// The stack that was suspended last. It is a root of collections, since its continuation may
    /// not have been allocated yet.
    pub(super) suspended: *mut VmStack,
    /// The first free stack.
    pub(super) free: *mut VmStack,
    /// The stack that waits for the host, if there is one.
    pub(super) waiting: *mut VmStack,
    /// The stack pointer of the thread's stack, and its limit, while another stack runs.
    pub(super) thread_sp: usize,
    pub(super) thread_limit: usize,
    /// `extern "C" fn(*mut VmStore) -> !`: unwinds compiled code because no handler was found for a
    /// suspension.
    pub(crate) unhandled: usize,
}

/// The offset of [`VmStack::slots`].
pub(crate) const STACK_SLOTS: i32 = offset_of!(VmStack, slots) as i32;

/// The size of [`VmHandlers`]. Compiled code writes it as one number.
pub(crate) const HANDLERS_SIZE: u32 = size_of::<VmHandlers>() as u32;
const _: () = assert!(HANDLERS_SIZE == 8 && offset_of!(VmHandlers, switches) == 4);

impl VmStacks {
    /// The stacks of a store that has none. `unhandled` is the function that unwinds code.
    pub(crate) fn new(unhandled: usize) -> VmStacks {
        VmStacks {
            current: std::ptr::null_mut(),
            suspended: std::ptr::null_mut(),
            free: std::ptr::null_mut(),
            waiting: std::ptr::null_mut(),
            thread_sp: 0,
            thread_limit: 0,
            unhandled,
        }
    }

    /// Frees the stacks from the current one up to `target`, which is the current one afterwards,
    /// or all if it is null. Returns the limit of the stack that is then the current one, if it
    /// changes.
    ///
    /// # Safety
    ///
    /// `target` is null or a stack of the current chain. Nothing on the freed stacks is used
    /// afterwards, except by the code that runs on them now, which leaves them before others are
    /// prepared.
    pub(crate) unsafe fn leave(&mut self, target: *mut VmStack) -> Option<usize> {
        let mut limit = None;
        while self.current != target && !self.current.is_null() {
            let stack = self.current;
            // SAFETY: the stacks of the chain are alive, and only code of this store uses them.
            unsafe {
                limit = Some((*stack).resumer_limit);
                self.current = (*stack).parent;
                self.release(stack);
            }
        }
        limit
    }

    /// What compiled code can use of the stack that waits for the host, if an address is in it.
    ///
    /// # Safety
    ///
    /// The stack that waits is alive.
    pub(in crate::vm) unsafe fn waiting_at(&self, address: usize) -> Option<Range<usize>> {
        if self.waiting.is_null() {
            return None;
        }
        // SAFETY: by the condition above. The record is at the top of the stack.
        let usable = unsafe { (*self.waiting).limit }..self.waiting.addr();
        Some(usable).filter(|usable| usable.contains(&address))
    }

    /// Adds a stack to the free ones.
    ///
    /// # Safety
    ///
    /// The stack belongs to the store, is not free, and nothing on it is used from now on.
    pub(super) unsafe fn release(&mut self, stack: *mut VmStack) {
        // SAFETY: by the condition above.
        unsafe {
            (*stack).busy = false;
            (*stack).last = std::ptr::null_mut();
            (*stack).next = self.free;
        }
        self.free = stack;
    }
}
