//! The memory that compiled code reads and writes, field by field.
//!
//! Every offset that translated code uses comes from here; nothing else assumes where a field is.

use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::pending::Pending;
use super::rows::VmTypeRow;
use super::trace::VmTrace;
use crate::time::Deadline;

/// A value as compiled code passes it through memory: 16 bytes, of which a type uses the low ones.
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

/// Where compiled code was left for the host, for walks of the stack: the frame pointer of the stub
/// or trampoline that made the call, and its return address. Saved and restored around nested
/// entries, like `entry`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct VmExit {
    pub(crate) pc: usize,
    pub(crate) fp: usize,
}

/// The fault code of compiled code that was interrupted.
pub(super) const INTERRUPTED: u8 = u8::MAX - 1;

/// Why a signal ended compiled code. `code` is 0 if nothing did, else a [`Trap`](crate::Trap) by
/// its code, or one of [`STACK_OVERFLOW`](super::artifact::STACK_OVERFLOW) and [`INTERRUPTED`].
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct VmFault {
    pub(crate) pc: usize,
    pub(crate) code: u8,
}

/// Where compiled code allocates objects by itself: free memory from `next` to `end`, both
/// multiples of 8. Code that finds too little asks the collector.
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
    /// The words of a pointer to that owner.
    pub(super) fn new<H: ?Sized>(host: &mut H) -> HostSlot {
        const { assert!(size_of::<*mut H>() <= size_of::<HostSlot>()) };
        let mut slot = HostSlot([MaybeUninit::uninit(); 2]);
        // SAFETY: by the assertion the words have room for the pointer, which is aligned as they
        // are.
        unsafe { slot.0.as_mut_ptr().cast::<*mut H>().write(host) };
        slot
    }

    /// The pointer.
    ///
    /// # Safety
    ///
    /// The words were made from an `H`.
    #[inline]
    pub(super) unsafe fn pointer<H: ?Sized>(&self) -> *mut H {
        // SAFETY: by the condition above a `*mut H` was written there.
        unsafe { self.0.as_ptr().cast::<*mut H>().read() }
    }
}

/// What all instances of a store share, one to a store.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmStore {
    /// The lowest address that the stack pointer of compiled code may take.
    pub(crate) stack_limit: usize,
    /// The lowest address of the stack of the thread that runs the store's code; what it was before
    /// where none does.
    pub(crate) stack_low: usize,
    /// The handler of the innermost entry trampoline. Its frame pointer is 0 where nothing runs.
    pub(crate) entry: VmHandler,
    pub(crate) exit: VmExit,
    pub(crate) fault: VmFault,
    /// The exception that compiled code was left by because nothing in it caught it, until the
    /// innermost entry takes it; else null.
    pub(crate) thrown: u64,
    /// An address above all frames of the store's activations, while there are any.
    pub(crate) stack_high: usize,
    pub(crate) free: VmFree,
    /// Set by the watchdog: compiled code is to be left where it is next found.
    pub(crate) interrupted: AtomicBool,
    /// When the watchdog does so, while code runs.
    pub(crate) deadline: Option<Deadline>,
    /// The instance whose code last called a function by reference (`call_indirect`, `call_ref`),
    /// or null if none has since the innermost entry. It is the caller of a host function reached
    /// so.
    pub(crate) caller: *mut c_void,
    /// The other store whose code called the host function that runs this one's code, or null.
    pub(crate) outer: *mut VmStore,
    /// Calls a builtin by its number: see [`call::builtin_call`](super::call).
    pub(crate) builtin_call: usize,
    /// `extern "C" fn(*mut VmHostCtx, *mut VmVal) -> u8`: calls a host function; 0 asks for
    /// [`VmStore::raise`].
    pub(crate) host_call: usize,
    /// Has a function compiled: see [`call::compile_call`](super::call).
    pub(crate) compile: usize,
    /// `extern "C" fn(*mut VmStore) -> !`: leaves compiled code that called a host function or a
    /// builtin which failed.
    pub(crate) raise: usize,
    /// `extern "C" fn(*mut VmStore, u64) -> !`: throws an exception.
    pub(crate) throw: usize,
    /// The store that this belongs to, as the innermost entry has borrowed it; none while nothing
    /// runs.
    pub(super) host: Option<HostSlot>,
    /// [`host::guards`](super::host::guards) for the type of the store.
    pub(super) guards: unsafe fn(HostSlot, usize) -> bool,
    /// Why compiled code is being left on purpose.
    pub(super) pending: Option<Pending>,
    /// How far down the stack was in use when an object was made, since the last call into the
    /// store ended; 0 if none was made.
    pub(super) deepest: usize,
    /// The frames of the activation that was left last by anything but a return or an interruption,
    /// until its entry has read them.
    pub(crate) trace: VmTrace,
}

