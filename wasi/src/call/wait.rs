//! Waiting for descriptors, no longer than the guest may run.
//!
//! The signal that ends a guest in time does not end a call of the system's that blocks: it goes on afterwards. So what may block is
//! waited for here first, where the guest has a deadline.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno as SystemErrno;

use crate::abi::host_fn::Stop;
use crate::abi::{FdFlags, FileType};
use crate::entry::{Entry, Inherited, Kind};
use crate::errno::Errno;

/// Waits until a descriptor can be read from or written to, where the descriptor may make the guest wait, and the guest has a deadline or
/// the system would not wait by itself.
pub(crate) fn ready(entry: &Entry, way: PollFlags, deadline: Option<Instant>) -> Result<(), Stop> {
    let never_waits = matches!(entry.file_type, FileType::RegularFile | FileType::Directory);
    let system_waits = !matches!(entry.kind, Kind::Inherited(Inherited { nonblocking: true, .. }));
    if (deadline.is_none() && system_waits) || never_waits || entry.flags.contains(FdFlags::NONBLOCK) {
        return Ok(());
    }
    match entry.system(Errno::Badf) {
        Ok(system) => poll(&mut [PollFd::from_borrowed_fd(system, way)], None, deadline).map(drop),
        Err(_) => Ok(()),
    }
}

/// Waits for descriptors, for so many nanoseconds at most, and gives how many have something to tell. A signal does not end the wait.
pub(crate) fn poll(
    descriptors: &mut [PollFd<'_>],
    nanoseconds: Option<u64>,
    deadline: Option<Instant>,
) -> Result<usize, Stop> {
    // What the clock cannot say is never.
    let until = nanoseconds.and_then(|left| Instant::now().checked_add(Duration::from_nanos(left)));
    let ends_guest = deadline.filter(|deadline| until.is_none_or(|until| *deadline < until));
    let limit = ends_guest.or(until);
    loop {
        let left = limit.map(|limit| timespec(limit.saturating_duration_since(Instant::now())));
        match rustix::event::poll(descriptors, left.as_ref()) {
            Ok(0) if ends_guest.is_some() => return Err(Stop::TimeOver),
            Err(SystemErrno::INTR) => {}
            told => return Ok(told?),
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}
