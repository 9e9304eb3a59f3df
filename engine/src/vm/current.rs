//! Which store's code the thread runs.

use std::cell::Cell;

use super::layout::VmStore;

thread_local! {
    /// The store whose code the thread runs, or null.
    static CURRENT: Cell<*mut VmStore> = const { Cell::new(std::ptr::null_mut()) };
}

/// The record of the store whose code the thread runs, or null. Async-signal-safe: the cell has no
/// destructor.
///
/// It is alive, and so are those that its chain of [`outer`](VmStore::outer) stores leads to:
/// `enter` borrows each store of the chain until its code has returned.
#[inline]
pub(super) fn current() -> *mut VmStore {
    CURRENT.get()
}

/// Says whose code the thread runs, or that it runs none.
///
/// # Safety
///
/// The record is null, or that of a store that is borrowed until another is set, and so are those
/// that its chain of outer stores leads to.
#[inline]
pub(super) unsafe fn set_current(store: *mut VmStore) {
    CURRENT.set(store);
}
