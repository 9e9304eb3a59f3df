//! Values at fixed addresses, and handles to them that know which store they belong to.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells stores apart, so that a handle is not used with another store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StoreId(u64);

impl StoreId {
    /// The identity of a new store, which no other store of the process has or had.
    pub(super) fn new() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        StoreId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// An identity that no store has.
    #[cfg(test)]
    pub(crate) fn test() -> StoreId {
        StoreId(u64::MAX)
    }
}

/// A handle to something that the [record](super::store::StoreRecord) of a store owns.
///
/// Only this folder makes handles, and only for what a record keeps until it is dropped. So where
/// the record is at hand, and has the handle's identity, what the handle points to is alive: the
/// record checks that before it follows a handle. Without the record a handle is a number.
pub(crate) struct Stored<T> {
    store: StoreId,
    address: NonNull<T>,
}

impl<T> Stored<T> {
    /// A handle to what lies at an address.
    ///
    /// # Safety
    ///
    /// The record of that store owns a `T` at that address until it is dropped.
    pub(super) unsafe fn new(store: StoreId, address: NonNull<T>) -> Stored<T> {
        Stored { store, address }
    }

    /// The store that the handle belongs to.
    pub(crate) fn store(self) -> StoreId {
        self.store
    }

    /// The address.
    pub(super) fn as_ptr(self) -> *mut T {
        self.address.as_ptr()
    }

    /// The address as compiled code holds it in references and exceptions.
    pub(crate) fn to_word(self) -> u64 {
        self.as_ptr().addr() as u64
    }
}

// SAFETY: a handle is an identity and an address. It is followed only by methods of the record that
// owns what is there, which is borrowed meanwhile.
unsafe impl<T> Send for Stored<T> {}
// SAFETY: a shared handle allows no more than a copy of it, and those may cross threads: see
// `Send`.
unsafe impl<T> Sync for Stored<T> {}

impl<T> Clone for Stored<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Stored<T> {}

impl<T> PartialEq for Stored<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.store, self.address) == (other.store, other.address)
    }
}

impl<T> Eq for Stored<T> {}

impl<T> Hash for Stored<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
    }
}

impl<T> fmt::Debug for Stored<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?}", self.address, self.store)
    }
}

/// A value at an address that stays the same when the box is moved, reached only by raw pointers:
/// compiled code reads and writes it too.
#[derive(Debug)]
pub(super) struct VmBox<T>(NonNull<T>);

impl<T> VmBox<T> {
    /// Moves a value to an address of its own.
    pub(super) fn new(value: T) -> VmBox<T> {
        VmBox(NonNull::from(Box::leak(Box::new(value))))
    }

    /// The address, at which the value lies as long as the box lives.
    pub(super) fn address(&self) -> NonNull<T> {
        self.0
    }

    /// [`VmBox::address`] as a raw pointer.
    pub(super) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for VmBox<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a box in `new`, and is freed nowhere else.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
