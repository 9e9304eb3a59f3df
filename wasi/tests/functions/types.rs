//! Each function that takes a descriptor, on each type of descriptor. The errors are those of
//! POSIX; if the system has an equivalent call, its result is compared.

use std::fs::{File, OpenOptions};
use std::io::{IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Advice, FallocateFlags, Mode, RawDir, SeekFrom, Timespec, Timestamps, UTIME_NOW};
use wassay_wasi::{Access, Errno};

use crate::support::bits::{DIRECTORY, FD_READ, FD_SEEK, FD_TELL, FD_WRITE, NONBLOCK};
use crate::support::{DATA, Host, MORE, OUT};
use crate::{AT, TO};

const OK: Errno = Errno::Success;
const BADF: Errno = Errno::Badf;
const INVAL: Errno = Errno::Inval;
const IS_DIR: Errno = Errno::IsDir;
const NO_DEV: Errno = Errno::NoDev;
const NOT_CONN: Errno = Errno::NotConn;
const NOT_DIR: Errno = Errno::NotDir;
const NOT_SOCK: Errno = Errno::NotSock;
const SPIPE: Errno = Errno::Spipe;

/// The functions, in the order of the columns below.
const FUNCTIONS: [&str; 14] = [
    "fd_read",
    "fd_write",
    "fd_pread",
    "fd_pwrite",
    "fd_seek",
    "fd_tell",
    "fd_advise",
    "fd_allocate",
    "fd_sync",
    "fd_datasync",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_readdir",
    "sock_shutdown",
];

type Row = [Errno; 14];

const CLOSED: Row = [BADF; 14];
const READ_ONLY: Row = [OK, BADF, OK, BADF, OK, OK, OK, BADF, OK, OK, INVAL, OK, NOT_DIR, NOT_SOCK];
const WRITE_ONLY: Row = [BADF, OK, BADF, OK, OK, OK, OK, OK, OK, OK, OK, OK, NOT_DIR, NOT_SOCK];
const READ_WRITE: Row = [OK, OK, OK, OK, OK, OK, OK, OK, OK, OK, OK, OK, NOT_DIR, NOT_SOCK];
/// The system can seek in a directory; in WASI a directory has no position apart from cookies.
const A_DIRECTORY: Row =
    [IS_DIR, BADF, IS_DIR, BADF, IS_DIR, IS_DIR, OK, BADF, OK, OK, INVAL, OK, OK, NOT_SOCK];
const PIPE_TO_READ: Row =
    [OK, BADF, SPIPE, SPIPE, SPIPE, SPIPE, SPIPE, BADF, INVAL, INVAL, INVAL, OK, NOT_DIR, NOT_SOCK];
const PIPE_TO_WRITE: Row =
    [BADF, OK, SPIPE, SPIPE, SPIPE, SPIPE, SPIPE, SPIPE, INVAL, INVAL, INVAL, OK, NOT_DIR, NOT_SOCK];
const DEVICE_TO_READ: Row =
    [OK, BADF, OK, BADF, OK, OK, OK, BADF, INVAL, INVAL, INVAL, OK, NOT_DIR, NOT_SOCK];
const DEVICE: Row = [OK, OK, OK, OK, OK, OK, OK, NO_DEV, INVAL, INVAL, INVAL, OK, NOT_DIR, NOT_SOCK];
const TERMINAL: Row =
    [OK, OK, SPIPE, SPIPE, SPIPE, SPIPE, OK, NO_DEV, INVAL, INVAL, INVAL, OK, NOT_DIR, NOT_SOCK];
const SOCKET: Row = [OK, OK, SPIPE, SPIPE, SPIPE, SPIPE, OK, NO_DEV, INVAL, INVAL, INVAL, OK, NOT_DIR, OK];
const LISTENER: Row =
    [NOT_CONN, NOT_CONN, SPIPE, SPIPE, SPIPE, SPIPE, OK, NO_DEV, INVAL, INVAL, INVAL, OK, NOT_DIR, NOT_CONN];
/// In-memory streams behave like pipes, except that they have no times.
const INPUT: Row =
    [OK, BADF, SPIPE, SPIPE, SPIPE, SPIPE, SPIPE, BADF, INVAL, INVAL, INVAL, INVAL, NOT_DIR, NOT_SOCK];
