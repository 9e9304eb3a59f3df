//! `poll_oneoff` and sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use wassay_wasi::{Access, Errno};

use crate::support::bits::{FD_READ, FD_WRITE, NONBLOCK};
use crate::support::{ALL, DATA, Host, MORE, OUT};
use crate::{AT, TO};

/// Writes a subscription of preview 1 at this index of the array at `MORE`.
fn subscribe(host: &mut Host, index: u32, userdata: u64, tag: u8, rest: &[(usize, u64)]) {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = tag;
    for (at, value) in rest {
        bytes[*at..*at + 8].copy_from_slice(&value.to_le_bytes());
    }
    host.put(MORE + 48 * index, &bytes);
}

/// An event: userdata, error, type, number of bytes and flags.
type Event = (u64, u16, u8, u64, u16);

fn poll(host: &mut Host, count: i64) -> Result<Vec<Event>, Errno> {
    match host.call("poll_oneoff", &[i64::from(MORE), TO, count, AT]) {
        Errno::Success => Ok((0..host.u32(DATA))
            .map(|index| OUT + 32 * index)
            .map(|at| {
                (
                    host.u64(at),
                    host.u16(at + 8),
                    host.bytes(at + 10, 1)[0],
                    host.u64(at + 16),
                    host.u16(at + 24),
                )
            })
            .collect()),
        errno => Err(errno),
    }
}

#[test]
fn waiting() {
    let (read, mut write) = std::io::pipe().unwrap();
    let (full_read, full) = std::io::pipe().unwrap();
    let mut host =
        Host::with("all_preview1", Access::ReadWrite, |builder| builder.stdin_file(read).stdout_file(full));
    let ms = 1_000_000;
    // Two clocks: only the first to elapse is reported.
    let start = Instant::now();
    subscribe(&mut host, 0, 7, 0, &[(16, 1), (24, 10_000 * ms)]);
    subscribe(&mut host, 1, 8, 0, &[(16, 0), (24, 20 * ms)]);
    subscribe(&mut host, 2, 9, 1, &[(16, 0)]);
    assert_eq!(poll(&mut host, 3).unwrap(), [(8, 0, 0, 0, 0)]);
    assert!((20..5000).contains(&start.elapsed().as_millis()));
    // An absolute time in the past.
    subscribe(&mut host, 0, 7, 0, &[(16, 0), (24, 1), (40, 1)]);
    assert_eq!(poll(&mut host, 1).unwrap(), [(7, 0, 0, 0, 0)]);
    // An absolute time in the future.
    host.ok("clock_time_get", &[1, 0, TO]);
    let soon = host.u64(OUT) + 20 * ms;
    subscribe(&mut host, 0, 7, 0, &[(16, 1), (24, soon), (40, 1)]);
    assert_eq!(poll(&mut host, 1).unwrap(), [(7, 0, 0, 0, 0)]);
    host.ok("clock_time_get", &[1, 0, TO]);
    assert!(host.u64(OUT) >= soon);
    // Descriptors: available bytes, a writable output, errors.
    write.write_all(b"12345").unwrap();
    subscribe(&mut host, 0, 1, 1, &[(16, 0)]);
    subscribe(&mut host, 1, 2, 2, &[(16, 1)]);
    subscribe(&mut host, 2, 3, 1, &[(16, 99)]);
    subscribe(&mut host, 3, 4, 2, &[(16, 0)]);
    subscribe(&mut host, 4, 5, 2, &[(16, 2)]);
    subscribe(&mut host, 5, 6, 1, &[(16, 3)]);
    subscribe(&mut host, 6, 7, 0, &[(16, 1), (24, 10_000 * ms)]);
    let badf = Errno::Badf as u16;
    assert_eq!(
        poll(&mut host, 7).unwrap(),
        [
            (1, 0, 1, 5, 0),
            (2, 0, 2, 1, 0),
            (3, badf, 1, 0, 0),
            (4, badf, 2, 0, 0),
            (5, 0, 2, 1, 0),
            (6, 0, 1, 0, 0)
        ]
    );
    drop(write);
    assert_eq!(host.read(0, 9).unwrap(), b"12345");
    subscribe(&mut host, 0, 1, 1, &[(16, 0)]);
    assert_eq!(poll(&mut host, 1).unwrap(), [(1, 0, 1, 0, 1)], "the peer has closed the pipe");
    drop(full_read);
    assert_eq!(host.write(1, "x"), Err(Errno::Pipe));
    // As with `poll(2)`, files and devices are ready whatever their access mode.
    std::fs::write(host.inside("file"), "12345").unwrap();
    let to_read = host.open("file", 0, 0, FD_READ).unwrap();
    let to_write = host.open("file", 0, 0, FD_WRITE).unwrap();
    subscribe(&mut host, 0, 1, 2, &[(16, to_read as u64)]);
    subscribe(&mut host, 1, 2, 1, &[(16, to_write as u64)]);
    assert_eq!(poll(&mut host, 2).unwrap(), [(1, 0, 2, 1, 0), (2, 0, 1, 5, 0)]);
    // Invalid subscriptions.
    assert_eq!(poll(&mut host, 0), Err(Errno::Inval));
    for (tag, clock, flags, errno) in [
        (3, 0, 0, Errno::Inval),
        (0, 4, 0, Errno::Inval),
        (0, 0, 2, Errno::Inval),
        (0, 2, 0, Errno::NotSup),
        (0, 3, 0, Errno::NotSup),
    ] {
        subscribe(&mut host, 0, 1, tag, &[(16, clock), (40, flags)]);
        assert_eq!(poll(&mut host, 1), Err(errno), "{tag} {clock} {flags}");
    }
    assert_eq!(host.call("poll_oneoff", &[i64::from(MORE), TO, -1, AT]), Errno::Fault);
}

