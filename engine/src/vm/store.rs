//! The record of a store: the state that its compiled code shares, and everything at a fixed
//! address that belongs to the store alone.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::alarm::Alarm;
use super::call::new_vm_store;
use super::code::CodeBlock;
use super::func::{HostClosure, HostRecord};
use super::heap::HeapMemory;
use super::host::Host;
use super::instance::{Context, NewInstance};
use super::layout::{VmFree, VmFuncRef, VmGlobal, VmStore, VmVal};
use super::ptr::{StoreId, Stored, VmBox};
use super::stack::pool::StackPool;
use super::sys::mmap::Mapping;
use super::sys::stack;
use super::tag::VmTag;
use crate::time::Deadline;

/// The record of a store of type `H`. The items that it owns do not move until the record is
/// dropped, which [handles](Stored) rely on.
pub(crate) struct StoreRecord<H: ?Sized> {
    id: StoreId,
    vm: VmBox<VmStore>,
    max_stack: usize,
    deadline: Option<Deadline>,
    instances: Vec<Context>,
    hosts: Vec<HostRecord<H>>,
    globals: Vec<VmBox<VmGlobal>>,
    tags: Vec<VmBox<VmTag>>,
    /// The ranges of function records: from the address of the first one of each range to the
    /// range's end.
    functions: BTreeMap<usize, usize>,
    /// The mapping in which compiled code allocates objects.
    heap: Option<Arc<Mapping>>,
    /// The memory to which [`VmStore::locals`] points.
    locals: Vec<VmVal>,
    /// The memory of continuations' stacks.
    pub(super) stacks: StackPool,
    _host: PhantomData<fn(&mut H)>,
}

// SAFETY: the raw pointers in the record's items point to memory that the record owns or keeps, to
// mappings, and while code runs to the stack of the thread that runs it; then the store is borrowed
// by that thread, and cannot be sent. Closures of host functions, code, and everything that
// contexts keep are `Send` and `Sync`; a pending error or panic is `Send`, and taken only through
// `&mut`.
unsafe impl<H: ?Sized> Send for StoreRecord<H> {}
// SAFETY: the fields that methods with `&self` read are changed only by methods with `&mut self`,
// by compiled code, for which the store is borrowed mutably, or atomically (`interrupted`). A
// pending error or panic, which need not be `Sync`, is not accessible through `&self`. For the rest
// see `Send`.
unsafe impl<H: ?Sized> Sync for StoreRecord<H> {}

impl<H: ?Sized> fmt::Debug for StoreRecord<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreRecord")
            .field("id", &self.id)
            .field("instances", &self.instances.len())
            .finish_non_exhaustive()
    }
}

impl<H: Host + ?Sized> StoreRecord<H> {
    /// Creates the record of a store, whose code can use `max_stack` bytes of a thread's stack.
    pub(crate) fn new(max_stack: usize) -> StoreRecord<H> {
        StoreRecord {
            id: StoreId::new(),
            vm: new_vm_store::<H>(),
            max_stack,
            deadline: None,
            instances: Vec::new(),
            hosts: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            functions: BTreeMap::new(),
            heap: None,
            locals: Vec::new(),
            stacks: StackPool::new(max_stack),
            _host: PhantomData,
        }
    }

    /// The identity of the store.
    #[inline]
    pub(crate) fn id(&self) -> StoreId {
        self.id
    }

    /// Checks that a handle belongs to the store.
    ///
    /// # Panics
    ///
    /// Panics if the handle belongs to another store.
    #[track_caller]
    #[inline]
    pub(crate) fn check(&self, store: StoreId) {
        assert!(self.id == store, "the handle belongs to another store");
    }

    /// The state that compiled code accesses. It is alive as long as this record.
    #[inline]
    pub(super) fn vm(&self) -> *mut VmStore {
        self.vm.as_ptr()
    }

    pub(super) fn max_stack(&self) -> usize {
        self.max_stack
    }

