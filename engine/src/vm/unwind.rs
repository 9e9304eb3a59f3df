//! Unwinding of compiled code: to the innermost handler of an exception, otherwise to the innermost
//! entry.
//!
//! Frames of compiled code own nothing, so they are unwound by resuming execution in an outer
//! frame. Rust frames are never unwound this way: there are none between an exit from compiled code
//! and the entry of the same activation.

use super::alarm::is_over;
use super::code::lookup as code;
use super::host::{Host, running};
use super::layout::{INTERRUPTED, VmFault, VmHandler, VmStore};
use super::pending::Pending;
use super::stack::record::{SAVED_FRAME, VmStack};
use crate::error::Error;

/// Throws an exception: resumes execution in the innermost handler, or after the entry, with the
/// exception stored in the record.
///
/// Nothing is allocated until the handler has the exception, so it is sufficient to keep the
/// exception in a register.
///
/// # Safety
///
/// Only the throw stub calls this, with the running store, whose `exit` is the stub's frame.
pub(super) unsafe extern "C" fn throw(store: *mut VmStore, exception: u64) -> ! {
    // SAFETY: by the condition above the record is alive, and all frames between the exit and the
    // entry belong to compiled code. `entry` is the handler of the innermost entry trampoline.
    unsafe {
        if is_over(store) {
            (*store).fault = VmFault { pc: 0, code: INTERRUPTED };
            resume((*store).entry, 0);
        }
        match find_handler(store) {
            Some((handler, stack)) => {
                leave_stacks(store, stack);
                resume(handler, exception)
            }
            None => {
                note_exit(store);
                (*store).thrown = exception;
                resume((*store).entry, exception)
            }
        }
    }
}

/// Unwinds compiled code after a builtin or a host function has failed. An exception that has a
/// handler in this activation is thrown to it; any other failure unwinds to the innermost entry.
///
/// # Safety
///
/// Only compiled code of a store of type `H` calls this, after the Rust function that it called has
/// returned, with the running store, whose `exit` is the frame of the calling stub or trampoline.
pub(super) unsafe extern "C" fn raise<H: Host + ?Sized>(store: *mut VmStore) -> ! {
    // SAFETY: by the condition above the record is alive, and all frames between the exit and the
    // entry belong to compiled code: every nested entry has restored `exit`. The Rust function that
    // borrowed the store has returned. `entry` is the handler of the innermost entry trampoline.
    unsafe {
        match raised::<H>(store) {
            Some((handler, stack, exception)) => {
                leave_stacks(store, stack);
                resume(handler, exception)
            }
            None => {
                note_exit(store);
                resume((*store).entry, 0)
            }
        }
    }
}

/// The exception with which a host function failed, and its handler. `None` if it failed otherwise,
/// or if the exception has no handler; then the error is left for the entry. Nothing is allocated
/// after the error, which kept the exception alive, is dropped.
///
/// # Safety
///
/// The conditions of [`find_handler`] must hold; the store has type `H`, and no borrow of it is in
/// use.
unsafe fn raised<H: Host + ?Sized>(vm: *mut VmStore) -> Option<(VmHandler, *mut VmStack, u64)> {
    // SAFETY: by the condition above the record is alive, and nothing else uses its pending error.
    let pending = unsafe { &mut (*vm).pending };
    let Some(Pending::Error(error)) = pending else { return None };
    // SAFETY: by the condition above.
    let exception = unsafe { running::<H>(vm) }.exception_of(error)?;
    // SAFETY: by the condition above.
    let (handler, stack) = unsafe { find_handler(vm) }?;
    *pending = None;
    Some((handler, stack, exception))
}

/// Unwinds compiled code because no `resume` handles the suspension of a continuation
/// (stack-switching proposal).
///
/// # Safety
///
/// Only a switch of a store of type `H` calls this, with the running store, whose `exit` is the
/// frame of the switch.
pub(super) unsafe extern "C" fn unhandled<H: Host + ?Sized>(store: *mut VmStore) -> ! {
    // SAFETY: by the condition above; nothing else uses the record.
    unsafe {
        (*store).pending = Some(Pending::Error(Error::suspension()));
        raise::<H>(store)
    }
}

/// Frees the stacks that are unwound completely when execution continues on another one.
///
/// # Safety
///
/// The stack is null, for the thread's own, or one of the current chain. The caller continues on it
/// without calling other code.
unsafe fn leave_stacks(store: *mut VmStore, stack: *mut VmStack) {
    // SAFETY: by the condition above; what runs on the current stack does not use its memory for
    // anything that outlives the caller.
    unsafe {
        if let Some(limit) = (*store).stacks.leave(stack) {
            (*store).stack_limit = limit;
        }
    }
}

