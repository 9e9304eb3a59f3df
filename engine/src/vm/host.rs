//! What this folder asks of the store whose code it runs, and how Rust code that compiled code
//! calls gets that store back.

use super::layout::{HostSlot, VmStore};
use super::store::StoreRecord;
use super::trace::VmTrace;
use crate::error::{Error, Result};

/// The owner of a store's record: all that is known here of a store.
pub(crate) trait Host: 'static {
    /// The record of the store.
    fn record(&self) -> &StoreRecord<Self>;

    /// Runs the builtin of a number, for compiled code of an instance.
    ///
    /// # Errors
    ///
    /// Those of the builtin, by which the code is left.
    fn builtin(&mut self, number: usize, instance: usize, args: [u64; 5]) -> Result<u64>;

    /// Compiles a function of an instance, by its position among those that its module defines;
    /// gives the address of its code. Where it is compiled already, no more happens.
    ///
    /// # Errors
    ///
    /// Those of the compiler, by which the code that called is left.
    fn compile(&mut self, instance: usize, position: usize) -> Result<usize>;

    /// Whether a fault at an address is an access past the end of one of the store's memories,
    /// which code leaves to the guard pages. Called by a signal handler: it must not lock or
    /// allocate.
    fn guards(&self, address: usize) -> bool;

    /// The error of an exception that compiled code did not catch.
    fn uncaught(&self, exception: u64) -> Error;

    /// The exception of this store by which a host function failed, if it failed by one.
    fn exception_of(&self, error: &Error) -> Option<u64>;

    /// Adds the frames of the activation that was left by an error to its backtrace.
    fn add_backtrace(&self, error: &mut Error, trace: &VmTrace);
}

/// The store that runs.
///
/// # Safety
///
/// The record was made for `H`. Compiled code of the store has called the caller of this from
/// inside [`enter`](super::call::enter), which does not touch its own borrow of the store
/// meanwhile; no other borrow that came from here is in use as long as this one is.
#[inline]
pub(super) unsafe fn running<'a, H: Host + ?Sized>(vm: *mut VmStore) -> &'a mut H {
    // SAFETY: code of the store runs, so that its record is alive.
    match unsafe { &(*vm).host } {
        // SAFETY: `enter` has made the slot from its `&mut H`, which it lends to the code as long
        // as that runs, and by the condition above no other borrow from it is in use.
        Some(slot) => unsafe { &mut *slot.pointer::<H>() },
        None => unreachable!("a store whose code runs was entered"),
    }
}

/// [`Host::guards`], for the signal handler, which does not know `H`.
///
/// # Safety
///
/// The slot is that of a store of type `H` whose compiled code was interrupted.
pub(super) unsafe fn guards<H: Host + ?Sized>(slot: HostSlot, address: usize) -> bool {
    // SAFETY: `enter` has made the slot from the `&mut H` that it lends to the code that was
    // interrupted. No Rust code is in the middle of using the store, and this borrow ends before
    // the code goes on.
    let host = unsafe { &*slot.pointer::<H>() };
    host.guards(address)
}
