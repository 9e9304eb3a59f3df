//! Suites that a stranger may have written: what they lead to, what they are made of, and what is
//! left of them.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::guests::{ECHO, ENDLESS, NOTHING, nested, noisy, sparse};
use crate::common::trials::{find, not_run, reachable};
use crate::common::{Folder, PASSES, Ran};
use wassay_reports::{Outcome, json};

/// The user and the group `nobody`.
const NOBODY: u32 = 65534;

/// A secret that no suite may read.
const SECRET: &str = "4cc3551b1l17y";

/// A suite in the folder `s`, beside which there is a folder `secret`.
struct Suite {
    folder: Folder,
}

impl Suite {
    fn new(files: &[(&str, &str)]) -> Suite {
        let folder = Folder::new(&[("secret/a.wast", SECRET), ("secret/file", SECRET), ("tmp/x", "")]);
        fs::remove_file(folder.file("tmp/x")).unwrap();
        fs::create_dir(folder.file("s")).unwrap();
        let suite = Suite { folder };
        for (name, text) in files {
            fs::create_dir_all(suite.file(name).parent().unwrap()).unwrap();
            fs::write(suite.file(name), text).unwrap();
        }
        suite
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.file("s").join(name)
    }

    fn link(&self, name: &str, to: &str) {
        fs::create_dir_all(self.file(name).parent().unwrap()).unwrap();
        symlink(to, self.file(name)).unwrap();
    }

    fn fifo(&self, name: &str) {
        rustix::fs::mkfifoat(rustix::fs::CWD, self.file(name), rustix::fs::Mode::RWXU).unwrap();
    }

    fn socket(&self, name: &str) {
        let (mode, socket) = (rustix::fs::Mode::RWXU, rustix::fs::FileType::Socket);
        rustix::fs::mknodat(rustix::fs::CWD, self.file(name), socket, mode, 0).unwrap();
    }

    /// A sparse file.
    fn large(&self, name: &str, length: u64) {
        fs::create_dir_all(self.file(name).parent().unwrap()).unwrap();
        fs::File::create(self.file(name)).unwrap().set_len(length).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.arg("test").arg(self.folder.file("s")).args(args);
        command.env("SECRET", SECRET).env("TMPDIR", self.folder.file("tmp"));
        command
    }

    fn test(&self, args: &[&str]) -> Ran {
        crate::common::run(&mut self.command(args))
    }

    /// Runs the suite, and gives what became of each case: its outcome, and the message of its
    /// first failure. Nothing of that says the secret.
    fn cases(&self, args: &[&str]) -> Vec<(String, Outcome, String)> {
        let report = self.folder.arg("report.json");
        // A report of another run is not comparable with this one.
        let _ = fs::remove_file(&report);
        let begun = Instant::now();
        let ran = self.test(&[args, &["--report", &format!("json={report}")]].concat());
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let text =
            fs::read_to_string(&report).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
        for said in [&ran.out, &ran.err, &text] {
            assert!(!said.contains(SECRET), "{said}");
        }
        let report = json::parse(&text).unwrap();
        let case = |case: &wassay_reports::Case| {
            let message = case.failures.first().map_or("", |failure| &failure.message);
            (case.name.clone(), case.outcome, message.replace(&*self.file("").to_string_lossy(), ""))
        };
        report.suites.iter().flat_map(|suite| &suite.cases).map(case).collect()
    }

    /// Runs a suite of which one case has to fail with this message, and the case `ok.wast` has to
    /// pass.
    fn fails(&self, name: &str, message: &str) {
        fs::write(self.file("ok.wast"), PASSES).unwrap();
        for args in [&["--timeout", "10s"][..], &["--timeout", "10s", "--isolate"]] {
            let cases = self.cases(args);
            let ok = cases.iter().find(|(name, ..)| name == "ok.wast").expect("the other case");
            assert_eq!(ok.1, Outcome::Passed, "{cases:?}");
            let failed: Vec<_> = cases.iter().filter(|(_, outcome, _)| *outcome != Outcome::Passed).collect();
            let [(found, _, said)] = &failed[..] else { panic!("one case fails: {cases:?}") };
            assert_eq!(found, name);
            assert!(said.contains(message), "{said}");
        }
    }
}

const OUTSIDE: &str = "symbolic link leads out of the suite";

