//! Host functions, and the function records through which compiled code calls them.

use std::ffi::c_void;
use std::sync::Arc;

use super::code::CodeBlock;
use super::layout::{VmFuncRef, VmHostCtx, VmStore, VmVal};
use super::ptr::VmBox;
use crate::error::Result;

/// The body of a host function. It gets the store, the number of the calling instance (if there is
/// one), and the slots, which contain the arguments and on return the results.
pub(crate) type HostClosure<H> = Box<dyn Fn(&mut H, Option<usize>, &mut [VmVal]) -> Result<()> + Send + Sync>;

/// The host function that a host trampoline calls.
pub(super) struct HostFunc<H: ?Sized> {
    pub(super) closure: HostClosure<H>,
    /// The number of slots: the maximum of the numbers of parameters and results.
    pub(super) slots: usize,
}

/// A host function, with the function record through which wasm code calls it when no instance
/// imports it.
pub(super) struct HostRecord<H: ?Sized> {
    pub(super) record: VmBox<VmFuncRef>,
    _context: VmBox<VmHostCtx>,
    _host: VmBox<HostFunc<H>>,
    _trampoline: Arc<CodeBlock>,
}

impl<H: ?Sized> HostRecord<H> {
    /// Creates a host function. `trampoline` is the host trampoline of its signature.
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
        // SAFETY: the record was just created, and nothing else refers to it.
        unsafe { (*record.as_ptr()).canonical = record.as_ptr() };
        HostRecord { record, _context: context, _host: host, _trampoline: trampoline }
    }
}

/// Creates a context for a host function that contains the calling instance.
///
/// # Safety
///
/// The record belongs to a host function that is alive.
pub(super) unsafe fn imported_context(host: &VmFuncRef, caller: *mut c_void) -> VmBox<VmHostCtx> {
    let original = host.vmctx.cast::<VmHostCtx>();
    // SAFETY: the context of a host function is a `VmHostCtx`, which is alive as long as the
    // function and is never written.
    let (store, host) = unsafe { ((*original).store, (*original).host) };
    VmBox::new(VmHostCtx { store, host, caller })
}
