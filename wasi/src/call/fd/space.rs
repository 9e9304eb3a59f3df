//! A file's room and its way to the disk: `fd_advise`, `fd_allocate`, `fd_datasync`, `fd_sync`.

use std::num::NonZeroU64;

use rustix::fs::{Advice as SystemAdvice, FallocateFlags, fadvise, fallocate, fdatasync, fsync};
use rustix::io::Result as SystemResult;
use std::os::fd::BorrowedFd;

use crate::abi::flags::Rights;
use crate::abi::{Advice, Fd, FileSize, FileType};
use crate::call::Call;
use crate::entry::Kind;
use crate::errno::Errno;

/// Says how a part of a file will be read; a length of 0 is all that follows. It writes nothing.
///
/// Of a directory, a terminal or a socket it says nothing, and does not fail.
///
/// Errors: BADF; SPIPE for a pipe; NOTCAPABLE without `fd_advise`; INVAL where the part is past 2^63-1, or `advice` is none.
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
        // The system takes advice for one that entries can be read from only.
        FileType::Directory => Ok(()),
        _ => Ok(fadvise(entry.system(Errno::Spipe)?, offset.0, NonZeroU64::new(len.0), advice)?),
    }
}

/// Makes room for a part of a file, which grows to hold it. It writes nothing.
///
/// Errors: BADF, also where it is not open for writing, as no directory is; SPIPE for a pipe, NODEV for anything else but a file;
/// NOTCAPABLE without `fd_allocate`; INVAL where the length is 0 or the part past 2^63-1; NOSPC; NOTSUP where the file system cannot.
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

/// Waits until a file's bytes are on the disk. It writes nothing.
///
/// Errors: BADF; NOTCAPABLE without `fd_datasync`; INVAL where there is nothing to wait for; IO.
pub(crate) fn fd_datasync(call: &mut Call<'_>, fd: Fd) -> Result<(), Errno> {
    synchronise(call, fd, Rights::FD_DATASYNC, |fd| fdatasync(fd))
}

/// Waits until a file's bytes and what is known of it are on the disk. It writes nothing.
///
/// Errors: BADF; NOTCAPABLE without `fd_sync`; INVAL where there is nothing to wait for; IO.
pub(crate) fn fd_sync(call: &mut Call<'_>, fd: Fd) -> Result<(), Errno> {
    synchronise(call, fd, Rights::FD_SYNC, |fd| fsync(fd))
}

fn synchronise(
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

/// INVAL where a part of a file reaches past what an offset can say.
fn within(offset: FileSize, len: FileSize) -> Result<(), Errno> {
    let end = offset.0.checked_add(len.0).and_then(|end| i64::try_from(end).ok());
    end.map(drop).ok_or(Errno::Inval)
}
