//! Limits of the system on the process, and reservations that respect them.

use std::io;

use super::mmap::Mapping;

/// One part in this many of a limited resource is left to the allocator, which ends the process
/// when it gets no memory.
const LEFT: usize = 16;

/// A limit of the process (`getrlimit(2)`); `None` without one.
fn limit(resource: libc::__rlimit_resource_t) -> Option<usize> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes to a structure of ours, which lives until it returns.
    let result = unsafe { libc::getrlimit(resource, &mut limit) };
    let limited = result == 0 && limit.rlim_cur != libc::RLIM_INFINITY;
    limited.then(|| usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX))
}

/// Below this many bytes of address space threads share what the allocator has.
const SCARCE: usize = 8 << 30;

/// Has the threads of the process share one arena of the allocator where its address space is
/// limited (`RLIMIT_AS`) to a few GiB.
///
/// glibc's allocator reserves 64 MiB for each thread, and twice as much for a moment, so on a
/// machine with many processors its threads leave no address space for memories and code. A program
/// calls this before it starts threads; elsewhere it does nothing.
pub fn save_address_space() {
    #[cfg(target_env = "gnu")]
    if limit(libc::RLIMIT_AS).is_some_and(|limit| limit < SCARCE) {
        // SAFETY: has no preconditions; an unknown parameter is refused.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}

/// `wanted` bytes, or one part in `parts` of the address space (`RLIMIT_AS`, as `ulimit -v` sets
/// it) where that is limited and less.
pub(crate) fn share(wanted: usize, parts: usize) -> usize {
    limit(libc::RLIMIT_AS).map_or(wanted, |limit| wanted.min(limit / parts))
}

/// Reserves `most` bytes, or where there is no room for them, fewer, but no fewer than `least`.
///
/// # Errors
///
/// Where there is no room for `least` bytes.
pub(crate) fn reserve_between(least: usize, most: usize) -> io::Result<Mapping> {
    let mut size = most.max(least);
    loop {
        match reserve(size) {
            Err(_) if size > least => size = least + (size - least) / 2,
            reserved => return reserved,
        }
    }
}

/// As [`Mapping::reserve`], for what guests ask for: fails where it would leave too little of a
/// limited address space.
pub(crate) fn reserve(length: usize) -> io::Result<Mapping> {
    if let Some(limit) = limit(libc::RLIMIT_AS) {
        Mapping::reserve(length.saturating_add(limit / LEFT))?;
    }
    Mapping::reserve(length)
}

/// As [`Mapping::open`], for what guests ask for: fails where it would leave too little of what may
/// be written (`RLIMIT_DATA`, as `ulimit -d` sets it).
pub(crate) fn open(map: &Mapping, start: usize, length: usize) -> io::Result<()> {
    if let Some(limit) = limit(libc::RLIMIT_DATA).filter(|_| length > 0) {
        let trial = Mapping::reserve(length.saturating_add(limit / LEFT))?;
        trial.open(0, trial.len())?;
    }
    map.open(start, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_shrinks_until_there_is_room() {
        let map = reserve_between(1 << 20, 1 << 60).unwrap();
        assert!((1 << 20..1 << 48).contains(&map.len()));
        assert!(reserve_between(1 << 60, 1 << 61).is_err());
        assert_eq!(reserve_between(1 << 20, 0).unwrap().len(), 1 << 20);
    }
}
