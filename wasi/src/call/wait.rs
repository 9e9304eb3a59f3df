//! Waiting for descriptors, no longer than the guest may run.
//!
//! What may block is waited for here first, where the guest has a deadline. A call of the system's that blocks all the same ends by a
//! signal when the guest's time is over. One that is only long is no call of the system's at all but several, and the time is looked at
//! between them.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno as SystemErrno;
use wassay_engine::Deadline;

use crate::abi::host_fn::Stop;
use crate::abi::{FdFlags, FileType};
use crate::entry::{Entry, Inherited, Kind};
use crate::errno::Errno;

/// Waits until a descriptor can be read from or written to, where the descriptor may make the guest wait, and the guest has a deadline or
/// the system would not wait by itself.
pub(crate) fn ready(entry: &Entry, way: PollFlags, deadline: Option<Deadline>) -> Result<(), Stop> {
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
    deadline: Option<Deadline>,
) -> Result<usize, Stop> {
    // What the clock cannot say is never.
    let until = nanoseconds.and_then(|left| Instant::now().checked_add(Duration::from_nanos(left)));
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let least = left.into_iter().chain(deadline.map(Deadline::left)).min();
        match rustix::event::poll(descriptors, least.map(timespec).as_ref()) {
            Ok(0) if until.is_some_and(|until| until <= Instant::now()) => return Ok(0),
            // The deadline moves while the process is stopped.
            Ok(0) | Err(SystemErrno::INTR) => in_time(deadline)?,
            told => return Ok(told?),
        }
    }
}

/// Ends a call that takes long where the guest's time is over.
pub(crate) fn in_time(deadline: Option<Deadline>) -> Result<(), Stop> {
    if deadline.is_some_and(Deadline::is_over) { Err(Stop::TimeOver) } else { Ok(()) }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}
