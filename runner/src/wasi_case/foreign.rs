//! Runs guests on another engine, each in its own process, by a command.

use std::io::Write;
use std::thread;
use std::time::Duration;

use wassay_drive::wasi::{self, End, Need, Running, Runtime, Task};
use wassay_script::quoted;
use wassay_terms::Deadline;

use super::process::{Calls, Ended, Ending, GuestSetup, Host, Input, Output, Process, Refused, output};
use crate::scratch::{self, Folder};

/// How long to wait for a killed process.
const GRACE: Duration = Duration::from_millis(500);

impl Host for Runtime {
    fn lacks(&self, needs: &[Need]) -> Option<String> {
        Runtime::lacks(self, needs).map(str::to_owned)
    }

    fn start(&self, given: GuestSetup<'_>) -> Result<Process, Refused> {
        let folder =
            scratch::folder().map_err(|error| Refused::System("create a folder for the module", error))?;
        let binary = match given.module.starts_with(b"\0asm") {
            true => None,
            false => Some(quoted(given.module).map_err(|error| Refused::Unusable(error.message))?),
        };
        // Engines pass the file name to the guest as argv[0], with any extension.
        let bytes = binary.as_deref().unwrap_or(given.module);
        let module = wasi::write_module(folder.path(), given.name, bytes)
            .map_err(|error| Refused::System("write the module", error))?;
        let folders = given.folders.iter();
        let folders = folders.map(|folder| wasi::Folder {
            host: folder.host,
            guest: folder.guest,
            read_only: folder.read_only,
        });
        let task = Task {
            module: &module,
            args: given.args,
            env: given.env,
            folders: folders.collect(),
            proposals: &[],
        };
        let mut command = self.command(&task).map_err(Refused::Unusable)?;
        let pipe = || std::io::pipe().map_err(|error| Refused::System("create a pipe", error));
        let bytes = match given.stdin {
            // An empty stream, as on wassay's own engine.
            Input::Nothing => {
                command.stdin(pipe()?.0);
                None
            }
            Input::Pipe(pipe) => {
                command.stdin(pipe);
                None
            }
            Input::Bytes(bytes) => {
                let (reader, writer) = pipe()?;
                command.stdin(reader);
                Some((writer, bytes))
            }
        };
        let memory = given.max_memory.or(self.memory);
        let running =
            Running::start(&mut command, given.deadline.instant(), memory, output(given.max_memory));
        // Close our copy of the pipe, so that the process gets an end of file.
        drop(command);
        let running = running.map_err(|error| Refused::System("start the engine", error))?;
        if let Some((mut writer, bytes)) = bytes {
            // A guest may end without reading everything, which breaks the pipe.
            let write = move || drop(writer.write_all(&bytes));
            thread::Builder::new()
                .name("guest-input".to_owned())
                .spawn(write)
                .map_err(|error| Refused::System("start a thread", error))?;
        }
        let (stdout, stderr) = (Box::new(running.stdout.clone()), Box::new(running.stderr.clone()));
        let traps = self.traps.clone();
        let ending = Box::new(Foreign { running, deadline: given.deadline, traps, _folder: folder });
        Ok(Process { stdout, stderr, calls: Calls::default(), ending })
    }
}

impl Output for wasi::Output {
    fn wait(&self, until: Deadline, enough: &dyn Fn(&[u8]) -> bool) -> bool {
        wasi::Output::wait(self, until, enough)
    }

    fn take(&self) -> Vec<u8> {
        wasi::Output::take(self)
    }
}

/// A guest in its own process.
struct Foreign {
    running: Running,
    deadline: Deadline,
    /// The exit codes of the engine for a trap.
    traps: Vec<i32>,
    /// The folder of the module.
    _folder: Folder,
}

impl Ending for Foreign {
    fn wait(&self) -> Ended {
        let end = self.running.end(self.deadline.left() + GRACE);
        match end {
            None | Some(End::Cut) => Ended::TimeOver,
            Some(End::Exited(code)) if self.traps.iter().any(|trap| trap.cast_unsigned() == code) => {
                Ended::Trapped(format!("trap (exit code {code} of the engine)"))
            }
            Some(End::Exited(code)) => Ended::Exited(code),
            Some(End::Signalled(signal)) => {
                Ended::Crashed(format!("the engine was killed by signal {signal}"))
            }
        }
    }

    fn cut(&self) {
        self.running.cut();
        let _ = self.running.end(GRACE);
    }
}
