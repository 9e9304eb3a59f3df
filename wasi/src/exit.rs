//! How a guest terminates itself.

use std::fmt;

/// The payload of the error that a call returns when the guest terminates itself.
///
/// ```
/// # use wassay_engine::Error;
/// # use wassay_wasi::Exit;
/// let error = Error::host_with("exit", Exit::Code(3));
/// assert_eq!(error.into_payload::<Exit>().unwrap().code(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// `proc_exit` with this exit code.
    Code(u32),
    /// `proc_raise` with this WASI signal.
    Signal(u8),
}

impl Exit {
    /// The exit code of the equivalent process; for a signal, 128 plus its number.
    pub fn code(self) -> u32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + u32::from(signal),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "the guest exited with code {code}"),
            Exit::Signal(signal) => write!(f, "the guest raised signal {signal}"),
        }
    }
}
