//! What a preopened directory allows, and how rights are passed on to what a guest opens.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use wassay_wasi::{Access, Errno};

use crate::support::bits::{CREAT, DIRECTORY, EXCL, FD_READ, FD_READDIR, FD_SEEK, FD_WRITE, FOLLOW, TRUNC};
use crate::support::{ALL, Host, OUT};
use crate::{AT, TO};

/// Requested rights as in libraries that request only some of a directory's, as Go's does.
const FEW: [i64; 4] = [0, FD_READ, FD_READDIR, 1 << 13];

#[test]
fn opened_files_get_all_inheriting_rights() {
    let mut host = Host::new();
    fs::create_dir(host.inside("dir")).unwrap();
    for rights in FEW {
        for oflags in [DIRECTORY, 0] {
            let dir = host.open("dir", 0, oflags, rights).unwrap();
            let file = host.open_at(dir, "new", 0, CREAT | TRUNC | EXCL, FD_WRITE, 0).unwrap();
            host.write(file, "new").unwrap();
            host.ok("fd_seek", &[file, 0, 0, TO]);
            host.ok("fd_filestat_set_size", &[file, 1]);
            host.ok("fd_allocate", &[file, 0, 5]);
            host.ok("fd_filestat_set_times", &[file, 0, 0, 5]);
            host.ok("fd_fdstat_set_flags", &[file, 0]);
            for function in ["fd_sync", "fd_datasync", "fd_close"] {
                host.ok(function, &[file]);
            }
            host.ok("fd_readdir", &[dir, TO, 100, 0, AT]);
            host.ok("fd_sync", &[dir]);
            assert_eq!(host.path("path_create_directory", dir, "below"), Errno::Success);
            let below = host.open_at(dir, "below", 0, DIRECTORY, rights, 0).unwrap();
            assert_eq!(host.rename(dir, "new", below, "newer"), Errno::Success);
            assert_eq!(host.link(below, 0, "newer", dir, "linked"), Errno::Success);
            for (at, path) in [(below, "newer"), (dir, "linked")] {
                assert_eq!(host.path("path_unlink_file", at, path), Errno::Success);
            }
            assert_eq!(host.path("path_remove_directory", dir, "below"), Errno::Success);
        }
    }
    // A directory has the same rights as the preopened one.
    host.ok("fd_fdstat_get", &[3, TO]);
    let given = host.bytes(OUT + 8, 16);
    let dir = host.open("dir", 0, DIRECTORY, 0).unwrap();
    host.ok("fd_fdstat_get", &[dir, TO]);
    assert_eq!(host.bytes(OUT + 8, 16), given);
    assert_ne!(host.u64(OUT + 16) as i64 & FD_WRITE, 0);
}

#[test]
fn the_access_mode_is_the_requested_one() {
    let mut host = Host::new();
    fs::write(host.inside("file"), "0123456789").unwrap();
    for (rights, reads, writes) in [
        (FD_READ, true, false),
        (FD_READDIR, false, false),
        (FD_SEEK, false, false),
        (FD_WRITE, false, true),
        (FD_READ | FD_WRITE, true, true),
        (0, false, false),
        (ALL, true, true),
    ] {
        let fd = host.open("file", 0, 0, rights).unwrap();
        host.ok("fd_fdstat_get", &[fd, TO]);
        let found = host.u64(OUT + 8) as i64;
        assert_eq!((found & FD_READ != 0, found & FD_WRITE != 0), (reads, writes), "{rights:#x}");
        host.ok("fd_seek", &[fd, 0, 0, TO]);
        assert_eq!(host.read(fd, 1).map(|bytes| bytes.len()), if reads { Ok(1) } else { Err(Errno::Badf) });
        assert_eq!(host.write(fd, "x"), if writes { Ok(1) } else { Err(Errno::Badf) });
    }
}

#[test]
fn dropped_rights_are_not_passed_on() {
    let mut host = Host::new();
    fs::write(host.inside("file"), "").unwrap();
    fs::create_dir(host.inside("dir")).unwrap();
    host.ok("fd_fdstat_get", &[3, TO]);
    let (base, inheriting) = (host.u64(OUT + 8) as i64, host.u64(OUT + 16) as i64);
    let dir = host.open("dir", 0, DIRECTORY, 0).unwrap();
    let (creates, truncates) = (1 << 10, 1 << 19);
    host.ok("fd_fdstat_set_rights", &[dir, base, inheriting & !(FD_SEEK | creates)]);
    let below = host.open_at(dir, ".", 0, DIRECTORY, ALL & !FD_WRITE, 0).unwrap();
    assert_eq!(host.open_at(below, "new", 0, CREAT, FD_WRITE, 0), Err(Errno::NotCapable));
    let file = host.open_at(dir, "new", 0, CREAT, ALL, 0).unwrap();
    assert_eq!(host.call("fd_seek", &[file, 0, 0, TO]), Errno::NotCapable);
    host.ok("fd_fdstat_set_rights", &[3, base & !truncates, inheriting & !FD_WRITE]);
    assert_eq!(host.open("file", 0, TRUNC, FD_READ), Err(Errno::NotCapable));
    assert_eq!(host.open("file", 0, 0, FD_WRITE), Err(Errno::NotCapable));
    assert_eq!(host.open("file", 0, 0, FD_READ), Ok(file + 1));
}

