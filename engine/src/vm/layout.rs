//! The layout of data structures that compiled code accesses.
//!
//! This module defines every offset that translated code uses; no other module makes assumptions
//! about the position of fields.

use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

use super::pending::Pending;
use super::rows::VmTypeRow;
use super::stack::record::VmStacks;
use super::trace::VmTrace;
use crate::time::Deadline;

/// A value that is passed to or from compiled code through memory: 16 bytes, of which a type uses
/// the low ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub(crate) struct VmVal(pub(crate) u128);

/// Where compiled code continues after a trap or an exception: a handler, with the stack pointer
/// and the frame pointer that it expects.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct VmHandler {
    pub(crate) pc: usize,
    pub(crate) sp: usize,
    pub(crate) fp: usize,
}

/// Where compiled code was exited to the host, for stack walks: the frame pointer of the stub or
/// trampoline that made the call, and its return address. Saved and restored around nested entries,
/// like `entry`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct VmExit {
    pub(crate) pc: usize,
    pub(crate) fp: usize,
}

/// The fault code for interrupted compiled code.
pub(super) const INTERRUPTED: u8 = u8::MAX - 1;

/// The reason why a signal unwound compiled code. `code` is 0 if none did, otherwise the code of a
/// [`Trap`](crate::Trap), [`STACK_OVERFLOW`](super::artifact::STACK_OVERFLOW) or [`INTERRUPTED`].
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct VmFault {
    pub(crate) pc: usize,
    pub(crate) code: u8,
}

/// Where compiled code allocates objects inline: free memory from `next` to `end`, both multiples
/// of 8. If it is too small, code calls the builtin.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct VmFree {
    pub(crate) next: usize,
    pub(crate) end: usize,
}

/// A pointer to the owner of a store's record, as opaque words: as many as a pointer of its type
/// needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostSlot([MaybeUninit<*mut c_void>; 2]);

impl HostSlot {
    /// Creates the words of a pointer to this owner.
    pub(super) fn new<H: ?Sized>(host: &mut H) -> HostSlot {
        const { assert!(size_of::<*mut H>() <= size_of::<HostSlot>()) };
        let mut slot = HostSlot([MaybeUninit::uninit(); 2]);
        // SAFETY: by the assertion the words can hold the pointer, which has the same alignment.
        unsafe { slot.0.as_mut_ptr().cast::<*mut H>().write(host) };
        slot
    }

    /// The pointer.
    ///
    /// # Safety
    ///
    /// The words were created from an `H`.
    #[inline]
    pub(super) unsafe fn pointer<H: ?Sized>(&self) -> *mut H {
        // SAFETY: by the condition above, the words contain a `*mut H`.
        unsafe { self.0.as_ptr().cast::<*mut H>().read() }
    }
}

