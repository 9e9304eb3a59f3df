//! Functions that take a path.

use std::fs;

use wassay_wasi::Errno;

use crate::support::bits::{CREAT, DIRECTORY, EXCL, FD_READ, FD_WRITE, FOLLOW, TRUNC};
use crate::support::{ALL, DATA, Host, OUT};
use crate::{AT, TO};

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
        ("new/", 0, CREAT, FD_WRITE, Errno::IsDir),
        ("none/new/", 0, CREAT, FD_WRITE, Errno::NoEnt),
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
    assert_eq!(fs::read_dir(host.inside("")).unwrap().count(), 6, "nothing was created");
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
    // The directory of an open descriptor can be removed; nothing can be created in it then.
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
