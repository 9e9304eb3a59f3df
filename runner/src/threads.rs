//! Starts threads where the system has few (RLIMIT_NPROC, the pids controller of cgroups).

use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

use wassay_script::STACK;

/// How often it is tried again to start a thread, and how long to wait before: one that has ended
/// may still count for a moment.
const ATTEMPTS: (usize, Duration) = (10, Duration::from_millis(5));

/// Starts a thread that has the stack that scripts need.
///
/// # Errors
///
/// The system has no more.
pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // A thread that cannot be started drops what it was to do.
    let work = Arc::new(Mutex::new(Some(work)));
    let (mut left, pause) = ATTEMPTS;
    loop {
        let work = Arc::clone(&work);
        let run = move || {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(work) = work {
                work();
            }
        };
        match Builder::new().name(name.to_owned()).stack_size(STACK).spawn(run) {
            Err(_) if left > 0 => left -= 1,
            started => return started,
        }
        sleep(pause);
    }
}

/// How many threads of this many can be started now, and why not more. They are started, and end
/// again.
pub(crate) fn available(wanted: usize) -> (usize, Option<io::Error>) {
    let mut threads = Vec::new();
    let mut missing = None;
    for _ in 0..wanted {
        let (end, ended) = mpsc::channel::<()>();
        let thread = Builder::new().stack_size(STACK).spawn(move || {
            let _ = ended.recv();
        });
        match thread {
            Ok(thread) => threads.push((end, thread)),
            Err(error) => {
                missing = Some(error);
                break;
            }
        }
    }
    let count = threads.len();
    for (end, thread) in threads {
        drop(end);
        let _ = thread.join();
    }
    (count, missing)
}
