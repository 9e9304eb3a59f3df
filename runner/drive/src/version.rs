//! Queries the version of an engine.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::command::Command;

/// The time limit for a version command.
const WAIT: Duration = Duration::from_secs(10);
/// How many bytes of its output to read.
const READ: u64 = 4 << 10;
/// The maximum length of a version in characters.
const LONGEST: usize = 100;

/// The first line of a command's output, without the name of the engine before the version; `None`
/// if it fails, prints nothing, or takes longer than 10 s.
pub fn of(command: &Command) -> Option<String> {
    within(command, WAIT)
}

fn within(command: &Command, time: Duration) -> Option<String> {
    let (program, arguments) = command.words().split_first()?;
    let mut process = std::process::Command::new(program)
        .args(arguments)
        .envs(command.env())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()?;
    let stdout = process.stdout.take()?;
    let (sender, receiver) = channel();
    let reads = thread::Builder::new().name("engine-version".to_owned()).spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.take(READ).read_to_end(&mut text);
        let _ = sender.send(text);
    });
    let until = Instant::now() + time;
    let text = reads.ok().and_then(|_| receiver.recv_timeout(time).ok());
    let succeeded = ends(&mut process, until);
    let text = text.filter(|_| succeeded)?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(without_name(line).chars().take(LONGEST).collect())
}

/// Waits for the end of a process and kills it with everything that it started at the deadline.
/// Returns whether it succeeded.
fn ends(process: &mut Child, until: Instant) -> bool {
    loop {
        match process.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = kill_process_group(Pid::from_child(process), Signal::KILL);
                let _ = process.wait();
                return false;
            }
        }
    }
}

/// A line such as `my-engine 1.2.3 (abc)` or `v1.2.3` from its first number on; the whole line if
/// it has none.
fn without_name(line: &str) -> &str {
    let begins =
        |word: &str| word.strip_prefix('v').unwrap_or(word).starts_with(|c: char| c.is_ascii_digit());
    let mut at = 0;
    for word in line.split(' ') {
        if begins(word) {
            let rest = line.get(at..).unwrap_or(line);
            return rest.strip_prefix('v').unwrap_or(rest);
        }
        at += word.len() + 1;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::path_with_default;

    fn shell(script: &str) -> Command {
        let path = path_with_default().into_string().unwrap();
        let env = [("PATH".to_owned(), path)].into();
        Command::new(["/bin/sh", "-c", script].map(str::to_owned).into(), env).unwrap()
    }

    fn printed(script: &str) -> Option<String> {
        of(&shell(script))
    }

    #[test]
    fn a_version_is_the_first_line_from_its_first_number_on() {
        for (line, expected) in [
            ("v20.19.2", "20.19.2"),
            ("wasmi_cli 2.0.1", "2.0.1"),
            ("Chromium 140.0.1 built on Debian 12", "140.0.1 built on Debian 12"),
            ("deno 2.9.6 (stable, release)", "2.9.6 (stable, release)"),
            ("Mozilla Firefox 153.8.0esr", "153.8.0esr"),
            ("unknown", "unknown"),
            ("x86 wasm3 v0.5", "0.5"),
        ] {
            assert_eq!(without_name(line), expected);
        }
        assert_eq!(printed("echo; echo e v1; echo 2").as_deref(), Some("1"));
    }

    #[test]
    fn what_fails_floods_or_hangs_has_no_version() {
        assert_eq!(printed("exit 1"), None);
        assert_eq!(printed("echo 1; exit 1"), None);
        assert_eq!(printed(":"), None);
        assert_eq!(of(&Command::read("/no/such/program").unwrap()), None);
        let begun = Instant::now();
        let hanging = shell("echo 1; exec sleep 616");
        assert_eq!(within(&hanging, Duration::from_millis(200)), None);
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        let flood = printed("head -c 1000000 /dev/zero | tr '\\0' 1");
        assert!(flood.is_none_or(|version| version.len() == LONGEST));
    }
}
