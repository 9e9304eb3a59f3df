//! The differences between preview 0 (`wasi_unstable`) and preview 1: the numbers of `whence`, and
//! the layouts of `filestat` and `subscription`. Preview 0 has no `sock_accept`; the rest is the
//! same.

use wassay_engine::{Result, Words};

use crate::abi::layout::Layout;
use crate::abi::{Address, Event, Fd, FileSize, FileStat, LookupFlags, Out, Text, Whence};
use crate::call::poll::{SubscriptionLayout, poll};
use crate::call::{fd, path};
use crate::calling::{Call, Stop};
use crate::define::Definer;
use crate::define::arg::Arg;
use crate::errno::Errno;
use crate::guest::Guest;

pub(crate) fn define(to: &mut Definer<'_>) -> Result<()> {
    to.define("fd_filestat_get", &["fd", "filestat"], fd_filestat_get)?;
    to.define("fd_seek", &["fd", "offset", "whence", "newoffset"], fd_seek)?;
    to.define("path_filestat_get", &["fd", "flags", "path", "filestat"], path_filestat_get)?;
    to.define("poll_oneoff", &["in", "out", "nsubscriptions", "nevents"], poll_oneoff)
}

/// A `subscription` of preview 0 (56 bytes). A clock's begins with an identifier that is ignored.
const SUBSCRIPTION: SubscriptionLayout = SubscriptionLayout { size: 56, clock: 24, timeout: 32, flags: 48 };

/// `whence` of preview 0: 0 is the current position, 1 the end, 2 the beginning.
#[derive(Clone, Copy, Debug)]
struct Whence0(Whence);

impl Whence0 {
    fn from_code(code: u32) -> Result<Whence0, Errno> {
        match code {
            0 => Ok(Whence0(Whence::Cur)),
            1 => Ok(Whence0(Whence::End)),
            2 => Ok(Whence0(Whence::Set)),
            _ => Err(Errno::Inval),
        }
    }
}

impl Arg for Whence0 {
    fn take(words: &Words<'_>, at: usize) -> Result<Whence0, Errno> {
        Whence0::from_code(words.u32(at))
    }

    fn show(words: &Words<'_>, at: usize, _guest: &Guest<'_>) -> String {
        let word = words.u32(at);
        Whence0::from_code(word).map_or_else(|_| word.to_string(), |whence| whence.0.name().to_owned())
    }
}

/// `filestat` of preview 0 (56 bytes): 4 bytes of link count at 20, size at 24, times at 32, 40 and
/// 48.
#[derive(Clone, Copy, Debug)]
struct FileStat0(FileStat);

impl Layout for FileStat0 {
    const SIZE: usize = 56;
    const ALIGN: u32 = 8;

    fn store(&self, bytes: &mut [u8]) {
        self.0.store_preview0(bytes);
    }

    fn show(bytes: &[u8]) -> String {
        FileStat::show_at(bytes, 24)
    }
}

/// As in preview 1, with the numbers of [`Whence0`].
fn fd_seek(
    call: &mut Call<'_>,
    fd: Fd,
    offset: i64,
    whence: Whence0,
    newoffset: Out<FileSize>,
) -> Result<(), Errno> {
    fd::seek::fd_seek(call, fd, offset, whence.0, newoffset)
}

/// As in preview 1, but writes 56 bytes.
fn fd_filestat_get(call: &mut Call<'_>, fd: Fd, filestat: Out<FileStat0>) -> Result<(), Errno> {
    let stat = fd::stat::stat(call, fd)?;
    call.guest.write(filestat, FileStat0(stat))
}

/// As in preview 1, but writes 56 bytes.
fn path_filestat_get(
    call: &mut Call<'_>,
    fd: Fd,
    flags: LookupFlags,
    path: Text,
    filestat: Out<FileStat0>,
) -> Result<(), Errno> {
    let stat = path::stat::stat(call, fd, flags, path)?;
    call.guest.write(filestat, FileStat0(stat))
}

/// As in preview 1, but reads 56 bytes for each subscription.
fn poll_oneoff(
    call: &mut Call<'_>,
    subscriptions: Address,
    events: Out<Event>,
    count: u32,
    nevents: Out<u32>,
) -> Result<(), Stop> {
    poll(call, &SUBSCRIPTION, subscriptions, events, count, nevents)
}
