//! The store whose code runs on the current thread.

use std::cell::Cell;

use super::layout::VmStore;

thread_local! {
    /// The store whose code runs on this thread, or null.
    static CURRENT: Cell<*mut VmStore> = const { Cell::new(std::ptr::null_mut()) };
}

/// The record of the store whose code runs on this thread, or null. Async-signal-safe: the cell has
/// no destructor.
///
/// It is alive, and so are the records in its chain of [`outer`](VmStore::outer) stores: `enter`
/// borrows each store of the chain until its code has returned.
#[inline]
pub(super) fn current() -> *mut VmStore {
    CURRENT.get()
}

/// Sets the store whose code runs on this thread, or null if there is none.
///
/// # Safety
///
/// The record is null, or it belongs to a store that is borrowed until another record is set; the
/// same holds for the stores in its chain of outer stores.
#[inline]
pub(super) unsafe fn set_current(store: *mut VmStore) {
    CURRENT.set(store);
}
