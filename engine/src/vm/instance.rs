//! An instance's context: the block of memory that its code gets as its first argument.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use super::code::{CodeBlock, FunctionTable};
use super::func::imported_context;
use super::host::Host;
use super::layout::{
    GlobalPlace, VmCode, VmCtxHeader, VmCtxLayout, VmFuncRef, VmGlobal, VmHostCtx, VmMemoryRef, VmStubs,
    VmTable, offsets,
};
use super::memory::{LinearMemory, TableElements};
use super::ptr::{StoreId, Stored, VmBox};
use super::rows::TypeRows;
use super::shared::SharedBytes;
use super::store::StoreRecord;
use super::tag::VmTag;

/// The context of an instance in the making. Nothing refers to it before it is
/// [added](StoreRecord::add_instance) to the record of its store, and it may be dropped until then.
///
/// It keeps whatever it refers to that the record does not own.
pub(crate) struct NewInstance {
    context: Context,
    store: StoreId,
    number: usize,
    functions: Option<Arc<FunctionTable>>,
}

/// A context at a fixed address, with what it keeps alive.
pub(super) struct Context {
    base: NonNull<u8>,
    layout: VmCtxLayout,
    /// The contexts of imported host functions, which say that this instance calls.
    hosts: Vec<VmBox<VmHostCtx>>,
    keeps: Vec<Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for NewInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewInstance").field("number", &self.number).finish_non_exhaustive()
    }
}

impl NewInstance {
    /// A context for the next instance of a store, with everything after the header zero: null
    /// pointers and default values.
    ///
    /// `stubs` is the block with the stub for builtins and that for exceptions, and `types` has the
    /// canonical number of each type of the module.
    pub(crate) fn new<H: Host + ?Sized>(
        record: &StoreRecord<H>,
        layout: VmCtxLayout,
        stubs: &Arc<CodeBlock>,
        types: &Arc<[u32]>,
        rows: &Arc<TypeRows>,
    ) -> NewInstance {
        let allocation = allocation(&layout);
        // SAFETY: the size is not zero, because there is always a header.
        let base = unsafe { alloc_zeroed(allocation) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(allocation) };
        let number = record.instance_count();
        let header = VmCtxHeader {
            store: record.vm(),
            stubs: VmStubs { builtin: stubs.address(0), throw: stubs.address(1) },
            types: types.as_ptr(),
            functions: std::ptr::null(),
            type_rows: rows.base(),
            instance: number,
        };
        // SAFETY: the block begins with a header and is aligned for it, and nothing else refers to
        // it.
        unsafe { base.cast::<VmCtxHeader>().write(header) };
        let keeps: [Arc<dyn Any + Send + Sync>; 3] =
            [Arc::clone(stubs) as _, Arc::new(Arc::clone(types)), Arc::clone(rows) as _];
        let context = Context { base, layout, hosts: Vec::new(), keeps: keeps.into() };
        NewInstance { context, store: record.id(), number, functions: None }
    }

    /// Refers to a memory of the store.
    pub(crate) fn set_memory(&mut self, index: u32, memory: &LinearMemory) {
        let reference = memory.reference();
        self.context.keeps.push(memory.backing());
        self.write(self.context.layout.memory(index), reference);
    }

    /// Refers to a shared memory.
    pub(crate) fn set_shared_memory(&mut self, index: u32, memory: &Arc<SharedBytes>) {
        let reference = memory.reference();
        self.context.keeps.push(Arc::clone(memory) as _);
        self.write::<VmMemoryRef>(self.context.layout.memory(index), reference);
    }

    /// Refers to a table of the store.
    pub(crate) fn set_table(&mut self, index: u32, table: &TableElements) {
        let reference = table.record();
        self.context.keeps.push(table.backing());
        self.write::<*mut VmTable>(self.context.layout.table(index), reference);
    }

    /// Refers to an imported global.
    ///
    /// # Panics
    ///
    /// As all methods here: if what is referred to belongs to another store.
    pub(crate) fn set_imported_global(&mut self, index: u32, global: Stored<VmGlobal>) {
        self.check(global.store());
        if let GlobalPlace::Pointer(offset) = self.context.layout.global(index) {
            self.write::<*mut VmGlobal>(offset, global.as_ptr());
        }
    }

    /// Refers to a tag.
    pub(crate) fn set_tag(&mut self, index: u32, tag: Stored<VmTag>) {
        self.check(tag.store());
        self.write::<*mut VmTag>(self.context.layout.tag(index), tag.as_ptr());
    }

