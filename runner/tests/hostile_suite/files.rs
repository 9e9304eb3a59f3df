//! Unusual entries in a suite's folder.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mkfifoat, mknodat};

use super::Verdict;
use super::Verdict::{Ends, Failed, Passed};
use super::common::PASSES;

/// Writes the entries below `suite`, some of which lead to `outside`, and gives the names of the
/// cases with their verdicts.
pub(crate) fn write(suite: &Path, outside: &Path) -> Vec<(String, Verdict)> {
    let mut cases = vec![];
    let mut case = |name: &str, verdict| cases.push((name.to_owned(), verdict));
    let link = |target: &Path, name: &str| symlink(target, suite.join(name)).unwrap();

    // A link within the suite is one of its scripts.
    link(Path::new("good.wast"), "link-inside.wast");
    case("link-inside.wast", Passed);
    link(Path::new("/proc/self/environ"), "link-environment.wast");
    link(&outside.join("secret.wast"), "link-outside.wast");
    link(Path::new("../outside/secret.wast"), "link-parent.wast");
    link(Path::new("nothing.wast"), "link-dangling.wast");
    link(Path::new("link-loop.wast"), "link-loop.wast");
    link(Path::new("/dev/zero"), "link-device.wast");
    for name in ["environment", "outside", "parent", "dangling", "loop", "device"] {
        case(&format!("link-{name}.wast"), Failed);
    }
    mkfifoat(CWD, suite.join("fifo.wast"), Mode::from_raw_mode(0o666)).unwrap();
    case("fifo.wast", Failed);
    mknodat(CWD, suite.join("socket.wast"), FileType::Socket, Mode::from_raw_mode(0o666), 0).unwrap();
    case("socket.wast", Failed);
    // Only the superuser makes devices.
    let device = suite.join("device.wast");
    if mknodat(CWD, &device, FileType::CharacterDevice, Mode::from_raw_mode(0o666), makedev(1, 5)).is_ok() {
        case("device.wast", Failed);
    }
    File::create(suite.join("sparse.wast")).unwrap().set_len(1 << 36).unwrap();
    case("sparse.wast", Failed);
    fs::write(suite.join("closed.wast"), PASSES).unwrap();
    fs::set_permissions(suite.join("closed.wast"), Permissions::from_mode(0o000)).unwrap();
    // The superuser reads it all the same.
    case("closed.wast", Ends);
    fs::write(suite.join("\u{1b}]0;t\u{7}\u{202e}.wast"), PASSES).unwrap();
    fs::write(suite.join("new\nline::error::x.wast"), PASSES).unwrap();
    fs::write(suite.join(OsStr::from_bytes(b"\xff\x9b31m.wast")), PASSES).unwrap();
    cases
}

/// The files of guests: folders, golden files and input.
pub(crate) fn write_guests(suite: &Path, outside: &Path) -> Vec<(String, Verdict)> {
    let nothing = "(module (memory (export \"memory\") 1) (func (export \"_start\")))";
    let mut cases = vec![];
    let mut guest = |name: &str, verdict, json: &str| {
        fs::write(suite.join(format!("{name}.wat")), nothing).unwrap();
        fs::write(suite.join(format!("{name}.json")), json).unwrap();
        cases.push((format!("{name}.wat"), verdict));
    };
    guest("stdin-environment", Failed, "{}");
    symlink("/proc/self/environ", suite.join("stdin-environment.stdin")).unwrap();
    guest("stdin-fifo", Failed, "{}");
    mkfifoat(CWD, suite.join("stdin-fifo.stdin"), Mode::from_raw_mode(0o666)).unwrap();
    guest("stdout-outside", Failed, "{}");
    symlink(outside.join("secret.wast"), suite.join("stdout-outside.stdout")).unwrap();
    guest("root-outside", Failed, r#"{"root": "outside.dir"}"#);
    symlink(outside, suite.join("outside.dir")).unwrap();
    guest("root-system", Failed, r#"{"root": "system.dir"}"#);
    symlink("/", suite.join("system.dir")).unwrap();
    guest("files-outside", Failed, r#"{"root": "empty.dir"}"#);
    symlink(outside, suite.join("files-outside.fs")).unwrap();

    guest("root-set-user", Ends, r#"{"root": "set-user.dir"}"#);
    fs::create_dir(suite.join("set-user.dir")).unwrap();
    fs::write(suite.join("set-user.dir/tool"), "#!/bin/sh\nid\n").unwrap();
    fs::set_permissions(suite.join("set-user.dir/tool"), Permissions::from_mode(0o6755)).unwrap();
    guest("root-fifo", Failed, r#"{"root": "fifo.dir"}"#);
    fs::create_dir(suite.join("fifo.dir")).unwrap();
    mkfifoat(CWD, suite.join("fifo.dir/fifo"), Mode::from_raw_mode(0o666)).unwrap();
    guest("root-sparse", Failed, r#"{"root": "sparse.dir"}"#);
    fs::create_dir(suite.join("sparse.dir")).unwrap();
    File::create(suite.join("sparse.dir/file")).unwrap().set_len(1 << 36).unwrap();
    guest("module-link", Failed, "{}");
    fs::remove_file(suite.join("module-link.wat")).unwrap();
    symlink(outside.join("secret.wast"), suite.join("module-link.wat")).unwrap();
    cases
}