/// The state that all instances of a store share.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmStore {
    /// The lowest address that the stack pointer of compiled code can have.
    pub(crate) stack_limit: usize,
    /// The lowest address of the stack of the thread that runs the store's code; if none does, of
    /// the last one.
    pub(crate) stack_low: usize,
    /// The handler of the innermost entry trampoline. Its frame pointer is 0 if no code runs.
    pub(crate) entry: VmHandler,
    pub(crate) exit: VmExit,
    /// The stacks of continuations.
    pub(crate) stacks: VmStacks,
    pub(crate) fault: VmFault,
    /// The uncaught exception that unwound compiled code, until the innermost entry takes it;
    /// otherwise null.
    pub(crate) thrown: u64,
    /// An address above all frames of the store's activations, if there are any.
    pub(crate) stack_high: usize,
    pub(crate) free: VmFree,
    /// Set by the watchdog: compiled code must be unwound at the next opportunity.
    pub(crate) interrupted: AtomicBool,
    /// When the watchdog sets `interrupted`, while code runs.
    pub(crate) deadline: Option<Deadline>,
    /// The instance whose code last called a function by reference (`call_indirect`, `call_ref`),
    /// or null if that has not happened since the innermost entry. It is the caller of a host
    /// function that is called by reference.
    pub(crate) caller: *mut c_void,
    /// The other store whose code called the host function that runs this store's code, or null.
    pub(crate) outer: *mut VmStore,
    /// Where a function leaves its locals for the code that continues it from a loop: as many as
    /// the builtin was asked for that gave out the code. The code reads them first.
    pub(crate) locals: *mut VmVal,
    /// Calls a builtin by its number: see [`call::builtin_call`](super::call).
    pub(crate) builtin_call: usize,
    /// `extern "C" fn(*mut VmHostCtx, *mut VmVal) -> u8`: calls a host function. If it returns 0,
    /// the caller must call [`VmStore::raise`].
    pub(crate) host_call: usize,
    /// Compiles a function: see [`call::compile_call`](super::call).
    pub(crate) compile: usize,
    /// `extern "C" fn(*mut VmStore) -> !`: unwinds compiled code after a host function or a builtin
    /// has failed.
    pub(crate) raise: usize,
    /// `extern "C" fn(*mut VmStore, u64) -> !`: throws an exception.
    pub(crate) throw: usize,
    /// The owner of this record, as borrowed by the innermost entry; `None` while no code runs.
    pub(super) host: Option<HostSlot>,
    /// [`host::guards`](super::host::guards) for the type of the store.
    pub(super) guards: unsafe fn(HostSlot, usize) -> bool,
    /// The error or panic that is unwinding compiled code.
    pub(super) pending: Option<Pending>,
    /// The lowest stack address that was in use when an object was allocated, since the end of the
    /// last call into the store; 0 if none was allocated.
    pub(super) deepest: usize,
    /// The frames of the last activation that was unwound by anything but an interruption, until
    /// its entry has read them.
    pub(crate) trace: VmTrace,
}

/// The slot of a function: the address of its code, as callers read it.
///
/// Any thread can write it while other threads call the function. They continue to the code whose
/// address they have read, which stays callable. On x86-64 every load has acquire semantics, and
/// instruction fetches are coherent with the writes of other processors. Therefore code that loads
/// an address from a slot and calls it runs the code that was written before the address.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct VmCode(AtomicUsize);

impl VmCode {
    pub(super) fn new(address: usize) -> VmCode {
        VmCode(AtomicUsize::new(address))
    }

    /// The address.
    #[inline]
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// Sets the address. The code there must be complete.
    pub(super) fn set(&self, address: usize) {
        self.0.store(address, Ordering::Release);
    }
}

/// How often the code of a function in the first tier can still run. Compiled code decrements it at
/// each call and at each iteration of a loop, not atomically, since lost counts do not matter; when
/// it becomes negative, the code calls the builtin for it.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct VmCounter(AtomicI32);

impl VmCounter {
    pub(super) fn new(count: i32) -> VmCounter {
        VmCounter(AtomicI32::new(count))
    }

    pub(super) fn set(&self, count: i32) {
        self.0.store(count, Ordering::Relaxed);
    }
}

/// A function record, used by references, imports and host calls.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct VmFuncRef {
    /// The slot of the code: a function of the Tail convention that takes `vmctx` as its first
    /// argument.
    pub(crate) code: *const VmCode,
    /// A [`VmCtx`](VmCtxHeader), or a [`VmHostCtx`] for a host function.
    pub(crate) vmctx: *mut c_void,
    /// The canonical number of the function's type.
    pub(crate) type_id: u32,
    /// Whether `vmctx` is a [`VmHostCtx`].
    pub(crate) is_host: bool,
    /// The record whose address identifies the function. The record of an import is a copy of it.
    pub(crate) canonical: *const VmFuncRef,
}

/// The context of a host function.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmHostCtx {
    pub(crate) store: *mut VmStore,
    /// The [`HostFunc`](super::func::HostFunc) to call.
    pub(crate) host: *const c_void,
    /// The instance that imports the function. Null if the function is called by reference (see
    /// [`VmStore::caller`]) or by the host.
    pub(crate) caller: *mut c_void,
}

/// A memory: its base address and its length in bytes.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmMemory {
    pub(crate) base: *mut u8,
    /// Atomic because threads can share the memory. For other memories, this costs nothing.
    pub(crate) length: AtomicUsize,
}

