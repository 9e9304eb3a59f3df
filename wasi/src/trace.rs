//! Records of WASI calls, for observers.

use std::fmt;

use crate::errno::Errno;
use crate::exit::Exit;

/// A decoded call. It displays as one line: `fd_close(fd=4) = SUCCESS`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallRecord {
    /// The module that the function was imported from: `wasi_snapshot_preview1` or `wasi_unstable`.
    pub module: &'static str,
    /// The name of the function.
    pub function: &'static str,
    /// Names and values of the arguments: paths as text, flags by name, invalid addresses with the
    /// reason.
    pub arguments: Vec<(&'static str, String)>,
    /// What a successful call has written: names of the result arguments, and values.
    pub results: Vec<(&'static str, String)>,
    /// The error number that the call returned to the guest.
    pub errno: Errno,
    /// Set if the call terminated the guest, so that it did not return.
    pub exit: Option<Exit>,
    /// Set if the guest's deadline passed during the call, so that it did not return.
    pub timed_out: bool,
}

/// Called after each call.
pub(crate) type Observer = Box<dyn FnMut(&CallRecord) + Send>;

impl fmt::Display for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function)?;
        for (index, (name, value)) in self.arguments.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value}")?;
        }
        match self.exit {
            Some(exit) => write!(f, "): {exit}")?,
            None if self.timed_out => f.write_str("): timed out")?,
            None => write!(f, ") = {}", self.errno)?,
        }
        for (name, value) in &self.results {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}
