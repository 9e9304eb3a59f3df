//! Starts threads under limits (RLIMIT_NPROC, the pids controller of cgroups).

use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

use wassay_script::STACK;

/// The number of retries to start a thread, and the delay before each: an ended thread may still
/// count for a moment, and the engine's compiling threads end when they have had no work for a
/// while.
const ATTEMPTS: (usize, Duration) = (200, Duration::from_millis(5));

/// Starts a thread with the stack size for scripts.
///
/// # Errors
///
/// No thread can be started.
pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // A failed start drops the closure, so keep it for the retry.
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

/// How many of this many threads can be started now, and the error if it is fewer. Starts them and
/// lets them end.
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
