//! Waiting for descriptors, limited by the guest's deadline.
//!
//! If the guest has a deadline, calls that may block poll the descriptor here first. A system call
//! that blocks in spite of that is interrupted by a signal when the deadline passes. A long
//! transfer is split into several system calls, with a check of the deadline before each.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno as SystemErrno;
use wassay_engine::Deadline;

use crate::abi::{FdFlags, FileType};
use crate::calling::Stop;
use crate::entry::{Entry, Inherited, Kind};
use crate::errno::Errno;

/// Waits until a descriptor is ready, if it may block and either the guest has a deadline or the
/// system call would not block by itself.
pub(crate) fn ready(entry: &Entry, way: PollFlags, deadline: Option<Deadline>) -> Result<(), Stop> {
    let never_blocks = matches!(entry.file_type, FileType::RegularFile | FileType::Directory);
    let system_blocks = !matches!(entry.kind, Kind::Inherited(Inherited { nonblocking: true, .. }));
    if (deadline.is_none() && system_blocks) || never_blocks || entry.flags.contains(FdFlags::NONBLOCK) {
        return Ok(());
    }
    match entry.system(Errno::Badf) {
        Ok(system) => poll(&mut [PollFd::from_borrowed_fd(system, way)], None, deadline).map(drop),
        Err(_) => Ok(()),
    }
}

/// Polls descriptors for at most this many nanoseconds, and returns how many are ready. Signals do
/// not end the wait.
pub(crate) fn poll(
    descriptors: &mut [PollFd<'_>],
    nanoseconds: Option<u64>,
    deadline: Option<Deadline>,
) -> Result<usize, Stop> {
    // A time beyond the range of the clock means no timeout.
    let until = nanoseconds.and_then(|left| Instant::now().checked_add(Duration::from_nanos(left)));
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let least = left.into_iter().chain(deadline.map(Deadline::left)).min();
        match rustix::event::poll(descriptors, least.map(timespec).as_ref()) {
            Ok(0) if until.is_some_and(|until| until <= Instant::now()) => return Ok(0),
            // While the process is stopped, the deadline moves.
            Ok(0) | Err(SystemErrno::INTR) => check_deadline(deadline)?,
            ready => return Ok(ready?),
        }
    }
}

/// Returns an error if the guest's deadline has passed.
pub(crate) fn check_deadline(deadline: Option<Deadline>) -> Result<(), Stop> {
    if deadline.is_some_and(Deadline::is_over) { Err(Stop::TimedOut) } else { Ok(()) }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}