#[test]
fn a_file_reports_its_remaining_bytes() {
    let mut host = Host::new();
    std::fs::write(host.inside("file"), "0123456789").unwrap();
    let fd = host.open("file", 0, 0, ALL).unwrap();
    assert_eq!(host.read(fd, 4).unwrap(), b"0123");
    subscribe(&mut host, 0, 1, 1, &[(16, fd as u64)]);
    subscribe(&mut host, 1, 2, 2, &[(16, fd as u64)]);
    assert_eq!(poll(&mut host, 2).unwrap(), [(1, 0, 1, 6, 0), (2, 0, 2, 1, 0)]);
    host.ok("fd_seek", &[fd, 100, 0, TO]);
    subscribe(&mut host, 0, 1, 1, &[(16, fd as u64)]);
    assert_eq!(poll(&mut host, 1).unwrap(), [(1, 0, 1, 0, 0)]);
}

#[test]
fn sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.listener(listener));
    host.ok("fd_fdstat_get", &[4, TO]);
    assert_eq!(host.bytes(OUT, 1), [6]);
    assert_eq!(host.call("fd_prestat_get", &[4, TO]), Errno::Badf);
    host.ok("fd_fdstat_set_flags", &[4, NONBLOCK]);
    assert_eq!(host.call("sock_accept", &[4, 0, TO]), Errno::Again);
    let mut client = TcpStream::connect(address).unwrap();
    subscribe(&mut host, 0, 1, 1, &[(16, 4)]);
    assert_eq!(poll(&mut host, 1).unwrap()[0].1, 0);
    host.ok("sock_accept", &[4, NONBLOCK, TO]);
    let fd = i64::from(host.u32(OUT));
    assert_eq!(fd, 5);
    host.ok("fd_fdstat_get", &[fd, TO]);
    assert_eq!((host.bytes(OUT, 1), host.u16(OUT + 2)), (vec![6], 4));
    assert_eq!(host.read(fd, 10), Err(Errno::Again));
    client.write_all(b"hello world").unwrap();
    subscribe(&mut host, 0, 1, 1, &[(16, fd as u64)]);
    assert_eq!(poll(&mut host, 1).unwrap()[0].3, 11);
    // Two buffers: peek, then receive the same bytes.
    host.put(DATA, &[MORE + 100, 3, MORE, 5].map(u32::to_le_bytes).concat());
    for flags in [1, 0] {
        host.put(OUT, &[0xff; 8]);
        host.ok("sock_recv", &[fd, AT, 2, flags, TO, TO + 4]);
        assert_eq!((host.u32(OUT), host.u16(OUT + 4), host.u16(OUT + 6)), (8, 0, 0xffff));
        assert_eq!((host.bytes(MORE + 100, 3), host.bytes(MORE, 5)), (b"hel".to_vec(), b"lo wo".to_vec()));
    }
    assert_eq!(host.read(fd, 10).unwrap(), b"rld");
    host.put(DATA, &[MORE + 100, 3, MORE, 5].map(u32::to_le_bytes).concat());
    host.put(MORE, b"lo wo");
    host.ok("sock_send", &[fd, AT, 2, 0, TO]);
    assert_eq!(host.u32(OUT), 8);
    assert_eq!(host.write(fd, "!"), Ok(1));
    assert_eq!(host.call("sock_send", &[fd, AT, 1, 1, TO]), Errno::Inval);
    assert_eq!(host.call("sock_recv", &[fd, AT, 1, 4, TO, TO + 4]), Errno::Inval);
    assert_eq!(host.call("sock_shutdown", &[fd, 0]), Errno::Inval);
    assert_eq!(host.call("sock_shutdown", &[fd, 4]), Errno::Inval);
    host.ok("sock_shutdown", &[fd, 2]);
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text.as_bytes(), b"hello wo!");
    assert_eq!(host.call("sock_send", &[fd, AT, 1, 0, TO]), Errno::Pipe);
    host.ok("sock_shutdown", &[fd, 1]);
    drop(client);
    assert_eq!(host.call("sock_shutdown", &[fd, 1]), Errno::NotConn);
    host.ok("fd_close", &[fd]);
    for (other, errno) in [(0, Errno::NotSock), (3, Errno::NotSock), (99, Errno::Badf)] {
        assert_eq!(host.call("sock_accept", &[other, 0, TO]), errno);
        assert_eq!(host.call("sock_recv", &[other, AT, 1, 0, TO, TO + 4]), errno);
        assert_eq!(host.call("sock_send", &[other, AT, 1, 0, TO]), errno);
        assert_eq!(host.call("sock_shutdown", &[other, 1]), errno);
    }
    assert_eq!(host.call("sock_accept", &[4, 1, TO]), Errno::Inval);
    let connected = std::os::unix::net::UnixStream::pair().unwrap();
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.stdin_file(connected.0));
    assert_eq!(host.call("sock_accept", &[0, 0, TO]), Errno::Inval);
    assert_eq!(host.call("sock_send", &[0, AT, 1, 0, TO]), Errno::Badf);
}

