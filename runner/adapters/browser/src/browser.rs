//! The process of the browser, and the process that supervises it.
//!
//! The adapter may be killed by a signal that it cannot handle. Therefore the browser is started by
//! a second process of this program, the keeper, which ends the browser and removes its profile
//! when the pipe from the first process closes, for whatever reason.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// The first argument of the keeper.
pub(crate) const KEEPER: &str = "--keep-browser";

/// The interval for checking whether the browser has exited.
const INTERVAL: Duration = Duration::from_millis(50);

/// A page in the profile that redirects to the site, so that the secret address is not on a command
/// line, which other users can see.
const START: &str = "start.html";

/// Arguments for Chromium and its derivatives. `{url}` and `{profile}` are replaced.
const CHROMIUM: &[&str] = &[
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--user-data-dir={profile}",
    "{url}",
];

/// Arguments for Firefox.
const FIREFOX: &[&str] = &["--headless", "--no-remote", "--profile", "{profile}", "{url}"];

/// A running browser and its keeper.
pub(crate) struct Keeper {
    process: Child,
    /// Closing this pipe ends the browser.
    pipe: Option<ChildStdin>,
}

/// Starts a browser on a page. If no argument contains `{url}`, the arguments for its family are
/// inserted first.
pub(crate) fn start(command: &[String], url: &str) -> io::Result<Keeper> {
    let (program, given) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let family = if program.contains("firefox") { FIREFOX } else { CHROMIUM };
    let complete = given.iter().any(|argument| argument.contains("{url}"));
    let usual = family.iter().filter(|_| !complete).map(|argument| (*argument).to_owned());
    let mut process = Command::new(std::env::current_exe()?)
        .arg(KEEPER)
        .arg(program)
        .args(usual.chain(given.iter().cloned()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // In a process group of its own, so that a signal to this process's group does not reach
        // it.
        .process_group(0)
        .spawn()?;
    let mut pipe = process.stdin.take();
    if let Some(pipe) = &mut pipe {
        writeln!(pipe, "{url}")?;
    }
    Ok(Keeper { process, pipe })
}

impl Keeper {
    /// Whether the browser has exited.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// Ends the browser.
    pub(crate) fn stop(mut self) {
        self.pipe = None;
        let _ = self.process.wait();
    }
}

/// Runs the keeper: starts the browser on the page whose address is the first line of standard
/// input, and ends it when standard input closes.
pub(crate) fn keep(command: &[String]) -> io::Result<()> {
    let profile = tempfile::Builder::new().prefix("wap-browser-").tempdir()?;
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut url = String::new();
    io::stdin().read_line(&mut url)?;
    let start = format!("<!doctype html><script>location.replace({:?})</script>\n", url.trim_end());
    std::fs::write(profile.path().join(START), start)?;
    let folder = profile.path().to_string_lossy();
    let url = format!("file://{folder}/{START}");
    let argument = |argument: &String| argument.replace("{profile}", &folder).replace("{url}", &url);
    let mut browser = Command::new(program)
        .args(arguments.iter().map(argument))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
    let ended = wait(&mut browser, &closed());
    let _ = browser.kill();
    let _ = browser.wait();
    remove(profile);
    match ended? {
        Some(status) => Err(io::Error::other(format!("{program} ended: {status}"))),
        None => Ok(()),
    }
}

/// Returns a channel that is disconnected when standard input closes.
fn closed() -> Receiver<()> {
    let (open, closed) = channel();
    thread::spawn(move || {
        let _open = open;
        let _ = io::stdin().lock().read(&mut [0]);
    });
    closed
}

/// Waits until the browser exits or the pipe closes.
fn wait(browser: &mut Child, closed: &Receiver<()>) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = browser.try_wait()? {
            return Ok(Some(status));
        }
        if closed.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Disconnected) {
            return Ok(None);
        }
    }
}

/// Removes the profile; retries, since other processes of the browser may still write to it.
fn remove(profile: tempfile::TempDir) {
    let path = profile.keep();
    for _ in 0..40 {
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => thread::sleep(INTERVAL),
            _ => return,
        }
    }
}
