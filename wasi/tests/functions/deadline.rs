//! Blocking calls: only the guest's deadline interrupts them.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wassay_engine::{Error, ErrorKind};
use wassay_wasi::{Access, Errno, WasiCtx, WasiCtxBuilder};

use crate::support::bits::NONBLOCK;
use crate::support::{DATA, Host, MORE, OUT, guests};
use crate::{AT, TO};

fn host(more: impl FnOnce(WasiCtxBuilder) -> WasiCtxBuilder) -> Host {
    Host::with("all_preview1", Access::ReadWrite, more)
}

/// Checks that a call that would block forever ends soon after the guest's deadline.
#[track_caller]
fn times_out(mut host: Host, name: &str, args: &[i64]) {
    const ALLOWED: Duration = Duration::from_millis(50);
    let begun = Instant::now();
    host.store.set_deadline(Some(begun + ALLOWED));
    let ended = host.try_call(name, args).map_err(|error| error.kind());
    assert_eq!(ended.unwrap_err(), ErrorKind::Interrupted, "{name}");
    assert!((ALLOWED..Duration::from_secs(20)).contains(&begun.elapsed()), "{name}: {:?}", begun.elapsed());
    host.store.set_deadline(None);
    let after = host.try_call("sched_yield", &[]).map_err(|error: Error| error.kind());
    assert_eq!(after, Err(ErrorKind::Interrupted), "the guest does not run afterwards");
}

#[test]
fn reading_and_writing() {
    let (read, _write) = std::io::pipe().unwrap();
    let mut empty = host(|builder| builder.stdin_file(read));
    empty.vector(MORE, 10);
    times_out(empty, "fd_read", &[0, AT, 1, TO]);

    let (_read, full) = std::io::pipe().unwrap();
    let mut full = host(|builder| builder.stdout_file(full));
    full.ok("fd_fdstat_set_flags", &[1, NONBLOCK]);
    full.vector(MORE, 4096);
    while full.call("fd_write", &[1, AT, 1, TO]) == Errno::Success {}
    full.ok("fd_fdstat_set_flags", &[1, 0]);
    times_out(full, "fd_write", &[1, AT, 1, TO]);
}

#[test]
fn sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    times_out(host(|builder| builder.listener(listener)), "sock_accept", &[4, 0, TO]);

    let (mine, _theirs) = UnixStream::pair().unwrap();
    let mut silent = host(|builder| builder.stdin_file(mine));
    silent.vector(MORE, 10);
    times_out(silent, "sock_recv", &[0, AT, 1, 0, TO, TO + 4]);

    let (mine, _theirs) = UnixStream::pair().unwrap();
    let mut full = host(|builder| builder.stdout_file(mine));
    full.ok("fd_fdstat_set_flags", &[1, NONBLOCK]);
    full.vector(MORE, 4096);
    while full.call("sock_send", &[1, AT, 1, 0, TO]) == Errno::Success {}
    full.ok("fd_fdstat_set_flags", &[1, 0]);
    times_out(full, "sock_send", &[1, AT, 1, 0, TO]);
}

#[test]
fn clocks_and_descriptors_that_are_polled() {
    // A clock with a timeout of a minute.
    let mut clock = host(|builder| builder);
    clock.put(MORE + 16, &1u32.to_le_bytes());
    clock.put(MORE + 24, &60_000_000_000u64.to_le_bytes());
    times_out(clock, "poll_oneoff", &[i64::from(MORE), TO, 1, AT]);

    let (read, _write) = std::io::pipe().unwrap();
    let mut empty = host(|builder| builder.stdin_file(read));
    empty.put(MORE + 8, &[1]);
    times_out(empty, "poll_oneoff", &[i64::from(MORE), TO, 1, AT]);
}

/// A FIFO that no process opens for writing.
#[test]
fn opening_a_fifo_for_reading() {
    let mut host = host(|builder| builder);
    fifo(&host);
    host.put(MORE, b"fifo");
    times_out(host, "path_open", &[3, 0, i64::from(MORE), 4, 0, 2, 0, 0, TO]);
}

/// A FIFO that no process opens for reading.
#[test]
fn opening_a_fifo_for_writing() {
    let mut host = host(|builder| builder);
    fifo(&host);
    host.put(MORE, b"fifo");
    times_out(host, "path_open", &[3, 0, i64::from(MORE), 4, 0, 64, 0, 0, TO]);
}

