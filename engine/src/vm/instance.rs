//! An instance's context: the block of memory that its code gets as its first argument.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ffi::c_void;
use std::ptr::NonNull;

use super::layout::{
    GlobalPlace, VmCtxHeader, VmCtxLayout, VmFuncRef, VmGlobal, VmMemoryRef, VmStore, VmStubs, VmTable, VmVal,
};
use super::ptr::VmPtr;
use super::rows::VmTypeRow;
use super::tag::VmTag;

/// A context at a fixed address, owned by its instance.
#[derive(Debug)]
pub(crate) struct InstanceCtx {
    base: NonNull<u8>,
    layout: VmCtxLayout,
}

// SAFETY: the block is reached only by its store's code and by the methods here, with the store at hand.
unsafe impl Send for InstanceCtx {}
// SAFETY: as above.
unsafe impl Sync for InstanceCtx {}

impl InstanceCtx {
    /// A context with everything after the header zero: null pointers and default values.
    pub(crate) fn new(
        layout: VmCtxLayout,
        store: VmPtr<VmStore>,
        stubs: VmStubs,
        types: *const u32,
        type_rows: *const VmTypeRow,
        instance: usize,
    ) -> InstanceCtx {
        let allocation = allocation(&layout);
        // SAFETY: the size is not zero: there is always a header.
        let base = unsafe { alloc_zeroed(allocation) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(allocation) };
        let header = VmCtxHeader { store: store.as_ptr(), stubs, types, type_rows, instance };
        // SAFETY: the block begins with a header, and is aligned for it.
        unsafe { base.cast::<VmCtxHeader>().write(header) };
        InstanceCtx { base, layout }
    }

    /// The address that code gets.
    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.base.as_ptr().cast()
    }

    /// Fills in the record of a function that the instance defines.
    pub(crate) fn set_function(&mut self, position: usize, code: usize, type_id: u32) {
        let place = self.function(position).as_ptr();
        let record = VmFuncRef { code, vmctx: self.as_ptr(), type_id, is_host: false, canonical: place };
        // SAFETY: `function` gives the address of a record inside the block, and no code runs yet that reads it.
        unsafe { place.write(record) };
    }

    /// Fills in a function record with a copy of another, which is an imported function's.
    pub(crate) fn import_function(&mut self, position: usize, record: VmFuncRef) {
        // SAFETY: as for `set_function`.
        unsafe { self.function(position).as_ptr().write(record) };
    }

    /// The function record at that position: imports first, then the functions that escape.
    pub(crate) fn function(&self, position: usize) -> VmPtr<VmFuncRef> {
        self.field(self.layout.function(position))
    }

    /// Refers to a memory.
    pub(crate) fn set_memory(&mut self, index: u32, memory: VmMemoryRef) {
        // SAFETY: the field lies inside the block, and no code runs yet that reads it.
        unsafe { self.field::<VmMemoryRef>(self.layout.memory(index)).as_ptr().write(memory) };
    }

    /// Refers to a table.
    pub(crate) fn set_table(&mut self, index: u32, table: VmPtr<VmTable>) {
        // SAFETY: as for `set_memory`.
        unsafe { self.field::<*mut VmTable>(self.layout.table(index)).as_ptr().write(table.as_ptr()) };
    }

    /// Refers to an imported global.
    pub(crate) fn set_imported_global(&mut self, index: u32, global: VmPtr<VmGlobal>) {
        if let GlobalPlace::Pointer(offset) = self.layout.global(index) {
            // SAFETY: as for `set_memory`.
            unsafe { self.field::<*mut VmGlobal>(offset).as_ptr().write(global.as_ptr()) };
        }
    }

    /// Refers to a tag.
    pub(crate) fn set_tag(&mut self, index: u32, tag: VmPtr<VmTag>) {
        // SAFETY: as for `set_memory`.
        unsafe { self.field::<*mut VmTag>(self.layout.tag(index)).as_ptr().write(tag.as_ptr()) };
    }

    /// The value of a global that the instance defines; `None` for one that it imports.
    pub(crate) fn defined_global(&self, index: u32) -> Option<VmPtr<VmGlobal>> {
        match self.layout.global(index) {
            GlobalPlace::Inline(offset) => Some(self.field(offset)),
            GlobalPlace::Pointer(_) => None,
        }
    }

    fn field<T>(&self, offset: i32) -> VmPtr<T> {
        let offset = offset as usize;
        assert!(offset + size_of::<T>() <= self.layout.size(), "a field inside the context");
        // SAFETY: the assertion keeps the field inside the block, so that the address is not null.
        VmPtr::from(unsafe { self.base.add(offset).cast::<T>() })
    }
}

impl Drop for InstanceCtx {
    fn drop(&mut self) {
        // SAFETY: the block was allocated in `new` with the same layout.
        unsafe { dealloc(self.base.as_ptr(), allocation(&self.layout)) };
    }
}

impl VmPtr<VmGlobal> {
    /// The value of the global.
    pub(crate) fn read(self) -> VmVal {
        // SAFETY: pointers to globals are made only from globals of live stores, and no code runs while Rust holds the store.
        unsafe { *self.as_ptr() }
    }

    /// Sets the value of the global.
    pub(crate) fn write(self, value: VmVal) {
        // SAFETY: as for `read`.
        unsafe { *self.as_ptr() = value }
    }
}

/// The number of the instance that a context belongs to.
///
/// The pointer must be null or what [`InstanceCtx::as_ptr`] gave, of an instance that lives.
pub(super) fn instance_of(context: *mut c_void) -> Option<usize> {
    // SAFETY: by the condition above.
    if context.is_null() { None } else { Some(unsafe { (*context.cast::<VmCtxHeader>()).instance }) }
}

fn allocation(layout: &VmCtxLayout) -> Layout {
    match Layout::from_size_align(layout.size(), align_of::<VmCtxHeader>()) {
        Ok(allocation) => allocation,
        Err(_) => unreachable!("a context has less than 2^31 bytes"),
    }
}
