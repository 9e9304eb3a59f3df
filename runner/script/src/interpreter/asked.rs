//! Tracks whether a directive involved the engine.

use std::ops::{Deref, DerefMut};

use crate::embed::Embedder;

/// Records uses of an embedder: everything that drives an engine borrows it mutably.
#[derive(Debug)]
pub(super) struct Asked<'a, E> {
    embedder: &'a mut E,
    asked: bool,
}

impl<'a, E: Embedder> Asked<'a, E> {
    pub(super) fn new(embedder: &'a mut E) -> Self {
        Asked { embedder, asked: false }
    }

    /// Records a use by another thread.
    pub(super) fn note(&mut self) {
        self.asked = true;
    }

    /// Whether it was used since the last call.
    pub(super) fn take(&mut self) -> bool {
        std::mem::take(&mut self.asked)
    }
}

impl<E> Deref for Asked<'_, E> {
    type Target = E;

    fn deref(&self) -> &E {
        self.embedder
    }
}

impl<E> DerefMut for Asked<'_, E> {
    fn deref_mut(&mut self) -> &mut E {
        self.asked = true;
        self.embedder
    }
}
