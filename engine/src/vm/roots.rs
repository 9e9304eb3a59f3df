//! The words on a thread's stack, which the collector scans conservatively.

use std::arch::asm;
use std::marker::PhantomData;

use super::host::Host;
use super::store::StoreRecord;
use super::sys::stack;
use crate::error::{Error, Result};

/// The part of the current thread's stack that contains the frames of a store's code.
///
/// The store is borrowed as long as this exists, so the call into it that was running when this was
/// created has not ended. This stays on its thread.
#[derive(Debug)]
pub(crate) struct StackRoots<'a> {
    /// An address above those frames, or 0 if no code of the store runs.
    high: usize,
    _store: PhantomData<&'a ()>,
    _thread: PhantomData<*const ()>,
}

impl<'a> StackRoots<'a> {
    /// Finds the frames of the store's activations.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if another thread runs the store, or if this thread runs
    /// it on another stack.
    pub(crate) fn of<H: Host + ?Sized>(store: &'a StoreRecord<H>) -> Result<StackRoots<'a>> {
        // SAFETY: the record is borrowed; only `enter` writes the two fields, which needs the store
        // by `&mut`.
        let (low, high) = unsafe { ((*store.vm()).stack_low, (*store.vm()).stack_high) };
        let is_inside = || stack::low() == Some(low) && (low..high).contains(&stack::here());
        if high != 0 && !is_inside() {
            return Err(Error::usage("the store's code is running on another thread"));
        }
        Ok(StackRoots { high, _store: PhantomData, _thread: PhantomData })
    }

    /// Calls `visit` with every word in which one of those frames may have a reference: the
    /// callee-saved registers, and the stack from here up to the outermost entry into the store.
    #[inline(never)]
    pub(crate) fn visit(&self, mut visit: impl FnMut(u64)) {
        if self.high == 0 {
            return;
        }
        let mut registers = [0u64; 6];
        let stack: usize;
        // SAFETY: writes six words to the array at the given address, and reads registers.
        unsafe {
            asm!(
                "mov [{to}], rbx",
                "mov [{to} + 8], rbp",
                "mov [{to} + 16], r12",
                "mov [{to} + 24], r13",
                "mov [{to} + 32], r14",
                "mov [{to} + 40], r15",
                "mov {stack}, rsp",
                to = in(reg) registers.as_mut_ptr(),
                stack = out(reg) stack,
                options(nostack, preserves_flags)
            );
        }
        for register in registers {
            visit(register);
        }
        for at in (stack.next_multiple_of(8)..self.high & !7).step_by(8) {
            // SAFETY: `stack` is the stack pointer of this frame, and `high` an address in an outer
            // frame of the same thread, that of an `enter` that has not returned, since the store
            // is borrowed from it. The range between the two is stack in use: mapped and aligned
            // words that no other thread accesses. The read is volatile because other frames may
            // write these words.
            visit(unsafe { std::ptr::with_exposed_provenance::<u64>(at).read_volatile() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;
    use crate::vm::sys::stack::{here, prepare_thread};
    use crate::vm::tests::{TestStore, record};

    /// Words are compared by their digests, so that the searched word itself is not on the stack.
    fn digest(word: u64) -> u64 {
        word.wrapping_mul(word | 1)
    }

    #[inline(never)]
    fn finds(store: &TestStore, wanted: u64) -> bool {
        let mut found = false;
        StackRoots::of(store).unwrap().visit(|word| found |= digest(word) == wanted);
        found
    }

    /// A store that appears to run, entered near this frame.
    fn running() -> TestStore {
        let store = record();
        let (low, high) = (prepare_thread().unwrap(), here() + 1024);
        // SAFETY: nothing else uses the record.
        unsafe { ((*store.vm()).stack_low, (*store.vm()).stack_high) = (low, high) };
        store
    }

    /// Whether the five words with these digests are found.
    extern "C" fn finds_all(store: &TestStore, wanted: &[u64; 5]) -> bool {
        wanted.iter().all(|wanted| finds(store, *wanted))
    }

    #[test]
    fn words_in_callee_saved_registers_are_found() {
        let store = running();
        let wanted = [1, 2, 3, 4, 5].map(|n: u64| digest(n * 0x0123_4567_89ab_cdef));
        assert!(!finds_all(&store, &wanted));
        let found: u8;
        // SAFETY: calls a function with its two arguments, on an aligned stack; all changes are
        // declared or restored.
        unsafe {
            asm!(
                "push rbx",
                "sub rsp, 8",
                "mov rbx, 0x0123456789abcdef",
                "lea r12, [rbx + rbx]",
                "lea r13, [r12 + rbx]",
                "lea r14, [r13 + rbx]",
                "lea r15, [r14 + rbx]",
                "call {finds_all}",
                "add rsp, 8",
                "pop rbx",
                finds_all = sym finds_all,
                inlateout("rdi") &raw const store => _,
                inlateout("rsi") &raw const wanted => _,
                lateout("al") found,
                out("r12") _, out("r13") _, out("r14") _, out("r15") _,
                clobber_abi("C"),
            );
        }
        assert_eq!(found, 1);
    }

    #[test]
    fn a_word_in_an_outer_frame_is_found_while_the_store_runs() {
        let secret = black_box([0x1234_5678_9abc_def0_u64; 2]);
        let wanted = digest(secret[0]);
        assert!(!finds(&record(), wanted), "no code runs");
        let store = running();
        assert!(finds(&store, wanted));
        assert!(!finds(&store, wanted + 1));
        black_box(&secret);
        let other =
            std::thread::scope(|scope| scope.spawn(|| StackRoots::of(&store).is_err()).join().unwrap());
        assert!(other, "the stack of another thread is not scanned");
    }
}