/// The handler of the innermost call that has one, between the exit from compiled code and the
/// innermost entry, with the stack that it belongs to.
///
/// # Safety
///
/// Compiled code of the store has called the caller, and recorded its frame in `exit`.
unsafe fn find_handler(store: *mut VmStore) -> Option<(VmHandler, *mut VmStack)> {
    // SAFETY: by the condition above the record is alive, and its exit is the frame of a stub or
    // trampoline.
    let mut callers = unsafe { Callers::of(store, (*store).exit.fp) };
    callers.find_map(|Caller { return_address, fp, stack }| {
        // SAFETY: the thread returns there, so the code is in use.
        let (pc, frame_offset) = unsafe { code::handler_at(return_address) }?;
        Some((VmHandler { pc, sp: fp - frame_offset, fp }, stack))
    })
}

/// Records the frames of the activation that a fault at `pc` unwinds. `frame` is the frame pointer.
/// Async-signal-safe.
///
/// # Safety
///
/// The store runs, and the code is in the body of a function of its innermost activation, after the
/// prologue, which sets up the frame.
pub(super) unsafe fn note_fault(store: *mut VmStore, pc: usize, frame: usize) {
    // SAFETY: by the condition above the record is alive, and the frame belongs to compiled code.
    unsafe {
        let callers = Callers::of(store, frame);
        (*store).trace.record(std::iter::once(pc).chain(callers.map(inside_call)));
    }
}

/// Records the frames of the activation that a function called by a stub or trampoline unwinds.
///
/// # Safety
///
/// The conditions of [`find_handler`] must hold.
unsafe fn note_exit(store: *mut VmStore) {
    // SAFETY: by the condition of `find_handler` the record is alive, and its exit is the frame of
    // a stub or trampoline.
    unsafe {
        let callers = Callers::of(store, (*store).exit.fp);
        (*store).trace.record(callers.map(inside_call));
    }
}

/// An address inside the call that returns there. The return address itself may belong to the next
/// function, if the call is a function's last instruction.
fn inside_call(caller: Caller) -> usize {
    caller.return_address - 1
}

/// A caller of a frame of compiled code.
struct Caller {
    return_address: usize,
    /// Its frame pointer.
    fp: usize,
    /// The continuation's stack that its frame is on; null for the thread's stack.
    stack: *mut VmStack,
}

/// The callers of a frame of compiled code, innermost first, up to the innermost entry. The caller
/// of the first function on the stack of a continuation is the function that resumed it.
struct Callers {
    frame: usize,
    stack: *mut VmStack,
    entry: usize,
}

impl Callers {
    /// # Safety
    ///
    /// `frame` is the frame pointer of compiled code on the current stack of the store. The frames
    /// between it and that of the innermost entry trampoline belong to compiled code, and exist as
    /// long as this is used.
    unsafe fn of(store: *const VmStore, frame: usize) -> Callers {
        // SAFETY: by the condition above the record is alive.
        let (stack, entry) = unsafe { ((*store).stacks.current, (*store).entry.fp) };
        Callers { frame, stack, entry }
    }

    /// The frame pointer of the caller of a frame, and the address to which the frame returns.
    ///
    /// # Safety
    ///
    /// The frame is one of those that [`Callers::of`] describes.
    unsafe fn read(frame: usize) -> [usize; 2] {
        // SAFETY: by the condition above the frame belongs to compiled code, which maintains frame
        // pointers, or to a switch, which saves the same.
        unsafe { *(frame as *const [usize; 2]) }
    }
}

impl Iterator for Callers {
    type Item = Caller;

    fn next(&mut self) -> Option<Caller> {
        // SAFETY: by the condition of `Callers::of`. Iteration stops at the entry trampoline, which
        // called the outermost frame. On the stack of a continuation, the outermost frame is that
        // of the trampoline, whose caller has no frame pointer; the stack is alive, and the frame
        // of the switch that resumed it is where it left the other stack.
        unsafe {
            let [mut caller, mut return_address] = Self::read(self.frame);
            while !self.stack.is_null() && Self::read(caller)[0] == 0 {
                let frame = (*self.stack).resumer_sp + SAVED_FRAME;
                self.stack = (*self.stack).parent;
                [caller, return_address] = Self::read(frame);
            }
            if caller == self.entry {
                return None;
            }
            self.frame = caller;
            Some(Caller { return_address, fp: caller, stack: self.stack })
        }
    }
}

/// Resumes execution at a handler, which gets the exception.
///
/// # Safety
///
/// The handler belongs to an outer frame on this thread's stack. Between the two there are only
/// frames of compiled code, and the frame of the Rust function that calls this, which owns nothing.
unsafe fn resume(handler: VmHandler, exception: u64) -> ! {
    // SAFETY: the handler expects its stack and frame pointer, and the exception in rax, where the
    // Tail convention passes an exception's first word; all other registers are clobbered on this
    // edge. The operands have explicit registers, because a compiler that needs no frame pointer
    // may otherwise choose rbp.
    unsafe {
        std::arch::asm!(
            "mov rsp, rcx",
            "mov rbp, rsi",
            "jmp rdi",
            in("rax") exception,
            in("rcx") handler.sp,
            in("rsi") handler.fp,
            in("rdi") handler.pc,
            options(noreturn)
        )
    }
}
