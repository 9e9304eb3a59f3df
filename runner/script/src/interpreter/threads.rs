//! What one thread of a script knows of the threads that it has started.

use std::thread::{Scope, ScopedJoinHandle};

use super::judged::Judged;
use crate::binds::Names;
use crate::env::{Bound, Missing};
use crate::source::Place;
use crate::verdict::Failure;

/// The stack size of threads that run scripts, in bytes.
///
/// Wasm code may use 1 MiB of it (`Config::max_stack`), the host's parsing and compilation need
/// stack too, and a debug build needs several times as much as a release build. The default of 2
/// MiB is too small, and depends on the environment (`RUST_MIN_STACK`).
pub const STACK: usize = 8 << 20;

/// The threads that one thread of a script has started.
pub(super) struct Threads<'scope, 'env> {
    pub(super) scope: &'scope Scope<'scope, 'env>,
    /// The threads that have not been joined.
    pub(super) running: Vec<Option<Running<'scope>>>,
    /// Their names.
    pub(super) named: Bound<usize>,
}

pub(super) struct Running<'scope> {
    /// The position of its `thread` directive, and its text.
    pub(super) place: Place,
    pub(super) text: &'scope str,
    pub(super) handle: ScopedJoinHandle<'scope, Result<Judged, Failure>>,
}

impl<'scope, 'env> Threads<'scope, 'env> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Threads { scope, running: Vec::new(), named: Bound::new() }
    }

    /// Unbinds names, for this reason. Running threads are joined at the end.
    pub(super) fn unbind(&mut self, names: &Names, why: Missing) {
        self.named.unbind(names, why);
    }

    /// Why there is no thread of this name, if there is none.
    pub(super) fn missing(&self, name: &str) -> Option<Missing> {
        self.named.get(Some(name)).err()
    }

    /// Joins every thread, and returns the failures of those without a `wait`, with the position of
    /// their directive.
    pub(super) fn join_all(&mut self) -> Vec<(Place, Failure)> {
        let joined =
            self.running.drain(..).flatten().map(|thread| (thread.place, thread.text, thread.join()));
        let failed = joined.filter_map(|(place, text, judged)| Some((place, text, judged.err()?)));
        failed.map(|(place, text, failure)| (place, Failure { source: text.into(), ..failure })).collect()
    }
}

impl Running<'_> {
    /// Joins the thread and propagates a panic.
    pub(super) fn join(self) -> Result<Judged, Failure> {
        self.handle.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    }
}
