//! Handlers of terminating signals, which remove the temporary folders first.
//!
//! A handler (signal-safety(7)) must not lock or allocate, so the folders are in an append-only
//! list.

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

/// The time limit for removal in a handler.
const PATIENCE: Duration = Duration::from_secs(5);

/// A folder to remove with the process.
pub(super) struct Listed {
    path: CString,
    /// Its device and inode number, so that another file of the same name is not touched.
    identity: (u64, u64),
    is_gone: AtomicBool,
    next: OnceLock<&'static Listed>,
}

static FIRST: OnceLock<&'static Listed> = OnceLock::new();

/// The last entry, locked for appending.
static LAST: Mutex<Option<&'static Listed>> = Mutex::new(None);

impl Listed {
    /// Adds a folder to the list.
    pub(super) fn new(path: &Path, identity: (u64, u64)) -> io::Result<&'static Listed> {
        let (path, next) = (CString::new(path.as_os_str().as_bytes())?, OnceLock::new());
        let listed: &Listed = Box::leak(Box::new(Listed { path, identity, is_gone: false.into(), next }));
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        // The lock is held, so this succeeds.
        let _ = match *last {
            Some(last) => last.next.set(listed),
            None => FIRST.set(listed),
        };
        *last = Some(listed);
        Ok(listed)
    }

    /// Marks the folder as removed.
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

/// Removes every folder of the list, as far as possible.
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

/// Whether a signal is already ending the process.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Sets `asked` on the first SIGINT, SIGTERM or SIGHUP, and ends the process with this exit code on
/// the second. SIGQUIT ends it at once, as by default. SIGHUP is not handled if it is ignored
/// (nohup(1)).
///
/// # Errors
///
/// A signal handler cannot be installed.
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

/// Makes SIGINT, SIGTERM, SIGHUP and SIGQUIT end the process as by default, after removing the
/// folders.
///
/// # Errors
///
/// A signal handler cannot be installed.
pub(crate) fn end_clean() -> io::Result<()> {
    let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].into_iter();
    signals
        .filter(|signal| !is_ignored(*signal))
        .try_for_each(|signal| handle(signal, move || last(|| end_by(signal))))
}

/// Makes writes beyond the file size limit (setrlimit(2), `RLIMIT_FSIZE`) fail with an error
/// instead of ending the process. Child processes have the default again, as for every handled
/// signal.
///
/// # Errors
///
/// A signal handler cannot be installed.
pub(crate) fn refuse_large_files() -> io::Result<()> {
    handle(SIGXFSZ, || {})
}

/// Removes the folders and ends the process. Further signals are ignored meanwhile: the removal has
/// a time limit.
fn last(end: impl Fn()) {
    if !ENDING.swap(true, Ordering::Relaxed) {
        remove_all();
        end();
    }
}

fn end_by(signal: i32) {
    let _ = low_level::emulate_default_handler(signal);
}

/// Whether a signal was ignored when the process started (proc_pid_status(5)).
fn is_ignored(signal: i32) -> bool {
    if signal != SIGHUP {
        return false;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (SIGHUP - 1) & 1 == 1
}

/// Runs `then` on a signal.
#[allow(unsafe_code)]
fn handle(signal: i32, then: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    // SAFETY: every `then` in this file is async-signal-safe: it accesses atomic values and the
    // list above, whose entries are never freed, and makes system calls with buffers on the stack;
    // it does not allocate, lock or panic.
    unsafe { low_level::register(signal, then) }.map(drop)
}
