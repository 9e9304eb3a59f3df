//! The total memory that stores can use, for whatever purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// The bytes that a store is charged for. Stores can share a budget.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    /// The total charge of all stores that share the budget.
    used: Arc<AtomicU64>,
    /// The charge of this store, which is released when this is dropped.
    own: u64,
}

impl Budget {
    /// Creates a budget of `limit` bytes.
    pub(super) fn new(limit: u64) -> Budget {
        Budget { limit, used: Arc::default(), own: 0 }
    }

    /// The same budget, for another store.
    pub(super) fn share(&self) -> Budget {
        Budget { limit: self.limit, used: Arc::clone(&self.used), own: 0 }
    }

    /// The number of bytes that this store is charged for.
    pub(super) fn own(&self) -> u64 {
        self.own
    }

    /// The number of bytes left.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used.load(Ordering::Relaxed))
    }

    /// Charges this store for `bytes`.
    ///
    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) if fewer bytes are left, in which case nothing is
    /// charged.
    pub(super) fn charge(&mut self, bytes: u64) -> Result<()> {
        let more = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => {
                self.own += bytes;
                Ok(())
            }
            Err(_) => Err(self.used_up()),
        }
    }

    /// The error for a store that exceeds the budget.
    pub(super) fn used_up(&self) -> Error {
        Error::limit(format!(
            "the memories, tables, objects and instances of a store can use at most {} bytes in total",
            self.limit
        ))
    }

    /// Adds the charges of `other` to this store's if both share a budget, otherwise returns
    /// `other`.
    pub(super) fn absorb(&mut self, mut other: Budget) -> Option<Budget> {
        if !Arc::ptr_eq(&self.used, &other.used) {
            return Some(other);
        }
        self.own += std::mem::take(&mut other.own);
        None
    }

    /// Releases part of the charge.
    pub(super) fn release(&mut self, bytes: u64) {
        self.own -= bytes;
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        self.release(self.own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_share_a_budget() {
        let mut one = Budget::new(100);
        let mut other = one.share();
        one.charge(60).unwrap();
        assert!(other.charge(41).is_err());
        other.charge(40).unwrap();
        assert_eq!((one.left(), other.left()), (0, 0));
        one.release(10);
        assert_eq!(other.left(), 10);
        drop(other);
        assert_eq!(one.left(), 50);
        assert!(one.charge(u64::MAX).is_err());
        let mut other = one.share();
        other.charge(20).unwrap();
        assert!(one.absorb(other).is_none());
        assert_eq!((one.own(), one.left()), (70, 30));
        assert!(one.absorb(Budget::new(5)).is_some());
    }
}
