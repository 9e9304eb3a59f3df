//! Host functions and the records by which compiled code calls them.

use std::ffi::c_void;
use std::sync::Arc;

use super::code::CodeBlock;
use super::layout::{VmFuncRef, VmHostCtx, VmStore, VmVal};
use super::ptr::VmBox;
use crate::error::Result;

/// The body of a host function. It gets the store, the number of the instance that called, if one
/// did, and the slots: they hold the arguments, and the results when it returns.
pub(crate) type HostClosure<H> = Box<dyn Fn(&mut H, Option<usize>, &mut [VmVal]) -> Result<()> + Send + Sync>;

/// What a host trampoline calls.
pub(super) struct HostFunc<H: ?Sized> {
    pub(super) closure: HostClosure<H>,
    /// How many slots a call has: the larger of the numbers of parameters and results.
    pub(super) slots: usize,
}

/// A host function with the record by which wasm code reaches it when no instance imports it.
pub(super) struct HostRecord<H: ?Sized> {
    pub(super) record: VmBox<VmFuncRef>,
    _context: VmBox<VmHostCtx>,
    _host: VmBox<HostFunc<H>>,
    _trampoline: Arc<CodeBlock>,
}

impl<H: ?Sized> HostRecord<H> {
    /// Sets up a host function with the host trampoline of its signature, whose calls have that
    /// many slots.
    pub(super) fn new(
        store: *mut VmStore,
        closure: HostClosure<H>,
        slots: usize,
        trampoline: Arc<CodeBlock>,
        type_id: u32,
    ) -> HostRecord<H> {
        let host = VmBox::new(HostFunc { closure, slots });
        let caller = std::ptr::null_mut();
        let context = VmBox::new(VmHostCtx { store, host: host.as_ptr().cast(), caller });
        let record = VmBox::new(VmFuncRef {
            code: trampoline.slot(0),
            vmctx: context.as_ptr().cast(),
            type_id,
            is_host: true,
            canonical: std::ptr::null(),
        });
        // SAFETY: the record was just made, and nothing else refers to it.
        unsafe { (*record.as_ptr()).canonical = record.as_ptr() };
        HostRecord { record, _context: context, _host: host, _trampoline: trampoline }
    }
}

/// A context for a host function that tells it which instance calls.
///
/// # Safety
///
/// The record is that of a host function that is alive.
pub(super) unsafe fn imported_context(host: &VmFuncRef, caller: *mut c_void) -> VmBox<VmHostCtx> {
    let original = host.vmctx.cast::<VmHostCtx>();
    // SAFETY: the context of a host function is a `VmHostCtx`, which lives as long as the function
    // and is never written.
    let (store, host) = unsafe { ((*original).store, (*original).host) };
    VmBox::new(VmHostCtx { store, host, caller })
}
