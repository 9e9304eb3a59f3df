//! Blocks system calls in this process.

use std::io;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// The number of `openat2`, the same on every architecture.
const OPENAT2: i64 = 437;

/// Makes `openat2` fail with ENOSYS, as on a kernel without it, in this thread and in threads that
/// it starts later.
///
/// # Errors
///
/// The system does not allow the filter, or the call still succeeds.
pub(super) fn no_openat2() -> io::Result<()> {
    let target: TargetArch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(
        [(OPENAT2, Vec::new())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(Errno::NOSYS.raw_os_error().unsigned_abs()),
        target,
    );
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)?;
    match openat2(CWD, ".", OFlags::RDONLY, Mode::empty(), ResolveFlags::BENEATH) {
        Err(Errno::NOSYS) => Ok(()),
        _ => Err(io::Error::other("openat2 still works despite the filter")),
    }
}