fn fifo(host: &Host) {
    let path = host.inside("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

/// Transfers as much of a large file as addresses reach, in pieces that are separate system calls.
#[test]
fn reading_and_writing_a_large_file() {
    for (name, rights) in [("fd_pread", 2), ("fd_read", 2), ("fd_pwrite", 64), ("fd_write", 64)] {
        let mut host = large(|builder| builder);
        let file = std::fs::File::create(host.inside("file")).unwrap();
        file.set_len(8 << 30).unwrap();
        let file = host.open("file", 0, 0, rights | 4).unwrap();
        // Twice the whole memory. Since the buffers overlap, only the first is read into.
        host.put(AT as u32, &[0, 0, 1, 0, 0, 0, 0, 0x70, 0, 0, 1, 0, 0, 0, 0, 0x70]);
        let iovecs = if rights == 2 { 1 } else { 2 };
        match name {
            "fd_pread" | "fd_pwrite" => times_out(host, name, &[file, AT, iovecs, 0, TO]),
            _ => times_out(host, name, &[file, AT, iovecs, TO]),
        }
    }
}

/// Lists a directory with so many entries that the system needs longer than the deadline.
#[test]
fn reading_a_large_directory() {
    let mut host = large(|builder| builder);
    for number in 0..20_000 {
        std::fs::File::create(host.inside(&format!("{number:0200}"))).unwrap();
    }
    let directory = host.open(".", 0, 2, 0x4000).unwrap();
    let begun = Instant::now();
    host.store.set_deadline(Some(begun + Duration::from_millis(2)));
    let ended = host.try_call("fd_readdir", &[directory, i64::from(MORE), 1 << 30, 0, TO]);
    assert_eq!(ended.map_err(|error| error.kind()).unwrap_err(), ErrorKind::Interrupted);
}

/// Gigabytes of random bytes take longer than the deadline.
#[test]
fn random_bytes_for_all_of_a_memory() {
    times_out(large(|builder| builder), "random_get", &[0, -1]);
}

/// A guest with a memory of 4 GiB.
fn large(more: impl FnOnce(WasiCtxBuilder) -> WasiCtxBuilder) -> Host {
    let text = std::fs::read_to_string(guests().join("all_preview1.wat")).unwrap();
    let text = text.replace("(export \"memory\") 2", "(export \"memory\") 65536");
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("in")).unwrap();
    let builder = WasiCtx::builder().preopen(root.path().join("in"), "/", Access::ReadWrite).unwrap();
    Host::load(&text, root, builder, more)
}

#[test]
fn events_before_the_deadline_are_reported() {
    let (read, mut write) = std::io::pipe().unwrap();
    let mut host = host(|builder| builder.stdin_file(read));
    host.store.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
    host.put(MORE + 8, &[1]);
    let writer = std::thread::spawn(move || {
        for text in [b"one", b"two"] {
            std::thread::sleep(Duration::from_millis(30));
            write.write_all(text).unwrap();
        }
    });
    host.ok("poll_oneoff", &[i64::from(MORE), TO, 1, AT]);
    assert_eq!((host.u32(DATA), host.u64(OUT + 16)), (1, 3));
    assert_eq!(host.read(0, 10).unwrap(), b"one");
    assert_eq!(host.read(0, 10).unwrap(), b"two");
    writer.join().unwrap();
    assert_eq!(host.read(0, 10).unwrap(), b"", "the writer has closed the pipe");
}

/// A nonblocking call returns at once.
#[test]
fn a_nonblocking_descriptor_does_not_block() {
    let (read, _write) = std::io::pipe().unwrap();
    let mut host = host(|builder| builder.stdin_file(read));
    host.store.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
    host.ok("fd_fdstat_set_flags", &[0, NONBLOCK]);
    let begun = Instant::now();
    assert_eq!(host.read(0, 10), Err(Errno::Again));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_observer_sees_which_call_timed_out() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let (read, _write) = std::io::pipe().unwrap();
    let mut empty = host(|builder| {
        builder.stdin_file(read).observer(move |call| seen.lock().unwrap().push(call.to_string()))
    });
    empty.vector(MORE, 10);
    times_out(empty, "fd_read", &[0, AT, 1, TO]);
    let calls = calls.lock().unwrap();
    assert!(calls[0].starts_with("fd_read(fd=0, ") && calls[0].ends_with("): timed out"), "{calls:?}");
}
