//! Leaving compiled code: by an exception to the innermost handler for it, else to the innermost
//! entry.
//!
//! Frames of compiled code own nothing, so they are left by continuing in a frame further out. No
//! Rust frame is ever left this way: there are none between an exit from compiled code and the
//! entry of the same activation.

use super::alarm::is_over;
use super::code::lookup as code;
use super::host::{Host, running};
use super::layout::{INTERRUPTED, VmFault, VmHandler, VmStore};
use super::pending::Pending;

/// Throws an exception: continues in the innermost handler, or after the entry with the exception
/// noted in the store.
///
/// From here on until the handler has the exception nothing is allocated, so that a register is all
/// that needs to hold it.
///
/// # Safety
///
/// Only the throw stub calls this: with the store that runs, whose `exit` is the stub's frame.
pub(super) unsafe extern "C" fn throw(store: *mut VmStore, exception: u64) -> ! {
    // SAFETY: by the condition above the record is alive, and all frames between the exit and the
    // entry are compiled code's. `entry` is the handler of the innermost entry trampoline.
    unsafe {
        if is_over(store) {
            (*store).fault = VmFault { pc: 0, code: INTERRUPTED };
            resume((*store).entry, 0);
        }
        let handler = find_handler(store).unwrap_or_else(|| {
            note_exit(store);
            (*store).thrown = exception;
            (*store).entry
        });
        resume(handler, exception)
    }
}

/// Leaves compiled code that called a builtin or a host function which failed: an exception that
/// has a handler in this activation is thrown to it, anything else goes to the innermost entry.
///
/// # Safety
///
/// Only compiled code of a store of type `H` calls this, when the Rust function that it called has
/// returned: with the store that runs, whose `exit` is the frame of the stub or trampoline that
/// calls.
pub(super) unsafe extern "C" fn raise<H: Host + ?Sized>(store: *mut VmStore) -> ! {
    // SAFETY: by the condition above the record is alive, and all frames between the exit and the
    // entry are compiled code's: every nested entry has put `exit` back. The Rust function that
    // borrowed the store has returned. `entry` is the handler of the innermost entry trampoline.
    unsafe {
        match raised::<H>(store) {
            Some((handler, exception)) => resume(handler, exception),
            None => {
                note_exit(store);
                resume((*store).entry, 0)
            }
        }
    }
}

/// The exception by which a host function failed, with its handler; nothing if it failed otherwise,
/// or the exception has no handler: then the error stays for the entry. Nothing is allocated after
/// the error is dropped, which kept the exception alive.
///
/// # Safety
///
/// As for [`find_handler`]; the store is of type `H`, and no borrow of it is in use.
unsafe fn raised<H: Host + ?Sized>(vm: *mut VmStore) -> Option<(VmHandler, u64)> {
    // SAFETY: by the condition above the record is alive, and nothing else uses its pending error.
    let pending = unsafe { &mut (*vm).pending };
    let Some(Pending::Error(error)) = pending else { return None };
    // SAFETY: by the condition above.
    let exception = unsafe { running::<H>(vm) }.exception_of(error)?;
    // SAFETY: by the condition above.
    let handler = unsafe { find_handler(vm) }?;
    *pending = None;
    Some((handler, exception))
}

/// The handler of the innermost call that has one, between the exit from compiled code and the
/// innermost entry.
///
/// # Safety
///
/// Compiled code of the store has called us, and noted the frame that it called from in `exit`.
unsafe fn find_handler(store: *mut VmStore) -> Option<VmHandler> {
    // SAFETY: by the condition above the record is alive, and its exit is the frame of a stub or
    // trampoline.
    let mut callers = unsafe { Callers::of((*store).exit.fp, (*store).entry.fp) };
    callers.find_map(|(return_address, fp)| {
        // SAFETY: the thread returns there, so that the code is in use.
        let (pc, frame_offset) = unsafe { code::handler_at(return_address) }?;
        Some(VmHandler { pc, sp: fp - frame_offset, fp })
    })
}

/// Notes the frames of the activation that is being left by a fault of the code at `pc`, whose
/// frame pointer is `frame`. Async-signal-safe.
///
/// # Safety
///
/// The store runs, and the code is the body of a function of its innermost activation, after the
/// first steps, which set up its frame.
pub(super) unsafe fn note_fault(store: *mut VmStore, pc: usize, frame: usize) {
    // SAFETY: by the condition above the record is alive, and the frame is compiled code's.
    unsafe {
        let callers = Callers::of(frame, (*store).entry.fp);
        (*store).trace.record(std::iter::once(pc).chain(callers.map(inside_call)));
    }
}

/// Notes the frames of the activation that is being left by what a stub or trampoline called.
///
/// # Safety
///
/// As for [`find_handler`].
unsafe fn note_exit(store: *mut VmStore) {
    // SAFETY: by the condition of `find_handler` the record is alive, and its exit is the frame of
    // a stub or trampoline.
    unsafe {
        let callers = Callers::of((*store).exit.fp, (*store).entry.fp);
        (*store).trace.record(callers.map(inside_call));
    }
}

/// An address inside the call that returns there: where it is a function's last instruction, what
/// follows belongs to another.
fn inside_call((return_address, _): (usize, usize)) -> usize {
    return_address - 1
}

/// The functions that a frame of compiled code was called from, innermost first, up to the
/// innermost entry: for each the address that the call returns to, and the function's frame
/// pointer.
struct Callers {
    frame: usize,
    entry: usize,
}

impl Callers {
    /// # Safety
    ///
    /// `frame` is the frame pointer of compiled code on this thread's stack, and `entry` that of
    /// the innermost entry trampoline. The frames from one to the other are compiled code's, and
    /// stay there as long as this is used.
    unsafe fn of(frame: usize, entry: usize) -> Callers {
        Callers { frame, entry }
    }
}

impl Iterator for Callers {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        // SAFETY: by the condition of `Callers::of` the frame is compiled code's, which keeps frame
        // pointers: at each of them are the frame pointer of the caller and the return address. We
        // stop at the entry trampoline, which called the outermost frame.
        let [caller, return_address] = unsafe { *(self.frame as *const [usize; 2]) };
        if caller == self.entry {
            return None;
        }
        self.frame = caller;
        Some((return_address, caller))
    }
}

/// Goes on at a handler, which gets the exception.
///
/// # Safety
///
/// The handler is one of a frame further out on this thread's stack, with nothing but frames of
/// compiled code between, and of the Rust function that calls this, which owns nothing.
unsafe fn resume(handler: VmHandler, exception: u64) -> ! {
    // SAFETY: the handler expects its stack and frame pointer, and the exception in rax, where the
    // Tail convention passes an exception's first word; on this edge it takes all other registers
    // as lost. The operands have registers of their own: a compiler without need of a frame pointer
    // may choose rbp for one that is left open.
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
