//! A process on a pseudoterminal.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;

use nix::pty::{OpenptyResult, openpty};
use rustix::io::{FdFlags, fcntl_setfd};

use super::clean;

/// Opens a pseudoterminal whose descriptors are closed in the processes that other tests start.
pub(crate) fn terminal() -> OpenptyResult {
    let pair = openpty(None, None).unwrap();
    fcntl_setfd(&pair.master, FdFlags::CLOEXEC).unwrap();
    fcntl_setfd(&pair.slave, FdFlags::CLOEXEC).unwrap();
    pair
}

/// Runs a command in a [`clean`] environment with its standard output and standard error on a
/// terminal, and gives what it wrote there.
pub(crate) fn on_a_terminal(command: &mut Command) -> Vec<u8> {
    let pair = terminal();
    let (out, err) = (pair.slave.try_clone().unwrap(), pair.slave);
    clean(command).env("TERM", "xterm").stdin(Stdio::null()).stdout(out).stderr(err);
    let mut child = command.spawn().unwrap();
    let mut terminal = File::from(pair.master);
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        // It ends with an error when no process has the other side open any more (`pts(4)`).
        let _ = terminal.read_to_end(&mut bytes);
        bytes
    });
    child.wait().unwrap();
    // The other side was given to the command, which still has it.
    *command = Command::new("true");
    reader.join().unwrap()
}
