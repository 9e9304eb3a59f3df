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
        let handler = find_handler(store).unwrap_or_else(|| {
            note_exit(store);
            (*store).thrown = exception;
            (*store).entry
        });
        resume(handler, exception)
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
            Some((handler, exception)) => resume(handler, exception),
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
/// Compiled code of the store has called the caller, and recorded its frame in `exit`.
unsafe fn find_handler(store: *mut VmStore) -> Option<VmHandler> {
    // SAFETY: by the condition above the record is alive, and its exit is the frame of a stub or
    // trampoline.
    let mut callers = unsafe { Callers::of((*store).exit.fp, (*store).entry.fp) };
    callers.find_map(|(return_address, fp)| {
        // SAFETY: the thread returns there, so the code is in use.
        let (pc, frame_offset) = unsafe { code::handler_at(return_address) }?;
        Some(VmHandler { pc, sp: fp - frame_offset, fp })
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
        let callers = Callers::of(frame, (*store).entry.fp);
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
        let callers = Callers::of((*store).exit.fp, (*store).entry.fp);
        (*store).trace.record(callers.map(inside_call));
    }
}

/// An address inside the call that returns there. The return address itself may belong to the next
/// function, if the call is a function's last instruction.
fn inside_call((return_address, _): (usize, usize)) -> usize {
    return_address - 1
}

/// The callers of a frame of compiled code, innermost first, up to the innermost entry: for each
/// the return address of its call, and its frame pointer.
struct Callers {
    frame: usize,
    entry: usize,
}

impl Callers {
    /// # Safety
    ///
    /// `frame` is the frame pointer of compiled code on this thread's stack, and `entry` that of
    /// the innermost entry trampoline. The frames between the two belong to compiled code, and
    /// exist as long as this is used.
    unsafe fn of(frame: usize, entry: usize) -> Callers {
        Callers { frame, entry }
    }
}

impl Iterator for Callers {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        // SAFETY: by the condition of `Callers::of` the frame belongs to compiled code, which
        // maintains frame pointers: at each of them are the frame pointer of the caller and the
        // return address. Iteration stops at the entry trampoline, which called the outermost
        // frame.
        let [caller, return_address] = unsafe { *(self.frame as *const [usize; 2]) };
        if caller == self.entry {
            return None;
        }
        self.frame = caller;
        Some((return_address, caller))
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
