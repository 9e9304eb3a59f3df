//! Reading and writing: `fd_pread`, `fd_pwrite`, `fd_read`, `fd_write`.
//!
//! Bytes go between the system and the guest's memory without a stop. A call may transfer less than it was asked for, and it transfers
//! no more than 1024 buffers. What may block is waited for as long as the guest may run, and many bytes go by several calls of the
//! system's, since it does not interrupt one on a file.

use std::io::{IoSlice, IoSliceMut};

use rustix::event::PollFlags;
use smallvec::SmallVec;
use wassay_engine::Deadline;

use crate::abi::flags::Rights;
use crate::abi::host_fn::Stop;
use crate::abi::{Fd, FdFlags, FileSize, FileType, IoVecs, Out};
use crate::call::Call;
use crate::call::wait::{in_time, ready};
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
        read_in_pieces(buffers, deadline, |buffers, _| {
            loop {
                ready(entry, PollFlags::IN, deadline)?;
                match entry.read(buffers) {
                    Err(Errno::Again) if is_to_wait(entry) => {}
                    count => return Ok(count?),
                }
            }
        })
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
        write_in_pieces(buffers, deadline, |buffers, _| {
            loop {
                ready(entry, PollFlags::OUT, deadline)?;
                match entry.write(buffers) {
                    Err(Errno::Again) if is_to_wait(entry) => {}
                    count => return Ok(count?),
                }
            }
        })
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
) -> Result<(), Stop> {
    call.guest.check(nread)?;
    let (entry, deadline) = (call.ctx.table.get(fd)?, call.deadline);
    if entry.file_type == FileType::Directory {
        return Err(Errno::IsDir.into());
    }
    entry.require_places()?;
    entry.require(Rights::FD_READ.union(Rights::FD_SEEK))?;
    let system = entry.system(Errno::Spipe)?;
    let count = call.guest.scatter::<_, Stop>(iovs, |buffers| {
        read_in_pieces(buffers, deadline, |buffers, done| Ok(read_at(system, buffers, offset.0 + done)?))
    })?;
    Ok(call.guest.write(nread, count as u32)?)
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
) -> Result<(), Stop> {
    call.guest.check(nwritten)?;
    let (entry, deadline) = (call.ctx.table.get(fd)?, call.deadline);
    if entry.file_type == FileType::Directory {
        return Err(Errno::Badf.into());
    }
    entry.require_places()?;
    entry.require(Rights::FD_WRITE.union(Rights::FD_SEEK))?;
    let system = entry.system(Errno::Spipe)?;
    let count = call.guest.gather::<_, Stop>(iovs, |buffers| {
        write_in_pieces(buffers, deadline, |buffers, done| Ok(write_at(system, buffers, offset.0 + done)?))
    })?;
    Ok(call.guest.write(nwritten, count as u32)?)
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

/// How many bytes are read or written before the time is looked at again.
const PIECE: usize = 4 << 20;

/// Buffers of one piece.
type Piece<T> = SmallVec<[T; 8]>;

/// Reads into buffers, piece by piece. `read` gets the buffers of a piece and how many bytes were read before.
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

/// Writes buffers, as [`read_in_pieces`].
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

/// The part of a buffer that follows `skip` bytes and has at most `most`, both of which count on from buffer to buffer.
fn part_of(length: usize, skip: &mut usize, most: &mut usize) -> Option<std::ops::Range<usize>> {
    let start = length.min(*skip);
    let count = (length - start).min(*most);
    (*skip, *most) = (*skip - start, *most - count);
    (count > 0).then_some(start..start + count)
}

/// Transfers pieces until all bytes are, or one is not transferred whole. An error after the first piece is left to the next call.
fn in_pieces(
    total: usize,
    deadline: Option<Deadline>,
    mut transfer: impl FnMut(usize) -> Result<usize, Stop>,
) -> Result<usize, Stop> {
    let mut done = 0;
    while done < total {
        in_time(deadline)?;
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
    fn pieces_are_all_of_the_buffers_in_order() {
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
    fn a_piece_that_is_not_transferred_whole_is_the_last() {
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
