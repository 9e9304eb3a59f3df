//! The context of an instance: the memory block that compiled code gets as its first argument.

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
    GlobalLocation, VmCode, VmCounter, VmCtxHeader, VmCtxLayout, VmFuncRef, VmGlobal, VmHostCtx, VmMemoryRef,
    VmStubs, VmTable, offsets,
};
use super::memory::{LinearMemory, TableElements};
use super::ptr::{StoreId, Stored, VmBox};
use super::rows::TypeRows;
use super::shared::SharedBytes;
use super::stack::switch;
use super::store::StoreRecord;
use super::tag::VmTag;

/// The context of an instance that is being created. Nothing refers to it until it is
/// [added](StoreRecord::add_instance) to the record of its store, and it can be dropped until then.
///
/// It keeps everything that it refers to and the record does not own.
pub(crate) struct NewInstance {
    context: Context,
    store: StoreId,
    number: usize,
}

/// A context at a fixed address, with everything that it keeps alive.
pub(super) struct Context {
    base: NonNull<u8>,
    layout: VmCtxLayout,
    functions: Option<Arc<FunctionTable>>,
    /// The contexts of imported host functions, with this instance as the caller.
    hosts: Vec<VmBox<VmHostCtx>>,
    /// Memories and tables.
    keeps: Vec<Arc<dyn Any + Send + Sync>>,
    _header: Header,
}

/// What the header of a context refers to.
struct Header {
    _stubs: Arc<CodeBlock>,
    _types: Arc<[u32]>,
    _rows: Arc<TypeRows>,
}

impl fmt::Debug for NewInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewInstance").field("number", &self.number).finish_non_exhaustive()
    }
}

impl NewInstance {
    /// Creates a context for the next instance of a store. Everything after the header is zero:
    /// null pointers and default values.
    ///
    /// `stubs` is the block with the builtin stub and the throw stub, and `types` contains the
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
            stubs: VmStubs {
                builtin: stubs.address(0),
                throw: stubs.address(1),
                resume: switch::resume as *const () as usize,
                resume_throw: switch::resume_throw as *const () as usize,
                suspend: switch::suspend as *const () as usize,
                switch: switch::switch as *const () as usize,
            },
            types: types.as_ptr(),
            functions: std::ptr::null(),
            counters: std::ptr::null(),
            type_rows: rows.base(),
            instance: number,
        };
        // SAFETY: the block starts with a header and is aligned for it, and nothing else refers to
        // it.
        unsafe { base.cast::<VmCtxHeader>().write(header) };
        let kept = Header { _stubs: Arc::clone(stubs), _types: Arc::clone(types), _rows: Arc::clone(rows) };
        let (functions, hosts, keeps) = (None, Vec::new(), Vec::new());
        let context = Context { base, layout, functions, hosts, keeps, _header: kept };
        NewInstance { context, store: record.id(), number }
    }

    /// Sets a memory of the store.
    pub(crate) fn set_memory(&mut self, index: u32, memory: &LinearMemory) {
        let reference = memory.reference();
        self.context.keeps.push(memory.backing());
        self.write(self.context.layout.memory(index), reference);
    }

    /// Sets a shared memory.
    pub(crate) fn set_shared_memory(&mut self, index: u32, memory: &Arc<SharedBytes>) {
        let reference = memory.reference();
        self.context.keeps.push(Arc::clone(memory) as _);
        self.write::<VmMemoryRef>(self.context.layout.memory(index), reference);
    }

    /// Sets a table of the store.
    pub(crate) fn set_table(&mut self, index: u32, table: &TableElements) {
        let reference = table.record();
        self.context.keeps.push(table.backing());
        self.write::<*mut VmTable>(self.context.layout.table(index), reference);
    }

    /// Sets an imported global.
    ///
    /// # Panics
    ///
    /// All methods panic if the argument belongs to another store.
    pub(crate) fn set_imported_global(&mut self, index: u32, global: Stored<VmGlobal>) {
        self.check(global.store());
        if let GlobalLocation::Pointer(offset) = self.context.layout.global(index) {
            self.write::<*mut VmGlobal>(offset, global.as_ptr());
        }
    }

    /// Sets a tag.
    pub(crate) fn set_tag(&mut self, index: u32, tag: Stored<VmTag>) {
        self.check(tag.store());
        self.write::<*mut VmTag>(self.context.layout.tag(index), tag.as_ptr());
    }

    /// Sets the record of an imported function to a copy of the function's own record. A host
    /// function gets a context with this instance as the caller.
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

    /// Sets the functions of the instance's module, which compiled code calls.
    pub(crate) fn set_functions(&mut self, functions: &Arc<FunctionTable>) {
        self.write::<*const VmCode>(offsets::CTX_FUNCTIONS, functions.slots());
        self.write::<*const VmCounter>(offsets::CTX_COUNTERS, functions.counters());
        self.context.functions = Some(Arc::clone(functions));
    }

    /// Sets the record of a function that the instance defines. `function` is its position among
    /// the functions that the module defines.
    pub(crate) fn set_function(&mut self, position: usize, function: usize, type_id: u32) {
        let Some(functions) = &self.context.functions else {
            unreachable!("`set_functions` is called before `set_function`")
        };
        let address = self.context.field::<VmFuncRef>(self.context.layout.function(position)).as_ptr();
        let (code, vmctx) = (functions.slot(function), self.context.base.as_ptr().cast());
        let record = VmFuncRef { code, vmctx, type_id, is_host: false, canonical: address };
        self.write(self.context.layout.function(position), record);
    }

    fn write<T>(&mut self, offset: i32, value: T) {
        // SAFETY: `field` returns an address inside the block that is aligned for a `T`, and
        // nothing else refers to the block yet.
        unsafe { self.context.field::<T>(offset).write(value) };
    }

    fn check(&self, store: StoreId) {
        assert!(self.store == store, "the item belongs to another store");
    }

    /// Returns the context after checking that all pointers that code follows are set.
    ///
    /// # Panics
    ///
    /// Panics if a pointer is missing, or if the instance was not created for this store and
    /// number.
    pub(super) fn finish(self, store: StoreId, number: usize) -> Context {
        assert!(
            (self.store, self.number) == (store, number),
            "the instance was created for another store or number"
        );
        assert!(self.context.functions.is_some(), "the instance has no functions");
        self.context.assert_complete();
        self.context
    }
}

