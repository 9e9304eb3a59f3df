//! No path leads out of its directory: the attacks known from other hosts, with the system's
//! `openat2` and without it.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::bits::{CREAT, DIRECTORY, FD_READ, FD_READDIR, FD_WRITE, FOLLOW, TRUNC};
use support::{ALL, DATA, Host, OUT};
use wassay_wasi::{Access, Errno, WasiCtxBuilder};

/// Set in the child process that runs the tests without `openat2`.
const BLOCKED: &str = "WASSAY_TEST_WITHOUT_OPENAT2";

/// Creates a guest. In the process without `openat2`, this blocks the system call for the thread.
fn host() -> Host {
    host_with(Access::ReadWrite, |builder| builder)
}

fn host_with(access: Access, more: impl FnOnce(WasiCtxBuilder) -> WasiCtxBuilder) -> Host {
    if std::env::var_os(BLOCKED).is_some() {
        block_openat2();
    }
    Host::with("all_preview1", access, more)
}

fn block_openat2() {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
    const OPENAT2: i64 = 437;
    const ENOSYS: u32 = 38;
    let filter = SeccompFilter::new(
        [(OPENAT2, Vec::new())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(ENOSYS),
        TargetArch::x86_64,
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
    let how = rustix::fs::ResolveFlags::BENEATH;
    let (flags, mode) = (rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty());
    let refused = rustix::fs::openat2(rustix::fs::CWD, ".", flags, mode, how);
    assert_eq!(refused.unwrap_err(), rustix::io::Errno::NOSYS, "openat2 is blocked");
}

#[test]
fn all_tests_pass_without_openat2() {
    if std::env::var_os(BLOCKED).is_some() {
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap()).env(BLOCKED, "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "without openat2:\n{text}");
    assert!(text.contains("test result: ok. ") && !text.contains(" 0 passed"), "{text}");
}

/// Passes a path that leads out to every call that takes a path.
#[track_caller]
fn refused(host: &mut Host, path: &str) {
    let no = Errno::NotCapable;
    for flags in [0, FOLLOW] {
        for oflags in [0, CREAT, DIRECTORY, TRUNC, CREAT | TRUNC] {
            for rights in [0, FD_READ, FD_READ | FD_WRITE, ALL] {
                let opened = host.open(path, flags, oflags, rights);
                assert_eq!(opened, Err(no), "open {path} {flags} {oflags} {rights}");
            }
        }
        assert_eq!(host.stat(path, flags), no, "stat {path}");
        assert_eq!(host.set_times(path, flags, 0, 0, 2), no, "set times of {path}");
        assert_eq!(host.link(3, flags, path, 3, "new"), no, "link {path}");
    }
    for name in ["path_create_directory", "path_remove_directory", "path_unlink_file"] {
        assert_eq!(host.path(name, 3, path), no, "{name} {path}");
    }
    assert_eq!(host.readlink(path, 10), Err(no), "readlink {path}");
    assert_eq!(host.rename(3, path, 3, "new"), no, "rename {path}");
    assert_eq!(host.rename(3, "file", 3, path), no, "rename to {path}");
    assert_eq!(host.link(3, 0, "file", 3, path), no, "link to {path}");
    assert_eq!(host.symlink("file", path), no, "symlink at {path}");
    assert_eq!(fs::read(host.root.path().join("secret")).unwrap(), b"outside it");
    assert!(!host.inside("new").exists());
}

#[test]
fn absolute_paths_and_parents() {
    let mut host = host();
    fs::create_dir(host.inside("dir")).unwrap();
    fs::write(host.inside("file"), "").unwrap();
    let absolute = host.root.path().join("secret");
    let paths = [
        absolute.to_str().unwrap(),
        "/",
        "//",
        "/etc/passwd",
        "..",
        "../",
        "../.",
        "../secret",
        "../in/../secret",
        "dir/../../secret",
        "dir/../..",
        "./../secret",
        "dir/.//../../secret",
    ];
    for path in paths {
        refused(&mut host, path);
    }
    assert_eq!(host.stat("dir/..", 0), Errno::Success);
    assert_eq!(host.stat("dir/../file", 0), Errno::Success);
}

/// Tests calls that follow a link at the end of a path, and paths with a link before the end.
#[track_caller]
fn link_refused(host: &mut Host, name: &str) {
    let no = Errno::NotCapable;
    for path in [name.to_owned(), format!("{name}/")] {
        for (oflags, rights) in
            [(0, FD_READ), (0, FD_WRITE), (CREAT, FD_WRITE), (TRUNC, FD_WRITE), (DIRECTORY, FD_READDIR)]
        {
            let opened = host.open(&path, FOLLOW, oflags, rights);
            assert_eq!(opened, Err(no), "open {path} {oflags} {rights}");
        }
        assert_eq!(host.stat(&path, FOLLOW), no, "stat {path}");
        assert_eq!(host.set_times(&path, FOLLOW, 0, 0, 2), no, "set times of {path}");
        assert_eq!(host.link(3, FOLLOW, &path, 3, "new"), no, "link {path}");
    }
    // A slash after a link makes the call follow it, whatever the flags say.
    let slash = format!("{name}/");
    assert_eq!(host.open(&slash, 0, 0, FD_READ), Err(no));
    assert_eq!(host.stat(&slash, 0), no);
    assert_eq!(host.set_times(&slash, 0, 0, 0, 2), no);
    assert_eq!(host.link(3, 0, &slash, 3, "new"), no);
    assert_eq!(host.readlink(&slash, 10), Err(no));
    let below = format!("{name}/secret");
    assert_eq!(host.open(&below, 0, CREAT | TRUNC, FD_WRITE), Err(no));
    assert_eq!(host.path("path_unlink_file", 3, &below), no);
    assert_eq!(host.path("path_create_directory", 3, &format!("{name}/new")), no);
    assert_eq!(host.rename(3, &below, 3, "new"), no);
    assert_eq!(host.rename(3, "file", 3, &below), no);
    assert_eq!(host.symlink("file", &format!("{name}/new")), no);
    assert_eq!(host.path("path_remove_directory", 3, &slash), Errno::NotDir);
    assert_eq!(host.path("path_unlink_file", 3, &slash), Errno::NotDir);
    assert_eq!(fs::read(host.root.path().join("secret")).unwrap(), b"outside it");
    assert!(!host.inside("new").exists() && !host.root.path().join("new").exists());
}

#[test]
fn links_that_lead_out() {
    let mut host = host();
    fs::write(host.inside("file"), "").unwrap();
    fs::create_dir_all(host.inside("dir/deep")).unwrap();
    let root = host.root.path().to_str().unwrap().to_owned();
    let links = [
        ("absolute", root.clone()),
        ("absolute-slash", format!("{root}/")),
        ("system", "/".to_owned()),
        ("parent", "..".to_owned()),
        ("parent-slash", "../".to_owned()),
        ("parent-dot", "../.".to_owned()),
        ("around", "dir/../..".to_owned()),
        ("around-slash", "dir/deep/../../../".to_owned()),
        ("etc", "../../../../../../etc/".to_owned()),
    ];
    for (name, contents) in &links {
        symlink(contents, host.inside(name)).unwrap();
    }
    symlink("parent-slash", host.inside("twice")).unwrap();
    symlink("dir/up/", host.inside("nested")).unwrap();
    symlink("../../", host.inside("dir/up")).unwrap();
    for name in links.iter().map(|(name, _)| *name).chain(["twice", "nested"]) {
        link_refused(&mut host, name);
    }
}

#[test]
fn links_that_lead_out_to_a_file_or_to_nothing() {
    let mut host = host();
    let outside = host.root.path().join("secret");
    for (index, contents) in
        ["../secret", outside.to_str().unwrap(), "../new", "../in/../new"].into_iter().enumerate()
    {
        let name = format!("link{index}");
        symlink(contents, host.inside(&name)).unwrap();
        for (oflags, rights) in [(0, FD_READ), (CREAT, FD_WRITE), (CREAT | TRUNC, FD_WRITE)] {
            assert_eq!(host.open(&name, FOLLOW, oflags, rights), Err(Errno::NotCapable), "{contents}");
            assert_eq!(host.open(&name, 0, oflags, rights), Err(Errno::Loop), "{contents}");
        }
        assert_eq!(host.stat(&name, FOLLOW), Errno::NotCapable, "{contents}");
        assert_eq!(host.set_times(&name, FOLLOW, 0, 0, 2), Errno::NotCapable, "{contents}");
        assert_eq!(host.link(3, FOLLOW, &name, 3, "new"), Errno::NotCapable, "{contents}");
        // The link itself is inside.
        assert_eq!(host.stat(&name, 0), Errno::Success);
        assert_eq!(host.path("path_unlink_file", 3, &name), Errno::Success);
    }
    assert_eq!(fs::read(&outside).unwrap(), b"outside it");
    assert!(!host.root.path().join("new").exists());
}

#[test]
fn links_that_the_guest_creates() {
    let mut host = host();
    assert_eq!(host.symlink("/etc/passwd", "absolute"), Errno::NotCapable);
    assert_eq!(host.symlink("../../../../../etc/passwd", "passwd"), Errno::Success);
    assert_eq!(host.open("passwd", FOLLOW, 0, FD_READ), Err(Errno::NotCapable));
    assert_eq!(host.stat("passwd", FOLLOW), Errno::NotCapable);
    assert_eq!(host.readlink("passwd", 100).unwrap(), b"../../../../../etc/passwd");
    // A link to the directory itself, followed by `..`.
    assert_eq!(host.symlink(".", "here"), Errno::Success);
    assert_eq!(host.open("here/../secret", FOLLOW, 0, FD_READ), Err(Errno::NotCapable));
    assert_eq!(host.stat("here/here/..", FOLLOW), Errno::NotCapable);
    assert_eq!(host.symlink("here/../secret", "hidden"), Errno::Success);
    assert_eq!(host.open("hidden", FOLLOW, 0, FD_READ), Err(Errno::NotCapable));
    // A directory that is moved up after a link was created in it.
    assert_eq!(host.path("path_create_directory", 3, "a"), Errno::Success);
    assert_eq!(host.path("path_create_directory", 3, "a/b"), Errno::Success);
    assert_eq!(host.symlink("../../secret", "a/b/link"), Errno::Success);
    assert_eq!(host.rename(3, "a/b", 3, "b"), Errno::Success);
    assert_eq!(host.open("b/link", FOLLOW, 0, FD_READ), Err(Errno::NotCapable));
}

#[test]
fn absolute_link_targets_are_not_revealed() {
    let mut host = host();
    symlink("/etc/passwd", host.inside("link")).unwrap();
    assert_eq!(host.readlink("link", 100), Err(Errno::NotCapable));
}

#[test]
fn magic_links_of_proc_lead_nowhere() {
    let mut host = host_with(Access::ReadWrite, |builder| {
        builder.preopen("/proc/self", "/proc", Access::ReadOnly).unwrap()
    });
    let secret = fs::File::open(host.root.path().join("secret")).unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&secret);
    let no = [Errno::NotCapable, Errno::Loop];
    for path in
        [format!("fd/{fd}"), "root/etc/passwd".to_owned(), "cwd/Cargo.toml".to_owned(), "exe".to_owned()]
    {
        let opened = host.open_at(4, &path, FOLLOW, 0, FD_READ, 0);
        assert!(matches!(opened, Err(errno) if no.contains(&errno)), "{path}: {opened:?}");
        host.put(DATA, path.as_bytes());
        let stat =
            host.call("path_filestat_get", &[4, FOLLOW, i64::from(DATA), path.len() as i64, i64::from(OUT)]);
        assert!(no.contains(&stat), "{path}: {stat}");
    }
}

#[test]
fn a_read_only_directory_is_not_changed() {
    let mut host = host_with(Access::ReadOnly, |builder| {
        builder.preopen(std::env::temp_dir(), "/tmp", Access::ReadWrite).unwrap()
    });
    let other = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
    let target = format!("{}/stolen", other.path().file_name().unwrap().to_str().unwrap());
    fs::write(host.inside("file"), "as it was").unwrap();
    fs::create_dir(host.inside("dir")).unwrap();
    let no = Errno::Rofs;
    for (oflags, rights) in
        [(TRUNC, 0), (TRUNC, FD_READ), (CREAT | TRUNC, FD_WRITE), (0, FD_WRITE), (0, FD_READ | FD_WRITE)]
    {
        assert_eq!(host.open("file", 0, oflags, rights), Err(no), "{oflags} {rights}");
    }
    assert_eq!(host.link(3, 0, "file", 4, &target), Errno::Xdev);
    assert_eq!(host.link(3, FOLLOW, "file", 4, &target), Errno::Xdev);
    assert_eq!(host.rename(3, "file", 4, &target), Errno::Xdev);
    fs::write(other.path().join("own"), "").unwrap();
    let own = target.replace("stolen", "own");
    assert_eq!(host.rename(4, &own, 3, "file"), Errno::Xdev);
    assert_eq!(host.link(4, 0, &own, 3, "new"), no);
    assert_eq!(host.symlink("file", "new"), no);
    assert_eq!(host.set_times("file", 0, 0, 0, 5), no);
    for (name, path) in
        [("path_create_directory", "new"), ("path_remove_directory", "dir"), ("path_unlink_file", "dir")]
    {
        assert_eq!(host.path(name, 3, path), no, "{name}");
    }
    // Through a descriptor of a subdirectory, which inherits no further rights.
    let dir = host.open(".", 0, DIRECTORY, FD_READDIR | 0x0fff_febf).unwrap();
    assert_eq!(host.open_at(dir, "file", 0, TRUNC, FD_READ, 0), Err(no));
    assert_eq!(host.open_at(dir, "file", 0, 0, FD_WRITE, 0), Err(no));
    assert_eq!(host.path("path_unlink_file", dir, "file"), no);
    // Reading works, even if the guest requests more rights than it needs.
    let fd = host.open("file", 0, 0, 0x0fff_febf).unwrap();
    assert_eq!(host.read(fd, 100).unwrap(), b"as it was");
    assert_eq!(host.write(fd, "x"), Err(Errno::Badf));
    assert_eq!(host.call("fd_filestat_set_size", &[fd, 0]), Errno::Inval);
    assert_eq!(host.call("fd_filestat_set_times", &[fd, 0, 0, 5]), no);
    assert_eq!(host.call("fd_allocate", &[fd, 0, 10]), Errno::Badf);
    assert_eq!(fs::read(host.inside("file")).unwrap(), b"as it was");
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
}

#[test]
fn only_configured_resources_are_accessible() {
    let mut host = host();
    assert_eq!(host.call("fd_prestat_get", &[4, i64::from(OUT)]), Errno::Badf);
    assert_eq!(host.open_at(4, "Cargo.toml", 0, 0, FD_READ, 0), Err(Errno::Badf));
    assert_eq!(host.open_at(-1, "Cargo.toml", 0, 0, FD_READ, 0), Err(Errno::Badf));
    host.ok("environ_sizes_get", &[i64::from(OUT), i64::from(OUT + 4)]);
    assert_eq!((host.u32(OUT), host.u32(OUT + 4)), (0, 0));
}

/// While another thread swaps a directory with a link that leads out, and a file with another such
/// link, everything that the guest opens is inside.
#[test]
fn links_swapped_by_another_thread() {
    let mut host = host();
    let inside = host.root.path().join("in");
    fs::create_dir(inside.join("dir")).unwrap();
    fs::write(inside.join("dir/secret"), "inside").unwrap();
    fs::write(inside.join("file"), "inside").unwrap();
    symlink("..", inside.join("link")).unwrap();
    symlink("../secret", inside.join("out")).unwrap();
    let (stop, mut opened, mut refused) = (AtomicBool::new(false), 0u32, 0u32);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            while !stop.load(Ordering::Relaxed) {
                let swap = |a, b| {
                    renameat_with(CWD, inside.join(a), CWD, inside.join(b), RenameFlags::EXCHANGE).unwrap();
                };
                swap("dir", "link");
                swap("file", "out");
            }
        });
        let begun = Instant::now();
        // At least 2 s, and on a slow machine until both outcomes have been seen.
        while begun.elapsed() < Duration::from_secs(2)
            || opened.min(refused) <= 100 && begun.elapsed() < Duration::from_secs(60)
        {
            for path in ["dir/secret", "file", "dir/../file", "link/secret"] {
                match host.open(path, FOLLOW, 0, FD_READ) {
                    Ok(fd) => {
                        let read = host.read(fd, 100).unwrap();
                        host.ok("fd_close", &[fd]);
                        if read != b"inside" {
                            stop.store(true, Ordering::Relaxed);
                            panic!("{path} led out");
                        }
                        opened += 1;
                    }
                    Err(errno) => {
                        refused += 1;
                        // INVAL: a link was replaced by something else between lookup and readlink.
                        let known =
                            [Errno::NotCapable, Errno::NoEnt, Errno::Loop, Errno::NotDir, Errno::Inval];
                        if !known.contains(&errno) {
                            stop.store(true, Ordering::Relaxed);
                            panic!("{path}: {errno}");
                        }
                    }
                }
                let size = match host.stat(path, FOLLOW) {
                    Errno::Success => host.u64(OUT + 32),
                    _ => 6,
                };
                // Files may be created in the directory that the link leads to inside the root, and
                // nowhere else.
                let _ = host.path("path_create_directory", 3, "dir/made");
                if let Ok(fd) = host.open("dir/created", FOLLOW, CREAT, FD_WRITE) {
                    host.ok("fd_close", &[fd]);
                }
                let _ = host.rename(3, "dir/created", 3, "dir/moved");
                let _ = host.symlink("file", "dir/linked");
                for made in ["dir/moved", "dir/linked", "dir/nothing"] {
                    let _ = host.path("path_unlink_file", 3, made);
                }
                if size != 6 {
                    stop.store(true, Ordering::Relaxed);
                    panic!("{path}: size {size}");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(opened > 100 && refused > 100, "the race was run: {opened} opened, {refused} refused");
    let mut outside: Vec<_> =
        fs::read_dir(host.root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    outside.sort();
    assert_eq!(outside, ["in", "secret"], "nothing was created outside");
    assert_eq!(fs::read(host.root.path().join("secret")).unwrap(), b"outside it");
}
