//! Background removal of folders.
//!
//! One thread removes one folder after the other, and ends after the last. If it cannot be started,
//! or a folder cannot be removed yet, the folder is removed with that of the process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::root::Root;

/// The time limit for removing one folder, which others may still write to.
const PATIENCE: Duration = Duration::from_secs(10);

/// The maximum number of queued folders. If the queue is full, removal blocks.
const WAITING: usize = 16;

/// The queued folders, and whether a thread is removing them.
struct Queue {
    folders: VecDeque<(Arc<Root>, String)>,
    has_thread: bool,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { folders: VecDeque::new(), has_thread: false });

/// Removes a folder: for up to `prompt` at once, and the rest in the background.
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

/// Removes queued folders until the queue is empty.
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
    fn a_slow_removal_continues_in_the_background() {
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