    /// The current deadline.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Sets the deadline, which applies from the next call into the store.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    /// The alarm that is raised when the deadline has passed.
    #[inline]
    pub(crate) fn alarm(&self) -> Alarm<'_> {
        Alarm::of(&self.vm)
    }

    /// Whether the store was interrupted, so that none of its code can run again.
    #[inline]
    pub(crate) fn is_interrupted(&self) -> bool {
        // SAFETY: the box owns the record, of which only an atomic field is borrowed.
        unsafe { (*self.vm()).interrupted.load(Ordering::Acquire) }
    }

    /// Interrupts the store, so that none of its code can run again.
    pub(crate) fn interrupt(&self) {
        // SAFETY: the box owns the record, of which only an atomic field is borrowed.
        unsafe { (*self.vm()).interrupted.store(true, Ordering::Release) }
    }

    /// The number of instances, which is the number of the next one.
    pub(crate) fn instance_count(&self) -> usize {
        self.instances.len()
    }

    /// Adds an instance, whose code can run from now on. Returns its number.
    ///
    /// # Panics
    ///
    /// Panics if the instance was created for another store or number, or is incomplete.
    pub(crate) fn add_instance(&mut self, instance: NewInstance) -> usize {
        let number = self.instances.len();
        let context = instance.finish(self.id, number);
        let (start, end) = context.functions();
        if start < end {
            self.functions.insert(start, end);
        }
        self.instances.push(context);
        number
    }

    /// The context of an instance.
    pub(super) fn context(&self, instance: usize) -> *mut u8 {
        self.instances[instance].base()
    }

    /// A function of an instance, by the position of its record: imports first, then the functions
    /// that escape.
    pub(crate) fn function(&self, instance: usize, position: usize) -> Stored<VmFuncRef> {
        // SAFETY: the record owns the instance's context, which contains the address.
        unsafe { Stored::new(self.id, self.instances[instance].function(position)) }
    }

    /// A global that an instance defines; `None` for an imported global.
    pub(crate) fn defined_global(&self, instance: usize, index: u32) -> Option<Stored<VmGlobal>> {
        let global = self.instances[instance].defined_global(index)?;
        // SAFETY: the record owns the instance's context, which contains the address.
        Some(unsafe { Stored::new(self.id, global) })
    }

    /// Adds a host function with the host trampoline of its type's signature.
    ///
    /// # Panics
    ///
    /// Panics if the code is not a host trampoline.
    pub(crate) fn add_host_function(
        &mut self,
        closure: HostClosure<H>,
        trampoline: Arc<CodeBlock>,
        type_id: u32,
    ) -> Stored<VmFuncRef> {
        let slots = trampoline.host_slots();
        let host = HostRecord::new(self.vm(), closure, slots, trampoline, type_id);
        let address = host.record.address();
        let start = address.as_ptr().expose_provenance();
        self.functions.insert(start, start + size_of::<VmFuncRef>());
        self.hosts.push(host);
        // SAFETY: the record owns the function's box from now on.
        unsafe { Stored::new(self.id, address) }
    }

    /// The function that a reference in compiled code points to; `None` if the word is not the
    /// address of a function record in this store.
    pub(crate) fn function_at(&self, word: u64) -> Option<Stored<VmFuncRef>> {
        let address = usize::try_from(word).ok()?;
        let (start, end) = self.functions.range(..=address).next_back()?;
        let is_record = address < *end && (address - start).is_multiple_of(size_of::<VmFuncRef>());
        let pointer = NonNull::new(std::ptr::with_exposed_provenance_mut(address))?;
        // SAFETY: the address is that of a function record in a range that this record owns.
        is_record.then(|| unsafe { Stored::new(self.id, pointer) })
    }

    /// A copy of a function's record.
    pub(super) fn function_record(&self, function: Stored<VmFuncRef>) -> VmFuncRef {
        self.check(function.store());
        // SAFETY: the handle belongs to this record, which owns the function record. Function
        // records are not written after their instance was added.
        unsafe { *function.as_ptr() }
    }

    /// The canonical number of a function's type.
    ///
    /// # Panics
    ///
    /// All methods that take a handle panic if it belongs to another store.
    pub(crate) fn function_type(&self, function: Stored<VmFuncRef>) -> u32 {
        self.function_record(function).type_id
    }

    /// The handle that identifies a function: the record of an import is a copy.
    pub(crate) fn canonical(&self, function: Stored<VmFuncRef>) -> Stored<VmFuncRef> {
        match NonNull::new(self.function_record(function).canonical.cast_mut()) {
            // SAFETY: the canonical record of a function belongs to a function of the same store.
            Some(canonical) => unsafe { Stored::new(self.id, canonical) },
            None => function,
        }
    }

    /// Creates a global that does not belong to an instance.
    pub(crate) fn add_global(&mut self, value: VmVal) -> Stored<VmGlobal> {
        let global = VmBox::new(value);
        let address = global.address();
        self.globals.push(global);
        // SAFETY: the record owns the box from now on.
        unsafe { Stored::new(self.id, address) }
    }

    /// The value of a global.
    pub(crate) fn global(&self, global: Stored<VmGlobal>) -> VmVal {
        self.check(global.store());
        // SAFETY: the handle belongs to this record, which owns the global. It is written only by
        // code of the store, for which the store is borrowed mutably, and by `set_global`.
        unsafe { *global.as_ptr() }
    }

    /// Sets the value of a global. The value must have the global's type.
    pub(crate) fn set_global(&mut self, global: Stored<VmGlobal>, value: VmVal) {
        self.check(global.store());
        // SAFETY: the handle belongs to this record, which owns the global and is borrowed mutably.
        unsafe { *global.as_ptr() = value }
    }

    /// Creates a tag.
    pub(crate) fn add_tag(&mut self) -> Stored<VmTag> {
        let tag = VmBox::new(VmTag::NEW);
        let address = tag.address();
        self.tags.push(tag);
        // SAFETY: the record owns the box from now on.
        unsafe { Stored::new(self.id, address) }
    }

    /// The offset in the heap from which compiled code can still allocate inline, if it can.
    pub(crate) fn free_start(&self, heap: &HeapMemory) -> Option<usize> {
        // SAFETY: the box owns the record, and no code of the store runs while the record is
        // borrowed.
        let free = unsafe { (*self.vm()).free };
        free.next.checked_sub(heap.address_of(0) as usize)
    }

    /// Sets the part of the heap in which compiled code can allocate inline. An empty one has no
    /// address: when compiled code finds that an object does not fit, the address at which it would
    /// begin is still in a register, and would keep alive what is there.
    ///
    /// # Panics
    ///
    /// Panics if the range is not inside the open part of the heap, or does not consist of whole
    /// words.
    pub(crate) fn set_free_range(&mut self, heap: &HeapMemory, range: Range<usize>) {
        let Range { start, end } = range;
        assert!(start <= end && end <= heap.len(), "range outside of the heap");
        assert!(start.is_multiple_of(8) && end.is_multiple_of(8), "range does not consist of whole words");
        heap.keep_in(&mut self.heap);
        let address = |offset| heap.address_of(offset) as usize;
        let free = match start == end {
            true => VmFree::default(),
            false => VmFree { next: address(start), end: address(end) },
        };
        // SAFETY: the box owns the record, and no code of the store runs while the record is
        // borrowed.
        unsafe { (*self.vm()).free = free }
    }

    /// Makes room for this number of locals, which a function of the store leaves for the code that
    /// continues it.
    pub(crate) fn reserve_locals(&mut self, count: usize) {
        if self.locals.len() < count {
            self.locals.resize(count, VmVal::default());
            // SAFETY: the box owns the record, and no code of the store runs while the record is
            // borrowed.
            unsafe { (*self.vm()).locals = self.locals.as_mut_ptr() }
        }
    }

    /// Whether the code that called the host has used more than half of the stack that it may use.
    pub(crate) fn is_deep(&self) -> bool {
        // SAFETY: the box owns the record, and no code of the store runs while the record is
        // borrowed. A stack that waits for the host is not freed before the host returns.
        let (at, usable) = unsafe {
            let vm = self.vm();
            let at = (*vm).exit.fp;
            let waiting = (*vm).stacks.waiting_at(at);
            (at, waiting.unwrap_or((*vm).stack_limit..(*vm).stack_high))
        };
        at.saturating_sub(usable.start) < usable.len() / 2
    }

    /// Records the stack depth, so that the stack below is cleared when the call is over.
    pub(crate) fn note_depth(&mut self) {
        let here = stack::here();
        // SAFETY: the box owns the record, and no code of the store runs while the record is
        // borrowed.
        let deepest = unsafe { &mut (*self.vm()).deepest };
        if *deepest == 0 || here < *deepest {
            *deepest = here;
        }
    }
}
