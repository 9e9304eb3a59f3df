//! One guest that runs: on a thread of its own, as if it were a process.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wassay_engine::{Deadline, Engine, ErrorKind, Extern, Linker, Module, Store};
use wassay_wasi::{Capture, Exit, WasiCtx, WasiCtxBuilder, add_imports_to_linker};

use super::excerpt::cut;
use crate::script::quoted;
use crate::threads;

/// How many of a guest's last calls are kept.
const CALLS: usize = 20;

/// How many bytes a guest may write to one output.
const OUTPUT: usize = 64 << 20;

/// How many bytes of a call are kept.
const CALL: usize = 1 << 10;

/// How long a guest may take to notice that its time is over. One that waits in the system for longer is left behind there.
const GRACE: Duration = Duration::from_millis(50);

/// How a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with that code.
    Exited(u32),
    /// By a trap, or another error of its own, which this text shows.
    Trapped(String),
    /// It was still running when its time was over.
    TimeOver,
    /// It did not run: this is wrong with its module.
    NotRunnable(String),
}

/// The last calls of a guest, each as a line.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(Arc<Mutex<VecDeque<String>>>);

impl Calls {
    fn push(&self, call: String) {
        let call = cut(call, CALL);
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// A guest that runs, or has run.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) stdout: Capture,
    pub(super) stderr: Capture,
    pub(super) calls: Calls,
    deadline: Deadline,
    ended: Receiver<Ended>,
}

impl Process {
    /// Starts a module with what was given to the context so far.
    pub(super) fn start(
        engine: &Engine,
        module: &[u8],
        context: WasiCtxBuilder,
        deadline: Deadline,
        max_memory: Option<u64>,
    ) -> Result<Process, String> {
        let most = output(max_memory);
        let (stdout, stderr, calls) = (Capture::new(most), Capture::new(most), Calls::default());
        let seen = calls.clone();
        let context = context
            .capture_stdout(&stdout)
            .capture_stderr(&stderr)
            .observer(move |call| seen.push(call.to_string()))
            .build()
            .map_err(|error| format!("cannot give the guest what it is to have: {error}"))?;
        let (sender, ended) = mpsc::channel();
        let (outputs, engine, module) = ([stdout.clone(), stderr.clone()], engine.clone(), module.to_vec());
        let run = move || {
            let how = execute(&engine, &module, context, deadline);
            outputs.iter().for_each(Capture::end);
            // Nobody listens any more to a guest that was left behind.
            let _ = sender.send(how);
        };
        threads::start("guest", run)
            .map_err(|error| format!("cannot start a thread for the guest: {error}"))?;
        Ok(Process { stdout, stderr, calls, deadline, ended })
    }

    /// Waits for its end, until its time is over.
    pub(super) fn wait(&self) -> Ended {
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

    /// Waits a little for one that was told to end.
    pub(super) fn wait_a_little(&self) {
        let _ = self.ended.recv_timeout(GRACE);
    }
}

/// How many bytes a guest may write to one output, and read from its standard input, where it may have so much memory.
pub(super) fn output(max_memory: Option<u64>) -> usize {
    // A part of that memory, but some in any case.
    const PARTS: u64 = 4;
    const LEAST: u64 = 1 << 20;
    let most = max_memory.map_or(OUTPUT as u64, |bytes| (bytes / PARTS).clamp(LEAST, OUTPUT as u64));
    most as usize
}

/// What is said of a thread that ended without a word.
const PANICKED: &str = "the runner panicked, which is a fault of its own";

fn execute(engine: &Engine, module: &[u8], context: WasiCtx, deadline: Deadline) -> Ended {
    let module = match load(engine, module, deadline) {
        Ok(module) => module,
        Err(ended) => return ended,
    };
    let (mut store, mut linker) = (Store::new(engine), Linker::new());
    store.set_data(context);
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
            Ended::NotRunnable("it exports no function `_start`, by which a command begins".to_owned())
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

/// Compiles a module. What does not begin as binaries do is text.
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
