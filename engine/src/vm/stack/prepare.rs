//! Preparation of stacks: to start a function, and to pass values that were bound to a
//! continuation.

use std::io;
use std::sync::Arc;

use super::record::VmStacks;
use super::switch::{Start, start};
use crate::vm::code::CodeBlock;
use crate::vm::host::Host;
use crate::vm::layout::VmVal;
use crate::vm::store::StoreRecord;

/// How to start continuations of functions of one type: the trampoline of the type's signature.
#[derive(Debug)]
pub(crate) struct StackEntry {
    trampoline: Arc<CodeBlock>,
    type_id: u32,
}

impl StackEntry {
    /// Creates the entry for functions of a type. `trampoline` is the continuation trampoline of
    /// the type's signature.
    pub(crate) fn new(trampoline: Arc<CodeBlock>, type_id: u32) -> StackEntry {
        StackEntry { trampoline, type_id }
    }
}

impl<H: Host + ?Sized> StoreRecord<H> {
    /// The size of a stack in bytes.
    pub(crate) fn stack_size(&self) -> u64 {
        self.stacks.size() as u64
    }

    /// The number of stacks.
    pub(crate) fn stack_count(&self) -> usize {
        self.stacks.count()
    }

    /// Whether there is a free stack.
    pub(crate) fn has_free_stack(&self) -> bool {
        // SAFETY: the box owns the record, and no code of the store runs while the record is
        // borrowed.
        unsafe { !(*self.vm()).stacks.free.is_null() }
    }

    /// Adds a free stack.
    ///
    /// # Errors
    ///
    /// Returns an error if the system does not provide the memory.
    pub(crate) fn add_stack(&mut self) -> io::Result<()> {
        let stack = self.stacks.open()?;
        // SAFETY: the box owns the record, and the pool the stack, which nothing uses yet.
        unsafe { (*self.vm()).stacks.release(stack) };
        Ok(())
    }

    /// Sets up a free stack to start a function of the store with the first of its arguments, for
    /// an instance that resumes it. Returns the address of the stack, as compiled code uses it, or
    /// `None` if no stack is free.
    ///
    /// # Panics
    ///
    /// Panics if the word is not a reference to a function, if its type is not that of the entry,
    /// or if it has fewer parameters.
    pub(crate) fn start_stack(
        &mut self,
        instance: usize,
        function: u64,
        entry: &StackEntry,
        args: &[VmVal],
    ) -> Option<u64> {
        let Some(function) = self.function_at(function) else {
            unreachable!("a continuation starts with a function of the store")
        };
        let function = self.function_record(function);
        let slots = entry.trampoline.continuation_slots();
        assert!(function.type_id == entry.type_id, "the function's type differs from the entry's");
        assert!(args.len() <= slots, "more arguments than parameters");
        let (vm, caller) = (self.vm(), self.context(instance).cast());
        // SAFETY: the box owns the record, and no code of the store runs while it is borrowed. The
        // pool owns the free stack, on which nothing is in use. The slots, of which there are at
        // most a thousand, and what the first switch restores are inside it, aligned and below the
        // record. That the code behaves as its kind says follows from the rule on code.
        unsafe {
            let stacks: *mut VmStacks = &raw mut (*vm).stacks;
            let stack = (*stacks).free;
            if stack.is_null() {
                return None;
            }
            (*stacks).free = (*stack).next;
            let first = stack.cast::<VmVal>().wrapping_sub(slots);
            for (slot, value) in args.iter().enumerate() {
                first.wrapping_add(slot).write(*value);
            }
            let saved = first.cast::<u8>().wrapping_sub(size_of::<Start>()).cast::<Start>();
            saved.write(Start {
                store: vm,
                trampoline: entry.trampoline.address(0),
                slots: first.expose_provenance(),
                code: (*function.code).get(),
                vmctx: function.vmctx.expose_provenance(),
                frame: 0,
                start: start as *const () as usize,
            });
            (*stack).sp = saved.expose_provenance();
            (*stack).slots = first.wrapping_add(args.len()).cast();
            (*stack).last = stack;
            (*stack).busy = true;
            // A host function gets the instance as its caller, as if it were called by reference.
            (*vm).caller = caller;
            Some(stack.addr() as u64)
        }
    }

    /// Passes values to a suspended continuation, before those that its resumption passes.
    ///
    /// The values must have the types of the first of those that it waits for: see the
    /// [rules](crate::vm).
    ///
    /// # Panics
    ///
    /// Panics if this is not the address of a suspended continuation's first stack.
    pub(crate) fn pass_to_stack(&mut self, stack: u64, values: &[VmVal]) {
        let Some(stack) = self.stacks.at(stack) else { unreachable!("a continuation has a stack") };
        // SAFETY: the pool owns the stack, and no code of the store runs. The slots of a suspended
        // continuation have room for all values that it waits for.
        unsafe {
            assert!((*stack).busy && !(*stack).last.is_null(), "the continuation is suspended");
            for value in values {
                let slot = (*stack).slots.cast::<VmVal>();
                slot.write(*value);
                (*stack).slots = slot.wrapping_add(1).cast();
            }
        }
    }
}
