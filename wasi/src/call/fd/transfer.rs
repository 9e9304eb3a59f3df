//! Reading and writing: `fd_pread`, `fd_pwrite`, `fd_read`, `fd_write`.
//!
//! Bytes go between the system and the guest's memory without a stop. A call may transfer less than it was asked for, and it transfers
//! no more than 1024 buffers. What may block is waited for as long as the guest may run.

use rustix::event::PollFlags;

use crate::abi::flags::Rights;
use crate::abi::host_fn::Stop;
use crate::abi::{Fd, FdFlags, FileSize, FileType, IoVecs, Out};
use crate::call::Call;
use crate::call::wait::ready;
use crate::entry::{Entry, Kind, read_at, write_at};
use crate::errno::Errno;
use crate::table::Table;

/// Reads into the buffers and writes how many bytes were read (4 bytes): none at the end.
///
/// Errors: BADF, also where it is not open for reading; ISDIR; NOTCONN for a socket that listens; NOTCAPABLE without `fd_read`; INVAL
/// where the buffers have more than 2^32-1 bytes together; AGAIN; what reading gives.
pub(crate) fn fd_read(call: &mut Call<'_>, fd: Fd, iovs: IoVecs, nread: Out<u32>) -> Result<(), Stop> {
    call.guest.check(nread)?;
    let entry = readable(&mut call.ctx.table, fd)?;
    entry.require(Rights::FD_READ)?;
    let deadline = call.deadline;
    let count = call.guest.scatter::<_, Stop>(iovs, |buffers| {
        loop {
            ready(entry, PollFlags::IN, deadline)?;
            match entry.read(buffers) {
                Err(Errno::Again) if is_to_wait(entry) => {}
                count => return Ok(count?),
            }
        }
    })?;
    Ok(call.guest.write(nread, count as u32)?)
}

/// Writes the buffers, and how many bytes were written (4 bytes).
///
/// Errors: BADF, also where it is not open for writing, as no directory is; NOTCONN for a socket that listens; NOTCAPABLE without
/// `fd_write`; INVAL as for `fd_read`; AGAIN; PIPE; NOSPC; what writing gives.
pub(crate) fn fd_write(call: &mut Call<'_>, fd: Fd, iovs: IoVecs, nwritten: Out<u32>) -> Result<(), Stop> {
    call.guest.check(nwritten)?;
    let entry = writable(&mut call.ctx.table, fd)?;
    entry.require(Rights::FD_WRITE)?;
    let deadline = call.deadline;
    let count = call.guest.gather::<_, Stop>(iovs, |buffers| {
        loop {
            ready(entry, PollFlags::OUT, deadline)?;
            match entry.write(buffers) {
                Err(Errno::Again) if is_to_wait(entry) => {}
                count => return Ok(count?),
            }
        }
    })?;
    Ok(call.guest.write(nwritten, count as u32)?)
}

/// `fd_read` from a place in the file; where the descriptor stands does not change.
///
/// Errors: those of `fd_read`; SPIPE where there are no positions; NOTCAPABLE without `fd_seek`; INVAL where the place is past 2^63-1.
pub(crate) fn fd_pread(
    call: &mut Call<'_>,
    fd: Fd,
    iovs: IoVecs,
    offset: FileSize,
    nread: Out<u32>,
) -> Result<(), Errno> {
    call.guest.check(nread)?;
    let entry = call.ctx.table.get(fd)?;
    if entry.file_type == FileType::Directory {
        return Err(Errno::IsDir);
    }
    entry.require_places()?;
    entry.require(Rights::FD_READ.union(Rights::FD_SEEK))?;
    let system = entry.system(Errno::Spipe)?;
    let count = call.guest.scatter::<_, Errno>(iovs, |buffers| Ok(read_at(system, buffers, offset.0)?))?;
    call.guest.write(nread, count as u32)
}

/// `fd_write` to a place in the file; where the descriptor stands does not change.
///
/// Errors: those of `fd_write`; SPIPE where there are no positions; NOTCAPABLE without `fd_seek`; INVAL where the place is past 2^63-1.
pub(crate) fn fd_pwrite(
    call: &mut Call<'_>,
    fd: Fd,
    iovs: IoVecs,
    offset: FileSize,
    nwritten: Out<u32>,
) -> Result<(), Errno> {
    call.guest.check(nwritten)?;
    let entry = call.ctx.table.get(fd)?;
    if entry.file_type == FileType::Directory {
        return Err(Errno::Badf);
    }
    entry.require_places()?;
    entry.require(Rights::FD_WRITE.union(Rights::FD_SEEK))?;
    let system = entry.system(Errno::Spipe)?;
    let count = call.guest.gather::<_, Errno>(iovs, |buffers| Ok(write_at(system, buffers, offset.0)?))?;
    call.guest.write(nwritten, count as u32)
}

/// What bytes can be read from, by its type: BADF, ISDIR, NOTCONN.
fn readable(table: &mut Table, fd: Fd) -> Result<&mut Entry, Errno> {
    let entry = table.get_mut(fd)?;
    match entry.kind {
        _ if entry.file_type == FileType::Directory => Err(Errno::IsDir),
        Kind::Listener(_) => Err(Errno::NotConn),
        _ => Ok(entry),
    }
}

/// What bytes can be written to, by its type: BADF, NOTCONN.
fn writable(table: &mut Table, fd: Fd) -> Result<&mut Entry, Errno> {
    let entry = table.get_mut(fd)?;
    match entry.kind {
        _ if entry.file_type == FileType::Directory => Err(Errno::Badf),
        Kind::Listener(_) => Err(Errno::NotConn),
        _ => Ok(entry),
    }
}

/// Whether a transfer that got AGAIN is repeated: the guest's descriptor blocks, the host's does not,
/// and another process was faster after the poll.
fn is_to_wait(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Inherited(_)) && !entry.flags.contains(FdFlags::NONBLOCK)
}
