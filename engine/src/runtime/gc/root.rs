//! References to objects that the host holds.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::vm::ptr::StoreId;

/// A reference that the host holds. The object is kept until this or the store is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Root(Arc<RootCell>);

#[derive(Debug, PartialEq, Eq)]
struct RootCell {
    store: StoreId,
    word: u64,
}

/// The references that the host holds in one store.
#[derive(Debug, Default)]
pub(crate) struct RootList(Mutex<Roots>);

#[derive(Debug, Default)]
struct Roots {
    cells: Vec<Weak<RootCell>>,
    /// The number of cells above which unused ones are searched for.
    threshold: usize,
}

/// The lower bound of [`Roots::threshold`].
const MIN_THRESHOLD: usize = 64;

impl Root {
    pub(crate) fn word(&self) -> u64 {
        self.0.word
    }

    pub(in crate::runtime) fn store(&self) -> StoreId {
        self.0.store
    }
}

impl PartialEq for Root {
    /// Whether two roots are the same reference.
    fn eq(&self, other: &Root) -> bool {
        self.0 == other.0
    }
}

impl Eq for Root {}

impl RootList {
    /// Creates a root for a reference.
    pub(crate) fn hold(&self, store: StoreId, word: u64) -> Root {
        let cell = Arc::new(RootCell { store, word });
        let mut roots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if roots.cells.len() >= roots.threshold {
            roots.cells.retain(|cell| cell.strong_count() > 0);
            roots.threshold = (roots.cells.len() * 2).max(MIN_THRESHOLD);
        }
        roots.cells.push(Arc::downgrade(&cell));
        Root(cell)
    }

    /// The references of all roots.
    pub(crate) fn words(&self) -> Vec<u64> {
        let roots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        roots.cells.iter().filter_map(Weak::upgrade).map(|cell| cell.word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_roots_are_removed() {
        let roots = RootList::default();
        let kept = roots.hold(StoreId::test(), 8);
        for word in 0..1000 {
            drop(roots.hold(StoreId::test(), word));
        }
        assert_eq!(roots.words(), [8]);
        assert!(roots.0.lock().unwrap().cells.len() <= MIN_THRESHOLD);
        assert_eq!(kept, kept.clone());
        assert_ne!(kept, roots.hold(StoreId::test(), 16));
    }
}
