//! Switches between stacks. Compiled code calls these functions by the Tail convention, with a
//! handler for exceptions where it has one, so that unwinding and stack walks find its frames as
//! for any other call.
//!
//! Each function saves the callee-saved registers and a frame on the stack that it leaves
//! ([`SAVED`]), restores those of the stack that it continues on, and returns there by a jump: the
//! processor's prediction of return addresses does not know about the switch, and would be wrong
//! for a return. The Tail convention passes arguments in rdi, rsi, rdx and rcx, and results in rax,
//! rcx and rdx.

use std::arch::naked_asm;
use std::mem::offset_of;

use super::record::{SAVED, SAVED_FRAME, VmStack, VmStacks};
use crate::vm::layout::{VmExit, VmStore, offsets};

/// The offset of a field of [`VmStacks`] in a store's record.
macro_rules! stacks {
    ($field:ident) => {
        offset_of!(VmStore, stacks) + offset_of!(VmStacks, $field)
    };
}

/// Assembles instructions with the offsets that all switches use.
macro_rules! switch_asm {
    ($($line:expr),* $(,)?) => {
        naked_asm!(
            // Every operand must be used.
            "/* {store} {throw_stub} {store_limit} {exit_fp} {exit_pc} {current} {suspended} {free}
             {thread_sp} {thread_limit} {unhandled} {sp} {slots} {last} {limit} {parent}
             {resumer_sp} {resumer_limit} {handlers} {next} {busy} {saved_frame} */",
            $($line,)*
            store = const offsets::CTX_STORE,
            throw_stub = const offsets::CTX_THROW_STUB,
            store_limit = const offsets::STORE_STACK_LIMIT,
            exit_fp = const offset_of!(VmStore, exit) + offset_of!(VmExit, fp),
            exit_pc = const offset_of!(VmStore, exit) + offset_of!(VmExit, pc),
            current = const stacks!(current),
            suspended = const stacks!(suspended),
            free = const stacks!(free),
            thread_sp = const stacks!(thread_sp),
            thread_limit = const stacks!(thread_limit),
            unhandled = const stacks!(unhandled),
            sp = const offset_of!(VmStack, sp),
            slots = const offset_of!(VmStack, slots),
            last = const offset_of!(VmStack, last),
            limit = const offset_of!(VmStack, limit),
            parent = const offset_of!(VmStack, parent),
            resumer_sp = const offset_of!(VmStack, resumer_sp),
            resumer_limit = const offset_of!(VmStack, resumer_limit),
            handlers = const offset_of!(VmStack, handlers),
            next = const offset_of!(VmStack, next),
            busy = const offset_of!(VmStack, busy),
            saved_frame = const SAVED_FRAME,
        )
    };
}

/// Saves registers and a frame on the current stack: [`SAVED`] bytes.
macro_rules! save {
    () => {
        "push rbp
         mov rbp, rsp
         push rbx
         push r12
         push r13
         push r14
         push r15"
    };
}

/// Restores what [`save`] has saved at the stack pointer, and returns to its caller.
macro_rules! restore_and_return {
    () => {
        "pop r15
         pop r14
         pop r13
         pop r12
         pop rbx
         pop rbp
         pop r11
         jmp r11"
    };
}

/// Makes the chain of a suspended continuation the current one. In: the store's record in r11, the
/// first stack in rsi, the clauses in rdx, and the stack pointer of the current stack in rsp. Uses
/// rax, r8 and r9.
macro_rules! link {
    () => {
        "mov rax, [r11 + {current}]
         mov r8, [rsi + {last}]
         mov qword ptr [rsi + {last}], 0
         mov [r8 + {parent}], rax
         mov [r8 + {resumer_sp}], rsp
         mov [r8 + {handlers}], rdx
         mov r9, [r11 + {store_limit}]
         mov [r8 + {resumer_limit}], r9
         test rax, rax
         jnz 2f
         mov [r11 + {thread_sp}], rsp
         mov [r11 + {thread_limit}], r9
         2:
         mov r9, [rsi + {limit}]
         mov [r11 + {store_limit}], r9
         mov [r11 + {current}], rsi"
    };
}

/// Finds the stack whose `resume` handles a tag. In: the context in rdi, the tag in rsi. Out: the
/// store's record in r11, the current stack in r8, the stack with the handler in r9, and the number
/// of its clause, from 1, in rax. Uses r10 and rdi.
///
/// `$clauses` sets eax to the number of the clause before the first one of the range in question,
/// and edi to the last one; the clauses are at the address in r10, after the numbers of those with
/// a label and of those with `switch`.
macro_rules! find_handler {
    ($($clauses:literal),*) => {
        concat!(
            "mov r11, [rdi + {store}]
             mov r8, [r11 + {current}]
             mov r9, r8
             3:
             test r9, r9
             jz 6f
             mov r10, [r9 + {handlers}]\n",
            $($clauses, "\n",)*
            "4:
             cmp rax, rdi
             je 5f
             add rax, 1
             cmp rsi, [r10 + rax * 8]
             jne 4b"
        )
    };
}

/// The rest of the search of [`find_handler`]: continues with the parent of a stack without a
/// handler. If there is none, unwinds compiled code.
macro_rules! without_handler {
    () => {
        "5:
         mov r9, [r9 + {parent}]
         jmp 3b
         6:
         mov [r11 + {exit_fp}], rbp
         mov rax, [rbp + 8]
         mov [r11 + {exit_pc}], rax
         mov rdi, r11
         sub rsp, 8
         call qword ptr [r11 + {unhandled}]
         ud2"
    };
}

