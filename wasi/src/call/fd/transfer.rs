//! Reading and writing: `fd_pread`, `fd_pwrite`, `fd_read`, `fd_write`.
//!
//! Bytes are transferred directly between the system and the guest's memory. A call may transfer
//! fewer bytes than requested, and uses at most 1024 buffers. If the guest has a deadline, calls
//! that may block poll first. Large transfers are split into several system calls, because the
//! system does not interrupt one on a regular file.

use std::io::{IoSlice, IoSliceMut};

use rustix::event::PollFlags;
use smallvec::SmallVec;
use wassay_engine::Deadline;

use crate::abi::flags::Rights;
use crate::abi::{Fd, FdFlags, FileSize, FileType, IoVecs, Out};
use crate::call::wait::{check_deadline, ready};
use crate::calling::{Call, Stop};
use crate::entry::{Entry, Kind, read_at, write_at};
use crate::errno::Errno;
use crate::table::Table;

/// Reads into the buffers and writes the number of bytes read (4 bytes); 0 at the end.
///
/// Errors: BADF, also if not open for reading; ISDIR; NOTCONN for a listening socket; NOTCAPABLE
/// without `fd_read`; INVAL if the total size of the buffers exceeds 2^32-1; AGAIN; errors of
/// `read`.
pub(crate) fn fd_read(call: &mut Call<'_>, fd: Fd, iovs: IoVecs, nread: Out<u32>) -> Result<(), Stop> {
    call.guest.check(nread)?;
    let entry = readable(&mut call.ctx.table, fd)?;
    entry.require(Rights::FD_READ)?;
    let deadline = call.deadline;
    let count = call.guest.scatter::<_, Stop>(iovs, |buffers| {
        read_in_pieces(buffers, deadline, |buffers, _| {
            loop {
                ready(entry, PollFlags::IN, deadline)?;
                match entry.read(buffers) {
                    Err(Errno::Again) if should_retry(entry) => {}
                    count => return Ok(count?),
                }
            }
        })
    })?;
    Ok(call.guest.write(nread, count as u32)?)
}

/// Writes from the buffers and writes the number of bytes written (4 bytes).
///
/// Errors: BADF, also if not open for writing and for a directory; NOTCONN for a listening socket;
/// NOTCAPABLE without `fd_write`; INVAL as for `fd_read`; AGAIN; PIPE; NOSPC; errors of `write`.
pub(crate) fn fd_write(call: &mut Call<'_>, fd: Fd, iovs: IoVecs, nwritten: Out<u32>) -> Result<(), Stop> {
    call.guest.check(nwritten)?;
    let entry = writable(&mut call.ctx.table, fd)?;
    entry.require(Rights::FD_WRITE)?;
    let deadline = call.deadline;
    let count = call.guest.gather::<_, Stop>(iovs, |buffers| {
        write_in_pieces(buffers, deadline, |buffers, _| {
            loop {
                ready(entry, PollFlags::OUT, deadline)?;
                match entry.write(buffers) {
                    Err(Errno::Again) if should_retry(entry) => {}
                    count => return Ok(count?),
                }
            }
        })
    })?;
    Ok(call.guest.write(nwritten, count as u32)?)
}

/// `fd_read` at an offset of the file; the position of the descriptor does not change.
///
/// Errors: those of `fd_read`; SPIPE if the descriptor is not seekable; NOTCAPABLE without
/// `fd_seek`; INVAL if the offset is greater than 2^63-1.
pub(crate) fn fd_pread(
    call: &mut Call<'_>,
    fd: Fd,
    iovs: IoVecs,
    offset: FileSize,
    nread: Out<u32>,
) -> Result<(), Stop> {
    call.guest.check(nread)?;
    let (entry, deadline) = (call.ctx.table.get(fd)?, call.deadline);
    if entry.file_type == FileType::Directory {
        return Err(Errno::IsDir.into());
    }
    entry.require_seekable()?;
    entry.require(Rights::FD_READ.union(Rights::FD_SEEK))?;
    let system = entry.system(Errno::Spipe)?;
    let count = call.guest.scatter::<_, Stop>(iovs, |buffers| {
        read_in_pieces(buffers, deadline, |buffers, done| Ok(read_at(system, buffers, offset.0 + done)?))
    })?;
    Ok(call.guest.write(nread, count as u32)?)
}

