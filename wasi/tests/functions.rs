//! Each function of preview 1 with good and bad arguments: what it answers, and the bytes that it writes.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use support::bits::*;
use support::{ALL, DATA, Host, MEMORY, MORE, OUT};
use wassay_engine::{ErrorKind, Extern, Val};
use wassay_wasi::{Access, Capture, ClockId, Clocks, Errno, Exit, WasiCtx};

const AT: i64 = DATA as i64;
const TO: i64 = OUT as i64;

#[test]
fn arguments_and_environment() {
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.args(["prog", "", "two words"]).env("A", "1").env("EMPTY", "").env("E", "a=b")
    });
    host.ok("args_sizes_get", &[TO, TO + 4]);
    assert_eq!((host.u32(OUT), host.u32(OUT + 4)), (3, 16));
    host.ok("args_get", &[TO, TO + 100]);
    assert_eq!(host.bytes(OUT + 100, 16), b"prog\0\0two words\0");
    assert_eq!([host.u32(OUT), host.u32(OUT + 4), host.u32(OUT + 8)], [OUT + 100, OUT + 105, OUT + 106]);
    host.ok("environ_sizes_get", &[TO, TO + 4]);
    assert_eq!((host.u32(OUT), host.u32(OUT + 4)), (3, 17));
    host.ok("environ_get", &[TO, TO + 100]);
    assert_eq!(host.bytes(OUT + 100, 17), b"A=1\0EMPTY=\0E=a=b\0");
    assert_eq!(host.call("args_get", &[TO, i64::from(MEMORY) - 15]), Errno::Fault);
    assert_eq!(host.call("args_get", &[i64::from(MEMORY) - 8, TO]), Errno::Fault);
}

#[test]
fn a_guest_cannot_be_given_what_it_could_not_read() {
    for builder in
        [WasiCtx::builder().arg("a\0b"), WasiCtx::builder().env("", "x"), WasiCtx::builder().env("a=b", "x")]
    {
        assert_eq!(builder.build().unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    }
    let error = WasiCtx::builder().preopen("/nonexistent", "/", Access::ReadOnly).unwrap_err();
    assert!(error.to_string().starts_with("cannot open the directory `/nonexistent`: "), "{error}");
}

struct Fixed;

impl Clocks for Fixed {
    fn resolution(&self, clock: ClockId) -> u64 {
        10 + clock as u64
    }

    fn now(&self, clock: ClockId) -> u64 {
        1_000_000_000_000 * (1 + clock as u64)
    }
}

#[test]
fn clocks() {
    let mut host = Host::new();
    for clock in 0..4 {
        host.ok("clock_res_get", &[clock, TO]);
        assert!((1..=1_000_000_000).contains(&host.u64(OUT)), "clock {clock}");
        host.ok("clock_time_get", &[clock, 0, TO]);
        let before = host.u64(OUT);
        host.ok("clock_time_get", &[clock, -1, TO]);
        assert!(host.u64(OUT) >= before && before > 0, "clock {clock}");
    }
    host.ok("clock_time_get", &[0, 0, TO]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((now.as_nanos() as u64).abs_diff(host.u64(OUT)) < 10_000_000_000);
    assert_eq!(host.call("clock_res_get", &[4, TO]), Errno::Inval);
    assert_eq!(host.call("clock_time_get", &[-1, 0, TO]), Errno::Inval);

    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.clocks(Fixed));
    host.ok("clock_res_get", &[1, TO]);
    assert_eq!(host.u64(OUT), 11);
    host.ok("clock_time_get", &[3, 0, TO]);
    assert_eq!(host.u64(OUT), 4_000_000_000_000);
}

#[test]
fn random_and_yield() {
    let mut host = Host::new();
    host.ok("random_get", &[TO, 64]);
    assert!(host.bytes(OUT, 64).iter().any(|byte| *byte != 0));
    assert_eq!(host.bytes(OUT + 64, 64), [0; 64], "nothing is written behind the buffer");
    host.ok("random_get", &[i64::from(MEMORY), 0]);
    assert_eq!(host.call("random_get", &[TO, -1]), Errno::Fault);
    host.ok("sched_yield", &[]);
    let mut host =
        Host::with("all_preview1", Access::ReadWrite, |builder| builder.random(|bytes| bytes.fill(7)));
    host.ok("random_get", &[TO, 3]);
    assert_eq!(host.bytes(OUT, 4), [7, 7, 7, 0]);
}

#[test]
fn a_guest_ends_itself() {
    for (name, argument, exit, code) in [
        ("proc_exit", 3, Exit::Code(3), 3),
        ("proc_exit", -1, Exit::Code(u32::MAX), u32::MAX),
        ("proc_raise", 6, Exit::Signal(6), 134),
        ("proc_raise", 16, Exit::Signal(16), 144),
        ("proc_raise", 30, Exit::Signal(30), 158),
    ] {
        let mut host = Host::new();
        let Some(Extern::Func(func)) = host.instance.export(&host.store, name) else { panic!("{name}") };
        let error = func.invoke(&mut host.store, &[Val::I32(argument)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Host);
        let found = error.into_payload::<Exit>().unwrap();
        assert_eq!((found, found.code()), (exit, code));
    }
    let mut host = Host::new();
    host.ok("proc_raise", &[0]);
    assert_eq!(host.call("proc_raise", &[31]), Errno::Inval);
    assert_eq!(host.call("proc_raise", &[-1]), Errno::Inval);
}

#[test]
fn directories_that_were_given() {
    let other = tempfile::tempdir().unwrap();
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.preopen(other.path(), "/data", Access::ReadOnly).unwrap()
    });
    host.put(OUT, &[0xff; 8]);
    host.ok("fd_prestat_get", &[4, TO]);
    assert_eq!(host.bytes(OUT, 8), [0, 0, 0, 0, 5, 0, 0, 0]);
    host.ok("fd_prestat_dir_name", &[4, TO, 100]);
    assert_eq!(host.bytes(OUT, 6), b"/data\0");
    assert_eq!(host.call("fd_prestat_dir_name", &[4, TO, 4]), Errno::NameTooLong);
    for fd in [0, 1, 2, 5, -1] {
        assert_eq!(host.call("fd_prestat_get", &[fd, TO]), Errno::Badf);
        assert_eq!(host.call("fd_prestat_dir_name", &[fd, TO, 10]), Errno::Badf);
    }
    host.ok("fd_close", &[4]);
    assert_eq!(host.call("fd_prestat_get", &[4, TO]), Errno::Badf);
}