/// Resumes a suspended continuation, given by its first stack: context, stack, clauses.
///
/// Returns 0 if the continuation has returned, with its results in the slots at the address in rcx.
/// If it was suspended and a clause with a label handles that, returns the number of the clause,
/// from 1, with the values in the slots at the address in rcx, and the suspended stack in rdx.
///
/// # Safety
///
/// Only compiled code calls this, with the stack of a continuation that is marked as consumed.
#[unsafe(naked)]
pub(in crate::vm) unsafe extern "C" fn resume() {
    switch_asm!(save!(), "mov r11, [rdi + {store}]", link!(), "mov rsp, [rsi + {sp}]", restore_and_return!(),)
}

/// Like [`resume`], but throws an exception where the continuation was suspended: context, stack,
/// clauses, exception.
///
/// # Safety
///
/// Those of [`resume`]; the continuation has been started.
#[unsafe(naked)]
pub(in crate::vm) unsafe extern "C" fn resume_throw() {
    switch_asm!(
        save!(),
        "mov r11, [rdi + {store}]",
        link!(),
        "mov rsp, [rsi + {sp}]",
        // The other registers are not used by the handler of an exception.
        "mov rbp, [rsp + {saved_frame}]",
        "lea rsp, [rsp + {saved_frame} + 8]",
        // As if the suspended code had called the throw stub, which returns nowhere.
        "mov rsi, rcx",
        "jmp qword ptr [rdi + {throw_stub}]",
    )
}

/// Suspends the current stack, up to the first one whose `resume` has a clause with a label for the
/// tag: context, tag, slots. Returns when the continuation is resumed, with the values in the
/// slots.
///
/// # Safety
///
/// Only compiled code calls this; the slots are in its frame, and contain the values of the tag.
#[unsafe(naked)]
pub(in crate::vm) unsafe extern "C" fn suspend() {
    switch_asm!(
        save!(),
        find_handler!("xor eax, eax", "mov edi, dword ptr [r10]"),
        "mov [r8 + {sp}], rsp",
        "mov [r8 + {slots}], rdx",
        "mov [r8 + {last}], r9",
        "mov [r11 + {suspended}], r8",
        "mov r10, [r9 + {parent}]",
        "mov [r11 + {current}], r10",
        "mov r10, [r9 + {resumer_limit}]",
        "mov [r11 + {store_limit}], r10",
        "mov rsp, [r9 + {resumer_sp}]",
        "mov rcx, rdx",
        "mov rdx, r8",
        restore_and_return!(),
        without_handler!(),
    )
}

/// Suspends the current stack, up to the first one whose `resume` has a `switch` clause for the
/// tag, and resumes a suspended continuation in its place: context, tag, stack, slots. Returns when
/// the continuation of the current stack is resumed, with the values in the slots.
///
/// # Safety
///
/// Those of [`resume`] and of [`suspend`].
#[unsafe(naked)]
pub(in crate::vm) unsafe extern "C" fn switch() {
    switch_asm!(
        save!(),
        find_handler!("mov eax, dword ptr [r10]", "mov edi, dword ptr [r10 + 4]", "add rdi, rax"),
        "mov [r8 + {sp}], rsp",
        "mov [r8 + {slots}], rcx",
        "mov [r8 + {last}], r9",
        // The chain of the continuation takes the place of the suspended one.
        "mov r10, [rdx + {last}]",
        "mov qword ptr [rdx + {last}], 0",
        "mov rax, [r9 + {parent}]",
        "mov [r10 + {parent}], rax",
        "mov rax, [r9 + {resumer_sp}]",
        "mov [r10 + {resumer_sp}], rax",
        "mov rax, [r9 + {resumer_limit}]",
        "mov [r10 + {resumer_limit}], rax",
        "mov rax, [r9 + {handlers}]",
        "mov [r10 + {handlers}], rax",
        "mov rax, [rdx + {limit}]",
        "mov [r11 + {store_limit}], rax",
        "mov [r11 + {current}], rdx",
        "mov rsp, [rdx + {sp}]",
        restore_and_return!(),
        without_handler!(),
    )
}

/// The outermost frame of a continuation's stack: calls the function of the continuation by its
/// trampoline. Afterwards frees the stack and continues after the `resume` that runs it.
///
/// A new stack is set up as if this function had been suspended: see [`prepare`](super::prepare).
/// In: the function's context in rbx, its code in r12, the slots in r13, the trampoline in r14, the
/// store's record in r15, and 0 in rbp, which ends stack walks.
///
/// # Safety
///
/// Only switches to a new stack continue here.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn start() {
    switch_asm!(
        "mov rdi, rbx",
        "mov rsi, r12",
        "mov rdx, r13",
        "call r14",
        "mov r8, [r15 + {current}]",
        "mov r9, [r8 + {parent}]",
        "mov [r15 + {current}], r9",
        "mov r9, [r8 + {resumer_limit}]",
        "mov [r15 + {store_limit}], r9",
        "mov r9, [r15 + {free}]",
        "mov [r8 + {next}], r9",
        "mov [r15 + {free}], r8",
        "mov byte ptr [r8 + {busy}], 0",
        "mov rcx, r13",
        "xor eax, eax",
        "mov rsp, [r8 + {resumer_sp}]",
        restore_and_return!(),
    )
}

/// What a switch restores before it continues in [`start`].
#[repr(C)]
pub(super) struct Start {
    pub(super) store: *mut VmStore,
    pub(super) trampoline: usize,
    pub(super) slots: usize,
    pub(super) code: usize,
    pub(super) vmctx: usize,
    pub(super) frame: usize,
    pub(super) start: usize,
}

const _: () = assert!(size_of::<Start>() == SAVED && offset_of!(Start, frame) == SAVED_FRAME);