/// A memory in the context of an instance.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct VmMemoryRef {
    /// The memory's base, which never changes if the whole address range is reserved.
    pub(crate) base: *mut u8,
    pub(crate) memory: *mut VmMemory,
}

/// A table: its elements, each a reference of 8 bytes, and their number.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmTable {
    pub(crate) elements: *mut u64,
    pub(crate) length: u64,
}

/// The value of a global.
pub(crate) type VmGlobal = VmVal;

/// The stubs that compiled code calls for builtins, for throwing exceptions, and for switching
/// stacks. All instances of an engine use the same ones.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct VmStubs {
    pub(crate) builtin: usize,
    pub(crate) throw: usize,
    /// The functions of [`stack::switch`](super::stack).
    pub(crate) resume: usize,
    pub(crate) resume_throw: usize,
    pub(crate) suspend: usize,
    pub(crate) switch: usize,
}

/// The fixed part of an instance's context. [`VmCtxLayout`] describes the rest.
#[derive(Debug)]
#[repr(C, align(16))]
pub(crate) struct VmCtxHeader {
    pub(crate) store: *mut VmStore,
    pub(crate) stubs: VmStubs,
    /// The slots of the functions that the module defines, by their position among them.
    pub(crate) functions: *const VmCode,
    /// The counters of the same functions, if the module is compiled in two tiers.
    pub(crate) counters: *const VmCounter,
    /// The canonical number of each type of the module, by type index.
    pub(crate) types: *const u32,
    /// The row of each type of the engine, by canonical number.
    pub(crate) type_rows: *const VmTypeRow,
    /// The number of the instance in its store.
    pub(crate) instance: usize,
}

/// The number of bytes from address 0 on that are never mapped, so that an access through a null
/// reference faults.
pub(crate) const NULL_PAGE: u32 = 4096;

/// Field offsets, in the types that code generation uses.
pub(crate) mod offsets {
    use super::*;

    pub(crate) const STORE_STACK_LIMIT: i32 = offset_of!(VmStore, stack_limit) as i32;
    pub(crate) const STORE_ENTRY_PC: i32 = (offset_of!(VmStore, entry) + offset_of!(VmHandler, pc)) as i32;
    pub(crate) const STORE_ENTRY_SP: i32 = (offset_of!(VmStore, entry) + offset_of!(VmHandler, sp)) as i32;
    pub(crate) const STORE_ENTRY_FP: i32 = (offset_of!(VmStore, entry) + offset_of!(VmHandler, fp)) as i32;
    pub(crate) const STORE_EXIT_PC: i32 = (offset_of!(VmStore, exit) + offset_of!(VmExit, pc)) as i32;
    pub(crate) const STORE_EXIT_FP: i32 = (offset_of!(VmStore, exit) + offset_of!(VmExit, fp)) as i32;
    pub(crate) const STORE_STACK: i32 = (offset_of!(VmStore, stacks) + offset_of!(VmStacks, current)) as i32;
    pub(crate) const STORE_FREE_NEXT: i32 = (offset_of!(VmStore, free) + offset_of!(VmFree, next)) as i32;
    pub(crate) const STORE_FREE_END: i32 = (offset_of!(VmStore, free) + offset_of!(VmFree, end)) as i32;
    pub(crate) const STORE_CALLER: i32 = offset_of!(VmStore, caller) as i32;
    pub(crate) const STORE_LOCALS: i32 = offset_of!(VmStore, locals) as i32;
    pub(crate) const STORE_BUILTIN_CALL: i32 = offset_of!(VmStore, builtin_call) as i32;
    pub(crate) const STORE_HOST_CALL: i32 = offset_of!(VmStore, host_call) as i32;
    pub(crate) const STORE_COMPILE: i32 = offset_of!(VmStore, compile) as i32;
    pub(crate) const STORE_RAISE: i32 = offset_of!(VmStore, raise) as i32;
    pub(crate) const STORE_THROW: i32 = offset_of!(VmStore, throw) as i32;

