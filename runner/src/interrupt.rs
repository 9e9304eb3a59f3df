//! Interruption of a run.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::scratch::signal::ask_to_end;

/// The exit code of an interrupted run, for any signal: 128 plus the number of SIGINT, as in
/// shells.
pub const INTERRUPTED: u8 = 130;

/// A flag that ends a run: no more cases start, and running ones are abandoned.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Creates an interrupt that SIGINT, SIGTERM and SIGHUP set from now on. A second such signal
    /// ends the process at once, as SIGQUIT does; its temporary folders are still removed.
    ///
    /// # Errors
    ///
    /// A signal handler cannot be installed.
    pub fn by_signals() -> io::Result<Interrupt> {
        let interrupt = Interrupt::default();
        ask_to_end(&interrupt.0, INTERRUPTED)?;
        Ok(interrupt)
    }

    /// Ends the run.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run should end.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