#[test]
fn no_link_leads_out_of_a_suite() {
    let guest = [("g.wat", ECHO), ("g.json", "{}")];
    for (files, link, to, name) in [
        (&[][..], "a.wast", "/proc/self/environ", "a.wast"),
        (&[], "a.wast", "../secret/a.wast", "a.wast"),
        (&[], "d", "../secret", "d"),
        (&[], "d", "/", "d"),
        (&[], "d/e.wast", "../../secret/a.wast", "d/e.wast"),
        (&[("g.json", "{}")], "g.wat", "../secret/file", "g.wat"),
        (&[("g.wat", ECHO)], "g.json", "../secret/file", "g.wat"),
        (&[("g.wat", ECHO)], "manifest.json", "../secret/file", "g.wat"),
        (&guest, "g.stdin", "/proc/self/environ", "g.wat"),
        (&guest, "g.stdin", "../secret/file", "g.wat"),
        (&guest, "g.stdout", "../secret/file", "g.wat"),
        (&guest, "g.stderr", "/proc/self/environ", "g.wat"),
        (&guest, "g.fs", "../secret", "g.wat"),
        (&[("g.wat", NOTHING), ("g.json", r#"{"root": "x.dir"}"#)], "x.dir", "../secret", "g.wat"),
        (&[("g.wat", NOTHING), ("g.json", r#"{"root": "x.dir"}"#)], "x.dir", "/", "g.wat"),
    ] {
        let suite = Suite::new(files);
        suite.link(link, to);
        suite.fails(name, OUTSIDE);
    }
    // The same where the system lacks openat2.
    let suite = Suite::new(&guest);
    suite.link("g.stdin", "../secret/file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    let ran = crate::common::run(
        command.arg("test").arg(format!("{}@no-openat2", suite.folder.file("s").display())),
    );
    assert!(ran.out.contains("g.stdin: cannot be read: symbolic link leads out of the suite"), "{}", ran.out);
}

#[test]
fn links_lead_where_the_user_allows_it() {
    let suite = Suite::new(&[("a.wast", PASSES), ("wassay.toml", "links = [\"../shared\"]\n")]);
    let shared = suite.folder.file("shared");
    fs::create_dir_all(shared.join("x.dir")).unwrap();
    for (name, text) in
        [("b.wast", PASSES), ("g.wat", ECHO), ("g.json", "{}"), ("g.stdin", "hi"), ("g.stdout", "hi")]
    {
        fs::write(shared.join(name), text).unwrap();
    }
    suite.link("shared", "../shared");
    suite.link("b.wast", "../shared/b.wast");
    suite.link("e.wast", "../secret/a.wast");
    let passed = |args: &[&str]| -> Vec<String> {
        let cases = suite.cases(args);
        cases.into_iter().filter(|case| case.1 == Outcome::Passed).map(|case| case.0).collect()
    };
    let all = ["a.wast", "b.wast", "shared/b.wast", "shared/g.wat"];
    let named = format!("--allow-links={}", shared.display());
    assert_eq!(passed(&[]), ["a.wast"]);
    for args in [&[named.as_str()][..], &["--allow-links"], &[named.as_str(), "--isolate"]] {
        assert_eq!(passed(args), all, "{args:?}");
    }
    for (value, expected) in [(shared.to_str().unwrap(), &all[..]), ("1", &all), ("", &all[..1])] {
        let ran = crate::common::run(suite.command(&["--quiet"]).env("WASSAY_ALLOW_LINKS", value));
        let failed = if expected.len() == 1 { "3 of 4" } else { "1 of 5" };
        assert!(ran.out.contains(&format!("{failed} cases not as expected")), "{value}: {}", ran.out);
    }
    let ran = suite.test(&["--allow-links=gone"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("gone: cannot allow links: No such file"), "{}", ran.err);
}

#[test]
fn what_would_hold_its_reader_fails_one_case() {
    let guest = [("g.wat", NOTHING), ("g.json", r#"{"root": "x.dir"}"#), ("x.dir/f", "")];
    for (name, file) in
        [("a.wast", "a.wast"), ("g.wat", "g.wat"), ("g.wat", "g.json"), ("g.wat", "manifest.json")]
    {
        let suite = Suite::new(&guest);
        let _ = fs::remove_file(suite.file(file));
        suite.fifo(file);
        suite.fails(name, "expected a regular file, found a pipe");
    }
    for file in ["g.stdin", "g.stdout", "g.stderr"] {
        let suite = Suite::new(&guest);
        suite.socket(file);
        suite.fails("g.wat", "expected a regular file, found a socket");
        let suite = Suite::new(&guest);
        fs::create_dir(suite.file(file)).unwrap();
        suite.fails("g.wat", "expected a regular file, found a folder");
    }
    let suite = Suite::new(&guest);
    suite.fifo("x.dir/pipe");
    suite.fails("g.wat", "x.dir: cannot be read: pipe: expected a folder, a file or a link, found a pipe");
    let suite = Suite::new(&guest);
    suite.fifo("g.fs");
    suite.fails("g.wat", "g.fs: cannot be read: expected a folder, found a pipe");
}

#[test]
fn what_is_odd_is_one_case_that_fails() {
    use std::os::unix::ffi::OsStrExt;
    let suite = Suite::new(&[("a.wast", PASSES)]);
    suite.link("gone.wast", "nowhere");
    suite.link("d", "no-folder");
    suite.link("circle", "..");
    fs::remove_file(suite.file("circle")).unwrap();
    suite.link("circle", ".");
    fs::write(suite.file("").join(std::ffi::OsStr::from_bytes(b"\xff.wast")), PASSES).unwrap();
    fs::create_dir(suite.file("folder.wast")).unwrap();
    suite.large("large.wast", 3 << 30);
    suite.socket("notes.sock");
    let cases = suite.cases(&[]);
    let failed = |name: &str| {
        let case = cases.iter().find(|case| case.0 == name).unwrap_or_else(|| panic!("{name}: {cases:?}"));
        assert_eq!(case.1, Outcome::Failed, "{case:?}");
        case.2.clone()
    };
    assert_eq!(failed("gone.wast"), "cannot be read: broken symbolic link");
    assert!(failed("d").ends_with("broken symbolic link"));
    assert!(failed("circle").contains("symbolic link loop back to "));
    assert!(failed("\u{fffd}.wast").ends_with("must be UTF-8; rename it"));
    let large = failed("large.wast");
    assert!(large.ends_with("a file of 3221225472 bytes exceeds the limit of 1073741824 bytes"), "{large}");
    assert_eq!(cases.len(), 6, "{cases:?}");
    assert_eq!(cases[0].0, "a.wast");
    let mut show = Command::new(env!("CARGO_BIN_EXE_wassay"));
    let shown = crate::common::run(show.args(["suite", "show"]).arg(suite.file("")));
    assert!(shown.out.contains("gone.wast   cannot be read\n"), "{}", shown.out);
}

#[test]
fn what_may_not_be_read_is_one_case_that_fails() {
    let suite = Suite::new(&[("a.wast", PASSES), ("b.wast", PASSES), ("d/c.wast", PASSES)]);
    fs::set_permissions(suite.file("b.wast"), PermissionsExt::from_mode(0o000)).unwrap();
    fs::set_permissions(suite.file("d"), PermissionsExt::from_mode(0o000)).unwrap();
    let mut command = suite.command(&[]);
    if rustix::process::geteuid().is_root() {
        if let Err(why) = reachable(suite.folder.path()) {
            return not_run(&why);
        }
        // Root may read everything: another user is needed, and a copy of the program that it can
        // reach.
        let program = suite.folder.file("wassay");
        fs::copy(env!("CARGO_BIN_EXE_wassay"), &program).unwrap();
        for (path, mode) in
            [(suite.folder.path(), 0o755), (&suite.file(""), 0o755), (&suite.file("a.wast"), 0o644)]
        {
            fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        chown(suite.folder.file("tmp"), Some(NOBODY), Some(NOBODY)).unwrap();
        command = Command::new(program);
        command.arg("test").arg(suite.folder.file("s")).env("TMPDIR", suite.folder.file("tmp"));
        command.uid(NOBODY).gid(NOBODY);
    }
    let ran = crate::common::run(&mut command);
    fs::set_permissions(suite.file("d"), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("/b.wast: cannot read the script: Permission denied"), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("/d: cannot be read: Permission denied"), "{}", ran.out);
    assert!(ran.err.contains(": 3 cases, 4 directives, 2 cases not as expected"), "{}", ran.err);
}

/// Waits for a file of this name somewhere below a folder.
fn wait_for(folder: &Path, name: &str) -> PathBuf {
    let begun = Instant::now();
    loop {
        let mut entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
        if let Some(found) = entries.find(|entry| entry.file_name() == name) {
            return found.into_path();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{name} does not appear");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_copy_has_no_bits_of_the_original_and_is_private() {
    let suite = Suite::new(&[("g.wat", ENDLESS), ("g.json", r#"{"root": "x.dir"}"#)]);
    for (name, mode) in [("x.dir/sub/tool", 0o4755), ("x.dir/sub/group", 0o2775), ("x.dir/sub/none", 0o1666)]
    {
        fs::create_dir_all(suite.file(name).parent().unwrap()).unwrap();
        fs::write(suite.file(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(suite.file(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    fs::set_permissions(suite.file("x.dir/sub"), PermissionsExt::from_mode(0o7777)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        for name in ["x.dir", "x.dir/sub", "x.dir/sub/tool", "x.dir/sub/group"] {
            chown(suite.file(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        // Changing the owner of a file clears these bits.
        for (name, mode) in [("x.dir/sub/tool", 0o4755), ("x.dir/sub/group", 0o2775)] {
            fs::set_permissions(suite.file(name), PermissionsExt::from_mode(mode)).unwrap();
        }
    } else {
        eprintln!("not run: only root can give a file to another user");
    }
    // A temporary folder whose entries inherit its group.
    fs::set_permissions(suite.folder.file("tmp"), PermissionsExt::from_mode(0o2777)).unwrap();
    let mut command = suite.command(&["--timeout", "3s"]);
    let mut child =
        crate::common::clean(&mut command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let tool = wait_for(&suite.folder.file("tmp"), "tool");
    let folder = tool.parent().unwrap().parent().unwrap().to_owned();
    wait_for(&folder, "none");
    std::thread::sleep(Duration::from_millis(50));
    let us = rustix::process::geteuid().as_raw();
    for entry in walkdir::WalkDir::new(&folder) {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let allowed = match (entry.depth(), entry.file_name().to_str().unwrap()) {
            (0, _) => 0o700,
            (_, "none") => 0o644,
            _ => 0o755,
        };
        assert_eq!(
            (metadata.mode() & 0o7777 & !allowed, metadata.uid()),
            (0, us),
            "{}",
            entry.path().display()
        );
        assert!(entry.depth() > 0 || metadata.mode() & 0o7777 == 0o700);
        assert!(metadata.mode() & 0o7000 == 0, "{}: {:o}", entry.path().display(), metadata.mode());
    }
    child.wait().unwrap();
}

#[test]
fn links_in_a_folder_of_a_guest_stay_in_it() {
    let files =
        [("g.wat", NOTHING), ("g.json", r#"{"root": "x.dir"}"#), ("x.dir/d/f", "x"), ("g.fs/d/f", "x")];
    let suite = Suite::new(&files);
    for folder in ["x.dir", "g.fs"] {
        suite.link(&format!("{folder}/d/up"), "../d/f");
        suite.link(&format!("{folder}/gone"), "nowhere");
    }
    assert!(suite.cases(&[]).iter().all(|case| case.1 == Outcome::Passed), "{:?}", suite.cases(&[]));
    for to in ["/etc/passwd", "../secret", "../../x", "../../secret/file"] {
        let suite = Suite::new(&files);
        suite.link("x.dir/d/out", &format!("../{to}"));
        if to.starts_with('/') {
            fs::remove_file(suite.file("x.dir/d/out")).unwrap();
            suite.link("x.dir/d/out", to);
        }
        suite.fails("g.wat", "d/out: symbolic link leads out of the folder");
    }
}

/// Runs a suite, and says how much memory the process had at most, in bytes, and how long it took.
fn measured(suite: &Suite, args: &[&str]) -> (Ran, u64, Duration) {
    let (begun, out) = (Instant::now(), suite.folder.file("out"));
    let file = fs::File::create(&out).unwrap();
    let mut command = suite.command(args);
    let mut child =
        crate::common::clean(&mut command).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
        most = most.max(kib << 10);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let out = fs::read_to_string(out).unwrap();
    (Ran { code: status.code().unwrap(), out, err: String::new() }, most, begun.elapsed())
}

/// More than a process takes that runs a small guest.
const ORDINARY: u64 = 100 << 20;

#[test]
fn what_a_guest_leaves_is_looked_at_only_where_that_is_asked() {
    let files = [("g.json", r#"{"root": "x.dir"}"#), ("x.dir/.gitkeep", "")];
    let suite = Suite::new(&files);
    fs::write(suite.file("g.wat"), sparse(2 << 30)).unwrap();
    let limits = ["--timeout", "5s", "--max-memory", "64MiB"];
    let (ran, memory, _) = measured(&suite, &limits);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(memory < ORDINARY, "{memory}");
    // It is named, and not read.
    fs::create_dir(suite.file("g.fs")).unwrap();
    let (ran, memory, time) = measured(&suite, &limits);
    assert!(ran.out.contains("g.wat: wrong-files: ") && ran.out.contains("+file\n"), "{}", ran.out);
    assert!(memory < ORDINARY && time < Duration::from_secs(5), "{memory} {time:?}");
    // It is read as far as it is the same, and shown there.
    fs::write(suite.file("g.fs/file"), [&[0; 100_000][..], b"end"].concat()).unwrap();
    let (ran, memory, time) = measured(&suite, &limits);
    assert!(ran.out.contains("+++ actual/file"), "{}", ran.out);
    assert!(ran.out.contains("bytes before this are the same; 0 expected and 21"), "{}", ran.out);
    assert!(memory < ORDINARY && time < Duration::from_secs(5), "{memory} {time:?}");
    assert!(ran.out.len() < 30_000, "{}", ran.out.len());
}

#[test]
fn comparing_and_copying_end_at_the_deadline() {
    let length = 64 << 30;
    let suite = Suite::new(&[("g.json", r#"{"root": "x.dir"}"#), ("x.dir/.gitkeep", ""), ("g.stdout", "")]);
    fs::write(suite.file("g.wat"), sparse(length)).unwrap();
    suite.large("g.fs/file", length);
    let (ran, memory, time) = measured(&suite, &["--timeout", "1s", "--max-memory", "64MiB"]);
    let message = "g.wat: timeout: timed out after 1s while its files were read, copied or compared";
    assert!(ran.out.contains(message) && ran.out.contains("g.wat: not-run: "), "{}", ran.out);
    assert!(memory < ORDINARY && time < Duration::from_millis(2500), "{memory} {time:?}");
    // Copying the files of a guest counts towards its time limit.
    let suite = Suite::new(&[("g.wat", NOTHING), ("g.json", r#"{"root": "x.dir"}"#)]);
    for number in 0..400 {
        suite.large(&format!("x.dir/{number}"), 2 << 20);
    }
    let (ran, _, time) = measured(&suite, &["--timeout", "20ms"]);
    assert!(
        ran.out.contains("g.wat: timeout: timed out after 20ms while its files were read"),
        "{}",
        ran.out
    );
    assert!(time < Duration::from_secs(2), "{time:?}");
}

#[test]
fn large_files_have_a_budget() {
    let given = [("g.wat", NOTHING), ("g.json", r#"{"root": "x.dir"}"#), ("x.dir/.gitkeep", "")];
    let more = "a file of 3221225472 bytes exceeds the limit of ";
    for (name, limit) in [
        ("g.wat", "1073741824"),
        ("g.json", "16777216"),
        ("manifest.json", "16777216"),
        ("g.stdin", "1073741824"),
        ("g.stdout", "1073741824"),
        ("x.dir/file", "1073741824"),
    ] {
        let suite = Suite::new(&given);
        suite.large(name, 3 << 30);
        suite.fails("g.wat", &format!("{more}{limit} bytes"));
    }
    let suite = Suite::new(&given);
    suite.large("x.dir/file", 100 << 20);
    let (ran, memory, _) = measured(&suite, &["--max-memory", "64MiB"]);
    assert!(ran.out.contains("exceeds the limit of 67108864 bytes"), "{}", ran.out);
    assert!(memory < ORDINARY, "{memory}");
    let suite = Suite::new(&given);
    suite.large("a.wast", 100 << 20);
    let (ran, memory, _) = measured(&suite, &["--max-memory", "64MiB"]);
    assert!(ran.out.contains("a.wast: cannot read the script: a file of 104857600 bytes"), "{}", ran.out);
    assert!(memory < ORDINARY, "{memory}");
}

#[test]
fn a_noisy_guest_is_quoted_in_part() {
    let suite = Suite::new(&[("g.json", "{}"), ("g.stdout", "x"), ("g.stderr", "x")]);
    fs::write(suite.file("g.wat"), noisy(900)).unwrap();
    let (ran, memory, _) = measured(&suite, &[]);
    assert!(ran.out.contains("\n           … 58978304 bytes are left out …\n"), "{}", ran.out.len());
    assert!(ran.out.contains("0 expected and 58916864 actual bytes after it are left out"), "{}", ran.out);
    assert!(ran.out.len() < 50_000, "{}", ran.out.len());
    assert!(memory < 300 << 20, "{memory}");
    let (ran, memory, _) = measured(&suite, &["--max-memory", "64MiB"]);
    assert!(ran.out.len() < 50_000 && memory < ORDINARY, "{} {memory}", ran.out.len());
}

#[test]
fn blessing_writes_through_no_link_and_sets_no_bits() {
    let suite = Suite::new(&[
        ("g.wat", ECHO),
        ("g.json", r#"{"root": "x.dir"}"#),
        ("g.stdin", "new"),
        ("x.dir/f", "f"),
    ]);
    let bless = |suite: &Suite| crate::common::run(suite.command(&[]).env("BLESS", "1"));
    fs::write(suite.file("keep"), "old").unwrap();
    suite.link("g.stdout", "keep");
    let ran = bless(&suite);
    assert!(
        ran.out.contains("g.stdout: cannot update the golden file: expected a regular file, found a link"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(fs::read_to_string(suite.file("keep")).unwrap(), "old");
    fs::remove_file(suite.file("g.stdout")).unwrap();

    fs::create_dir(suite.file("kept")).unwrap();
    suite.link("g.fs", "kept");
    let ran = bless(&suite);
    assert!(
        ran.out.contains("g.fs: cannot update the golden file: expected a folder, found a link"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(fs::read_dir(suite.file("kept")).unwrap().count(), 0);
    fs::remove_file(suite.file("g.fs")).unwrap();

    // A second name of a file elsewhere, with bits that a golden file has no use for.
    fs::write(suite.file("g.stdout"), "old").unwrap();
    fs::set_permissions(suite.file("g.stdout"), PermissionsExt::from_mode(0o4777)).unwrap();
    fs::hard_link(suite.file("g.stdout"), suite.folder.file("elsewhere")).unwrap();
    fs::create_dir(suite.file("g.fs")).unwrap();
    fs::set_permissions(suite.file("g.fs"), PermissionsExt::from_mode(0o3777)).unwrap();
    let ran = bless(&suite);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(fs::read_to_string(suite.file("g.stdout")).unwrap(), "new");
    assert_eq!(fs::read_to_string(suite.folder.file("elsewhere")).unwrap(), "old");
    assert_eq!(fs::read_to_string(suite.file("g.fs/f")).unwrap(), "f");
    for (name, mode) in [("g.stdout", 0o644), ("g.fs", 0o755), ("g.fs/f", 0o644)] {
        let found = fs::metadata(suite.file(name)).unwrap().mode() & 0o7777;
        assert_eq!(found & !mode, 0, "{name}: {found:o}");
    }
    let left: Vec<_> =
        fs::read_dir(suite.file("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".wassay")), "{left:?}");
    assert_eq!(suite.test(&[]).code, 0);
}

#[test]
fn a_deep_tree_is_compared_with_few_descriptors() {
    let suite = Suite::new(&[("g.json", r#"{"root": "x.dir"}"#), ("x.dir/.gitkeep", "")]);
    // Not so deep that the folder of this test could not be removed.
    fs::write(suite.file("g.wat"), nested(700)).unwrap();
    let mut command = suite.command(&["--jobs", "1", "--timeout", "10s"]);
    let limited = |command: &mut Command| {
        let mut limited = Command::new("prlimit");
        limited.arg("--nofile=64").arg(command.get_program()).args(command.get_args());
        crate::common::run(limited.env("TMPDIR", suite.folder.file("tmp")))
    };
    if let Err(why) = find(&["prlimit"]) {
        return not_run(&why);
    }
    assert_eq!(limited(&mut command).code, 0);
    fs::create_dir(suite.file("g.fs")).unwrap();
    let ran = limited(&mut command);
    assert!(ran.out.contains("g.wat: wrong-files: ") && ran.out.contains("+d/d/d/d/\n"), "{}", ran.out);
    assert!(ran.out.len() < 20_000, "{}", ran.out.len());
}