    pub(crate) const FUNC_CODE: i32 = offset_of!(VmFuncRef, code) as i32;
    pub(crate) const FUNC_VMCTX: i32 = offset_of!(VmFuncRef, vmctx) as i32;
    pub(crate) const FUNC_TYPE: i32 = offset_of!(VmFuncRef, type_id) as i32;
    pub(crate) const FUNC_CANONICAL: i32 = offset_of!(VmFuncRef, canonical) as i32;

    pub(crate) const HOST_STORE: i32 = offset_of!(VmHostCtx, store) as i32;

    pub(crate) const MEMORY_BASE: i32 = offset_of!(VmMemory, base) as i32;
    pub(crate) const MEMORY_LENGTH: i32 = offset_of!(VmMemory, length) as i32;
    pub(crate) const MEMORY_REF_BASE: i32 = offset_of!(VmMemoryRef, base) as i32;
    pub(crate) const MEMORY_REF_MEMORY: i32 = offset_of!(VmMemoryRef, memory) as i32;

    pub(crate) const TABLE_ELEMENTS: i32 = offset_of!(VmTable, elements) as i32;
    pub(crate) const TABLE_LENGTH: i32 = offset_of!(VmTable, length) as i32;

    pub(crate) const CTX_STORE: i32 = offset_of!(VmCtxHeader, store) as i32;
    pub(crate) const CTX_BUILTIN_STUB: i32 =
        (offset_of!(VmCtxHeader, stubs) + offset_of!(VmStubs, builtin)) as i32;
    pub(crate) const CTX_THROW_STUB: i32 =
        (offset_of!(VmCtxHeader, stubs) + offset_of!(VmStubs, throw)) as i32;
    pub(crate) const CTX_RESUME: i32 = (offset_of!(VmCtxHeader, stubs) + offset_of!(VmStubs, resume)) as i32;
    pub(crate) const CTX_RESUME_THROW: i32 =
        (offset_of!(VmCtxHeader, stubs) + offset_of!(VmStubs, resume_throw)) as i32;
    pub(crate) const CTX_SUSPEND: i32 =
        (offset_of!(VmCtxHeader, stubs) + offset_of!(VmStubs, suspend)) as i32;
    pub(crate) const CTX_SWITCH: i32 = (offset_of!(VmCtxHeader, stubs) + offset_of!(VmStubs, switch)) as i32;
    pub(crate) const CTX_FUNCTIONS: i32 = offset_of!(VmCtxHeader, functions) as i32;
    pub(crate) const CTX_COUNTERS: i32 = offset_of!(VmCtxHeader, counters) as i32;
    pub(crate) const CTX_TYPES: i32 = offset_of!(VmCtxHeader, types) as i32;
    pub(crate) const CTX_TYPE_ROWS: i32 = offset_of!(VmCtxHeader, type_rows) as i32;
}

/// The layout of the contexts of a module's instances.
///
/// The header is followed by, in this order: the values of defined globals, a function record for
/// each imported function and for each function that a reference can point to, the memories, then a
/// pointer for each table, each imported global and each tag.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VmCtxLayout {
    globals: u32,
    functions: u32,
    memories: u32,
    tables: u32,
    imported_globals: u32,
    tags: u32,
    size: u32,
    imported_global_count: u32,
}

/// The number of items of each kind in a context.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VmCtxCounts {
    pub(crate) imported_functions: usize,
    pub(crate) escaping_functions: usize,
    pub(crate) memories: usize,
    pub(crate) tables: usize,
    pub(crate) imported_globals: usize,
    pub(crate) defined_globals: usize,
    pub(crate) tags: usize,
}