impl Context {
    /// The function record at this position: imports first, then the functions that escape.
    pub(super) fn function(&self, position: usize) -> NonNull<VmFuncRef> {
        self.field(self.layout.function(position))
    }

    /// The address that compiled code gets.
    pub(super) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The start address and the end address of the function records.
    pub(super) fn functions(&self) -> (usize, usize) {
        let base = self.base.as_ptr().expose_provenance();
        let range = self.layout.functions();
        (base + range.start, base + range.end)
    }

    /// The value of a global that the instance defines; `None` for an imported global.
    pub(super) fn defined_global(&self, index: u32) -> Option<NonNull<VmGlobal>> {
        match self.layout.global(index) {
            GlobalLocation::Inline(offset) => Some(self.field(offset)),
            GlobalLocation::Pointer(_) => None,
        }
    }

    /// The address of a field.
    ///
    /// # Panics
    ///
    /// Panics if the field is not inside the context, or not aligned.
    fn field<T>(&self, offset: i32) -> NonNull<T> {
        let offset = offset as usize;
        assert!(offset + size_of::<T>() <= self.layout.size(), "field outside of the context");
        // SAFETY: the assertion keeps the field inside the block.
        let field = unsafe { self.base.add(offset).cast::<T>() };
        assert!(field.is_aligned(), "misaligned field");
        field
    }

    /// Checks the pointers that code follows without a check.
    fn assert_complete(&self) {
        for offset in self.layout.pointers() {
            // SAFETY: `field` returns an address inside the block, which was zeroed and is written
            // only by `write`: an initialised word that is not borrowed.
            let word = unsafe { self.field::<usize>(offset as i32).read() };
            assert!(word != 0, "a memory, table, global, tag or function is not set");
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

/// The number of the instance of a context; `None` for null.
///
/// # Safety
///
/// The pointer is null, or the address of a context that is alive.
#[inline]
pub(super) unsafe fn instance_of(context: *mut c_void) -> Option<usize> {
    // SAFETY: by the condition above the pointer is valid if it is not null; the header is written
    // only when the context is created.
    if context.is_null() { None } else { Some(unsafe { (*context.cast::<VmCtxHeader>()).instance }) }
}

fn allocation(layout: &VmCtxLayout) -> Layout {
    match Layout::from_size_align(layout.size(), align_of::<VmCtxHeader>()) {
        Ok(allocation) => allocation,
        Err(_) => unreachable!("a context has less than 2^31 bytes"),
    }
}