#[test]
fn reading_and_writing() {
    let mut host = Host::new();
    let fd = host.open("file", 0, CREAT | EXCL, ALL).unwrap();
    assert_eq!(fd, 4, "the lowest number that is free");
    assert_eq!(host.write(fd, "hello world").unwrap(), 11);
    host.ok("fd_tell", &[fd, TO]);
    assert_eq!(host.u64(OUT), 11);
    assert_eq!(host.read(fd, 10).unwrap(), b"");
    // Two buffers, the second before the first.
    host.put(DATA, &[MORE + 100, 4, MORE, 100].map(u32::to_le_bytes).concat());
    host.ok("fd_pread", &[fd, AT, 2, 2, TO]);
    assert_eq!(
        (host.u32(OUT), host.bytes(MORE + 100, 4), host.bytes(MORE, 5)),
        (9, b"llo ".to_vec(), b"world".to_vec())
    );
    host.ok("fd_pwrite", &[fd, AT, 1, 20, TO]);
    assert_eq!(host.u32(OUT), 4);
    assert_eq!(fs::read(host.inside("file")).unwrap(), b"hello world\0\0\0\0\0\0\0\0\0llo ");
    host.ok("fd_tell", &[fd, TO]);
    assert_eq!(host.u64(OUT), 11, "where the descriptor stands has not changed");
    assert_eq!(host.call("fd_pread", &[fd, AT, 1, -1, TO]), Errno::Inval);
    host.put(DATA, &[0, u32::MAX, 0, 2].map(u32::to_le_bytes).concat());
    assert_eq!(host.call("fd_write", &[fd, AT, 2, TO]), Errno::Fault);
    for name in ["fd_read", "fd_write"] {
        assert_eq!(host.transfer(name, 99, 1), Err(Errno::Badf));
        assert_eq!(host.transfer(name, 3, 1), Err(Errno::IsDir));
    }
    assert_eq!(host.transfer("fd_read", 1, 1), Err(Errno::NotCapable));
    assert_eq!(host.transfer("fd_write", 0, 1), Err(Errno::NotCapable));
    assert_eq!(host.call("fd_pread", &[0, AT, 0, 0, TO]), Errno::NotCapable);
}

#[test]
fn where_a_descriptor_stands() {
    let mut host = Host::new();
    fs::write(host.inside("file"), "0123456789").unwrap();
    let fd = host.open("file", 0, 0, FD_READ | FD_SEEK | FD_TELL).unwrap();
    for (offset, whence, expected) in [(4, 0, 4), (3, 1, 7), (-2, 2, 8), (0, 1, 8), (100, 0, 100)] {
        host.ok("fd_seek", &[fd, offset, whence, TO]);
        assert_eq!(host.u64(OUT), expected);
    }
    for (offset, whence) in [(-1, 0), (-101, 1), (-11, 2), (i64::MAX, 1), (0, 3), (0, -1)] {
        assert_eq!(host.call("fd_seek", &[fd, offset, whence, TO]), Errno::Inval, "{offset} {whence}");
    }
    let told = host.open("file", 0, 0, FD_READ | FD_TELL).unwrap();
    host.ok("fd_seek", &[told, 0, 1, TO]);
    host.ok("fd_tell", &[told, TO]);
    assert_eq!(host.call("fd_seek", &[told, 1, 1, TO]), Errno::NotCapable);
    assert_eq!(host.call("fd_seek", &[3, 0, 0, TO]), Errno::IsDir);
    assert_eq!(host.call("fd_tell", &[3, TO]), Errno::IsDir);
    assert_eq!(host.call("fd_tell", &[99, TO]), Errno::Badf);
}