/// As on a file system that is mounted read-only.
#[test]
fn a_read_only_directory_refuses_changes() {
    let mut host = Host::with("all_preview1", Access::ReadOnly, |builder| {
        builder.preopen(std::env::temp_dir(), "/tmp", Access::ReadWrite).unwrap()
    });
    fs::write(host.inside("file"), "as it was").unwrap();
    fs::create_dir(host.inside("dir")).unwrap();
    symlink("file", host.inside("link")).unwrap();
    symlink("nothing", host.inside("dangling")).unwrap();
    let rofs = Errno::Rofs;
    for dir in [3, host.open(".", 0, DIRECTORY, FD_READ).unwrap()] {
        host.ok("fd_fdstat_get", &[dir, TO]);
        let passed_on = host.u64(OUT + 16) as i64;
        assert_eq!(passed_on & FD_WRITE, 0, "`access(2)` of wasi-libc checks it");
        for (path, flags, oflags, rights, errno) in [
            ("file", 0, 0, FD_WRITE, rofs),
            ("file", 0, 0, FD_READ | FD_WRITE, rofs),
            ("file", 0, 0, ALL, rofs),
            // wasi-libc opens a file for writing like this: it masks the rights with the inheriting
            // rights.
            ("file", 0, 0, passed_on, rofs),
            ("new", 0, 0, passed_on, Errno::NoEnt),
            ("dir", 0, 0, passed_on, Errno::IsDir),
            ("file", 0, TRUNC, FD_READ, rofs),
            ("file", 0, TRUNC, 0, rofs),
            ("file", 0, CREAT, FD_WRITE, rofs),
            ("file", 0, CREAT | TRUNC, FD_READ | FD_WRITE, rofs),
            ("file", 0, CREAT | EXCL, FD_WRITE, Errno::Exist),
            ("file", 0, CREAT | EXCL, FD_READ, Errno::Exist),
            ("link", FOLLOW, 0, FD_WRITE, rofs),
            ("link", 0, 0, FD_WRITE, Errno::Loop),
            ("link", FOLLOW, CREAT | EXCL, FD_WRITE, Errno::Exist),
            ("dangling", FOLLOW, CREAT, FD_WRITE, rofs),
            ("dangling", FOLLOW, 0, FD_WRITE, Errno::NoEnt),
            ("new", 0, CREAT, FD_READ, rofs),
            ("new", 0, CREAT | EXCL, FD_WRITE, rofs),
            ("new", 0, 0, FD_WRITE, Errno::NoEnt),
            ("none/new", 0, CREAT, FD_WRITE, Errno::NoEnt),
            ("file/new", 0, CREAT, FD_WRITE, Errno::NotDir),
            ("dir/new", 0, CREAT, FD_WRITE, rofs),
            ("dir", 0, 0, FD_WRITE, Errno::IsDir),
            ("dir", 0, DIRECTORY, FD_WRITE, Errno::IsDir),
            // wasi-libc opens a directory for reading and writing like this.
            ("dir", 0, DIRECTORY, passed_on, Errno::IsDir),
            ("file", 0, DIRECTORY, passed_on, Errno::NotDir),
            ("dir", 0, CREAT, FD_READ, Errno::IsDir),
            ("../secret", 0, 0, FD_WRITE, Errno::NotCapable),
            ("../secret", 0, CREAT, FD_WRITE, Errno::NotCapable),
        ] {
            let opened = host.open_at(dir, path, flags, oflags, rights, 0);
            assert_eq!(opened, Err(errno), "{path} {flags} {oflags} {rights:#x}");
        }
        // An existing file can be opened for reading with `creat`.
        let fd = host.open_at(dir, "file", 0, CREAT, FD_READ, 0).unwrap();
        assert_eq!(host.read(fd, 100).unwrap(), b"as it was");
        assert_eq!(host.write(fd, "x"), Err(Errno::Badf));
        assert_eq!(host.call("fd_filestat_set_times", &[fd, 0, 0, 5]), rofs);
        for (function, path, errno) in [
            ("path_create_directory", "new", rofs),
            ("path_create_directory", "dir", Errno::Exist),
            ("path_create_directory", "none/new", Errno::NoEnt),
            ("path_create_directory", "../new", Errno::NotCapable),
            ("path_create_directory", "new/", rofs),
            ("path_remove_directory", "dir", rofs),
            ("path_remove_directory", "none", rofs),
            ("path_remove_directory", "none/x", Errno::NoEnt),
            ("path_remove_directory", "file/x", Errno::NotDir),
            ("path_remove_directory", "dir/.", Errno::Inval),
            ("path_remove_directory", "../x", Errno::NotCapable),
            ("path_unlink_file", "file", rofs),
            ("path_unlink_file", "none/x", Errno::NoEnt),
            ("path_unlink_file", ".", Errno::IsDir),
        ] {
            assert_eq!(host.path(function, dir, path), errno, "{function} {path}");
        }
        assert_eq!(host.call("fd_filestat_set_times", &[dir, 0, 0, 5]), rofs);
    }
    assert_eq!((host.symlink("file", "new"), host.symlink("file", "link")), (rofs, Errno::Exist));
    assert_eq!(host.symlink("file", "new/"), Errno::NoEnt);
    assert_eq!(host.open("new/", 0, CREAT, FD_WRITE), Err(Errno::IsDir));
    assert_eq!(
        (host.set_times("file", 0, 0, 0, 5), host.set_times("none", 0, 0, 0, 5)),
        (rofs, Errno::NoEnt)
    );
    assert_eq!(fs::read(host.inside("file")).unwrap(), b"as it was");
    assert_eq!(fs::read_dir(host.inside("")).unwrap().count(), 4);
}

