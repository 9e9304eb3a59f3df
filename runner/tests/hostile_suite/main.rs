//! A suite that a stranger wrote to harm who runs it: every case has its verdict in time, memory is
//! bounded, nothing outside of the suite is read or changed, nothing stays behind, and nothing that
//! it says reaches the terminal as more than text.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod guests;
mod scripts;

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use common::trials::{not_run, reachable};
use common::{Folder, clean};
use nix::sys::resource::{UsageWho, getrusage};
use wassay_reports::{Outcome, Report, json};

/// The expected result of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It passes.
    Passed,
    /// It fails, and not because of its deadline.
    Failed,
    /// It is ended at its deadline.
    TimedOut,
    /// It has a verdict; which one depends on the machine.
    Ends,
}

const TIMEOUT: Duration = Duration::from_secs(1);

/// How much longer than its deadline a case may take on a machine that does other work too.
const LATE: Duration = Duration::from_secs(5);

/// The limit of a run, and what a process may have besides: `docs/limits.md` says what that is made
/// of.
const MEMORY: usize = 256 << 20;
const BESIDES: usize = 512 << 20;

const SECRET: &str = "the secret that is not in the suite";

/// The suite in a folder of its own, what lies beside it, and the verdicts.
struct Hostile {
    folder: Folder,
    verdicts: BTreeMap<String, Verdict>,
}

