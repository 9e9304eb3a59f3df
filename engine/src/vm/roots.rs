//! The words on a thread's stack, for the collector, which takes each for a reference that it may be.

use std::arch::asm;
use std::marker::PhantomData;

use super::layout::VmStore;
use super::ptr::VmPtr;
use super::sys::stack;
use crate::error::{Error, Result};

/// The part of the running thread's stack in which a store's code has frames. It stays with the thread.
#[derive(Debug)]
pub(crate) struct StackRoots {
    /// An address above those frames, or 0 where nothing of the store runs.
    high: usize,
    _thread: PhantomData<*const ()>,
}

impl StackRoots {
    /// Where the frames of the store's activations are.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) where another thread runs the store.
    pub(crate) fn of(store: VmPtr<VmStore>) -> Result<StackRoots> {
        // SAFETY: the record is alive with its store, which the caller holds.
        let (low, high) = unsafe { ((*store.as_ptr()).stack_low, (*store.as_ptr()).stack_high) };
        if high != 0 && stack::low() != Some(low) {
            return Err(Error::usage("a store whose code runs is used by another thread"));
        }
        Ok(StackRoots { high, _thread: PhantomData })
    }

    /// Calls `visit` with every word in which one of those frames may have a reference: the registers that a callee preserves, and the
    /// stack from here up to the outermost entry into the store.
    ///
    /// It must be called before the call into the store ends that was there when [`StackRoots::of`] looked.
    #[inline(never)]
    pub(crate) fn visit(&self, mut visit: impl FnMut(u64)) {
        if self.high == 0 {
            return;
        }
        let mut registers = [0u64; 6];
        let stack: usize;
        // SAFETY: writes six words to the array, whose address is given, and reads registers.
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
            // SAFETY: `stack` is the stack pointer of this frame and `high` an address in a frame of the same thread further out, which is
            // still there: `enter` unsets it before it returns. All between the two is stack in use: mapped, aligned words, which no
            // other thread accesses. The read is volatile because the compiler knows nothing of what other frames have there.
            visit(unsafe { std::ptr::with_exposed_provenance::<u64>(at).read_volatile() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::call::new_store;
    use crate::vm::sys::stack::{here, prepare_thread};

    /// Words are told by this, so that the search does not find what it searches for.
    fn digest(word: u64) -> u64 {
        word.wrapping_mul(word | 1)
    }

    #[inline(never)]
    fn finds(store: VmPtr<VmStore>, wanted: u64) -> bool {
        let mut found = false;
        StackRoots::of(store).unwrap().visit(|word| found |= digest(word) == wanted);
        found
    }

    #[test]
    fn a_word_in_an_outer_frame_is_found_while_the_store_runs() {
        let store = new_store();
        let secret = std::hint::black_box([0x1234_5678_9abc_def0_u64; 2]);
        let wanted = digest(secret[0]);
        assert!(!finds(store.ptr(), wanted), "nothing runs");
        let (low, high) = (prepare_thread().unwrap(), here() + 1024);
        // SAFETY: the record is ours alone.
        unsafe { ((*store.as_ptr()).stack_low, (*store.as_ptr()).stack_high) = (low, high) };
        assert!(finds(store.ptr(), wanted));
        assert!(!finds(store.ptr(), wanted + 1));
        std::hint::black_box(&secret);
        let other = std::thread::scope(|scope| {
            let store = store.ptr();
            scope.spawn(move || StackRoots::of(store).is_err()).join().unwrap()
        });
        assert!(other, "the stack of another thread is not looked at");
    }
}
