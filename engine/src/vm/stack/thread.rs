//! Calls of the host from the stack of a continuation.

use std::arch::asm;
use std::ptr::NonNull;

use super::record::VmStack;
use crate::vm::layout::VmStore;

/// The stack on which compiled code of the store runs, if it is that of a continuation.
///
/// # Safety
///
/// The record is alive, and nothing else uses it.
#[inline]
pub(in crate::vm) unsafe fn continuation_stack(vm: *mut VmStore) -> Option<NonNull<VmStack>> {
    // SAFETY: by the condition above.
    NonNull::new(unsafe { (*vm).stacks.current })
}

/// What runs on the thread's stack, and its result.
struct Task<F, T> {
    run: Option<F>,
    result: Option<T>,
}

/// # Safety
///
/// The task is not used by anything else.
unsafe extern "C" fn perform<F: FnOnce() -> T, T>(task: *mut Task<F, T>) {
    // SAFETY: by the condition above.
    let task = unsafe { &mut *task };
    task.result = task.run.take().map(|run| run());
}

/// Runs code of Rust that compiled code has called on the stack of a continuation, on the stack of
/// the thread. The continuation's stacks wait meanwhile, so that the code can enter the store
/// again: a suspension there does not find the handlers of the waiting stacks.
///
/// `run` must not panic: a panic ends the process.
///
/// # Safety
///
/// Compiled code of the store has called the caller on this stack, which is its
/// [current one](continuation_stack), and waits for it.
#[cold]
#[inline(never)]
pub(in crate::vm) unsafe fn on_thread_stack<F: FnOnce() -> T, T>(
    vm: *mut VmStore,
    stack: NonNull<VmStack>,
    run: F,
) -> T {
    let stack = stack.as_ptr();
    let mut task = Task { run: Some(run), result: None };
    // SAFETY: by the condition above the record and the stack are alive, and only this code uses
    // them. Below the stack pointer with which the thread's stack was left, nothing is in use, and
    // the code there is as far as compiled code may go, by `thread_limit`, at most. All registers
    // that the call changes are declared; `r12` contains the stack pointer, since a callee
    // preserves it. What the collector has to see on this stack is above `sp`.
    unsafe {
        let (limit, stacks) = ((*vm).stack_limit, &raw mut (*vm).stacks);
        let (thread_sp, thread_limit) = ((*stacks).thread_sp, (*stacks).thread_limit);
        (*stack).next = (*stacks).waiting;
        (*stacks).waiting = stack;
        (*stacks).current = std::ptr::null_mut();
        (*vm).stack_limit = thread_limit;
        asm!(
            "mov r12, rsp",
            "mov [rsi], rsp",
            "mov rsp, rdx",
            "call rax",
            "mov rsp, r12",
            in("rax") perform::<F, T>,
            in("rdi") &raw mut task,
            in("rsi") &raw mut (*stack).sp,
            in("rdx") thread_sp & !15,
            out("r12") _,
            clobber_abi("C"),
        );
        (*vm).stack_limit = limit;
        (*stacks).waiting = (*stack).next;
        (*stacks).current = stack;
        (*stacks).thread_sp = thread_sp;
        (*stacks).thread_limit = thread_limit;
    }
    match task.result {
        Some(result) => result,
        None => unreachable!("the task was performed"),
    }
}