impl Hostile {
    fn new() -> Hostile {
        // Another user has to read the files, whatever the umask of the tests is.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let folder = Folder::new(&[
            ("outside/secret.wast", SECRET),
            ("suite/empty.dir/.gitkeep", ""),
            ("tmp/.keep", ""),
            ("reports/.keep", ""),
        ]);
        let (suite, outside) = (folder.file("suite"), folder.file("outside"));
        let mut verdicts = BTreeMap::new();
        for (name, verdict, text) in scripts::all() {
            fs::write(suite.join(&name), text).unwrap();
            verdicts.insert(name, verdict);
        }
        for guest in guests::all() {
            let path = suite.join(&guest.name);
            fs::write(&path, guest.wat).unwrap();
            fs::write(path.with_extension("json"), guest.json).unwrap();
            if guest.name.contains("golden") {
                fs::create_dir(path.with_extension("fs")).unwrap();
                fs::write(path.with_extension("fs").join("file"), "golden").unwrap();
            }
            verdicts.insert(guest.name, guest.verdict);
        }
        verdicts.extend(files::write(&suite, &outside));
        verdicts.extend(files::write_guests(&suite, &outside));
        fs::remove_file(folder.file("tmp/.keep")).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Hostile { folder, verdicts }
    }

    /// Runs the suite as this user or another, and gives the report and what was printed.
    fn run(&self, user: Option<u32>, on_terminal: bool, more: &[&str]) -> (Report, Vec<u8>) {
        let report = self.folder.file("reports/r.json");
        if let Some(user) = user {
            for name in ["tmp", "reports"] {
                chown(self.folder.file(name), Some(user), Some(user)).unwrap();
            }
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.arg("test").arg(self.folder.file("suite")).args([
            "--timeout",
            "1s",
            "--max-memory",
            "256MiB",
        ]);
        command.arg("--report").arg(format!("json={}", report.display())).args(more);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        clean(&mut command).env("TMPDIR", self.folder.file("tmp")).env("SECRET", SECRET).stdin(Stdio::null());
        let before = self.outside();
        let started = Instant::now();
        let (status, printed) =
            if on_terminal { on_a_terminal(&mut command) } else { in_a_pipe(&mut command) };
        println!("{} cases in {:.1?}", self.verdicts.len(), started.elapsed());
        assert_eq!(status.code(), Some(1), "{}", String::from_utf8_lossy(&printed));
        assert_eq!(self.outside(), before, "what lies outside of the suite is as it was");
        let left: Vec<_> =
            fs::read_dir(self.folder.file("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        let report = json::parse(&fs::read_to_string(report).unwrap()).unwrap();
        (report, printed)
    }

    fn outside(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.folder.file("outside")).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    /// Every case has its verdict, in time.
    fn check(&self, report: &Report) {
        let cases: BTreeMap<&str, _> =
            report.suites[0].cases.iter().map(|case| (case.name.as_str(), case)).collect();
        let mut wrong = Vec::new();
        for (name, verdict) in &self.verdicts {
            let Some(case) = cases.get(name.as_str()) else {
                wrong.push(format!("{name}: it has no verdict"));
                continue;
            };
            let timed_out = case.failures.iter().any(|failure| failure.kind == "timeout");
            let is_right = match verdict {
                Verdict::Passed => case.outcome == Outcome::Passed,
                Verdict::Failed => case.outcome == Outcome::Failed && !timed_out,
                Verdict::TimedOut => timed_out,
                Verdict::Ends => case.outcome != Outcome::Skipped,
            };
            let failure =
                case.failures.first().map(|failure| format!("{}: {:.200}", failure.kind, failure.message));
            if !is_right {
                wrong.push(format!("{name}: expected {verdict:?}, found {:?} {failure:?}", case.outcome));
            }
            let took = case.duration;
            if took > TIMEOUT + LATE {
                wrong.push(format!("{name}: it took {took:?}, {failure:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), self.verdicts.len(), wrong.join("\n"));
        // Three names have characters of their own.
        assert!(cases.len() >= self.verdicts.len() + 3, "{} cases", cases.len());
    }
}

fn in_a_pipe(command: &mut Command) -> (ExitStatus, Vec<u8>) {
    let output = command.output().unwrap();
    (output.status, [output.stdout, output.stderr].concat())
}

fn on_a_terminal(command: &mut Command) -> (ExitStatus, Vec<u8>) {
    let terminal = common::terminal::terminal();
    command.env("TERM", "xterm").stdout(terminal.slave.try_clone().unwrap()).stderr(terminal.slave);
    let mut child = command.spawn().unwrap();
    // Its own copies of the other side are closed: reading ends, with EIO, when the child's are.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut printed = Vec::new();
    let _ = File::from(terminal.master).read_to_end(&mut printed);
    // The terminal ends lines with a carriage return too.
    let printed = String::from_utf8(printed).unwrap().replace("\r\n", "\n").into_bytes();
    (child.wait().unwrap(), printed)
}

/// The printed text has no character that is more than text: controls, C1 controls, and what
/// changes the direction of writing. The styles of the command line and the movements of its
/// progress bar are its own.
fn check_printed(printed: &[u8], on_terminal: bool) {
    let text = std::str::from_utf8(printed).expect("UTF-8");
    let mut rest = text;
    while let Some(at) = rest.find(is_control) {
        let from = &rest[at..];
        let own = if on_terminal { own_sequence(from) } else { 0 };
        assert!(own > 0, "{:?}", from.chars().take(80).collect::<String>());
        rest = &from[own..];
    }
    for line in text.lines() {
        let line = line.trim_start();
        assert!(!line.starts_with("::") && !line.starts_with("##["), "a workflow command: {line}");
    }
    assert!(!text.contains(SECRET));
}

fn is_control(character: char) -> bool {
    let directs = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    directs || (character.is_control() && character != '\n')
}

/// How long the sequence is that begins a text, if it is a style or a movement within the lines of
/// a progress bar.
fn own_sequence(text: &str) -> usize {
    if text.starts_with('\r') {
        return 1;
    }
    let Some(sequence) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = sequence.find(|next: char| !next.is_ascii_digit() && next != ';' && next != '?').unwrap_or(0);
    match sequence.as_bytes().get(end) {
        Some(b'K' | b'A' | b'B' | b'm' | b'l' | b'h') => 2 + end + 1,
        _ => 0,
    }
}

/// Memory of the largest process that was waited for.
fn check_memory() {
    let largest = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() as usize * 1024;
    println!("the largest process had {} MiB", largest >> 20);
    assert!(largest < MEMORY + BESIDES, "{} MiB", largest >> 20);
}

#[test]
fn every_case_has_its_verdict_and_nothing_stays() {
    let hostile = Hostile::new();
    for (on_terminal, more) in [(true, &[][..]), (false, &["--isolate"])] {
        let (report, printed) = hostile.run(None, on_terminal, more);
        check_printed(&printed, on_terminal);
        hostile.check(&report);
        check_memory();
    }
}

#[test]
fn a_user_without_privileges_has_the_same_verdicts() {
    if !rustix::process::geteuid().is_root() {
        println!("not run: only root starts a process as another user");
        return;
    }
    let hostile = Hostile::new();
    for file in [hostile.folder.path(), Path::new(env!("CARGO_BIN_EXE_wassay"))] {
        if let Err(why) = reachable(file) {
            return not_run(&why);
        }
    }
    let (report, printed) = hostile.run(Some(65534), false, &[]);
    check_printed(&printed, false);
    hostile.check(&report);
    check_memory();
}