#[test]
fn room_and_times_of_a_file() {
    let mut host = Host::new();
    let fd = host.open("file", 0, CREAT, ALL).unwrap();
    host.ok("fd_filestat_set_size", &[fd, 100]);
    assert_eq!(host.call("fd_filestat_set_size", &[fd, -1]), Errno::Inval);
    for advice in 0..6 {
        host.ok("fd_advise", &[fd, 10, 0, advice]);
    }
    assert_eq!(host.call("fd_advise", &[fd, 0, 0, 6]), Errno::Inval);
    assert_eq!(host.call("fd_advise", &[fd, -1, 0, 0]), Errno::Inval);
    host.ok("fd_allocate", &[fd, 50, 150]);
    assert_eq!(fs::metadata(host.inside("file")).unwrap().len(), 200);
    assert_eq!(host.call("fd_allocate", &[fd, 0, 0]), Errno::Inval);
    assert_eq!(host.call("fd_allocate", &[fd, i64::MAX, 1]), Errno::Inval);
    assert_eq!(host.call("fd_allocate", &[fd, -1, -1]), Errno::Inval);
    for name in ["fd_sync", "fd_datasync"] {
        host.ok(name, &[fd]);
        host.ok(name, &[3]);
        assert_eq!(host.call(name, &[99]), Errno::Badf);
        assert_eq!(host.call(name, &[0]), Errno::Inval);
    }
    host.ok("fd_filestat_set_times", &[fd, 5_000_000_001, 7_000_000_002, 1 | 4]);
    host.ok("fd_filestat_get", &[fd, TO]);
    assert_eq!(
        (host.u64(OUT + 32), host.u64(OUT + 40), host.u64(OUT + 48)),
        (200, 5_000_000_001, 7_000_000_002)
    );
    host.ok("fd_filestat_set_times", &[fd, 1, 1, 2]);
    host.ok("fd_filestat_get", &[fd, TO]);
    assert!(host.u64(OUT + 40) > 1_000_000_000_000_000_000 && host.u64(OUT + 48) == 7_000_000_002);
    // The largest time that there is, and one that the host alone can set.
    host.ok("fd_filestat_set_times", &[fd, -1, -1, 1 | 4]);
    host.ok("fd_filestat_get", &[fd, TO]);
    assert!(host.u64(OUT + 48) > 7_000_000_002);
    let before = std::time::UNIX_EPOCH - std::time::Duration::from_secs(1 << 33);
    fs::File::options().write(true).open(host.inside("file")).unwrap().set_modified(before).unwrap();
    host.ok("fd_filestat_get", &[fd, TO]);
    assert_eq!(host.u64(OUT + 48), 0);
    for flags in [3, 12, 16, -1] {
        assert_eq!(host.call("fd_filestat_set_times", &[fd, 0, 0, flags]), Errno::Inval);
        assert_eq!(host.set_times("file", 0, 0, 0, flags), Errno::Inval);
    }
    for (name, args) in [
        ("fd_advise", vec![3, 0, 0, 0]),
        ("fd_allocate", vec![3, 0, 1]),
        ("fd_filestat_set_size", vec![3, 0]),
    ] {
        assert_eq!(host.call(name, &args), Errno::IsDir);
    }
}