const OUTPUT: Row =
    [BADF, OK, SPIPE, SPIPE, SPIPE, SPIPE, SPIPE, SPIPE, INVAL, INVAL, INVAL, INVAL, NOT_DIR, NOT_SOCK];

fn guest(host: &mut Host, function: &str, fd: i64) -> Errno {
    host.put(DATA, &[MORE, 1].map(u32::to_le_bytes).concat());
    match function {
        "fd_read" | "fd_write" => host.call(function, &[fd, AT, 1, TO]),
        "fd_pread" | "fd_pwrite" => host.call(function, &[fd, AT, 1, 0, TO]),
        "fd_seek" => host.call(function, &[fd, 0, 0, TO]),
        "fd_tell" => host.call(function, &[fd, TO]),
        "fd_advise" => host.call(function, &[fd, 0, 10, 0]),
        "fd_allocate" => host.call(function, &[fd, 0, 10]),
        "fd_filestat_set_size" => host.call(function, &[fd, 10]),
        "fd_filestat_set_times" => host.call(function, &[fd, 0, 0, 2 | 8]),
        "fd_readdir" => host.call(function, &[fd, TO, 100, 0, AT]),
        "sock_shutdown" => host.call(function, &[fd, 2]),
        _ => host.call(function, &[fd]),
    }
}

/// The equivalent system call.
fn system(function: &str, fd: BorrowedFd<'_>) -> Errno {
    let (mut buffer, mut entries) = ([0], [MaybeUninit::uninit(); 512]);
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let called = match function {
        "fd_read" => rustix::io::readv(fd, &mut [IoSliceMut::new(&mut buffer)]).map(drop),
        "fd_write" => rustix::io::writev(fd, &[IoSlice::new(&buffer)]).map(drop),
        "fd_pread" => rustix::io::pread(fd, &mut buffer, 0).map(drop),
        "fd_pwrite" => rustix::io::pwrite(fd, &buffer, 0).map(drop),
        "fd_seek" => rustix::fs::seek(fd, SeekFrom::Start(0)).map(drop),
        "fd_tell" => rustix::fs::tell(fd).map(drop),
        "fd_advise" => rustix::fs::fadvise(fd, 0, NonZeroU64::new(10), Advice::Normal),
        "fd_allocate" => rustix::fs::fallocate(fd, FallocateFlags::empty(), 0, 10),
        "fd_sync" => rustix::fs::fsync(fd),
        "fd_datasync" => rustix::fs::fdatasync(fd),
        "fd_filestat_set_size" => rustix::fs::ftruncate(fd, 10),
        "fd_filestat_set_times" => {
            rustix::fs::futimens(fd, &Timestamps { last_access: now, last_modification: now })
        }
        "fd_readdir" => RawDir::new(fd, &mut entries).next().unwrap().map(drop),
        _ => rustix::net::shutdown(fd, rustix::net::Shutdown::Write),
    };
    called.map_or_else(Errno::from, |()| OK)
}

/// Calls every function on a descriptor, and the equivalent system call if there is a native
/// descriptor.
#[track_caller]
fn check(host: &mut Host, what: &str, fd: i64, native: Option<BorrowedFd<'_>>, row: Row) {
    for (function, expected) in FUNCTIONS.into_iter().zip(row) {
        if let Some(native) = native
            && !(expected == IS_DIR && ["fd_seek", "fd_tell"].contains(&function))
        {
            assert_eq!(system(function, native), expected, "{function} of {what}, by the system");
        }
        assert_eq!(guest(host, function, fd), expected, "{function} of {what}");
    }
}

fn open(path: impl AsRef<Path>, read: bool, write: bool) -> OwnedFd {
    OpenOptions::new().read(read).write(write).open(path).unwrap().into()
}

