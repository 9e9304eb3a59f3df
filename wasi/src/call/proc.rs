//! The end of a guest: `proc_exit`, `proc_raise`.

use super::Call;
use crate::abi::host_fn::Stop;
use crate::errno::Errno;
use crate::exit::Exit;

/// The largest number of a signal, `sys`.
const MAX_SIGNAL: u32 = 30;

/// Ends the guest with that code. Nothing is answered.
pub(crate) fn proc_exit(_call: &mut Call<'_>, rval: u32) -> Exit {
    Exit::Code(rval)
}

/// Ends the guest as a signal would, whichever it is; the host gets none. The signal 0 (`none`) does nothing; a number that is no
/// signal is INVAL.
pub(crate) fn proc_raise(_call: &mut Call<'_>, sig: u32) -> Result<(), Stop> {
    match sig {
        0 => Ok(()),
        1..=MAX_SIGNAL => Err(Stop::Exit(Exit::Signal(sig as u8))),
        _ => Err(Stop::Errno(Errno::Inval)),
    }
}