#[test]
fn what_is_known_of_a_file() {
    let mut host = Host::new();
    fs::write(host.inside("file"), "12345").unwrap();
    fs::hard_link(host.inside("file"), host.inside("second")).unwrap();
    fs::create_dir(host.inside("dir")).unwrap();
    host.put(OUT, &[0xff; 72]);
    assert_eq!(host.stat("file", 0), Errno::Success);
    use std::os::unix::fs::MetadataExt;
    let known = fs::metadata(host.inside("file")).unwrap();
    assert_eq!((host.u64(OUT), host.u64(OUT + 8)), (known.dev(), known.ino()));
    assert_eq!(host.bytes(OUT + 16, 8), [4, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((host.u64(OUT + 24), host.u64(OUT + 32)), (2, 5));
    assert_eq!(host.u64(OUT + 48), known.mtime() as u64 * 1_000_000_000 + known.mtime_nsec() as u64);
    assert_eq!(host.bytes(OUT + 64, 8), [0xff; 8], "64 bytes are written");
    let fd = host.open("file", 0, 0, ALL).unwrap();
    let by_path = host.bytes(OUT, 64);
    assert_ne!(by_path, [0; 64]);
    assert_eq!(host.stat("file", 0), Errno::Success);
    let by_path = host.bytes(OUT, 64);
    host.ok("fd_filestat_get", &[fd, TO]);
    assert_eq!(host.bytes(OUT, 64), by_path);
    assert_eq!(host.stat("dir", 0), Errno::Success);
    assert_eq!(host.bytes(OUT + 16, 1), [3]);
    assert_eq!(host.stat("dir/", 0), Errno::Success);
    assert_eq!(host.stat(".", 0), Errno::Success);
    assert_eq!(host.stat("file/", 0), Errno::NotDir);
    assert_eq!(host.stat("none", 0), Errno::NoEnt);
    assert_eq!(host.stat("file/x", 0), Errno::NotDir);
    assert_eq!(host.call("fd_filestat_get", &[99, TO]), Errno::Badf);
    host.ok("fd_filestat_get", &[0, TO]);
    assert_eq!(host.bytes(OUT, 64), [0; 64]);
}

#[test]
fn flags_and_rights() {
    let mut host = Host::new();
    let fd = host.open_at(3, "file", 0, CREAT, FD_READ | FD_WRITE | FD_SEEK | (1 << 3), APPEND).unwrap();
    host.put(OUT, &[0xff; 24]);
    host.ok("fd_fdstat_get", &[fd, TO]);
    assert_eq!(host.bytes(OUT, 8), [4, 0, 1, 0, 0, 0, 0, 0]);
    assert_eq!((host.u64(OUT + 8), host.u64(OUT + 16)), (0b100_1110, 0));
    host.write(fd, "one").unwrap();
    host.ok("fd_seek", &[fd, 0, 0, TO]);
    host.write(fd, "two").unwrap();
    assert_eq!(fs::read(host.inside("file")).unwrap(), b"onetwo");
    host.ok("fd_fdstat_set_flags", &[fd, NONBLOCK]);
    host.ok("fd_fdstat_get", &[fd, TO]);
    assert_eq!(host.u16(OUT + 2), 4);
    host.ok("fd_seek", &[fd, 0, 0, TO]);
    host.write(fd, "TW").unwrap();
    assert_eq!(fs::read(host.inside("file")).unwrap(), b"TWetwo");
    assert_eq!(host.call("fd_fdstat_set_flags", &[fd, 32]), Errno::Inval);
    assert_eq!(host.call("fd_fdstat_set_flags", &[fd, 16]), Errno::NotSup);
    assert_eq!(host.call("fd_fdstat_set_flags", &[99, 0]), Errno::Badf);
    host.ok("fd_fdstat_set_rights", &[fd, FD_READ, 0]);
    assert_eq!(host.write(fd, "x"), Err(Errno::NotCapable));
    assert_eq!(host.call("fd_seek", &[fd, 0, 0, TO]), Errno::NotCapable);
    assert_eq!(host.call("fd_fdstat_set_flags", &[fd, 0]), Errno::NotCapable);
    assert_eq!(host.call("fd_fdstat_set_rights", &[fd, FD_READ | FD_WRITE, 0]), Errno::NotCapable);
    assert_eq!(host.call("fd_fdstat_set_rights", &[fd, FD_READ, FD_READ]), Errno::NotCapable);
    assert_eq!(host.call("fd_fdstat_set_rights", &[fd, FD_READ | 1 << 40, 0]), Errno::NotCapable);
    assert_eq!(host.call("fd_fdstat_set_rights", &[99, 0, 0]), Errno::Badf);
    // A directory passes on what it has, and no more.
    host.ok("fd_fdstat_get", &[3, TO]);
    let (base, inheriting) = (host.u64(OUT + 8) as i64, host.u64(OUT + 16) as i64);
    host.ok("fd_fdstat_set_rights", &[3, base, inheriting & !FD_WRITE]);
    assert_eq!(host.open("file", 0, 0, FD_READ | FD_WRITE), Err(Errno::NotCapable));
    let dir = host.open(".", 0, DIRECTORY, ALL & !FD_WRITE).unwrap();
    assert_eq!(host.open_at(dir, "file", 0, 0, FD_WRITE, 0), Err(Errno::NotCapable));
    host.ok("fd_fdstat_get", &[dir, TO]);
    assert_eq!(host.u64(OUT + 16) as i64 & FD_WRITE, 0);
    host.ok("fd_fdstat_set_rights", &[3, base & !FD_READDIR, inheriting & !FD_WRITE]);
    assert_eq!(host.call("fd_readdir", &[3, TO, 100, 0, AT]), Errno::NotCapable);
}

#[test]
fn numbers_of_descriptors() {
    let mut host = Host::new();
    let one = host.open("one", 0, CREAT, ALL).unwrap();
    let two = host.open("two", 0, CREAT, ALL).unwrap();
    host.write(one, "1").unwrap();
    host.ok("fd_renumber", &[one, two]);
    assert_eq!(host.call("fd_tell", &[one, TO]), Errno::Badf);
    host.write(two, "2").unwrap();
    assert_eq!(fs::read(host.inside("one")).unwrap(), b"12");
    host.ok("fd_renumber", &[two, two]);
    for (from, to) in [(one, two), (two, one), (two, -1), (-1, two), (99, 99)] {
        assert_eq!(host.call("fd_renumber", &[from, to]), Errno::Badf, "{from} {to}");
    }
    assert_eq!(host.open("three", 0, CREAT, ALL), Ok(one), "a number that is free is given again");
    host.ok("fd_renumber", &[two, 3]);
    assert_eq!(host.open("one", 0, 0, 0), Err(Errno::NotDir), "a directory that was given gave way");
    host.ok("fd_close", &[3]);
    assert_eq!(host.call("fd_close", &[3]), Errno::Badf);
    for fd in [0, 1, 2] {
        host.ok("fd_close", &[fd]);
    }
    assert_eq!(host.write(1, "x"), Err(Errno::Badf));
}

#[test]
fn descriptors_are_limited_and_given_back() {
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.descriptors(6));
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    assert_eq!((host.open("a", 0, CREAT, ALL), host.open("b", 0, CREAT, ALL)), (Ok(4), Ok(5)));
    let before = open();
    for _ in 0..200 {
        assert_eq!(host.open("a", 0, 0, ALL), Err(Errno::Mfile));
        host.ok("fd_close", &[5]);
        assert_eq!(host.open("b", 0, 0, ALL), Ok(5));
        host.ok("fd_renumber", &[4, 5]);
        assert_eq!(host.open("a", 0, 0, ALL), Ok(4));
    }
    assert!(open() < before + 100, "no descriptor of the host's is left behind");
}

/// The entries of `fd_readdir` in a buffer, whole ones only: cookie, inode, type and name.
fn entries(mut bytes: &[u8]) -> Vec<(u64, u64, u8, String)> {
    let mut found = Vec::new();
    while bytes.len() >= 24 {
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let len = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
        let Some(name) = bytes.get(24..24 + len) else { break };
        found.push((number(0), number(8), bytes[20], String::from_utf8(name.to_vec()).unwrap()));
        bytes = &bytes[24 + len..];
    }
    found
}

#[test]
fn entries_of_a_directory() {
    let mut host = Host::new();
    let mut expected: Vec<_> = (0..300).map(|index| format!("file-with-a-name-{index}")).collect();
    for name in &expected {
        fs::write(host.inside(name), "").unwrap();
    }
    fs::create_dir(host.inside("dir")).unwrap();
    std::os::unix::fs::symlink("dir", host.inside("link")).unwrap();
    expected.extend(["dir", "link", ".", ".."].map(str::to_owned));
    expected.sort();
    for size in [60, 100, 1000, 30_000] {
        let (mut cookie, mut found) = (0, Vec::new());
        loop {
            host.ok("fd_readdir", &[3, TO, size, cookie, AT]);
            let used = host.u32(DATA);
            let some = entries(&host.bytes(OUT, used as usize));
            if let Some((next, ..)) = some.last() {
                cookie = *next as i64;
            }
            found.extend(some);
            if i64::from(used) < size {
                break;
            }
        }
        let mut names: Vec<_> = found.iter().map(|(.., name)| name.clone()).collect();
        names.sort();
        assert_eq!(names, expected, "in steps of {size} bytes");
        for (_, ino, ty, name) in &found {
            use std::os::unix::fs::MetadataExt;
            let kind = match name.as_str() {
                "." | ".." | "dir" => 3,
                "link" => 7,
                _ => 4,
            };
            assert_eq!(*ty, kind, "{name}");
            if name != ".." {
                assert_eq!(*ino, fs::symlink_metadata(host.inside(name)).unwrap().ino(), "{name}");
            }
        }
        // From any entry on.
        let (middle, after) = (found[150].0 as i64, found[151].3.clone());
        host.ok("fd_readdir", &[3, TO, 100, middle, AT]);
        assert_eq!(entries(&host.bytes(OUT, 100))[0].3, after);
    }
    // A buffer that not even the first entry's head fits.
    host.ok("fd_readdir", &[3, TO, 10, 0, AT]);
    assert_eq!(host.u32(DATA), 10);
    host.ok("fd_readdir", &[3, TO, 0, 0, AT]);
    assert_eq!(host.u32(DATA), 0);
    assert_eq!(host.call("fd_readdir", &[3, TO, 100, -1, AT]), Errno::Inval);
    assert_eq!(host.call("fd_readdir", &[99, TO, 100, 0, AT]), Errno::Badf);
    assert_eq!(host.call("fd_readdir", &[0, TO, 100, 0, AT]), Errno::NotCapable);
}

#[test]
fn opening() {
    let mut host = Host::new();
    fs::write(host.inside("file"), "12345").unwrap();
    fs::create_dir(host.inside("dir")).unwrap();
    std::os::unix::fs::symlink("file", host.inside("link")).unwrap();
    std::os::unix::fs::symlink("nothing", host.inside("dangling")).unwrap();
    std::os::unix::fs::symlink("loop", host.inside("loop")).unwrap();
    std::os::unix::fs::symlink("dir", host.inside("dirlink")).unwrap();
    for (path, flags, oflags, rights, errno) in [
        ("none", 0, 0, FD_READ, Errno::NoEnt),
        ("none/file", 0, CREAT, FD_WRITE, Errno::NoEnt),
        ("file/none", 0, CREAT, FD_WRITE, Errno::NotDir),
        ("file", 0, CREAT | EXCL, FD_WRITE, Errno::Exist),
        ("file", 0, DIRECTORY, FD_READ, Errno::NotDir),
        ("file/", 0, 0, FD_READ, Errno::NotDir),
        ("file/", 0, CREAT, FD_WRITE, Errno::NotDir),
        ("new/", 0, CREAT, FD_WRITE, Errno::NoEnt),
        ("new", 0, CREAT | DIRECTORY, FD_READ, Errno::Inval),
        ("dir", 0, 0, FD_WRITE, Errno::IsDir),
        ("dir", 0, DIRECTORY, FD_READ | FD_WRITE, Errno::IsDir),
        ("dir", 0, TRUNC, 0, Errno::IsDir),
        ("dir/", 0, CREAT, 0, Errno::IsDir),
        ("link", 0, 0, FD_READ, Errno::Loop),
        ("loop", FOLLOW, 0, FD_READ, Errno::Loop),
        ("dangling", FOLLOW, 0, FD_READ, Errno::NoEnt),
        ("dangling", FOLLOW, CREAT | EXCL, FD_WRITE, Errno::Exist),
        ("dangling/", FOLLOW, CREAT, FD_WRITE, Errno::NoEnt),
        ("dirlink", 0, DIRECTORY, FD_READ, Errno::NotDir),
        ("", 0, 0, FD_READ, Errno::NoEnt),
        ("a\0b", 0, CREAT, FD_WRITE, Errno::Inval),
        ("file", 16, 0, FD_READ, Errno::Inval),
        ("file", 0, 16, FD_READ, Errno::Inval),
    ] {
        assert_eq!(host.open(path, flags, oflags, rights), Err(errno), "{path} {flags} {oflags} {rights}");
    }
    assert_eq!(fs::read_dir(host.inside("")).unwrap().count(), 6, "nothing was made");
    host.put(DATA, b"\xff\xfe");
    assert_eq!(host.call("path_open", &[3, 0, AT, 2, CREAT, ALL, ALL, 0, TO]), Errno::Ilseq);
    let long = "x".repeat(300);
    assert_eq!(host.open(&long, 0, CREAT, ALL), Err(Errno::NameTooLong));
    host.put(DATA, &[b'x'; 5000]);
    assert_eq!(host.call("path_open", &[3, 0, AT, 5000, CREAT, ALL, ALL, 0, TO]), Errno::NameTooLong);
    assert_eq!(host.open_at(99, "file", 0, 0, 0, 0), Err(Errno::Badf));
    assert_eq!(host.open_at(0, "file", 0, 0, 0, 0), Err(Errno::NotDir));
    assert_eq!(host.open_at(3, "file", 0, 0, FD_READ, 32), Err(Errno::Inval));

    for path in ["link", "./dir/../link", "dirlink/../file"] {
        let fd = host.open(path, FOLLOW, 0, FD_READ).unwrap();
        assert_eq!(host.read(fd, 9).unwrap(), b"12345", "{path}");
    }
    let fd = host.open("dangling", FOLLOW, CREAT, FD_WRITE).unwrap();
    host.write(fd, "made").unwrap();
    assert_eq!(fs::read(host.inside("nothing")).unwrap(), b"made");
    let dir = host.open("dirlink/", FOLLOW, 0, ALL & !FD_WRITE).unwrap();
    host.ok("fd_fdstat_get", &[dir, TO]);
    assert_eq!(host.bytes(OUT, 1), [3]);
    host.open_at(dir, "below", 0, CREAT, 0, 0).unwrap();
    assert!(host.inside("dir/below").exists());
    host.open("file", 0, TRUNC, 0).unwrap();
    assert_eq!(fs::read(host.inside("file")).unwrap(), b"");
    for (flag, name) in [(2, "dsync"), (8, "rsync"), (16, "sync"), (4, "nonblock")] {
        let fd = host.open_at(3, "file", 0, 0, ALL, flag).unwrap();
        host.write(fd, name).unwrap();
        host.ok("fd_fdstat_get", &[fd, TO]);
        assert_eq!(i64::from(host.u16(OUT + 2)), flag);
    }
}

#[test]
fn directories_and_names() {
    let mut host = Host::new();
    assert_eq!(host.path("path_create_directory", 3, "a"), Errno::Success);
    assert_eq!(host.path("path_create_directory", 3, "a/b/"), Errno::Success);
    for (path, errno) in [("a", Errno::Exist), (".", Errno::Exist), ("x/y", Errno::NoEnt), ("", Errno::NoEnt)]
    {
        assert_eq!(host.path("path_create_directory", 3, path), errno, "{path}");
    }
    fs::write(host.inside("file"), "").unwrap();
    for (path, errno) in [
        ("a", Errno::NotEmpty),
        ("file", Errno::NotDir),
        ("file/", Errno::NotDir),
        ("none", Errno::NoEnt),
        ("a/.", Errno::Inval),
        ("a/b/..", Errno::Inval),
    ] {
        assert_eq!(host.path("path_remove_directory", 3, path), errno, "{path}");
    }
    for (path, errno) in [
        ("a", Errno::IsDir),
        ("a/", Errno::IsDir),
        ("file/", Errno::NotDir),
        ("none", Errno::NoEnt),
        (".", Errno::IsDir),
    ] {
        assert_eq!(host.path("path_unlink_file", 3, path), errno, "{path}");
    }
    assert_eq!(host.rename(3, "a/b/", 3, "c/"), Errno::Success);
    assert!(host.inside("c").is_dir() && !host.inside("a/b").exists());
    for (old, new, errno) in [
        ("none", "x", Errno::NoEnt),
        ("file", "c", Errno::IsDir),
        ("c", "file", Errno::NotDir),
        ("file/", "x", Errno::NotDir),
        ("file", "x/", Errno::NotDir),
        ("c", "c/d", Errno::Inval),
    ] {
        assert_eq!(host.rename(3, old, 3, new), errno, "{old} {new}");
    }
    assert_eq!(host.rename(3, "file", 99, "x"), Errno::Badf);
    assert_eq!(host.rename(0, "file", 3, "x"), Errno::NotDir);
    assert_eq!(host.path("path_remove_directory", 3, "c/"), Errno::Success);
    assert_eq!(host.path("path_unlink_file", 3, "file"), Errno::Success);
    assert_eq!(fs::read_dir(host.inside("")).unwrap().count(), 1);
    // The directory of a descriptor can be removed; it is empty then.
    let dir = host.open("a", 0, DIRECTORY, ALL & !FD_WRITE).unwrap();
    assert_eq!(host.path("path_remove_directory", 3, "a"), Errno::Success);
    assert_eq!(host.open_at(dir, "x", 0, CREAT, FD_WRITE, 0), Err(Errno::NoEnt));
}

#[test]
fn links() {
    let mut host = Host::new();
    fs::write(host.inside("file"), "12345").unwrap();
    fs::create_dir(host.inside("dir")).unwrap();
    assert_eq!(host.symlink("file", "link"), Errno::Success);
    assert_eq!(host.symlink("dir", "dirlink"), Errno::Success);
    assert_eq!(host.readlink("link", 100).unwrap(), b"file");
    assert_eq!(host.readlink("link", 2).unwrap(), b"fi");
    assert_eq!(host.readlink("link", 0).unwrap(), b"");
    assert_eq!(host.readlink("file", 100), Err(Errno::Inval));
    assert_eq!(host.readlink("none", 100), Err(Errno::NoEnt));
    assert_eq!(host.readlink("dirlink/", 100), Err(Errno::Inval));
    for (path, errno) in
        [("link", Errno::Exist), ("dir/", Errno::Exist), ("new/", Errno::NoEnt), ("file/", Errno::NotDir)]
    {
        assert_eq!(host.symlink("file", path), errno, "{path}");
    }
    assert_eq!(host.symlink("", "new"), Errno::NoEnt);
    assert_eq!(host.stat("link", 0), Errno::Success);
    assert_eq!((host.bytes(OUT + 16, 1), host.u64(OUT + 32)), (vec![7], 4));
    assert_eq!(host.stat("link", FOLLOW), Errno::Success);
    assert_eq!((host.bytes(OUT + 16, 1), host.u64(OUT + 32)), (vec![4], 5));
    assert_eq!(host.stat("dirlink/", 0), Errno::Success);
    assert_eq!(host.bytes(OUT + 16, 1), [3]);
    assert_eq!(host.set_times("link", 0, 1, 2_000_000_000, 1 | 4), Errno::Success);
    assert_eq!(host.set_times("link", FOLLOW, 1, 3_000_000_000, 1 | 4), Errno::Success);
    assert_eq!(host.stat("link", 0), Errno::Success);
    assert_eq!(host.u64(OUT + 48), 2_000_000_000);
    assert_eq!(host.stat("file", 0), Errno::Success);
    assert_eq!(host.u64(OUT + 48), 3_000_000_000);

    assert_eq!(host.link(3, 0, "file", 3, "dir/hard"), Errno::Success);
    assert_eq!(host.link(3, FOLLOW, "link", 3, "followed"), Errno::Success);
    assert_eq!(host.link(3, 0, "link", 3, "itself"), Errno::Success);
    assert_eq!(fs::read(host.inside("followed")).unwrap(), b"12345");
    assert!(host.inside("itself").is_symlink() && !host.inside("followed").is_symlink());
    for (old, new, errno) in [
        ("file", "dir/hard", Errno::Exist),
        ("file", "new/", Errno::NoEnt),
        ("file/", "new", Errno::NotDir),
        ("none", "new", Errno::NoEnt),
        ("dir", "new", Errno::Perm),
    ] {
        assert_eq!(host.link(3, 0, old, 3, new), errno, "{old} {new}");
    }
    assert_eq!(host.link(3, 2, "file", 3, "new"), Errno::Inval);
    assert_eq!(host.path("path_unlink_file", 3, "link"), Errno::Success);
    assert!(host.inside("file").exists());
}

#[test]
fn standard_streams_in_memory() {
    let (out, err) = (Capture::new(8), Capture::new(100));
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.stdin_bytes("one two").capture_stdout(&out).capture_stderr(&err)
    });
    assert_eq!(
        (host.read(0, 4).unwrap(), host.read(0, 9).unwrap(), host.read(0, 9).unwrap()),
        (b"one ".to_vec(), b"two".to_vec(), vec![])
    );
    assert_eq!(host.write(1, "12345678"), Ok(8));
    assert_eq!(host.write(1, "9"), Err(Errno::NoSpc));
    assert_eq!(host.write(2, "error"), Ok(5));
    assert_eq!((out.take(), err.take()), (b"12345678".to_vec(), b"error".to_vec()));
    assert_eq!(host.write(1, "9"), Ok(1));
    for fd in 0..3 {
        host.ok("fd_fdstat_get", &[fd, TO]);
        assert_eq!(host.bytes(OUT, 1), [0]);
        host.ok("fd_fdstat_set_flags", &[fd, NONBLOCK]);
        assert_eq!(host.call("fd_seek", &[fd, 0, 0, TO]), Errno::NotCapable);
    }
}

