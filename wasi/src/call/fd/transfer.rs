//! Reading and writing: `fd_pread`, `fd_pwrite`, `fd_read`, `fd_write`.
//!
//! Bytes go between the system and the guest's memory without a stop. A call may transfer less than it was asked for, and it transfers
//! no more than 1024 buffers. What may block is waited for as long as the guest may run.

use rustix::event::PollFlags;

use crate::abi::flags::Rights;
use crate::abi::host_fn::Stop;
use crate::abi::{Fd, FileSize, IoVecs, Out};
use crate::call::Call;
use crate::call::wait::ready;
use crate::errno::Errno;
use crate::table::{read_at, write_at};

/// Reads into the buffers and writes how many bytes were read (4 bytes): none at the end.
///
/// Errors: BADF; ISDIR; NOTCAPABLE without `fd_read`; INVAL where the buffers have more than 2^32-1 bytes together; AGAIN; what reading
/// gives.
pub(crate) fn fd_read(call: &mut Call<'_>, fd: Fd, iovs: IoVecs, nread: Out<u32>) -> Result<(), Stop> {
    call.guest.check(nread)?;
    let entry = call.ctx.table.file(fd, Rights::FD_READ)?;
    let count = call.guest.scatter(iovs, |buffers| {
        ready(entry, PollFlags::IN, call.deadline)?;
        Ok::<_, Stop>(entry.read(buffers)?)
    })?;
    Ok(call.guest.write(nread, count as u32)?)
}

/// Writes the buffers, and how many bytes were written (4 bytes).
///
/// Errors: BADF; ISDIR; NOTCAPABLE without `fd_write`; INVAL as for `fd_read`; AGAIN; PIPE; NOSPC; what writing gives.
pub(crate) fn fd_write(call: &mut Call<'_>, fd: Fd, iovs: IoVecs, nwritten: Out<u32>) -> Result<(), Stop> {
    call.guest.check(nwritten)?;
    let entry = call.ctx.table.file(fd, Rights::FD_WRITE)?;
    let count = call.guest.gather(iovs, |buffers| {
        ready(entry, PollFlags::OUT, call.deadline)?;
        Ok::<_, Stop>(entry.write(buffers)?)
    })?;
    Ok(call.guest.write(nwritten, count as u32)?)
}

/// `fd_read` from a place in the file; where the descriptor stands does not change.
///
/// Errors: those of `fd_read`; NOTCAPABLE without `fd_seek`; SPIPE where there are no places; INVAL where the place is past 2^63-1.
pub(crate) fn fd_pread(
    call: &mut Call<'_>,
    fd: Fd,
    iovs: IoVecs,
    offset: FileSize,
    nread: Out<u32>,
) -> Result<(), Errno> {
    call.guest.check(nread)?;
    let entry = call.ctx.table.file(fd, Rights::FD_READ.union(Rights::FD_SEEK))?;
    let system = entry.system(Errno::Spipe)?;
    let count = call.guest.scatter::<_, Errno>(iovs, |buffers| Ok(read_at(system, buffers, offset.0)?))?;
    call.guest.write(nread, count as u32)
}

/// `fd_write` to a place in the file; where the descriptor stands does not change.
///
/// Errors: those of `fd_write`; NOTCAPABLE without `fd_seek`; SPIPE where there are no places; INVAL where the place is past 2^63-1.
pub(crate) fn fd_pwrite(
    call: &mut Call<'_>,
    fd: Fd,
    iovs: IoVecs,
    offset: FileSize,
    nwritten: Out<u32>,
) -> Result<(), Errno> {
    call.guest.check(nwritten)?;
    let entry = call.ctx.table.file(fd, Rights::FD_WRITE.union(Rights::FD_SEEK))?;
    let system = entry.system(Errno::Spipe)?;
    let count = call.guest.gather::<_, Errno>(iovs, |buffers| Ok(write_at(system, buffers, offset.0)?))?;
    call.guest.write(nwritten, count as u32)
}