/// `fd_write` at an offset of the file; the position of the descriptor does not change.
///
/// Errors: those of `fd_write`; SPIPE if the descriptor is not seekable; NOTCAPABLE without
/// `fd_seek`; INVAL if the offset is greater than 2^63-1.
pub(crate) fn fd_pwrite(
    call: &mut Call<'_>,
    fd: Fd,
    iovs: IoVecs,
    offset: FileSize,
    nwritten: Out<u32>,
) -> Result<(), Stop> {
    call.guest.check(nwritten)?;
    let (entry, deadline) = (call.ctx.table.get(fd)?, call.deadline);
    if entry.file_type == FileType::Directory {
        return Err(Errno::Badf.into());
    }
    entry.require_seekable()?;
    entry.require(Rights::FD_WRITE.union(Rights::FD_SEEK))?;
    let system = entry.system(Errno::Spipe)?;
    let count = call.guest.gather::<_, Stop>(iovs, |buffers| {
        write_in_pieces(buffers, deadline, |buffers, done| Ok(write_at(system, buffers, offset.0 + done)?))
    })?;
    Ok(call.guest.write(nwritten, count as u32)?)
}

/// The entry to read from, checked by type: BADF, ISDIR, NOTCONN.
fn readable(table: &mut Table, fd: Fd) -> Result<&mut Entry, Errno> {
    let entry = table.get_mut(fd)?;
    match entry.kind {
        _ if entry.file_type == FileType::Directory => Err(Errno::IsDir),
        Kind::Listener(_) => Err(Errno::NotConn),
        _ => Ok(entry),
    }
}

/// The entry to write to, checked by type: BADF, NOTCONN.
fn writable(table: &mut Table, fd: Fd) -> Result<&mut Entry, Errno> {
    let entry = table.get_mut(fd)?;
    match entry.kind {
        _ if entry.file_type == FileType::Directory => Err(Errno::Badf),
        Kind::Listener(_) => Err(Errno::NotConn),
        _ => Ok(entry),
    }
}

/// Whether to retry a transfer after AGAIN: the guest's descriptor blocks, the host's does not, and
/// another process was faster after the poll.
fn should_retry(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Inherited(_)) && !entry.flags.contains(FdFlags::NONBLOCK)
}

/// How many bytes to read or write between two checks of the deadline.
const PIECE: usize = 4 << 20;

/// The buffers of one piece.
type Piece<T> = SmallVec<[T; 8]>;

