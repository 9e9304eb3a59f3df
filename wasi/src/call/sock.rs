//! Sockets: `sock_accept`, `sock_recv`, `sock_send`, `sock_shutdown`.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno as SystemErrno;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketFlags,
    accept_with, recvmsg, sendmsg, shutdown,
};
use wassay_engine::Deadline;

use super::wait::{poll, ready};
use crate::abi::flags::Rights;
use crate::abi::{Fd, FdFlags, FileType, IoVecs, Out, RiFlags, RoFlags, SdFlags, SiFlags};
use crate::calling::{Call, Stop};
use crate::entry::{Entry, Kind, Listener};
use crate::errno::Errno;
use crate::table::Table;

/// Accepts a connection and writes its descriptor (4 bytes). The connection gets the inheriting
/// rights of the listener that apply to a socket.
///
/// Blocks until there is a connection, unless `nonblock` is set in the listener's flags as the
/// guest has read or set them.
///
/// Errors: BADF; NOTSOCK; INVAL if the socket is not listening, or `flags` contains anything but
/// `nonblock`; NOTCAPABLE without `sock_accept`; AGAIN if the call is nonblocking and there is no
/// connection; MFILE; errors of `accept`.
pub(crate) fn sock_accept(
    call: &mut Call<'_>,
    fd: Fd,
    flags: FdFlags,
    accepted: Out<Fd>,
) -> Result<(), Stop> {
    call.guest.check(accepted)?;
    let entry = socket(&call.ctx.table, fd)?;
    let Kind::Listener(listener) = &entry.kind else { return Err(Errno::Inval.into()) };
    entry.require(Rights::SOCK_ACCEPT)?;
    if !FdFlags::NONBLOCK.contains(flags) {
        return Err(Errno::Inval.into());
    }
    call.ctx.table.free()?;
    let blocks = !(listener.flags_known && entry.flags.contains(FdFlags::NONBLOCK));
    let connection = accept(listener, blocks, flags, call.deadline)?;
    let inheriting = entry.inheriting;
    let mut entry = Entry::new(Kind::System(connection), FileType::SocketStream);
    entry.base &= inheriting;
    entry.flags = flags;
    let number = call.ctx.table.insert(entry)?;
    Ok(call.guest.write(accepted, number)?)
}

/// Accepts a connection, which is nonblocking if `flags` contains `nonblock`.
fn accept(
    listener: &Listener,
    blocks: bool,
    flags: FdFlags,
    deadline: Option<Deadline>,
) -> Result<OwnedFd, Stop> {
    let mut system = SocketFlags::CLOEXEC;
    system.set(SocketFlags::NONBLOCK, flags.contains(FdFlags::NONBLOCK));
    loop {
        if blocks {
            poll(&mut [PollFd::new(&listener.socket, PollFlags::IN)], None, deadline)?;
        }
        match accept_with(&listener.socket, system) {
            // The connection that was pending has been reset.
            Err(SystemErrno::AGAIN) if blocks => {}
            connection => return Ok(connection?),
        }
    }
}

/// Receives into the buffers, and writes the number of bytes (4 bytes) and flags (2 bytes):
/// `recv_data_truncated` if the message was longer. With `recv_peek` the bytes can be received
/// again; with `recv_waitall` the call blocks until the buffers are full.
///
/// Errors: BADF, also if not open for reading; NOTSOCK; NOTCONN; NOTCAPABLE without `fd_read`;
/// AGAIN; errors of `recvmsg`.
pub(crate) fn sock_recv(
    call: &mut Call<'_>,
    fd: Fd,
    ri_data: IoVecs,
    ri_flags: RiFlags,
    ro_datalen: Out<u32>,
    ro_flags: Out<RoFlags>,
) -> Result<(), Stop> {
    call.guest.check(ro_datalen)?;
    call.guest.check(ro_flags)?;
    let entry = connected(&call.ctx.table, fd, Rights::FD_READ)?;
    let mut flags = RecvFlags::empty();
    flags.set(RecvFlags::PEEK, ri_flags.contains(RiFlags::RECV_PEEK));
    flags.set(RecvFlags::WAITALL, ri_flags.contains(RiFlags::RECV_WAITALL));
    let system = entry.system(Errno::NotSock)?;
    let received = call.guest.scatter(ri_data, |buffers| {
        ready(entry, PollFlags::IN, call.deadline)?;
        Ok::<_, Stop>(recvmsg(system, buffers, &mut RecvAncillaryBuffer::default(), flags)?)
    })?;
    let truncated = received.flags.contains(ReturnFlags::TRUNC);
    call.guest.write(ro_datalen, received.bytes as u32)?;
    let flags = if truncated { RoFlags::RECV_DATA_TRUNCATED } else { RoFlags::empty() };
    Ok(call.guest.write(ro_flags, flags)?)
}

/// Sends the buffers and writes the number of bytes sent (4 bytes).
///
/// Errors: BADF, also if not open for writing; NOTSOCK; NOTCONN; NOTCAPABLE without `fd_write`;
/// INVAL if `si_flags` is not 0; AGAIN; PIPE; errors of `sendmsg`.
pub(crate) fn sock_send(
    call: &mut Call<'_>,
    fd: Fd,
    si_data: IoVecs,
    _si_flags: SiFlags,
    so_datalen: Out<u32>,
) -> Result<(), Stop> {
    call.guest.check(so_datalen)?;
    let entry = connected(&call.ctx.table, fd, Rights::FD_WRITE)?;
    let system = entry.system(Errno::NotSock)?;
    let sent = call.guest.gather(si_data, |buffers| {
        ready(entry, PollFlags::OUT, call.deadline)?;
        Ok::<_, Stop>(sendmsg(system, buffers, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
    })?;
    Ok(call.guest.write(so_datalen, sent as u32)?)
}

/// Shuts a connection down for reading, writing or both. Writes no results.
///
/// Errors: BADF; NOTSOCK; NOTCONN; NOTCAPABLE without `sock_shutdown`; INVAL if `how` is empty.
pub(crate) fn sock_shutdown(call: &mut Call<'_>, fd: Fd, how: SdFlags) -> Result<(), Errno> {
    let entry = connected(&call.ctx.table, fd, Rights::SOCK_SHUTDOWN)?;
    let how = match (how.contains(SdFlags::RD), how.contains(SdFlags::WR)) {
        (true, true) => Shutdown::Both,
        (true, false) => Shutdown::Read,
        (false, true) => Shutdown::Write,
        (false, false) => return Err(Errno::Inval),
    };
    Ok(shutdown(entry.system(Errno::NotSock)?, how)?)
}

/// The connected socket with this number, checked for these rights: BADF, NOTSOCK, NOTCONN,
/// NOTCAPABLE.
fn connected(table: &Table, fd: Fd, rights: Rights) -> Result<&Entry, Errno> {
    let entry = socket(table, fd)?;
    if let Kind::Listener(_) = entry.kind {
        return Err(Errno::NotConn);
    }
    entry.require(rights)?;
    Ok(entry)
}

fn socket(table: &Table, fd: Fd) -> Result<&Entry, Errno> {
    let entry = table.get(fd)?;
    match entry.file_type {
        FileType::SocketStream | FileType::SocketDgram => Ok(entry),
        _ => Err(Errno::NotSock),
    }
}
