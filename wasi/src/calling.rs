//! A call of a WASI function: what it works on, and how it ends.

use wassay_engine::Deadline;

use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::exit::Exit;
use crate::guest::Guest;

/// What a call works on: the guest's memory and context.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) guest: Guest<'a>,
    pub(crate) ctx: &'a mut WasiCtx,
    /// When a blocking call must give up, which ends the guest.
    pub(crate) deadline: Option<Deadline>,
}

/// How a call ends without success.
#[derive(Debug)]
pub(crate) enum Stop {
    Errno(Errno),
    Exit(Exit),
    /// The guest's deadline passed while the call was blocked.
    TimedOut,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

impl From<rustix::io::Errno> for Stop {
    fn from(errno: rustix::io::Errno) -> Stop {
        Stop::Errno(errno.into())
    }
}