/// Reads into buffers, piece by piece. `read` gets the buffers of a piece and the number of bytes
/// read before it.
fn read_in_pieces(
    buffers: &mut [IoSliceMut<'_>],
    deadline: Option<Deadline>,
    mut read: impl FnMut(&mut [IoSliceMut<'_>], u64) -> Result<usize, Stop>,
) -> Result<usize, Stop> {
    let total = buffers.iter().map(|buffer| buffer.len()).sum();
    if total <= PIECE {
        return read(buffers, 0);
    }
    in_pieces(total, deadline, |done| {
        let (mut skip, mut most) = (done, PIECE);
        let part = buffers.iter_mut().filter_map(|buffer| {
            let range = part_of(buffer.len(), &mut skip, &mut most)?;
            Some(IoSliceMut::new(&mut buffer[range]))
        });
        read(&mut part.collect::<Piece<_>>(), done as u64)
    })
}

/// Writes from buffers, piece by piece, as [`read_in_pieces`] reads.
fn write_in_pieces(
    buffers: &[IoSlice<'_>],
    deadline: Option<Deadline>,
    mut write: impl FnMut(&[IoSlice<'_>], u64) -> Result<usize, Stop>,
) -> Result<usize, Stop> {
    let total = buffers.iter().map(|buffer| buffer.len()).sum();
    if total <= PIECE {
        return write(buffers, 0);
    }
    in_pieces(total, deadline, |done| {
        let (mut skip, mut most) = (done, PIECE);
        let part = buffers.iter().filter_map(|buffer| {
            let range = part_of(buffer.len(), &mut skip, &mut most)?;
            Some(IoSlice::new(&buffer[range]))
        });
        write(&part.collect::<Piece<_>>(), done as u64)
    })
}

/// The range of a buffer after the first `skip` bytes, at most `most` bytes long. Both are reduced
/// by what this buffer covers, for the next one.
fn part_of(length: usize, skip: &mut usize, most: &mut usize) -> Option<std::ops::Range<usize>> {
    let start = length.min(*skip);
    let count = (length - start).min(*most);
    (*skip, *most) = (*skip - start, *most - count);
    (count > 0).then_some(start..start + count)
}

/// Transfers pieces until everything is transferred or a piece is transferred only in part. An
/// error after the first piece is not returned; the guest's next call meets it again.
fn in_pieces(
    total: usize,
    deadline: Option<Deadline>,
    mut transfer: impl FnMut(usize) -> Result<usize, Stop>,
) -> Result<usize, Stop> {
    let mut done = 0;
    while done < total {
        check_deadline(deadline)?;
        match transfer(done) {
            Err(Stop::Errno(_)) if done > 0 => break,
            count => {
                let count = count?;
                done += count;
                if count < PIECE {
                    break;
                }
            }
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_buffers_in_order() {
        let mut bytes: Vec<Vec<u8>> = [3, PIECE + 1, 0, 2 * PIECE, 5].map(|length| vec![0; length]).into();
        let mut source = (0..=250u8).cycle();
        let mut buffers: Vec<_> = bytes.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let total = 3 * PIECE + 9;
        let read = read_in_pieces(&mut buffers, None, |buffers, done| {
            assert_eq!(done as usize % PIECE, 0);
            buffers
                .iter_mut()
                .flat_map(|buffer| buffer.iter_mut())
                .for_each(|byte| *byte = source.next().unwrap());
            Ok(buffers.iter().map(|buffer| buffer.len()).sum())
        });
        assert!(matches!(read, Ok(count) if count == total));
        assert!(bytes.iter().flatten().copied().eq((0..=250u8).cycle().take(total)));
        let mut written = Vec::new();
        let buffers: Vec<_> = bytes.iter().map(|buffer| IoSlice::new(buffer)).collect();
        let count = write_in_pieces(&buffers, None, |buffers, done| {
            assert_eq!(done as usize, written.len());
            buffers.iter().for_each(|buffer| written.extend_from_slice(buffer));
            Ok(buffers.iter().map(|buffer| buffer.len()).sum())
        });
        assert!(matches!(count, Ok(count) if count == total));
        assert!(written.iter().copied().eq((0..=250u8).cycle().take(total)));
    }

    #[test]
    fn a_partial_transfer_ends_the_call() {
        let bytes = vec![0; 3 * PIECE];
        let mut calls = 0;
        let mut write = |first: Result<usize, Stop>| {
            let mut first = Some(first);
            calls = 0;
            write_in_pieces(&[IoSlice::new(&bytes)], None, |_, _| {
                calls += 1;
                first.take().unwrap_or(Err(Stop::Errno(Errno::NoSpc)))
            })
        };
        assert!(matches!(write(Ok(7)), Ok(7)));
        assert!(matches!(write(Ok(PIECE)), Ok(PIECE)));
        assert!(matches!(write(Err(Stop::Errno(Errno::Io))), Err(Stop::Errno(Errno::Io))));
        assert_eq!(calls, 1);
    }
}
