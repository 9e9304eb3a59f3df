//! What an observer sees of each call.

use std::fmt;

use crate::errno::Errno;
use crate::exit::Exit;

/// A call, decoded. It prints as one line: `fd_close(fd=4) = SUCCESS`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallRecord {
    /// The module that the function was imported from: `wasi_snapshot_preview1` or `wasi_unstable`.
    pub module: &'static str,
    /// The function.
    pub function: &'static str,
    /// Names and values of the arguments: paths as text, flags by name, an address with what is wrong with it.
    pub arguments: Vec<(&'static str, String)>,
    /// What the call has written, where it succeeded: names of the arguments that said where, and values.
    pub results: Vec<(&'static str, String)>,
    /// What the guest was answered.
    pub errno: Errno,
    /// Set where the call ended the guest: nothing was answered.
    pub exit: Option<Exit>,
    /// Set where the call still waited when the guest's time was over: nothing was answered.
    pub time_over: bool,
}

/// Gets each call when it is over.
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
            None if self.time_over => f.write_str("): the time is over")?,
            None => write!(f, ") = {}", self.errno)?,
        }
        for (name, value) in &self.results {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}
