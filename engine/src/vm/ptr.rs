//! Pointers that may cross threads because their owner does.

use std::ptr::NonNull;

/// A pointer into memory that a store owns; compared and copied freely, followed only in this folder.
#[derive(Debug)]
pub(crate) struct VmPtr<T>(NonNull<T>);

/// A value at a fixed address that compiled code reads and writes too: owned here, reached only through the pointer.
#[derive(Debug)]
pub(crate) struct VmBox<T>(NonNull<T>);

impl<T> VmBox<T> {
    /// Moves a value to an address of its own.
    pub(crate) fn new(value: T) -> VmBox<T> {
        VmBox(NonNull::from(Box::leak(Box::new(value))))
    }

    /// The address, which stays valid as long as this value lives.
    pub(crate) fn ptr(&self) -> VmPtr<T> {
        VmPtr(self.0)
    }

    /// The address.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for VmBox<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a box in `new` and is freed only here.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

// SAFETY: as for `VmPtr`; the value itself crosses with its owner.
unsafe impl<T> Send for VmBox<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for VmBox<T> {}

impl<T> VmPtr<T> {
    /// Wraps a pointer that is not null.
    pub(crate) fn new(pointer: *mut T) -> Option<VmPtr<T>> {
        NonNull::new(pointer).map(VmPtr)
    }

    /// The pointer.
    pub(crate) fn as_ptr(self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> From<NonNull<T>> for VmPtr<T> {
    fn from(pointer: NonNull<T>) -> Self {
        VmPtr(pointer)
    }
}

impl<T> Clone for VmPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for VmPtr<T> {}

impl<T> PartialEq for VmPtr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for VmPtr<T> {}

impl<T> std::hash::Hash for VmPtr<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

// SAFETY: the value is an address; what it points to is accessed only with the owning store at hand, by `&` or `&mut`.
unsafe impl<T> Send for VmPtr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for VmPtr<T> {}