/// The address of a function's code, as callers read it: a slot of the function.
///
/// Any thread may write it while others call the function: they go to the code that they read, which
/// stays callable. On x86-64 each load is an acquire, and a processor fetches the instructions that
/// others have written: code that reads an address from here, and calls it, runs what was written
/// before the address was.
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

    /// Sets the address, when the code there is complete.
    pub(super) fn set(&self, address: usize) {
        self.0.store(address, Ordering::Release);
    }
}

/// A function as references, imports and host calls see it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct VmFuncRef {
    /// The slot with the address of the code: a function of the Tail convention that takes `vmctx`
    /// first.
    pub(crate) code: *const VmCode,
    /// A [`VmCtx`](VmCtxHeader), or for a host function a [`VmHostCtx`].
    pub(crate) vmctx: *mut c_void,
    /// The canonical number of the function's type.
    pub(crate) type_id: u32,
    /// Whether `vmctx` is a [`VmHostCtx`].
    pub(crate) is_host: bool,
    /// The record by whose address the function is identified: an import is a copy of it.
    pub(crate) canonical: *const VmFuncRef,
}

/// What the code of a host function gets in place of an instance.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmHostCtx {
    pub(crate) store: *mut VmStore,
    /// The [`HostFunc`](super::func::HostFunc) to call.
    pub(crate) host: *const c_void,
    /// The instance through whose import the function is reached. Null if it is called by
    /// reference, see [`VmStore::caller`], or by the host.
    pub(crate) caller: *mut c_void,
}

/// A memory: where it begins and how many bytes of it there are.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmMemory {
    pub(crate) base: *mut u8,
    /// Atomic because threads share some memories; where one store has a memory for itself, as good
    /// as a plain number.
    pub(crate) length: AtomicUsize,
}

/// A memory as an instance refers to it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct VmMemoryRef {
    /// The memory's base, which never changes where the whole range is reserved.
    pub(crate) base: *mut u8,
    pub(crate) memory: *mut VmMemory,
}

/// A table: its elements, each a reference of 8 bytes, and how many there are.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct VmTable {
    pub(crate) elements: *mut u64,
    pub(crate) length: u64,
}

/// The value of a global.
pub(crate) type VmGlobal = VmVal;

/// The code through which compiled code calls builtins, and by which it throws exceptions: the same
/// for all of an engine.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct VmStubs {
    pub(crate) builtin: usize,
    pub(crate) throw: usize,
}

/// The fixed part of an instance's context; [`VmCtxLayout`] says what follows.
#[derive(Debug)]
#[repr(C, align(16))]
pub(crate) struct VmCtxHeader {
    pub(crate) store: *mut VmStore,
    pub(crate) stubs: VmStubs,
    /// The slots of the functions that the module defines, by their position among them.
    pub(crate) functions: *const VmCode,
    /// The canonical number of each type of the module, by type index.
    pub(crate) types: *const u32,
    /// What is known of each type of the engine, by canonical number.
    pub(crate) type_rows: *const VmTypeRow,
    /// The number of the instance in its store.
    pub(crate) instance: usize,
}

/// How many bytes from address 0 on nothing is mapped at, so that an access there by a null
/// reference faults.
pub(crate) const NULL_PAGE: u32 = 4096;

/// Offsets of fields as code generation wants them.
pub(crate) mod offsets {
    use super::*;