/// Puts a subscription of preview 1 at that place of an array at `MORE`.
fn subscribe(host: &mut Host, index: u32, userdata: u64, tag: u8, rest: &[(usize, u64)]) {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = tag;
    for (at, value) in rest {
        bytes[*at..*at + 8].copy_from_slice(&value.to_le_bytes());
    }
    host.put(MORE + 48 * index, &bytes);
}

fn poll(host: &mut Host, count: i64) -> Result<Vec<(u64, u16, u8, u64, u16)>, Errno> {
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
    // Two clocks: the first that is over is told, alone.
    let start = std::time::Instant::now();
    subscribe(&mut host, 0, 7, 0, &[(16, 1), (24, 10_000 * ms)]);
    subscribe(&mut host, 1, 8, 0, &[(16, 0), (24, 20 * ms)]);
    subscribe(&mut host, 2, 9, 1, &[(16, 0)]);
    assert_eq!(poll(&mut host, 3).unwrap(), [(8, 0, 0, 0, 0)]);
    assert!((20..5000).contains(&start.elapsed().as_millis()));
    // A moment that is past.
    subscribe(&mut host, 0, 7, 0, &[(16, 0), (24, 1), (40, 1)]);
    assert_eq!(poll(&mut host, 1).unwrap(), [(7, 0, 0, 0, 0)]);
    // A moment to come.
    host.ok("clock_time_get", &[1, 0, TO]);
    let soon = host.u64(OUT) + 20 * ms;
    subscribe(&mut host, 0, 7, 0, &[(16, 1), (24, soon), (40, 1)]);
    assert_eq!(poll(&mut host, 1).unwrap(), [(7, 0, 0, 0, 0)]);
    host.ok("clock_time_get", &[1, 0, TO]);
    assert!(host.u64(OUT) >= soon);
    // Descriptors: bytes that wait, an output with room, errors.
    write.write_all(b"12345").unwrap();
    subscribe(&mut host, 0, 1, 1, &[(16, 0)]);
    subscribe(&mut host, 1, 2, 2, &[(16, 1)]);
    subscribe(&mut host, 2, 3, 1, &[(16, 99)]);
    subscribe(&mut host, 3, 4, 2, &[(16, 0)]);
    subscribe(&mut host, 4, 5, 2, &[(16, 2)]);
    subscribe(&mut host, 5, 6, 1, &[(16, 3)]);
    subscribe(&mut host, 6, 7, 0, &[(16, 1), (24, 10_000 * ms)]);
    let badf = Errno::Badf as u16;
    let no = Errno::NotCapable as u16;
    assert_eq!(
        poll(&mut host, 7).unwrap(),
        [
            (1, 0, 1, 5, 0),
            (2, 0, 2, 1, 0),
            (3, badf, 1, 0, 0),
            (4, no, 2, 0, 0),
            (5, 0, 2, 1, 0),
            (6, no, 1, 0, 0)
        ]
    );
    drop(write);
    assert_eq!(host.read(0, 9).unwrap(), b"12345");
    subscribe(&mut host, 0, 1, 1, &[(16, 0)]);
    assert_eq!(poll(&mut host, 1).unwrap(), [(1, 0, 1, 0, 1)], "the other side is gone");
    drop(full_read);
    assert_eq!(host.write(1, "x"), Err(Errno::Pipe));
    // What cannot be waited for.
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
    // Two buffers; a look, and then the same again.
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
    assert_eq!(host.call("sock_send", &[0, AT, 1, 0, TO]), Errno::NotCapable);
}