#[test]
fn files_and_directories() {
    let mut host = Host::new();
    std::fs::write(host.inside("file"), "0123456789").unwrap();
    for (mode, read, write, row) in [
        (FD_READ, true, false, READ_ONLY),
        (FD_WRITE, false, true, WRITE_ONLY),
        (FD_READ | FD_WRITE, true, true, READ_WRITE),
    ] {
        let fd = host.open("file", 0, 0, mode).unwrap();
        let native = open(host.inside("file"), read, write);
        check(&mut host, "a file", fd, Some(native.as_fd()), row);
    }
    for (path, oflags) in [(".", DIRECTORY), (".", 0), ("./", 0)] {
        let fd = host.open(path, 0, oflags, FD_READ).unwrap();
        let native = File::open(host.inside("")).unwrap();
        check(&mut host, "a directory", fd, Some(native.as_fd()), A_DIRECTORY);
    }
    check(&mut host, "a preopened directory", 3, None, A_DIRECTORY);
    let native = File::open(host.inside("")).unwrap();
    let mut inherits = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.stdin_file(native.try_clone().unwrap())
    });
    // Standard input has no cookies, and therefore no entries.
    let row = [IS_DIR, BADF, IS_DIR, BADF, IS_DIR, IS_DIR, OK, BADF, OK, OK, INVAL, OK, NOT_DIR, NOT_SOCK];
    check(&mut inherits, "a directory as standard input", 0, None, row);
    check(&mut host, "nothing", 99, None, CLOSED);
    check(&mut host, "nothing", -1, None, CLOSED);
    check(&mut host, "an in-memory input", 0, None, INPUT);
    check(&mut host, "an in-memory output", 1, None, OUTPUT);
}

#[test]
fn pipes() {
    let (read, mut write) = std::io::pipe().unwrap();
    let (full_read, full) = std::io::pipe().unwrap();
    write.write_all(b"some bytes").unwrap();
    let (native_read, native_write) = (read.try_clone().unwrap(), full.try_clone().unwrap());
    let mut host =
        Host::with("all_preview1", Access::ReadWrite, |builder| builder.stdin_file(read).stdout_file(full));
    check(&mut host, "a pipe to read", 0, Some(native_read.as_fd()), PIPE_TO_READ);
    check(&mut host, "a pipe to write", 1, Some(native_write.as_fd()), PIPE_TO_WRITE);
    drop(full_read);

    let path = host.inside("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::from_raw_mode(0o600)).unwrap();
    // Also open the other end, so that opening this one does not block.
    let other: OwnedFd = OpenOptions::new().read(true).write(true).open(&path).unwrap().into();
    rustix::io::write(&other, b"some bytes").unwrap();
    let fd = host.open("fifo", 0, 0, FD_READ | FD_SEEK | FD_TELL).unwrap();
    let native = open(&path, true, false);
    check(&mut host, "a FIFO to read", fd, Some(native.as_fd()), PIPE_TO_READ);
    let fd = host.open("fifo", 0, 0, FD_WRITE | FD_SEEK | FD_TELL).unwrap();
    let native = open(&path, false, true);
    check(&mut host, "a FIFO to write", fd, Some(native.as_fd()), PIPE_TO_WRITE);
}

/// Whether a guest's library takes a descriptor for a terminal: a character device without the
/// rights to seek and tell.
fn is_terminal(host: &mut Host, fd: i64) -> bool {
    host.ok("fd_fdstat_get", &[fd, TO]);
    host.bytes(OUT, 1) == [2] && host.u64(OUT + 8) as i64 & (FD_SEEK | FD_TELL) == 0
}

#[test]
fn devices_and_terminals() {
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder
            .preopen("/dev", "/dev", Access::ReadWrite)
            .unwrap()
            .stdin_file(File::open("/dev/null").unwrap())
            .stdout_file(File::options().write(true).open("/dev/null").unwrap())
    });
    for (path, mode, row) in [
        ("null", FD_READ, DEVICE_TO_READ),
        ("zero", FD_READ, DEVICE_TO_READ),
        ("urandom", FD_READ, DEVICE_TO_READ),
        ("null", FD_READ | FD_WRITE, DEVICE),
    ] {
        let fd = host.open_at(4, path, 0, 0, mode, 0).unwrap();
        let native = open(Path::new("/dev").join(path), true, mode & FD_WRITE != 0);
        // Whether it can be synchronized depends on the device.
        let mut row = row;
        row[8..10].fill(system("fd_sync", native.as_fd()));
        check(&mut host, path, fd, Some(native.as_fd()), row);
        assert!(!is_terminal(&mut host, fd), "{path}");
        host.ok("fd_filestat_get", &[fd, TO]);
        assert_eq!(host.bytes(OUT + 16, 1), [2], "{path} is a character device");
    }
    for (fd, what) in [(0, "the empty input"), (1, "the discarded output"), (2, "an in-memory output")] {
        assert!(!is_terminal(&mut host, fd), "{what}");
    }
    // The master side of a pseudoterminal, which is a terminal as well.
    let Ok(native) = File::options().read(true).write(true).open("/dev/ptmx") else {
        println!("not run: pseudoterminals are not available");
        return;
    };
    let fd = host.open_at(4, "ptmx", 1, 0, FD_READ | FD_WRITE, NONBLOCK).unwrap();
    assert!(is_terminal(&mut host, fd));
    let mut row = TERMINAL;
    // Nothing was typed, and both sides are nonblocking.
    row[0] = Errno::Again;
    rustix::io::ioctl_fionbio(&native, true).unwrap();
    check(&mut host, "a terminal", fd, Some(native.as_fd()), row);
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.stdin_file(native));
    assert!(is_terminal(&mut host, 0));
    assert_eq!(
        host.write(0, "x"),
        Err(BADF),
        "standard input is read-only, even if the system's descriptor is writable"
    );
}

