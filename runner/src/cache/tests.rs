//! Tests of the folder of the code cache.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_folder_and_its_files_are_private() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a/code");
    let cache = CodeCache::open(&path, 100).unwrap();
    cache.store("0-1", b"code").unwrap();
    assert_eq!((mode(&path), mode(&path.join("0-1.o"))), (0o700, 0o600));
    assert_eq!(io::read_to_string(cache.file("0-1").unwrap()).unwrap(), "code");
    assert!(cache.file("0-2").is_none());
    cache.store("0-1", b"other code").unwrap();
    assert_eq!(names(&path), ["0-1.o"], "it is replaced, and nothing is left");
}

#[test]
fn what_other_users_can_change_is_not_used() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("code");
    let cache = CodeCache::open(&path, 100).unwrap();
    cache.store("0-1", b"code").unwrap();
    for shared in [0o620, 0o602, 0o666] {
        fs::set_permissions(path.join("0-1.o"), PermissionsExt::from_mode(shared)).unwrap();
        assert!(cache.file("0-1").is_none(), "{shared:o}");
    }
    fs::set_permissions(path.join("0-1.o"), PermissionsExt::from_mode(0o644)).unwrap();
    assert!(cache.file("0-1").is_some(), "others can read it only");
    for shared in [0o770, 0o777, 0o1777] {
        fs::set_permissions(&path, PermissionsExt::from_mode(shared)).unwrap();
        let error = CodeCache::open(&path, 100).unwrap_err().to_string();
        assert!(error.contains(&format!("mode {shared:o}")) && error.contains("code"), "{error}");
    }
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    assert!(CodeCache::open(&path, 100).is_ok());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(path.join("0-1.o"), Some(1), None).unwrap();
        assert!(cache.file("0-1").is_none(), "another user's file");
        std::os::unix::fs::chown(&path, Some(1), None).unwrap();
        let error = CodeCache::open(&path, 100).unwrap_err().to_string();
        assert!(error.contains("belongs to user 1"), "{error}");
    }
}

#[test]
fn links_and_other_files_are_not_code() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("code");
    let cache = CodeCache::open(&path, 100).unwrap();
    fs::write(root.path().join("target"), "code").unwrap();
    std::os::unix::fs::symlink("../target", path.join("0-1.o")).unwrap();
    fs::create_dir(path.join("0-2.o")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, path.join("0-3.o"), Mode::RWXU).unwrap();
    for name in ["0-1", "0-2", "0-3"] {
        assert!(cache.file(name).is_none(), "{name}");
    }
    // A link is replaced, and what it leads to is not changed.
    cache.store("0-1", b"new").unwrap();
    assert_eq!(fs::read_to_string(root.path().join("target")).unwrap(), "code");
    assert!(cache.file("0-1").is_some());
}

#[test]
fn the_least_recently_used_code_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("code");
    let cache = CodeCache::open(&path, 100).unwrap();
    let age = |name: &str, seconds| {
        let file = File::options().write(true).open(path.join(name)).unwrap();
        let then = SystemTime::now() - Duration::from_secs(seconds);
        file.set_times(FileTimes::new().set_modified(then)).unwrap();
    };
    fs::write(path.join("mine.o"), [0; 1000]).unwrap();
    for (number, seconds) in [(1, 300), (2, 200), (3, 100)] {
        cache.store(&format!("0-{number}"), &[0; 30]).unwrap();
        age(&format!("0-{number}.o"), seconds);
    }
    assert!(cache.file("0-1").is_some(), "the oldest is used now");
    cache.store("0-4", &[0; 30]).unwrap();
    assert_eq!(names(&path), ["0-1.o", "0-3.o", "0-4.o", "mine.o"]);
    cache.store("0-5", &[0; 101]).unwrap();
    assert!(cache.file("0-5").is_none(), "it is larger than the cache");
    assert_eq!(cache.usage().unwrap(), Usage { modules: 3, bytes: 90 });
    assert_eq!(cache.clear().unwrap(), Usage { modules: 3, bytes: 90 });
    assert_eq!(names(&path), ["mine.o"], "files that are not of the cache are left");
}

#[test]
fn what_a_killed_process_left_is_removed_later() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("code");
    let cache = CodeCache::open(&path, 100).unwrap();
    let left = File::create(path.join(entries::temporary_name(1, 0))).unwrap();
    File::create(path.join(entries::temporary_name(2, 0))).unwrap();
    left.set_times(FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(3600))).unwrap();
    cache.store("0-1", b"code").unwrap();
    assert_eq!(names(&path), [".wassay-2-0", "0-1.o"], "the other one may still be written");
    // The name of the file to write is taken.
    let own = entries::temporary_name(std::process::id(), u64::MAX);
    fs::write(path.join(&own), "old").unwrap();
    cache.write(&own, b"new").unwrap();
    assert_eq!(fs::read(path.join(&own)).unwrap(), b"new");
}
