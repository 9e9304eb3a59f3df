//! What one thread of a script knows of the threads that it has started.

use std::thread::{Scope, ScopedJoinHandle};

use super::judged::Judged;
use crate::binds::Names;
use crate::env::{Bound, Missing};
use crate::source::Place;
use crate::verdict::Failure;

/// How large the stack of a thread that runs scripts is, in bytes.
///
/// Wasm code may use 1 MiB of it (`Config::max_stack`), what the host needs to parse and compile
/// stands on it too, and a debug build needs several times what a release build does. A thread's
/// usual 2 MiB leave too little, and depend on the environment (`RUST_MIN_STACK`).
pub const STACK: usize = 8 << 20;

/// The threads that one thread of a script has started.
pub(super) struct Threads<'scope, 'env> {
    pub(super) scope: &'scope Scope<'scope, 'env>,
    /// Each until it is waited for.
    pub(super) running: Vec<Option<Running<'scope>>>,
    /// Which of them has a name.
    pub(super) named: Bound<usize>,
}

pub(super) struct Running<'scope> {
    /// Where its `thread` directive stands, and its text.
    pub(super) place: Place,
    pub(super) text: &'scope str,
    pub(super) handle: ScopedJoinHandle<'scope, Result<Judged, Failure>>,
}

impl<'scope, 'env> Threads<'scope, 'env> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Threads { scope, running: Vec::new(), named: Bound::new() }
    }

    /// Has names stand for no thread, for this reason. What runs is waited for at the end.
    pub(super) fn unbind(&mut self, names: &Names, why: Missing) {
        self.named.unbind(names, why);
    }

    /// Why no thread has this name, if none has.
    pub(super) fn missing(&self, name: &str) -> Option<Missing> {
        self.named.get(Some(name)).err()
    }

    /// Waits for every thread, and gives the failures of those that nobody has waited for, by the
    /// place of their directive.
    pub(super) fn join_all(&mut self) -> Vec<(Place, Failure)> {
        let joined =
            self.running.drain(..).flatten().map(|thread| (thread.place, thread.text, thread.join()));
        let failed = joined.filter_map(|(place, text, judged)| Some((place, text, judged.err()?)));
        failed.map(|(place, text, failure)| (place, Failure { source: text.to_owned(), ..failure })).collect()
    }
}

impl Running<'_> {
    /// Waits for the end; a panic goes on here.
    pub(super) fn join(self) -> Result<Judged, Failure> {
        self.handle.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    }
}