    pub(crate) const STORE_STACK_LIMIT: i32 = offset_of!(VmStore, stack_limit) as i32;
    pub(crate) const STORE_ENTRY_PC: i32 = (offset_of!(VmStore, entry) + offset_of!(VmHandler, pc)) as i32;
    pub(crate) const STORE_ENTRY_SP: i32 = (offset_of!(VmStore, entry) + offset_of!(VmHandler, sp)) as i32;
    pub(crate) const STORE_ENTRY_FP: i32 = (offset_of!(VmStore, entry) + offset_of!(VmHandler, fp)) as i32;
    pub(crate) const STORE_EXIT_PC: i32 = (offset_of!(VmStore, exit) + offset_of!(VmExit, pc)) as i32;
    pub(crate) const STORE_EXIT_FP: i32 = (offset_of!(VmStore, exit) + offset_of!(VmExit, fp)) as i32;
    pub(crate) const STORE_FREE_NEXT: i32 = (offset_of!(VmStore, free) + offset_of!(VmFree, next)) as i32;
    pub(crate) const STORE_FREE_END: i32 = (offset_of!(VmStore, free) + offset_of!(VmFree, end)) as i32;
    pub(crate) const STORE_CALLER: i32 = offset_of!(VmStore, caller) as i32;
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
    pub(crate) const CTX_FUNCTIONS: i32 = offset_of!(VmCtxHeader, functions) as i32;
    pub(crate) const CTX_TYPES: i32 = offset_of!(VmCtxHeader, types) as i32;
    pub(crate) const CTX_TYPE_ROWS: i32 = offset_of!(VmCtxHeader, type_rows) as i32;
}

/// Where the parts of an instance's context lie, for the instances of one module.
///
/// After the header come, in this order: defined globals, a function record for each imported
/// function and for each function that a reference can point to, memories, then a pointer for each
/// table, each imported global and each tag.
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

/// How many things of each sort a context holds.
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
    /// The layout for these counts, or `None` where offsets would not fit an instruction's 31 bits.
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

    /// The function record of that position: imports first, then the functions that escape.
    pub(crate) fn function(&self, position: usize) -> i32 {
        (self.functions as usize + position * size_of::<VmFuncRef>()) as i32
    }

    /// The [`VmMemoryRef`] of that memory.
    pub(crate) fn memory(&self, index: u32) -> i32 {
        (self.memories as usize + index as usize * size_of::<VmMemoryRef>()) as i32
    }

    /// The pointer to that table's [`VmTable`].
    pub(crate) fn table(&self, index: u32) -> i32 {
        (self.tables as usize + index as usize * size_of::<usize>()) as i32
    }

    /// Where that global lies.
    pub(crate) fn global(&self, index: u32) -> GlobalPlace {
        match index.checked_sub(self.imported_global_count) {
            None => GlobalPlace::Pointer(
                (self.imported_globals as usize + index as usize * size_of::<usize>()) as i32,
            ),
            Some(defined) => {
                GlobalPlace::Inline((self.globals as usize + defined as usize * size_of::<VmGlobal>()) as i32)
            }
        }
    }

    /// Where the function records are.
    pub(super) fn functions(&self) -> Range<usize> {
        self.functions as usize..self.memories as usize
    }

    /// The offsets of the words that must not be null when code runs: the code of each function,
    /// each memory, table, imported global and tag.
    pub(super) fn pointers(&self) -> impl Iterator<Item = usize> {
        let functions = self.functions().step_by(size_of::<VmFuncRef>());
        let memories = (self.memories as usize..self.tables as usize).step_by(size_of::<VmMemoryRef>());
        let pointers = (self.tables as usize..self.size as usize).step_by(size_of::<usize>());
        functions
            .map(|record| record + offset_of!(VmFuncRef, code))
            .chain(memories.map(|memory| memory + offset_of!(VmMemoryRef, memory)))
            .chain(pointers)
    }

    /// The pointer by which that tag is identified.
    pub(crate) fn tag(&self, index: u32) -> i32 {
        (self.tags as usize + index as usize * size_of::<usize>()) as i32
    }
}

/// How a context refers to a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GlobalPlace {
    /// The global's value lies at this offset.
    Inline(i32),
    /// A pointer to the global's value lies at this offset.
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
        let GlobalPlace::Inline(first) = layout.global(1) else { panic!("a defined global lies inline") };
        assert_eq!(first % 16, 0);
        assert_eq!(first as usize, size_of::<VmCtxHeader>());
        assert_eq!(layout.function(0), first + 5 * 16);
        assert_eq!(layout.memory(0), layout.function(3));
        assert_eq!(layout.tag(1) as usize, layout.size());
    }

    #[test]
    fn a_context_too_large_for_an_offset_is_refused() {
        let counts = VmCtxCounts { defined_globals: 1 << 28, ..VmCtxCounts::default() };
        assert!(VmCtxLayout::new(&counts).is_none());
    }
}