    /// Fills in a function record with a copy of an imported function's. A host function gets a
    /// context that says that this instance calls.
    pub(crate) fn import_function<H: Host + ?Sized>(
        &mut self,
        position: usize,
        function: Stored<VmFuncRef>,
        record: &StoreRecord<H>,
    ) {
        self.check(record.id());
        let mut function = record.function_record(function);
        if function.is_host {
            // SAFETY: `function_record` has found the record in the store, which owns the function.
            let context = unsafe { imported_context(&function, self.context.base.as_ptr().cast()) };
            function.vmctx = context.as_ptr().cast();
            self.context.hosts.push(context);
        }
        self.write(self.context.layout.function(position), function);
    }

    /// Sets the functions of the instance's module, of which code calls those that it defines.
    pub(crate) fn set_functions(&mut self, functions: &Arc<FunctionTable>) {
        self.write::<*const VmCode>(offsets::CTX_FUNCTIONS, functions.slots());
        self.context.keeps.push(Arc::clone(functions) as _);
        self.functions = Some(Arc::clone(functions));
    }

    /// Fills in the record of a function that the instance defines, by its position among the
    /// module's own.
    pub(crate) fn set_function(&mut self, position: usize, function: usize, type_id: u32) {
        let Some(functions) = &self.functions else { unreachable!("the functions are set before") };
        let place = self.context.field::<VmFuncRef>(self.context.layout.function(position)).as_ptr();
        let (code, vmctx) = (functions.slot(function), self.context.base.as_ptr().cast());
        let record = VmFuncRef { code, vmctx, type_id, is_host: false, canonical: place };
        self.write(self.context.layout.function(position), record);
    }

    fn write<T>(&mut self, offset: i32, value: T) {
        // SAFETY: `field` gives an address inside the block that is aligned for a `T`, and nothing
        // else refers to the block yet.
        unsafe { self.context.field::<T>(offset).write(value) };
    }

    fn check(&self, store: StoreId) {
        assert!(self.store == store, "an instance refers to what its store owns");
    }

    /// The context, once all that code of the instance follows is set.
    ///
    /// # Panics
    ///
    /// If something is missing, or the instance is not the one of that number in that store.
    pub(super) fn finish(self, store: StoreId, number: usize) -> Context {
        assert!((self.store, self.number) == (store, number), "the next instance of the store");
        assert!(self.functions.is_some(), "an instance with the functions of its module");
        self.context.assert_complete();
        self.context
    }
}

impl Context {
    /// The function record at a position: imports first, then the functions that escape.
    pub(super) fn function(&self, position: usize) -> NonNull<VmFuncRef> {
        self.field(self.layout.function(position))
    }

    #[cfg(test)]
    pub(super) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The addresses of the function records: of the first one, and the end of the last one.
    pub(super) fn functions(&self) -> (usize, usize) {
        let base = self.base.as_ptr().expose_provenance();
        let range = self.layout.functions();
        (base + range.start, base + range.end)
    }

    /// The value of a global that the instance defines; `None` for one that it imports.
    pub(super) fn defined_global(&self, index: u32) -> Option<NonNull<VmGlobal>> {
        match self.layout.global(index) {
            GlobalPlace::Inline(offset) => Some(self.field(offset)),
            GlobalPlace::Pointer(_) => None,
        }
    }

    /// The address of a field.
    ///
    /// # Panics
    ///
    /// If it is not inside the context, or not aligned.
    fn field<T>(&self, offset: i32) -> NonNull<T> {
        let offset = offset as usize;
        assert!(offset + size_of::<T>() <= self.layout.size(), "a field inside the context");
        // SAFETY: the assertion keeps the field inside the block.
        let field = unsafe { self.base.add(offset).cast::<T>() };
        assert!(field.is_aligned(), "a field at its alignment");
        field
    }

    /// Code follows these pointers without a check.
    fn assert_complete(&self) {
        for offset in self.layout.pointers() {
            // SAFETY: `field` gives an address inside the block, which was zeroed and is written
            // only by `write`: an initialised word that nothing borrows.
            let word = unsafe { self.field::<usize>(offset as i32).read() };
            assert!(word != 0, "an instance whose memories, tables, globals, tags and functions are set");
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the block was allocated in `NewInstance::new` with the same layout, and is freed
        // nowhere else.
        unsafe { dealloc(self.base.as_ptr(), allocation(&self.layout)) };
    }
}

/// The number of the instance that a context belongs to; `None` for null.
///
/// # Safety
///
/// The pointer is null, or the address of a context that is alive.
#[inline]
pub(super) unsafe fn instance_of(context: *mut c_void) -> Option<usize> {
    // SAFETY: by the condition above, if the pointer is not null; the header is written only when
    // the context is made.
    if context.is_null() { None } else { Some(unsafe { (*context.cast::<VmCtxHeader>()).instance }) }
}

fn allocation(layout: &VmCtxLayout) -> Layout {
    match Layout::from_size_align(layout.size(), align_of::<VmCtxHeader>()) {
        Ok(allocation) => allocation,
        Err(_) => unreachable!("a context has less than 2^31 bytes"),
    }
}
