//! The memory of stacks: mapped with guard pages, and used again.

use std::io;
use std::sync::Arc;

use super::record::{VmStack, VmStacks};
use super::switch::{Start, start};
use crate::vm::code::CodeBlock;
use crate::vm::host::Host;
use crate::vm::layout::VmVal;
use crate::vm::store::StoreRecord;
use crate::vm::sys::limits;
use crate::vm::sys::mmap::{Mapping, PAGE, round_up};

/// The size of the part of a stack that compiled code can use, at most.
const USABLE: usize = 256 << 10;

/// The size of the part below, for trampolines, and for the frames of Rust that continue on the
/// thread's stack. A host trampoline has up to 32 KiB.
const RESERVE: usize = 64 << 10;

/// The number of stacks that are mapped together, at most.
const SLAB: usize = 64;

/// The memory of a store's stacks, until the store is dropped.
#[derive(Debug)]
pub(in crate::vm) struct StackPool {
    slabs: Vec<Slab>,
    /// The size of a stack: a guard page, the reserve, and the part for compiled code.
    size: usize,
}

/// Stacks that are mapped together.
#[derive(Debug)]
struct Slab {
    map: Mapping,
    /// The number of stacks that are accessible.
    open: usize,
}

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

impl StackPool {
    /// Creates a pool of stacks on which compiled code can use at most `max_stack` bytes.
    pub(in crate::vm) fn new(max_stack: usize) -> StackPool {
        let usable = round_up(max_stack.min(USABLE)).unwrap_or(USABLE).max(PAGE);
        StackPool { slabs: Vec::new(), size: PAGE + RESERVE + usable }
    }

    /// All stacks.
    pub(super) fn all(&self) -> impl Iterator<Item = *mut VmStack> {
        self.slabs.iter().flat_map(|slab| (0..slab.open).map(|number| self.record(slab, number)))
    }

    /// The stack whose record is at an address, if there is one.
    pub(super) fn at(&self, address: u64) -> Option<*mut VmStack> {
        let find = |slab: &Slab| {
            let offset = usize::try_from(address).ok()?.checked_sub(slab.map.base().addr())?;
            let stack = (offset / self.size < slab.open).then(|| self.record(slab, offset / self.size))?;
            (stack.addr() as u64 == address).then_some(stack)
        };
        self.slabs.iter().find_map(find)
    }

    fn record(&self, slab: &Slab, number: usize) -> *mut VmStack {
        slab.map.base().wrapping_add((number + 1) * self.size).cast::<VmStack>().wrapping_sub(1)
    }

    /// Maps another stack.
    fn open(&mut self) -> io::Result<*mut VmStack> {
        let is_full = |slab: &Slab| (slab.open + 1) * self.size > slab.map.len();
        if self.slabs.last().is_none_or(is_full) {
            let count = (1 << self.slabs.len().min(16)).min(SLAB);
            let map = limits::reserve(count * self.size).or_else(|_| limits::reserve(self.size))?;
            self.slabs.push(Slab { map, open: 0 });
        }
        let size = self.size;
        let Some(slab) = self.slabs.last_mut() else { unreachable!("a slab was just added") };
        limits::open(&slab.map, slab.open * size + PAGE, size - PAGE)?;
        // The scan of suspended stacks follows addresses in them.
        slab.map.base().expose_provenance();
        slab.open += 1;
        let slab = &self.slabs[self.slabs.len() - 1];
        let stack = self.record(slab, slab.open - 1);
        let null: *mut VmStack = std::ptr::null_mut();
        let new = VmStack {
            sp: 0,
            slots: null.cast(),
            last: null,
            limit: stack.addr() + size_of::<VmStack>() - (size - PAGE - RESERVE),
            parent: null,
            resumer_sp: 0,
            resumer_limit: 0,
            handlers: std::ptr::null(),
            next: null,
            busy: true,
            marked: false,
        };
        // SAFETY: the stack was just made accessible, and ends at a page, so that its record is
        // aligned.
        unsafe { stack.write(new) };
        Ok(stack)
    }
}

impl<H: Host + ?Sized> StoreRecord<H> {
    /// The size of a stack in bytes.
    pub(crate) fn stack_size(&self) -> u64 {
        self.stacks.size as u64
    }

    /// The number of stacks.
    pub(crate) fn stack_count(&self) -> usize {
        self.stacks.slabs.iter().map(|slab| slab.open).sum()
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