/// Preopened directories are like different file systems, see `renameat(2)` and `linkat(2)`.
#[test]
fn rename_and_link_between_preopened_directories_fail() {
    let mut host = Host::with("all_preview1", Access::ReadOnly, |builder| {
        builder.preopen(std::env::temp_dir(), "/tmp", Access::ReadWrite).unwrap()
    });
    fs::write(host.inside("file"), "as it was").unwrap();
    fs::create_dir(host.inside("dir")).unwrap();
    let (dir, rofs) = (3, Errno::Rofs);
    for (from, old, to, new, renamed, linked) in [
        (dir, "file", 4, "stolen", Errno::Xdev, Errno::Xdev),
        (dir, "none", 4, "stolen", Errno::Xdev, Errno::NoEnt),
        (dir, "none/file", 4, "stolen", Errno::NoEnt, Errno::NoEnt),
        (dir, "file", 4, "none/stolen", Errno::NoEnt, Errno::NoEnt),
        (dir, "file", 4, ".", Errno::Xdev, Errno::Exist),
        (dir, "file", dir, "new", rofs, rofs),
        (dir, "file", dir, "dir", rofs, Errno::Exist),
        (dir, "none", dir, "new", rofs, Errno::NoEnt),
        (dir, "file/", dir, "new", rofs, Errno::NotDir),
        (dir, "file", dir, "new/", rofs, Errno::NoEnt),
        (dir, ".", dir, "new", Errno::Busy, rofs),
        (dir, "file", dir, ".", Errno::Busy, Errno::Exist),
        (4, "none", dir, "new", Errno::Xdev, Errno::NoEnt),
    ] {
        assert_eq!(host.rename(from, old, to, new), renamed, "{old} {new}");
        assert_eq!(host.link(from, 0, old, to, new), linked, "{old} {new}");
    }
}

/// Even the owner of a directory may lack the permission to read it. The superuser has it, unless
/// the thread drops the capability.
#[test]
fn opening_an_unreadable_directory_for_reading_fails() {
    let thread = std::thread::spawn(|| {
        let mut sets = capabilities(None).unwrap();
        sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
        set_capabilities(None, sets).unwrap();
        let mut host = Host::new();
        for (name, mode) in [("closed", 0o000), ("paths", 0o311), ("list", 0o444)] {
            fs::create_dir(host.inside(name)).unwrap();
            fs::write(host.inside(name).join("file"), "x").unwrap();
            fs::set_permissions(host.inside(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink("closed", host.inside("link")).unwrap();
        for (path, oflags) in [
            ("closed", 0),
            ("closed", DIRECTORY),
            ("closed/", 0),
            ("closed/", DIRECTORY),
            ("closed/.", DIRECTORY),
            ("paths", DIRECTORY),
            ("paths/", 0),
            ("link", DIRECTORY),
            ("link/", 0),
        ] {
            for rights in [FD_READ, FD_READDIR, FD_READ | FD_READDIR] {
                assert_eq!(host.open(path, FOLLOW, oflags, rights), Err(Errno::Acces), "{path} {oflags}");
            }
        }
        // For resolving paths only, the directory need not be readable until it is listed.
        let dir = host.open("paths", 0, DIRECTORY, 1 << 13).unwrap();
        let file = host.open_at(dir, "file", 0, 0, FD_READ, 0).unwrap();
        assert_eq!(host.read(file, 9).unwrap(), b"x");
        assert_eq!(host.call("fd_readdir", &[dir, TO, 100, 0, AT]), Errno::Acces);
        let dir = host.open("list", 0, DIRECTORY, FD_READ).unwrap();
        host.ok("fd_readdir", &[dir, TO, 100, 0, AT]);
        host.ok("fd_filestat_set_times", &[dir, 0, 0, 5]);
        host.ok("fd_sync", &[dir]);
        assert_eq!(host.open_at(dir, "file", 0, 0, FD_READ, 0), Err(Errno::Acces));
        for name in ["closed", "paths", "list"] {
            fs::set_permissions(host.inside(name), fs::Permissions::from_mode(0o700)).unwrap();
        }
    });
    thread.join().unwrap();
}
