//! Runs guests on wassay's own engine, each on its own thread.

use std::num::NonZeroUsize;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::available_parallelism;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use wassay_drive::wasi::Need;
use wassay_engine::{Deadline, Engine, ErrorKind, Extern, Linker, Module, Store};
use wassay_script::quoted;
use wassay_wasi::{Access, Capture, Exit, WasiCtx, WasiCtxBuilder, add_imports_to_linker};

use super::process::{Calls, Ended, Ending, GuestSetup, Host, Input, Output, Process, Refused, output};
use crate::settings::Settings;
use crate::threads;

/// The grace period after the deadline. A guest that is blocked in a system call for longer is
/// abandoned.
const GRACE: Duration = Duration::from_millis(50);

/// The message for a thread that ended without a result.
const PANICKED: &str = "the runner panicked, which is a fault of its own";

/// The descriptors that any guest may open, if the process may.
const FEW: usize = 16;

/// The engine for guests, and how many descriptors each may open.
struct Own {
    engine: Engine,
    descriptors: usize,
}

/// Creates a host from wassay's own engine, with the features and limits of the run.
pub(super) fn host(settings: &Settings) -> Result<Option<Box<dyn Host>>, String> {
    let engine = crate::own::engine(settings.features.unwrap_or_default(), settings.max_memory);
    let engine = engine.map_err(|error| error.to_string())?;
    Ok(Some(Box::new(Own { engine, descriptors: descriptors(settings) })))
}

/// How many descriptors a guest may open: as many as the others that run at the same time, of half
/// of those that the process may open. So a guest that opens all it can takes none from other
/// cases, nor from the runner.
fn descriptors(settings: &Settings) -> usize {
    let jobs = settings.jobs.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let share = usize::try_from(limit / 2).unwrap_or(usize::MAX) / jobs;
    share.clamp(FEW, WasiCtx::DESCRIPTORS)
}

impl Host for Own {
    fn lacks(&self, _needs: &[Need]) -> Option<String> {
        None
    }

    fn start(&self, given: GuestSetup<'_>) -> Result<Process, Refused> {
        let GuestSetup { module, deadline, max_memory, .. } = given;
        let (context, listeners) = context(given)?;
        let context = context.descriptors(self.descriptors);
        let (stdout, stderr, calls) =
            (Capture::new(output(max_memory)), Capture::new(output(max_memory)), Calls::default());
        let seen = calls.clone();
        let context = listeners
            .into_iter()
            .fold(context, WasiCtxBuilder::listener)
            .capture_stdout(&stdout)
            .capture_stderr(&stderr)
            .observer(move |call| seen.push(call.to_string()))
            .build()
            .map_err(|error| Refused::Unusable(format!("cannot set up the guest: {error}")))?;
        let (sender, ended) = mpsc::channel();
        let (outputs, engine, module) =
            ([stdout.clone(), stderr.clone()], self.engine.clone(), module.to_vec());
        let run = move || {
            let how = execute(&engine, &module, context, deadline);
            outputs.iter().for_each(Capture::end);
            // The receiver of an abandoned guest is gone.
            let _ = sender.send(how);
        };
        threads::start("guest", run)
            .map_err(|error| Refused::Unusable(format!("cannot start a thread for the guest: {error}")))?;
        let ending = Box::new(Thread { deadline, ended });
        Ok(Process { stdout: Box::new(stdout), stderr: Box::new(stderr), calls, ending })
    }
}

/// The context of a guest, and its sockets, which are added last.
fn context(given: GuestSetup<'_>) -> Result<(WasiCtxBuilder, Vec<std::net::TcpListener>), Refused> {
    let context = WasiCtx::builder().arg(given.name).args(given.args);
    let mut context = given.env.iter().fold(context, |context, (name, value)| context.env(name, value));
    for folder in &given.folders {
        let access = if folder.read_only { Access::ReadOnly } else { Access::ReadWrite };
        context = context
            .preopen(folder.host, folder.guest.to_owned(), access)
            .map_err(|error| Refused::System("open a folder for the guest", error))?;
    }
    let context = match given.stdin {
        Input::Nothing => context,
        Input::Bytes(bytes) => context.stdin_bytes(bytes),
        Input::Pipe(pipe) => context.stdin_file(pipe),
    };
    Ok((context, given.listeners))
}

impl Output for Capture {
    fn wait(&self, until: Deadline, enough: &dyn Fn(&[u8]) -> bool) -> bool {
        Capture::wait(self, until, enough)
    }

    fn take(&self) -> Vec<u8> {
        Capture::take(self)
    }
}

/// A guest on its thread.
struct Thread {
    deadline: Deadline,
    ended: Receiver<Ended>,
}

impl Ending for Thread {
    fn wait(&self) -> Ended {
        loop {
            match self.ended.recv_timeout(self.deadline.left()) {
                Ok(ended) => return ended,
                Err(RecvTimeoutError::Disconnected) => return Ended::NotRunnable(PANICKED.to_owned()),
                Err(RecvTimeoutError::Timeout) if self.deadline.is_over() => return Ended::TimeOver,
                // The deadline moves while the process is stopped.
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn cut(&self) {
        let _ = self.ended.recv_timeout(GRACE);
    }
}

fn execute(engine: &Engine, module: &[u8], context: WasiCtx, deadline: Deadline) -> Ended {
    let module = match load(engine, module, deadline) {
        Ok(module) => module,
        Err(ended) => return ended,
    };
    let (mut store, mut linker) = (Store::with_data(engine, context), Linker::new());
    if let Err(error) = add_imports_to_linker(&mut store, &mut linker, &module) {
        return Ended::NotRunnable(error.to_string());
    }
    store.set_deadline(Some(deadline.instant()));
    let made = linker.instantiate(&mut store, &module);
    let called = made.and_then(|instance| match instance.export(&store, "_start") {
        Some(Extern::Func(start)) => start.invoke(&mut store, &[]).map(|_| true),
        _ => Ok(false),
    });
    match called {
        Ok(true) => Ended::Exited(0),
        Ok(false) => {
            Ended::NotRunnable("it does not export a function `_start`, which a command requires".to_owned())
        }
        Err(error) => match error.into_payload::<Exit>() {
            Ok(exit) => Ended::Exited(exit.code()),
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => Ended::TimeOver,
                ErrorKind::Unlinkable | ErrorKind::Unsupported | ErrorKind::Limit | ErrorKind::Usage => {
                    Ended::NotRunnable(error.to_string())
                }
                _ => Ended::Trapped(error.to_string()),
            },
        },
    }
}

/// Compiles a module. Bytes without the magic number are treated as text.
fn load(engine: &Engine, bytes: &[u8], deadline: Deadline) -> Result<Module, Ended> {
    let module = match bytes.starts_with(b"\0asm") {
        true => Module::new_until(engine, bytes, Some(deadline)),
        false => {
            let bytes = quoted(bytes).map_err(|error| Ended::NotRunnable(error.message))?;
            Module::new_until(engine, &bytes, Some(deadline))
        }
    };
    module.map_err(|error| match error.kind() {
        ErrorKind::Interrupted => Ended::TimeOver,
        _ => Ended::NotRunnable(error.to_string()),
    })
}
