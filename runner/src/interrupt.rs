//! The wish that a run ends now.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::scratch::signal::ask_to_end;

/// The exit code of a run that was interrupted, by whatever signal: 128 and the number of SIGINT,
/// as shells have it.
pub const INTERRUPTED: u8 = 130;

/// Whether a run is to end now: no more cases are begun, those that run are given up.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// An interrupt that SIGINT, SIGTERM and SIGHUP set from now on. The second such signal ends
    /// the process at once, as SIGQUIT does; its temporary folders are removed all the same.
    ///
    /// # Errors
    ///
    /// The system takes no handler.
    pub fn by_signals() -> io::Result<Interrupt> {
        let interrupt = Interrupt::default();
        ask_to_end(&interrupt.0, INTERRUPTED)?;
        Ok(interrupt)
    }

    /// Asks for the end of the run.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run is to end.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