#[test]
fn sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.listener(listener));
    let mut client = TcpStream::connect(address).unwrap();
    host.ok("sock_accept", &[4, 0, TO]);
    client.write_all(b"some bytes").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut other_client = TcpStream::connect(other.local_addr().unwrap()).unwrap();
    other_client.write_all(b"some bytes").unwrap();
    let native = other.accept().unwrap().0;
    check(&mut host, "a socket", 5, Some(native.as_fd()), SOCKET);
    // Writing to it kills the process with SIGPIPE, and a shutdown ends the listening.
    check(&mut host, "a listening socket", 4, None, LISTENER);
    for function in ["fd_read", "fd_seek", "fd_advise", "fd_allocate", "fd_sync", "fd_filestat_set_size"] {
        let column = FUNCTIONS.iter().position(|name| *name == function).unwrap();
        assert_eq!(system(function, other.as_fd()), LISTENER[column], "{function}");
    }
    for (function, arguments) in
        [("sock_recv", vec![4, AT, 1, 0, TO, TO + 4]), ("sock_send", vec![4, AT, 1, 0, TO])]
    {
        assert_eq!(host.call(function, &arguments), NOT_CONN, "{function}");
    }
    let (datagrams, _other) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.stdin_file(datagrams));
    host.ok("fd_fdstat_get", &[0, TO]);
    assert_eq!(host.bytes(OUT, 1), [5], "a datagram socket");
}

/// A dropped right is NOTCAPABLE, whatever the access mode; calls that never apply to the type keep
/// their own error.
#[test]
fn rights_are_checked_last() {
    let mut host = Host::new();
    std::fs::write(host.inside("file"), "0123456789").unwrap();
    let fd = host.open("file", 0, 0, FD_READ).unwrap();
    host.ok("fd_fdstat_set_rights", &[fd, 0, 0]);
    let no = Errno::NotCapable;
    let row = [no, BADF, no, BADF, no, no, no, BADF, no, no, INVAL, no, NOT_DIR, NOT_SOCK];
    check(&mut host, "a file without rights", fd, None, row);
    host.ok("fd_fdstat_set_rights", &[0, 0, 0]);
    let row = [no, BADF, SPIPE, SPIPE, SPIPE, SPIPE, SPIPE, BADF, no, no, INVAL, no, NOT_DIR, NOT_SOCK];
    check(&mut host, "an input without rights", 0, None, row);
    host.ok("fd_fdstat_set_rights", &[3, 0, 0]);
    let row = [IS_DIR, BADF, IS_DIR, BADF, IS_DIR, IS_DIR, no, BADF, no, no, INVAL, no, no, NOT_SOCK];
    check(&mut host, "a directory without rights", 3, None, row);
}
