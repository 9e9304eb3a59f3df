//! Tests of writing to files, and of rejected destinations.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::thread;

use rustix::fs::{Mode, XattrFlags, mkfifoat, setxattr};
use tempfile::{TempDir, tempdir};

use super::*;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

fn refused(path: &Path) -> String {
    check(path).unwrap_err().to_string()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

#[test]
fn a_file_is_replaced_and_nothing_else_is_left() {
    let (_folder, root) = folder();
    let path = root.join("r.json");
    fs::write(&path, "older and longer".repeat(1000)).unwrap();
    check(&path).unwrap();
    write(&path, b"new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
}

#[test]
fn a_file_keeps_its_mode_and_its_attributes_but_no_special_bits() {
    let (_folder, root) = folder();
    let path = root.join("r.json");
    fs::write(&path, b"").unwrap();
    let has_attributes = setxattr(&path, "user.wassay", b"kept", XattrFlags::empty()).is_ok();
    for (before, after) in [(0o640, 0o640), (0o600, 0o600), (0o6755, 0o755), (0o666, 0o666)] {
        fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(mode(&path), after, "{before:o}");
    }
    let mut value = [0; 16];
    if has_attributes {
        let length = rustix::fs::getxattr(&path, "user.wassay", &mut value[..]).unwrap();
        assert_eq!(&value[..length], b"kept");
    }
}

#[test]
fn a_file_keeps_its_owner_where_that_can_be() {
    let (_folder, root) = folder();
    let path = root.join("r.json");
    fs::write(&path, b"").unwrap();
    if std::os::unix::fs::chown(&path, Some(12345), Some(12346)).is_err() {
        return;
    }
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    write(&path, b"new").unwrap();
    let found = path.metadata().unwrap();
    assert_eq!((found.uid(), found.gid(), mode(&path)), (12345, 12346, 0o640));
}

#[test]
fn a_new_file_respects_the_umask() {
    let (_folder, root) = folder();
    let (ours, usual) = (root.join("ours"), root.join("usual"));
    write(&ours, b"").unwrap();
    fs::write(&usual, b"").unwrap();
    assert_eq!(mode(&ours), mode(&usual));
}

#[test]
fn links_are_followed_and_a_dangling_one_gets_its_file() {
    let (_folder, root) = folder();
    fs::write(root.join("r.json"), b"").unwrap();
    fs::create_dir(root.join("d")).unwrap();
    for (link, to) in [("a", "r.json"), ("b", "a"), ("c", "d/new.json"), ("d/e", "../other.json")] {
        let link = root.join(link);
        symlink(to, &link).unwrap();
        check(&link).unwrap();
        write(&link, b"new").unwrap();
        assert!(link.is_symlink() && fs::read_to_string(&link).unwrap() == "new", "{to}");
    }
    assert!(root.join("d/new.json").is_file() && root.join("other.json").is_file());
    symlink("loop", root.join("loop")).unwrap();
    assert!(refused(&root.join("loop")).contains("links"), "{}", refused(&root.join("loop")));
    symlink("gone/r.json", root.join("nowhere")).unwrap();
    assert!(refused(&root.join("nowhere")).contains("gone does not exist"));
}

#[test]
fn a_file_with_hard_links_is_rejected_and_unchanged() {
    let (_folder, root) = folder();
    let (one, two) = (root.join("one"), root.join("two"));
    fs::write(&one, b"kept").unwrap();
    fs::hard_link(&one, &two).unwrap();
    assert!(refused(&two).contains("2 names (hard links)"), "{}", refused(&two));
    assert!(write(&two, b"new").is_err());
    assert_eq!(fs::read_to_string(&one).unwrap(), "kept");
}

#[test]
fn paths_that_cannot_be_files_are_rejected_with_a_reason() {
    let (_folder, root) = folder();
    fs::create_dir(root.join("d")).unwrap();
    let _socket = UnixListener::bind(root.join("socket")).unwrap();
    for (name, why) in [
        ("d", "is a folder"),
        ("d/", "is a folder"),
        ("new/", "is a folder"),
        ("d/..", "is a folder"),
        ("gone/r.json", "gone does not exist: create it first"),
        ("socket", "not a file, FIFO or character device"),
        ("d/r.json/x", "r.json does not exist"),
    ] {
        let said = refused(&root.join(name));
        assert!(said.contains(why), "{name}: {said}");
    }
    fs::write(root.join("file"), b"").unwrap();
    assert!(check(&root.join("file/x")).is_err());
}

#[test]
fn a_file_of_another_user_in_a_shared_folder_is_rejected() {
    let (_folder, root) = folder();
    fs::set_permissions(&root, Permissions::from_mode(0o1777)).unwrap();
    let (file, link) = (root.join("r.json"), root.join("link"));
    fs::write(&file, b"").unwrap();
    symlink("new.json", &link).unwrap();
    check(&file).unwrap();
    check(&link).unwrap();
    // Only root can create a file of another user.
    if std::os::unix::fs::chown(&root, Some(0), None).is_err() {
        return;
    }
    for path in [&file, &link] {
        std::os::unix::fs::lchown(path, Some(12345), None).unwrap();
        assert!(refused(path).contains("belongs to another user"), "{}", refused(path));
    }
    assert!(!root.join("new.json").exists());
}

#[test]
fn a_fifo_with_a_reader_is_written_to() {
    let (_folder, root) = folder();
    let path = root.join("fifo");
    mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).unwrap();
    let long = "x".repeat(1 << 20);
    let reader = thread::spawn({
        let path = path.clone();
        move || {
            let mut text = String::new();
            fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    // Checking causes no end of file for the reader.
    (0..3).for_each(|_| check(&path).unwrap());
    write(&path, long.as_bytes()).unwrap();
    assert_eq!(reader.join().unwrap(), long);
    assert!(Destination::of(&path).is_ok_and(|found| matches!(found, Destination::Pipe(_))));
}

#[test]
fn a_device_is_written_to_and_says_what_is_wrong() {
    for name in ["/dev/null", "/dev/full"] {
        check(Path::new(name)).unwrap();
        assert!(!Path::new(name).metadata().unwrap().is_file());
    }
    write(Path::new("/dev/null"), b"new").unwrap();
    assert_eq!(write(Path::new("/dev/full"), b"new").unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn standard_streams_have_several_names_and_our_own_descriptors_are_closed_to_users() {
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let found = Destination::of(Path::new(name)).unwrap();
        assert!(matches!(found, Destination::Stream(Stream::Out)), "{name}: {found:?}");
    }
    assert!(refused(Path::new("/dev/fd/9999")).contains("descriptor 9999 is not open"));
    let file = tempfile::tempfile().unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    assert!(refused(&descriptor::path(number.cast_unsigned())).contains("is not open"));
}

#[test]
fn all_paths_of_a_file_have_the_same_keys() {
    let (_folder, root) = folder();
    fs::create_dir(root.join("d")).unwrap();
    fs::write(root.join("old"), b"").unwrap();
    symlink("d", root.join("link")).unwrap();
    symlink("../old", root.join("d/old")).unwrap();
    let keys = |name: &str| Destination::of(&root.join(name)).unwrap().keys();
    for (one, other) in [("d/new", "link/new"), ("new", "d/../new"), ("old", "link/old"), ("./new", "new")] {
        assert!(!keys(one).is_empty() && keys(one) == keys(other), "{one} {other}");
    }
    for (one, other) in [("new", "NEW"), ("new", "d/new"), ("old", "new")] {
        assert_ne!(keys(one), keys(other), "{one} {other}");
    }
    assert_eq!(Destination::of(Path::new("/dev/null")).unwrap().keys(), []);
    assert_eq!(fs::read_dir(&root).unwrap().count(), 3, "no temporary file is left");
}