/// A runtime with an event loop learns from the flags that a socket is nonblocking. For a guest
/// that never checks, it blocks, as in POSIX.
#[test]
fn a_listener_blocks_unless_the_guest_knows_it_is_nonblocking() {
    for (nonblocking, looks, sets, blocks) in [
        (true, true, None, false),
        (true, false, None, true),
        (true, true, Some(0), true),
        (true, false, Some(NONBLOCK), false),
        (false, true, None, true),
        (false, false, None, true),
        (false, false, Some(NONBLOCK), false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(nonblocking).unwrap();
        let address = listener.local_addr().unwrap();
        let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.listener(listener));
        if looks {
            host.ok("fd_fdstat_get", &[4, TO]);
            assert_eq!(i64::from(host.u16(OUT + 2)), if nonblocking { NONBLOCK } else { 0 });
        }
        if let Some(flags) = sets {
            host.ok("fd_fdstat_set_flags", &[4, flags]);
        }
        let case = format!("{nonblocking} {looks} {sets:?}");
        if !blocks {
            assert_eq!(host.call("sock_accept", &[4, 0, TO]), Errno::Again, "{case}");
        }
        let begun = Instant::now();
        let later = std::time::Duration::from_millis(if blocks { 50 } else { 0 });
        let client = std::thread::spawn(move || {
            std::thread::sleep(later);
            TcpStream::connect(address).unwrap()
        });
        if !blocks {
            subscribe(&mut host, 0, 1, 1, &[(16, 4)]);
            assert_eq!(poll(&mut host, 1).unwrap()[0].1, 0, "{case}");
        }
        host.ok("sock_accept", &[4, 0, TO]);
        assert!(begun.elapsed() >= later, "{case}");
        let connection = i64::from(host.u32(OUT));
        client.join().unwrap().write_all(b"hello").unwrap();
        assert_eq!(host.read(connection, 9).unwrap(), b"hello", "{case}: the connection blocks");
    }
}

#[test]
fn a_truncated_message() {
    let (mine, theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.stdin_file(theirs));
    mine.send(b"too long").unwrap();
    host.vector(MORE, 3);
    host.ok("sock_recv", &[0, AT, 1, 0, TO, TO + 4]);
    assert_eq!((host.u32(OUT), host.u16(OUT + 4), host.bytes(MORE, 3)), (3, 1, b"too".to_vec()));
}
