//! Functions that take a descriptor.

use std::fs;

use wassay_wasi::{Access, Errno};

use crate::support::bits::{
    APPEND, CREAT, DIRECTORY, EXCL, FD_READ, FD_READDIR, FD_SEEK, FD_TELL, FD_WRITE, NONBLOCK,
};
use crate::support::{ALL, DATA, Host, MORE, OUT};
use crate::{AT, TO};

#[test]
fn preopened_directories() {
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
    assert_eq!(fd, 4, "the lowest free number");
    assert_eq!(host.write(fd, "hello world").unwrap(), 11);
    host.ok("fd_tell", &[fd, TO]);
    assert_eq!(host.u64(OUT), 11);
    assert_eq!(host.read(fd, 10).unwrap(), b"");
    // Two buffers, the second at the lower address.
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
    assert_eq!(host.u64(OUT), 11, "the position has not changed");
    assert_eq!(host.call("fd_pread", &[fd, AT, 1, -1, TO]), Errno::Inval);
    host.put(DATA, &[0, u32::MAX, 0, 2].map(u32::to_le_bytes).concat());
    assert_eq!(host.call("fd_write", &[fd, AT, 2, TO]), Errno::Fault);
}

#[test]
fn seek_and_tell() {
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
    let tell_only = host.open("file", 0, 0, FD_READ).unwrap();
    host.ok("fd_fdstat_set_rights", &[tell_only, FD_READ | FD_TELL, 0]);
    host.ok("fd_seek", &[tell_only, 0, 1, TO]);
    host.ok("fd_tell", &[tell_only, TO]);
    assert_eq!(host.call("fd_seek", &[tell_only, 1, 1, TO]), Errno::NotCapable);
}

#[test]
fn the_position_survives_switching_append_on_and_off() {
    let mut host = Host::new();
    let fd = host.open("file", 0, CREAT, ALL).unwrap();
    let other = host.open("file", 0, 0, ALL).unwrap();
    assert_eq!(host.write(fd, "0123").unwrap(), 4);
    host.ok("fd_seek", &[fd, 1, 0, TO]);
    host.ok("fd_fdstat_set_flags", &[fd, APPEND]);
    assert_eq!(host.read(fd, 1).unwrap(), b"1");
    assert_eq!(host.write(fd, "45").unwrap(), 2);
    host.ok("fd_tell", &[fd, TO]);
    assert_eq!(host.u64(OUT), 6);
    host.ok("fd_fdstat_set_flags", &[fd, 0]);
    host.ok("fd_seek", &[fd, -3, 1, TO]);
    assert_eq!(host.write(fd, "x").unwrap(), 1);
    assert_eq!((host.read(other, 3).unwrap(), host.read(other, 9).unwrap()), (b"012".into(), b"x45".into()));
    // The position is unchanged under another number.
    host.ok("fd_renumber", &[fd, other]);
    assert_eq!(host.read(other, 9).unwrap(), b"45");
}

#[test]
fn size_and_times_of_a_file() {
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
    let read_only = host.open("file", 0, 0, FD_READ).unwrap();
    assert_eq!(host.call("fd_allocate", &[read_only, 0, 0]), Errno::Inval, "checked before the access mode");
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
    // The largest time, and one that only the host can set.
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
}

#[test]
fn attributes_of_a_file() {
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
    let fd = host.open_at(3, "file", 0, CREAT, FD_READ | FD_WRITE, APPEND).unwrap();
    host.ok("fd_fdstat_set_rights", &[fd, FD_READ | FD_WRITE | FD_SEEK | (1 << 3), 0]);
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
    // A directory passes on only the inheriting rights it has.
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
fn close_and_renumber() {
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
    assert_eq!(host.open("three", 0, CREAT, ALL), Ok(one), "a free number is reused");
    host.ok("fd_renumber", &[two, 3]);
    assert_eq!(host.open("one", 0, 0, 0), Err(Errno::NotDir), "the preopened directory was replaced");
    host.ok("fd_close", &[3]);
    assert_eq!(host.call("fd_close", &[3]), Errno::Badf);
    for fd in [0, 1, 2] {
        host.ok("fd_close", &[fd]);
    }
    assert_eq!(host.write(1, "x"), Err(Errno::Badf));
}

/// After standard output has been closed, what the guest or its libraries write to it must not go
/// to a file that was opened later.
#[test]
fn only_renumbering_reuses_standard_stream_numbers() {
    let out = wassay_wasi::Capture::new(100);
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.capture_stdout(&out));
    let kept = host.open("kept", 0, CREAT, ALL).unwrap();
    let file = host.open("file", 0, CREAT, ALL).unwrap();
    // Move standard output to another number, put the file in its place, and move standard output
    // back.
    host.ok("fd_renumber", &[1, kept]);
    assert_eq!(host.write(1, "lost"), Err(Errno::Badf));
    assert_eq!(host.open("other", 0, CREAT, ALL), Ok(6), "not a standard stream's number");
    host.ok("fd_renumber", &[file, 1]);
    host.write(1, "to the file").unwrap();
    host.ok("fd_renumber", &[kept, 1]);
    host.write(1, "to the output").unwrap();
    assert_eq!(out.take(), b"to the output");
    assert_eq!(fs::read(host.inside("file")).unwrap(), b"to the file");
    assert_eq!(fs::read(host.inside("other")).unwrap(), b"");
    for fd in [0, 1, 2] {
        host.ok("fd_close", &[fd]);
    }
    assert_eq!(host.open("again", 0, CREAT, ALL), Ok(kept));
    assert_eq!(host.open("again", 0, 0, ALL), Ok(file));
    assert_eq!(host.call("fd_renumber", &[0, 1]), Errno::Badf, "closed already");
    host.ok("fd_renumber", &[file, 2]);
    host.write(2, "an error").unwrap();
    assert_eq!(fs::read(host.inside("again")).unwrap(), b"an error");
}