impl VmCtxLayout {
    /// Creates the layout for these counts; `None` if an offset does not fit in 31 bits.
    pub(crate) fn new(counts: &VmCtxCounts) -> Option<VmCtxLayout> {
        let mut at = size_of::<VmCtxHeader>();
        let mut part = |count: usize, size: usize| -> Option<u32> {
            let start = at;
            at = at.checked_add(count.checked_mul(size)?)?;
            i32::try_from(at).ok()?;
            Some(start as u32)
        };
        let globals = part(counts.defined_globals, size_of::<VmGlobal>())?;
        let functions = part(counts.imported_functions + counts.escaping_functions, size_of::<VmFuncRef>())?;
        let memories = part(counts.memories, size_of::<VmMemoryRef>())?;
        let tables = part(counts.tables, size_of::<usize>())?;
        let imported_globals = part(counts.imported_globals, size_of::<usize>())?;
        let tags = part(counts.tags, size_of::<usize>())?;
        let size = part(0, 0)?;
        let imported_global_count = counts.imported_globals as u32;
        Some(VmCtxLayout {
            globals,
            functions,
            memories,
            tables,
            imported_globals,
            tags,
            size,
            imported_global_count,
        })
    }

    /// The size of a context in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size as usize
    }

    /// The function record at this position: imports first, then the functions that escape.
    pub(crate) fn function(&self, position: usize) -> i32 {
        (self.functions as usize + position * size_of::<VmFuncRef>()) as i32
    }

    /// The [`VmMemoryRef`] of this memory.
    pub(crate) fn memory(&self, index: u32) -> i32 {
        (self.memories as usize + index as usize * size_of::<VmMemoryRef>()) as i32
    }

    /// The pointer to this table's [`VmTable`].
    pub(crate) fn table(&self, index: u32) -> i32 {
        (self.tables as usize + index as usize * size_of::<usize>()) as i32
    }

    /// The location of this global.
    pub(crate) fn global(&self, index: u32) -> GlobalLocation {
        match index.checked_sub(self.imported_global_count) {
            None => GlobalLocation::Pointer(
                (self.imported_globals as usize + index as usize * size_of::<usize>()) as i32,
            ),
            Some(defined) => GlobalLocation::Inline(
                (self.globals as usize + defined as usize * size_of::<VmGlobal>()) as i32,
            ),
        }
    }

    /// The range of the function records.
    pub(super) fn functions(&self) -> Range<usize> {
        self.functions as usize..self.memories as usize
    }

    /// The offsets of the words that must not be null when code runs: the code of each function,
    /// and each memory, table, imported global and tag.
    pub(super) fn pointers(&self) -> impl Iterator<Item = usize> {
        let functions = self.functions().step_by(size_of::<VmFuncRef>());
        let memories = (self.memories as usize..self.tables as usize).step_by(size_of::<VmMemoryRef>());
        let pointers = (self.tables as usize..self.size as usize).step_by(size_of::<usize>());
        functions
            .map(|record| record + offset_of!(VmFuncRef, code))
            .chain(memories.map(|memory| memory + offset_of!(VmMemoryRef, memory)))
            .chain(pointers)
    }

    /// The pointer that identifies this tag.
    pub(crate) fn tag(&self, index: u32) -> i32 {
        (self.tags as usize + index as usize * size_of::<usize>()) as i32
    }
}

/// The location of a global in a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GlobalLocation {
    /// The global's value is at this offset.
    Inline(i32),
    /// A pointer to the global's value is at this offset.
    Pointer(i32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_overlap_and_values_are_aligned() {
        let counts = VmCtxCounts {
            imported_functions: 1,
            escaping_functions: 2,
            memories: 1,
            tables: 3,
            imported_globals: 1,
            defined_globals: 5,
            tags: 1,
        };
        let layout = VmCtxLayout::new(&counts).unwrap();
        let GlobalLocation::Inline(first) = layout.global(1) else { panic!("a defined global is inline") };
        assert_eq!(first % 16, 0);
        assert_eq!(first as usize, size_of::<VmCtxHeader>());
        assert_eq!(layout.function(0), first + 5 * 16);
        assert_eq!(layout.memory(0), layout.function(3));
        assert_eq!(layout.tag(1) as usize, layout.size());
    }

    #[test]
    fn a_context_too_large_for_an_offset_is_rejected() {
        let counts = VmCtxCounts { defined_globals: 1 << 28, ..VmCtxCounts::default() };
        assert!(VmCtxLayout::new(&counts).is_none());
    }
}
