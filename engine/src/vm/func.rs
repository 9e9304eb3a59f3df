//! Function records and host functions.

use std::ffi::c_void;
use std::sync::Arc;

use super::code::CodeBlock;
use super::layout::{VmFuncRef, VmHostCtx, VmStore, VmVal};
use super::ptr::{VmBox, VmPtr};
use crate::error::Result;
use crate::runtime::Caller;

/// A host function: takes its arguments from the slots and leaves its results there.
pub(crate) type HostClosure = Box<dyn Fn(Caller<'_>, &mut [VmVal]) -> Result<()> + Send + Sync>;

/// A host function of a store, with its record.
pub(crate) struct HostFunc {
    pub(super) closure: HostClosure,
    /// How many slots a call has: the larger of the numbers of parameters and results.
    pub(super) slots: usize,
}

impl std::fmt::Debug for HostFunc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostFunc").field("slots", &self.slots).finish_non_exhaustive()
    }
}

/// A host function at a fixed address, with the record by which wasm code reaches it from no instance in particular.
#[derive(Debug)]
pub(crate) struct HostFuncBox {
    record: VmBox<VmFuncRef>,
    _context: VmBox<VmHostCtx>,
    _host: VmBox<HostFunc>,
    _trampoline: Arc<CodeBlock>,
}

impl HostFuncBox {
    /// Sets up a host function of the store with its signature's host trampoline.
    pub(crate) fn new(
        store: VmPtr<VmStore>,
        closure: HostClosure,
        slots: usize,
        trampoline: Arc<CodeBlock>,
        type_id: u32,
    ) -> HostFuncBox {
        let host = VmBox::new(HostFunc { closure, slots });
        let context = VmBox::new(VmHostCtx {
            store: store.as_ptr(),
            host: host.as_ptr().cast(),
            caller: std::ptr::null_mut(),
        });
        let record = VmBox::new(VmFuncRef {
            code: trampoline.address(0),
            vmctx: context.as_ptr().cast(),
            type_id,
            is_host: true,
            canonical: std::ptr::null(),
        });
        // SAFETY: the record was just made, and nothing else refers to it yet.
        unsafe { (*record.as_ptr()).canonical = record.as_ptr() };
        HostFuncBox { record, _context: context, _host: host, _trampoline: trampoline }
    }

    /// The record.
    pub(crate) fn record(&self) -> VmPtr<VmFuncRef> {
        self.record.ptr()
    }
}

/// The context of a host function as one instance imports it: it tells the function who calls.
#[derive(Debug)]
pub(crate) struct ImportedHost(VmBox<VmHostCtx>);

impl ImportedHost {
    /// A context for the host function of that record, where it is one, with `caller` as the importing instance's context.
    pub(crate) fn new(host: VmFuncRef, caller: *mut c_void) -> ImportedHost {
        let original = host.vmctx.cast::<VmHostCtx>();
        // SAFETY: the caller of this passes the record of a host function, whose context its store keeps alive.
        let (store, host) = unsafe { ((*original).store, (*original).host) };
        ImportedHost(VmBox::new(VmHostCtx { store, host, caller }))
    }

    /// The address to put in the place of the function's context.
    pub(crate) fn context(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }
}

impl VmPtr<VmFuncRef> {
    /// A copy of the record.
    pub(crate) fn read(self) -> VmFuncRef {
        // SAFETY: pointers to records are made only from records of live stores and from words that validation has typed as
        // function references; a record is written only before code can reach it.
        unsafe { *self.as_ptr() }
    }

    /// The record that stands for the function's identity.
    pub(crate) fn canonical(self) -> VmPtr<VmFuncRef> {
        VmPtr::new(self.read().canonical.cast_mut()).unwrap_or(self)
    }

    /// The function reference that a word holds; `None` for null.
    pub(crate) fn from_word(word: u64) -> Option<VmPtr<VmFuncRef>> {
        VmPtr::new(word as usize as *mut VmFuncRef)
    }

    /// The reference as compiled code holds it.
    pub(crate) fn to_word(self) -> u64 {
        self.as_ptr() as usize as u64
    }
}
