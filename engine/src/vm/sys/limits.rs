//! Resource limits of the process, and reservations that respect them.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::mmap::Mapping;

/// `1 / LEFT` of a limited resource is left to the allocator, which aborts the process when it gets
/// no memory.
const LEFT: usize = 16;

/// A limit of the process (`getrlimit(2)`); `None` if it is unlimited.
fn limit(resource: libc::__rlimit_resource_t) -> Option<usize> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes to a local structure.
    let result = unsafe { libc::getrlimit(resource, &mut limit) };
    let limited = result == 0 && limit.rlim_cur != libc::RLIM_INFINITY;
    limited.then(|| usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX))
}

/// The address space below which threads share an arena of the allocator.
const SCARCE: usize = 8 << 30;

/// Makes all threads of the process share one arena of the allocator if its address space is
/// limited (`RLIMIT_AS`) to a few GiB.
///
/// glibc's allocator reserves 64 MiB for each thread, and temporarily twice as much. On a machine
/// with many processors its threads leave no address space for memories and code. Call this before
/// starting threads. It has no effect with other C libraries.
pub fn save_address_space() {
    #[cfg(target_env = "gnu")]
    if limit(libc::RLIMIT_AS).is_some_and(|limit| limit < SCARCE) {
        // SAFETY: has no preconditions; an unknown parameter is rejected.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}

/// Returns `wanted`, or if the address space is limited (`RLIMIT_AS`, as set by `ulimit -v`), at
/// most the fraction `1 / parts` of it.
pub(crate) fn share(wanted: usize, parts: usize) -> usize {
    limit(libc::RLIMIT_AS).map_or(wanted, |limit| wanted.min(limit / parts))
}

/// Reserves `most` bytes, or fewer if they are not available, but at least `least`.
///
/// # Errors
///
/// Returns an error if `least` bytes are not available.
pub(crate) fn reserve_between(least: usize, most: usize) -> io::Result<Mapping> {
    let mut size = most.max(least);
    loop {
        match reserve(size) {
            Err(_) if size > least => size = least + (size - least) / 2,
            reserved => return reserved,
        }
    }
}

/// Locks the right to map more than is kept, as a trial of what would be left.
///
/// With several trials at the same time, one would fail because of what the others have mapped.
fn trial() -> MutexGuard<'static, ()> {
    static TRIAL: Mutex<()> = Mutex::new(());
    TRIAL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Like [`Mapping::reserve`], for requests by guests: fails if it would leave too little of a
/// limited address space.
pub(crate) fn reserve(length: usize) -> io::Result<Mapping> {
    reserve_leaving(length, LEFT)
}

/// Like [`Mapping::reserve`], but fails if it would leave less than the fraction `1 / parts` of a
/// limited address space.
pub(crate) fn reserve_leaving(length: usize, parts: usize) -> io::Result<Mapping> {
    if let Some(limit) = limit(libc::RLIMIT_AS) {
        let _trial = trial();
        Mapping::reserve(length.saturating_add(limit / parts))?;
    }
    Mapping::reserve(length)
}

/// Like [`Mapping::open`], for requests by guests: fails if it would leave too little writable
/// memory (`RLIMIT_DATA`, as set by `ulimit -d`).
pub(crate) fn open(map: &Mapping, start: usize, length: usize) -> io::Result<()> {
    if let Some(limit) = limit(libc::RLIMIT_DATA).filter(|_| length > 0) {
        let _one = trial();
        let tried = Mapping::reserve(length.saturating_add(limit / LEFT))?;
        tried.open(0, tried.len())?;
    }
    map.open(start, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_shrinks_until_it_succeeds() {
        let map = reserve_between(1 << 20, 1 << 60).unwrap();
        assert!((1 << 20..1 << 48).contains(&map.len()));
        assert!(reserve_between(1 << 60, 1 << 61).is_err());
        assert_eq!(reserve_between(1 << 20, 0).unwrap().len(), 1 << 20);
    }
}
