//! Values at fixed addresses, and handles that contain the identity of their store.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// The identity of a store, by which handles are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StoreId(u64);

impl StoreId {
    /// Creates an identity that no other store of the process has or had.
    pub(super) fn new() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        StoreId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// An identity that does not belong to a store.
    #[cfg(test)]
    pub(crate) fn test() -> StoreId {
        StoreId(u64::MAX)
    }
}

/// A handle to an item that the [record](super::store::StoreRecord) of a store owns.
///
/// Only this folder creates handles, and only for items that a record keeps until it is dropped. If
/// the record is available and has the handle's identity, the item is therefore alive. The record
/// checks the identity before it dereferences a handle. Without the record a handle is just a
/// number.
pub(crate) struct Stored<T> {
    store: StoreId,
    address: NonNull<T>,
}

impl<T> Stored<T> {
    /// Creates a handle to the value at an address.
    ///
    /// # Safety
    ///
    /// The record of this store owns a `T` at this address until the record is dropped.
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

    /// The address in the representation of compiled code, in references and exceptions.
    pub(crate) fn to_word(self) -> u64 {
        self.as_ptr().addr() as u64
    }
}

// SAFETY: a handle is an identity and an address. Only methods of the record that owns the value
// dereference it, while the record is borrowed.
unsafe impl<T> Send for Stored<T> {}
// SAFETY: a shared handle can only be copied, and copies can be sent: see `Send`.
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

/// A value at an address that does not change when the box is moved. It is accessed only through
/// raw pointers, because compiled code reads and writes it too.
#[derive(Debug)]
pub(super) struct VmBox<T>(NonNull<T>);

impl<T> VmBox<T> {
    /// Moves a value to an address of its own.
    pub(super) fn new(value: T) -> VmBox<T> {
        VmBox(NonNull::from(Box::leak(Box::new(value))))
    }

    /// The address of the value, which is valid as long as the box exists.
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