#[test]
fn a_message_that_is_cut() {
    let (mine, theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.stdin_file(theirs));
    mine.send(b"too long").unwrap();
    host.vector(MORE, 3);
    host.ok("sock_recv", &[0, AT, 1, 0, TO, TO + 4]);
    assert_eq!((host.u32(OUT), host.u16(OUT + 4), host.bytes(MORE, 3)), (3, 1, b"too".to_vec()));
}

#[test]
fn an_observer_sees_calls_decoded() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.observer(move |call| seen.lock().unwrap().push(call.to_string()))
    });
    let fd = host.open("file", FOLLOW, CREAT | EXCL, 64).unwrap();
    host.write(fd, "hello").unwrap();
    host.call("fd_tell", &[fd, 18]);
    host.call("fd_tell", &[fd, i64::from(MEMORY)]);
    host.call("path_unlink_file", &[3, AT, 0]);
    let Some(Extern::Func(exit)) = host.instance.export(&host.store, "proc_exit") else {
        panic!("proc_exit")
    };
    exit.invoke(&mut host.store, &[Val::I32(2)]).unwrap_err();
    let lines = lines.lock().unwrap();
    let expected = [
        "path_open(fd=3, dirflags=SYMLINK_FOLLOW, path=\"file\", oflags=CREAT|EXCL, rights_base=0x40, \
         rights_inheriting=0xffffffffffffffff, fdflags=0x0, opened_fd=0x4000) = SUCCESS opened_fd=4",
        "fd_write(fd=4, iovs=0x400[5], nwritten=0x4000) = SUCCESS nwritten=5",
        "fd_tell(fd=4, offset=0x12 (not a multiple of 8)) = INVAL",
        "fd_tell(fd=4, offset=0x20000 (out of bounds)) = FAULT",
        "path_unlink_file(fd=3, path=\"\") = NOENT",
        "proc_exit(rval=2): the guest exited with code 2",
    ];
    assert_eq!(*lines, expected);
}