#[test]
fn descriptors_are_limited_and_reused() {
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.descriptors(6));
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    assert_eq!((host.open("a", 0, CREAT, ALL), host.open("b", 0, CREAT, ALL)), (Ok(4), Ok(5)));
    let before = open();
    for _ in 0..200 {
        assert_eq!(host.open("c", 0, CREAT, ALL), Err(Errno::Mfile));
        host.ok("fd_close", &[5]);
        assert_eq!(host.open("b", 0, 0, ALL), Ok(5));
        host.ok("fd_renumber", &[4, 5]);
        assert_eq!(host.open("a", 0, 0, ALL), Ok(4));
    }
    assert!(!host.inside("c").exists(), "a file is not created if no descriptor is free");
    assert!(open() < before + 100, "no host descriptor leaks");
}

/// The complete entries of `fd_readdir` in a buffer: cookie, inode, type and name.
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
        // From an entry in the middle.
        let (middle, after) = (found[150].0 as i64, found[151].3.clone());
        host.ok("fd_readdir", &[3, TO, 100, middle, AT]);
        assert_eq!(entries(&host.bytes(OUT, 100))[0].3, after);
    }
    // A buffer too small for the header of the first entry.
    host.ok("fd_readdir", &[3, TO, 10, 0, AT]);
    assert_eq!(host.u32(DATA), 10);
    host.ok("fd_readdir", &[3, TO, 0, 0, AT]);
    assert_eq!(host.u32(DATA), 0);
    assert_eq!(host.call("fd_readdir", &[3, TO, 100, -1, AT]), Errno::Inval);
    assert_eq!(host.call("fd_readdir", &[99, TO, 100, 0, AT]), Errno::Badf);
}

/// A libc with 32-bit addresses stores a position in 32 bits, and returns to it.
#[test]
fn cookies_are_small_numbers() {
    let mut host = Host::new();
    for index in 0..1000 {
        fs::write(host.inside(&format!("{index}")), "").unwrap();
    }
    host.ok("fd_readdir", &[3, TO, 60_000, 0, AT]);
    let all = entries(&host.bytes(OUT, host.u32(DATA) as usize));
    assert_eq!(all.len(), 1002);
    assert!(
        all.iter().zip(1..).all(|((next, ..), count)| *next == count),
        "each counts the entries before it"
    );
    for cookie in [1001, 1, 500, 250] {
        host.ok("fd_readdir", &[3, TO, 60, cookie, AT]);
        assert_eq!(entries(&host.bytes(OUT, 60))[0].3, all[cookie as usize].3);
    }
    host.ok("fd_readdir", &[3, TO, 60, 1002, AT]);
    assert_eq!(host.u32(DATA), 0, "after the last");
    assert_eq!(host.call("fd_readdir", &[3, TO, 60, 1003, AT]), Errno::Inval);
    // Removing entries that were read does not change the position.
    let gone: Vec<_> = all[..500]
        .iter()
        .filter(|(.., name)| !name.starts_with('.'))
        .map(|(.., name)| name.clone())
        .collect();
    for name in gone {
        fs::remove_file(host.inside(&name)).unwrap();
    }
    host.ok("fd_readdir", &[3, TO, 60, 500, AT]);
    assert_eq!(entries(&host.bytes(OUT, 60))[0].3, all[500].3);
    // Another descriptor of the directory has its own cookies.
    let other = host.open(".", 0, DIRECTORY, FD_READDIR).unwrap();
    assert_eq!(host.call("fd_readdir", &[other, TO, 60, 1, AT]), Errno::Inval);
}
