//! The interface of a store that this folder requires, and access to the running store from Rust
//! code that compiled code calls.

use super::layout::{HostSlot, VmStore};
use super::store::StoreRecord;
use super::trace::VmTrace;
use crate::error::{Error, Result};

/// The owner of a store's record.
pub(crate) trait Host: 'static {
    /// The record of the store.
    fn record(&self) -> &StoreRecord<Self>;

    /// Runs the builtin with this number, for compiled code of an instance.
    ///
    /// # Errors
    ///
    /// Returns the error of the builtin, which unwinds the code.
    fn builtin(&mut self, number: usize, instance: usize, args: [u64; 5]) -> Result<u64>;

    /// Compiles a function of an instance, given its position among those that its module defines,
    /// unless it is compiled already. Returns the address of its code.
    ///
    /// # Errors
    ///
    /// Returns the error of the compiler, which unwinds the calling code.
    fn compile(&mut self, instance: usize, position: usize) -> Result<usize>;

    /// Whether a fault at an address is an out-of-bounds access to one of the store's memories that
    /// relies on guard pages. Called by a signal handler: it must not lock or allocate.
    fn guards(&self, address: usize) -> bool;

    /// The error for an exception that compiled code did not catch.
    fn uncaught(&self, exception: u64) -> Error;

    /// The exception of this store that an error of a host function contains, if there is one.
    fn exception_of(&self, error: &Error) -> Option<u64>;

    /// Adds the frames of the activation that an error unwound to the error's backtrace.
    fn add_backtrace(&self, error: &mut Error, trace: &VmTrace);
}

/// The running store.
///
/// # Safety
///
/// The record was created for `H`. Compiled code of the store has called the caller of this
/// function from inside [`enter`](super::call::enter), which does not use its own borrow of the
/// store meanwhile; no other borrow returned from here is in use at the same time.
#[inline]
pub(super) unsafe fn running<'a, H: Host + ?Sized>(vm: *mut VmStore) -> &'a mut H {
    // SAFETY: code of the store runs, so its record is alive.
    match unsafe { &(*vm).host } {
        // SAFETY: `enter` has created the slot from its `&mut H`, which it lends to the code while
        // that runs, and by the condition above no other borrow from it is in use.
        Some(slot) => unsafe { &mut *slot.pointer::<H>() },
        None => unreachable!("the running store was entered"),
    }
}

/// [`Host::guards`] for the signal handler, which does not have the type `H`.
///
/// # Safety
///
/// The slot belongs to a store of type `H` whose compiled code was interrupted.
pub(super) unsafe fn guards<H: Host + ?Sized>(slot: HostSlot, address: usize) -> bool {
    // SAFETY: `enter` has created the slot from the `&mut H` that it lends to the interrupted code.
    // No Rust code is using the store, and this borrow ends before the code continues.
    let host = unsafe { &*slot.pointer::<H>() };
    host.guards(address)
}
