//! Termination of the guest: `proc_exit`, `proc_raise`.

use crate::calling::{Call, Stop};
use crate::errno::Errno;
use crate::exit::Exit;

/// The highest signal number, `sys`.
const MAX_SIGNAL: u32 = 30;

/// Terminates the guest with this exit code. Does not return.
pub(crate) fn proc_exit(_call: &mut Call<'_>, rval: u32) -> Exit {
    Exit::Code(rval)
}

/// Terminates the guest by this signal, even if the signal would be ignored by default. The host
/// process receives no signal. Signal 0 (`none`) does nothing; INVAL for undefined numbers.
pub(crate) fn proc_raise(_call: &mut Call<'_>, sig: u32) -> Result<(), Stop> {
    match sig {
        0 => Ok(()),
        1..=MAX_SIGNAL => Err(Stop::Exit(Exit::Signal(sig as u8))),
        _ => Err(Stop::Errno(Errno::Inval)),
    }
}
