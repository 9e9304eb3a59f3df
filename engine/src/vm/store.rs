//! The record of a store: what compiled code of the store shares, and everything at a fixed address
//! that belongs to the store alone.

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
use super::sys::mmap::Mapping;
use super::sys::stack;
use super::tag::VmTag;
use crate::time::Deadline;

/// The record of a store of type `H`. What it owns stays where it is until the record is dropped,
/// which is what [handles](Stored) rely on.
pub(crate) struct StoreRecord<H: ?Sized> {
    id: StoreId,
    vm: VmBox<VmStore>,
    max_stack: usize,
    deadline: Option<Deadline>,
    instances: Vec<Context>,
    hosts: Vec<HostRecord<H>>,
    globals: Vec<VmBox<VmGlobal>>,
    tags: Vec<VmBox<VmTag>>,
    /// Where function records are: from the address of the first one of a row to the row's end.
    functions: BTreeMap<usize, usize>,
    /// The mapping that compiled code allocates objects in.
    heap: Option<Arc<Mapping>>,
    _host: PhantomData<fn(&mut H)>,
}

// SAFETY: the raw pointers in what the record owns lead to memory that the record owns or keeps, to
// mappings, and while code runs to the stack of the thread that runs it: a store is borrowed by
// that thread then, and cannot be sent. Closures of host functions, code and what contexts keep are
// `Send` and `Sync`; a pending error or panic is `Send`, and taken only by `&mut`.
unsafe impl<H: ?Sized> Send for StoreRecord<H> {}
// SAFETY: what methods with `&self` read is changed only by methods with `&mut self`, by compiled
// code, for which the store is borrowed by `&mut`, or atomically (`interrupted`). No pending error
// or panic, which need not be `Sync`, is reached by `&self`. For the rest see `Send`.
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
    /// The record of a new store, whose code may use that many bytes of a thread's stack.
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
            _host: PhantomData,
        }
    }

    /// The identity of the store.
    pub(crate) fn id(&self) -> StoreId {
        self.id
    }

    /// Checks that a handle belongs to the store.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    #[track_caller]
    pub(crate) fn check(&self, store: StoreId) {
        assert!(self.id == store, "a handle is used with the store that it came from");
    }

    /// What compiled code reads and writes. It is alive as long as this record.
    pub(super) fn vm(&self) -> *mut VmStore {
        self.vm.as_ptr()
    }

    pub(super) fn max_stack(&self) -> usize {
        self.max_stack
    }

    /// The deadline that was set.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Sets the deadline that counts from the next call into the store.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    /// Tells whether the time of the store is over.
    #[inline]
    pub(crate) fn alarm(&self) -> Alarm<'_> {
        Alarm::of(&self.vm)
    }

    /// Whether the store was interrupted: then none of its code runs any more.
    pub(crate) fn is_interrupted(&self) -> bool {
        // SAFETY: the box owns the record, of which only an atomic field is borrowed.
        unsafe { (*self.vm()).interrupted.load(Ordering::Acquire) }
    }

    /// Says that the time of the store is over: none of its code runs any more.
    pub(crate) fn interrupt(&self) {
        // SAFETY: the box owns the record, of which only an atomic field is borrowed.
        unsafe { (*self.vm()).interrupted.store(true, Ordering::Release) }
    }

    /// How many instances there are, which is the number of the next one.
    pub(crate) fn instance_count(&self) -> usize {
        self.instances.len()
    }

    /// Adds an instance, whose code may run from now on; gives its number.
    ///
    /// # Panics
    ///
    /// If the instance was made for another store or number, or is not complete.
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
    #[cfg(test)]
    pub(super) fn context(&self, instance: usize) -> *mut u8 {
        self.instances[instance].base()
    }

    /// A function of an instance, by the position of its record: imports first, then the functions
    /// that escape.
    pub(crate) fn function(&self, instance: usize, position: usize) -> Stored<VmFuncRef> {
        // SAFETY: the record owns the instance's context, and the address is one inside it.
        unsafe { Stored::new(self.id, self.instances[instance].function(position)) }
    }

    /// A global that an instance defines; `None` for one that it imports.
    pub(crate) fn defined_global(&self, instance: usize, index: u32) -> Option<Stored<VmGlobal>> {
        let global = self.instances[instance].defined_global(index)?;
        // SAFETY: the record owns the instance's context, and the address is one inside it.
        Some(unsafe { Stored::new(self.id, global) })
    }

    /// Adds a host function with the host trampoline of its type's signature.
    ///
    /// # Panics
    ///
    /// If the code is not a host trampoline.
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

    /// The function that a reference of compiled code points to; `None` if the word is not the
    /// address of a function's record in this store.
    pub(crate) fn function_at(&self, word: u64) -> Option<Stored<VmFuncRef>> {
        let address = usize::try_from(word).ok()?;
        let (start, end) = self.functions.range(..=address).next_back()?;
        let is_record = address < *end && (address - start).is_multiple_of(size_of::<VmFuncRef>());
        let pointer = NonNull::new(std::ptr::with_exposed_provenance_mut(address))?;
        // SAFETY: the address is that of a record in a row of records, which this record owns.
        is_record.then(|| unsafe { Stored::new(self.id, pointer) })
    }

    /// A copy of a function's record.
    pub(super) fn function_record(&self, function: Stored<VmFuncRef>) -> VmFuncRef {
        self.check(function.store());
        // SAFETY: the handle is one of this record, which owns what it points to. Function records
        // are not written after their instance was added.
        unsafe { *function.as_ptr() }
    }

    /// The canonical number of a function's type.
    ///
    /// # Panics
    ///
    /// As all methods here that take a handle: if it belongs to another store.
    pub(crate) fn function_type(&self, function: Stored<VmFuncRef>) -> u32 {
        self.function_record(function).type_id
    }

    /// The handle by which a function is identified: an import has a copy of its record.
    pub(crate) fn canonical(&self, function: Stored<VmFuncRef>) -> Stored<VmFuncRef> {
        match NonNull::new(self.function_record(function).canonical.cast_mut()) {
            // SAFETY: a record's canonical one is that of a function of the same store.
            Some(canonical) => unsafe { Stored::new(self.id, canonical) },
            None => function,
        }
    }

    /// Makes a global that belongs to no instance.
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
        // SAFETY: the handle is one of this record, which owns the global. Only code of the store,
        // for which the store is borrowed by `&mut`, and `set_global` write it.
        unsafe { *global.as_ptr() }
    }

    /// Sets the value of a global, which has the global's type.
    pub(crate) fn set_global(&mut self, global: Stored<VmGlobal>, value: VmVal) {
        self.check(global.store());
        // SAFETY: the handle is one of this record, which owns the global and is borrowed by
        // `&mut`.
        unsafe { *global.as_ptr() = value }
    }

    /// Makes a tag.
    pub(crate) fn add_tag(&mut self) -> Stored<VmTag> {
        let tag = VmBox::new(VmTag::NEW);
        let address = tag.address();
        self.tags.push(tag);
        // SAFETY: the record owns the box from now on.
        unsafe { Stored::new(self.id, address) }
    }

    /// The offset in the heap from which compiled code may still allocate by itself.
    pub(crate) fn free_start(&self, heap: &HeapMemory) -> usize {
        // SAFETY: the box owns the record, and no code of the store runs while it is borrowed.
        let free = unsafe { (*self.vm()).free };
        free.next - heap.address_of(0) as usize
    }

    /// Sets the part of the heap in which compiled code may allocate by itself.
    ///
    /// # Panics
    ///
    /// If it is not inside what is open of the heap, or not whole words.
    pub(crate) fn set_free_range(&mut self, heap: &HeapMemory, range: Range<usize>) {
        let Range { start, end } = range;
        assert!(start <= end && end <= heap.len(), "a range inside the heap");
        assert!(start.is_multiple_of(8) && end.is_multiple_of(8), "a range of whole words");
        heap.keep_in(&mut self.heap);
        let address = |offset| heap.address_of(offset) as usize;
        // SAFETY: the box owns the record, and no code of the store runs while it is borrowed.
        unsafe { (*self.vm()).free = VmFree { next: address(start), end: address(end) } }
    }

    /// Notes how deep the stack is, so that what is left there is wiped when the call is over.
    pub(crate) fn note_depth(&mut self) {
        let here = stack::here();
        // SAFETY: the box owns the record, and no code of the store runs while it is borrowed.
        let deepest = unsafe { &mut (*self.vm()).deepest };
        if *deepest == 0 || here < *deepest {
            *deepest = here;
        }
    }
}
