//! Signals that end the process: they remove the temporary folders first.
//!
//! What runs in a handler (signal-safety(7)) takes no lock and allocates nothing, so the folders
//! are in a list that only grows.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, fstat, open};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::low_level;

use super::remove;

/// How long a signal that ends the process may remove what is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// A folder that goes with the process.
pub(super) struct Listed {
    path: CString,
    /// Its device and its number there: what has taken its name since is not touched.
    identity: (u64, u64),
    is_gone: AtomicBool,
    next: OnceLock<&'static Listed>,
}

static FIRST: OnceLock<&'static Listed> = OnceLock::new();

/// The last of the list, for those who add to it.
static LAST: Mutex<Option<&'static Listed>> = Mutex::new(None);

impl Listed {
    /// Lists a folder.
    pub(super) fn new(path: &Path, identity: (u64, u64)) -> io::Result<&'static Listed> {
        let (path, next) = (CString::new(path.as_os_str().as_bytes())?, OnceLock::new());
        let listed: &Listed = Box::leak(Box::new(Listed { path, identity, is_gone: false.into(), next }));
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        // The lock is held: nobody else sets it.
        let _ = match *last {
            Some(last) => last.next.set(listed),
            None => FIRST.set(listed),
        };
        *last = Some(listed);
        Ok(listed)
    }

    /// Takes note that the folder was removed.
    pub(super) fn gone(&self) {
        self.is_gone.store(true, Ordering::Release);
    }

    fn remove(&self, until: Instant) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(dir) = open(&self.path, flags, Mode::empty()) else { return };
        if fstat(&dir).is_ok_and(|stat| (stat.st_dev, stat.st_ino) == self.identity) {
            let _ = remove::remove(CWD, &self.path, dir.as_fd(), until);
        }
    }
}

/// Removes every folder of the list, as far as that is possible at all.
fn remove_all() {
    let until = Instant::now() + PATIENCE;
    let mut next = FIRST.get();
    while let Some(listed) = next {
        if !listed.is_gone.load(Ordering::Acquire) {
            listed.remove(until);
        }
        next = listed.next.get();
    }
}

/// Whether a signal ends the process already.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Has the first SIGINT, SIGTERM or SIGHUP ask for the end of the run, and the second end the
/// process at once, with this exit code. SIGQUIT ends it at once as it does by default. SIGHUP is
/// left alone where it is ignored (nohup(1)).
///
/// # Errors
///
/// The system takes no handler.
pub(crate) fn ask_to_end(asked: &Arc<AtomicBool>, code: u8) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)) {
        let asked = Arc::clone(asked);
        handle(signal, move || {
            if asked.swap(true, Ordering::Relaxed) {
                last(|| low_level::exit(code.into()));
            }
        })?;
    }
    handle(SIGQUIT, || last(|| end_by(SIGQUIT)))
}

/// Has SIGINT, SIGTERM, SIGHUP and SIGQUIT end the process as they do by default, once the folders
/// are removed.
///
/// # Errors
///
/// The system takes no handler.
pub(crate) fn end_clean() -> io::Result<()> {
    let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].into_iter();
    signals
        .filter(|signal| !is_ignored(*signal))
        .try_for_each(|signal| handle(signal, move || last(|| end_by(signal))))
}

/// Has files that would become larger than the process may write (setrlimit(2), `RLIMIT_FSIZE`) be
/// errors of those who write them, and not the end of the process. What the process starts has the
/// default again, as for every signal that is handled.
///
/// # Errors
///
/// The system takes no handler.
pub(crate) fn refuse_large_files() -> io::Result<()> {
    handle(SIGXFSZ, || {})
}

/// Removes the folders, and ends the process. A further signal meanwhile changes nothing: what is
/// removed takes a bounded time.
fn last(end: impl Fn()) {
    if !ENDING.swap(true, Ordering::Relaxed) {
        remove_all();
        end();
    }
}

fn end_by(signal: i32) {
    let _ = low_level::emulate_default_handler(signal);
}

/// Whether SIGHUP was ignored when the process began (proc_pid_status(5)). The others are handled
/// as ever.
fn is_ignored(signal: i32) -> bool {
    if signal != SIGHUP {
        return false;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (SIGHUP - 1) & 1 == 1
}

/// Runs `then` when a signal comes.
#[allow(unsafe_code)]
fn handle(signal: i32, then: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    // SAFETY: what this file gives as `then` is safe in a handler: it reads and writes atomic
    // values, reads the list above, whose entries are never freed, and makes system calls with
    // buffers on the stack; it neither allocates nor locks nor panics.
    unsafe { low_level::register(signal, then) }.map(drop)
}
