//! Space and durability of files: `fd_advise`, `fd_allocate`, `fd_datasync`, `fd_sync`.

use std::num::NonZeroU64;

use rustix::fs::{Advice as SystemAdvice, FallocateFlags, fadvise, fallocate, fdatasync, fsync};
use rustix::io::Result as SystemResult;
use std::os::fd::BorrowedFd;

use crate::abi::flags::Rights;
use crate::abi::{Advice, Fd, FileSize, FileType};
use crate::calling::Call;
use crate::entry::Kind;
use crate::errno::Errno;

/// Announces the access pattern of a range of a file; a length of 0 means up to the end. Has no
/// effect on directories, terminals and sockets. Writes no results.
///
/// Errors: BADF; SPIPE for a pipe; NOTCAPABLE without `fd_advise`; INVAL if the range ends after
/// 2^63-1, or `advice` is undefined.
pub(crate) fn fd_advise(
    call: &mut Call<'_>,
    fd: Fd,
    offset: FileSize,
    len: FileSize,
    advice: Advice,
) -> Result<(), Errno> {
    let entry = call.ctx.table.get(fd)?;
    if entry.file_type == FileType::Unknown {
        return Err(Errno::Spipe);
    }
    entry.require(Rights::FD_ADVISE)?;
    within(offset, len)?;
    let advice = match advice {
        Advice::Normal => SystemAdvice::Normal,
        Advice::Sequential => SystemAdvice::Sequential,
        Advice::Random => SystemAdvice::Random,
        Advice::WillNeed => SystemAdvice::WillNeed,
        Advice::DontNeed => SystemAdvice::DontNeed,
        Advice::NoReuse => SystemAdvice::NoReuse,
    };
    match entry.file_type {
        // The system accepts advice only for directories that are open for reading.
        FileType::Directory => Ok(()),
        _ => Ok(fadvise(entry.system(Errno::Spipe)?, offset.0, NonZeroU64::new(len.0), advice)?),
    }
}

/// Allocates space for a range of a file, extending the file if necessary. Writes no results.
///
/// Errors: BADF, also if not open for writing and for a directory; SPIPE for a pipe; NODEV for
/// anything else but a file; NOTCAPABLE without `fd_allocate`; INVAL if the length is 0 or the
/// range ends after 2^63-1; NOSPC; NOTSUP if the file system does not support it.
pub(crate) fn fd_allocate(call: &mut Call<'_>, fd: Fd, offset: FileSize, len: FileSize) -> Result<(), Errno> {
    let entry = call.ctx.table.get(fd)?;
    within(offset, len)?;
    if len.0 == 0 {
        return Err(Errno::Inval);
    }
    if entry.file_type == FileType::Directory {
        return Err(Errno::Badf);
    }
    entry.require_mode(Rights::FD_WRITE)?;
    match entry.file_type {
        FileType::RegularFile | FileType::BlockDevice => entry.require(Rights::FD_ALLOCATE)?,
        FileType::Unknown => return Err(Errno::Spipe),
        _ => return Err(Errno::NoDev),
    }
    Ok(fallocate(entry.system(Errno::Spipe)?, FallocateFlags::empty(), offset.0, len.0)?)
}

/// Waits until the data of a file is on the disk. Writes no results.
///
/// Errors: BADF; NOTCAPABLE without `fd_datasync`; INVAL if the descriptor does not support it; IO.
pub(crate) fn fd_datasync(call: &mut Call<'_>, fd: Fd) -> Result<(), Errno> {
    synchronize(call, fd, Rights::FD_DATASYNC, |fd| fdatasync(fd))
}

/// Waits until the data and attributes of a file are on the disk. Writes no results.
///
/// Errors: BADF; NOTCAPABLE without `fd_sync`; INVAL if the descriptor does not support it; IO.
pub(crate) fn fd_sync(call: &mut Call<'_>, fd: Fd) -> Result<(), Errno> {
    synchronize(call, fd, Rights::FD_SYNC, |fd| fsync(fd))
}

fn synchronize(
    call: &mut Call<'_>,
    fd: Fd,
    right: Rights,
    wait: impl FnOnce(BorrowedFd<'_>) -> SystemResult<()>,
) -> Result<(), Errno> {
    let entry = call.ctx.table.get_mut(fd)?;
    entry.require(right)?;
    match &mut entry.kind {
        Kind::Directory(directory) => Ok(wait(directory.reader()?.0)?),
        _ => Ok(wait(entry.system(Errno::Inval)?)?),
    }
}

/// Returns INVAL if a range of a file ends after the largest offset.
fn within(offset: FileSize, len: FileSize) -> Result<(), Errno> {
    let end = offset.0.checked_add(len.0).and_then(|end| i64::try_from(end).ok());
    end.map(drop).ok_or(Errno::Inval)
}
