//! Removal in the background.
//!
//! One thread removes one folder after the other, and ends with the last. Where it cannot be
//! started, or a folder cannot be removed yet, the folder goes with that of the process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::root::Root;

/// How long the thread tries to remove one folder, which others may still write to.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many folders may wait. With more of them removal is slower than what fills them, and is
/// waited for.
const WAITING: usize = 16;

/// The folders that wait, and whether a thread removes them.
struct Queue {
    folders: VecDeque<(Arc<Root>, String)>,
    has_thread: bool,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { folders: VecDeque::new(), has_thread: false });

/// Removes a folder: at once as far as that takes no longer than `prompt`, and the rest in the
/// background.
pub(super) fn remove(root: &Arc<Root>, name: &str, prompt: Duration) {
    if root.remove(name, prompt).is_ok() {
        return;
    }
    let mut queue = queue();
    if queue.folders.len() >= WAITING {
        drop(queue);
        try_to_remove(root, name);
        return;
    }
    queue.folders.push_back((Arc::clone(root), name.to_owned()));
    if !queue.has_thread {
        let started = thread::Builder::new().name("wassay-remove".into()).spawn(remove_all);
        queue.has_thread = started.is_ok();
        if !queue.has_thread {
            queue.folders.clear();
        }
    }
}

/// Removes the folders that wait, until none does.
fn remove_all() {
    loop {
        let mut queue = queue();
        let Some((root, name)) = queue.folders.pop_front() else {
            queue.has_thread = false;
            return;
        };
        drop(queue);
        try_to_remove(&root, &name);
    }
}

fn try_to_remove(root: &Root, name: &str) {
    if let Err(left) = root.remove(name, PATIENCE) {
        tracing::debug!(folder = %root.path().join(name).display(), %left, "a temporary folder cannot be removed yet");
    }
}

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_takes_longer_is_removed_meanwhile() {
        let parent = tempfile::tempdir().unwrap();
        let root = Arc::new(Root::new(parent.path()).unwrap());
        let folders: Vec<_> = (0..2 * WAITING).map(|_| root.make().unwrap()).collect();
        for name in &folders {
            std::fs::create_dir_all(root.path().join(name).join("a/b/c")).unwrap();
        }
        for name in &folders {
            remove(&root, name, Duration::ZERO);
        }
        let due = Instant::now() + Duration::from_secs(60);
        while folders.iter().any(|name| root.path().join(name).exists()) {
            assert!(Instant::now() < due, "not removed");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(root.path().exists(), "the folder of the process stays");
    }
}
