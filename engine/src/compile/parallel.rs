//! Parallel compilation of the functions of a module.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::{OnceLock, mpsc};
use std::thread;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::function::Compiler;
use crate::decode::PendingBody;
use crate::error::{Error, Result};
use crate::time::{Deadline, in_time};
use crate::translate::{Goal, ModuleEnv};
use crate::vm::artifact::{CompiledFunction, Tier};
use crate::vm::sys::stack;

/// The total size of bodies in bytes below which sharing the work costs more than it saves.
const WORTH_SHARING: u64 = 16 << 10;

thread_local! {
    static COMPILER: RefCell<Compiler> = RefCell::new(Compiler::new());
}

/// Validates and compiles bodies, optimised. If several fail, returns the error of the first
/// function. Calls `done` after each function.
pub(crate) fn compile_all(
    env: &ModuleEnv<'_>,
    bodies: Vec<PendingBody<'_>>,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<CompiledFunction>> {
    for_each(bodies, |compiler, body| {
        in_time(env.deadline)?;
        compiler.compile_body(env, Goal::Optimized, body).map(|(function, _)| function).inspect(|_| done())
    })
}

/// Validates bodies, unless the deadline passes. Of several errors, returns that of the first
/// function.
pub(crate) fn validate_all(bodies: Vec<PendingBody<'_>>, deadline: Option<Deadline>) -> Result<()> {
    for_each(bodies, |compiler, body| {
        in_time(deadline)?;
        compiler.validate_body(body)
    })
    .map(drop)
}

/// The stack size that the compiler needs, with a margin.
const ENOUGH: usize = 512 << 10;

/// Compiles one body, and returns the tier of the code. Runs on another thread if wasm code has
/// used most of this thread's stack.
pub(crate) fn compile_one(
    env: &ModuleEnv<'_>,
    goal: Goal,
    body: PendingBody<'_>,
) -> Result<(CompiledFunction, Tier)> {
    in_time(env.deadline)?;
    if stack::left().is_none_or(|left| left >= ENOUGH) {
        return with_compiler(|compiler| compiler.compile_body(env, goal, body));
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("wassay-compiler".into()).stack_size(4 * ENOUGH);
        let compile = || Compiler::new().compile_body(env, goal, body);
        match thread.spawn_scoped(scope, compile) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(error) => Err(Error::limit("cannot start a thread to compile on").caused_by(error)),
        }
    })
}

/// Calls a function with the thread's compiler.
pub(crate) fn with_compiler<T>(use_it: impl FnOnce(&mut Compiler) -> T) -> T {
    COMPILER.with(|compiler| match compiler.try_borrow_mut() {
        Ok(mut compiler) => use_it(&mut compiler),
        // While a thread waits for others, it may run their work in the middle of its own.
        Err(_) => use_it(&mut Compiler::new()),
    })
}

fn for_each<'a, T: Send>(
    bodies: Vec<PendingBody<'a>>,
    work: impl Fn(&mut Compiler, PendingBody<'a>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let size: u64 = bodies.iter().map(|(_, body)| body.range().end - body.range().start).sum();
    if size < WORTH_SHARING || bodies.len() < 2 {
        return with_compiler(|compiler| bodies.into_iter().map(|body| work(compiler, body)).collect());
    }
    let one = |body| with_compiler(|compiler| work(compiler, body));
    let results: Vec<Result<T>> = match pool() {
        Some(pool) => pool.install(|| bodies.into_par_iter().map(one).collect()),
        None => bodies.into_iter().map(one).collect(),
    };
    results.into_iter().collect()
}

/// The number of threads that the system must be able to start in addition to the compiling
/// threads. If the limit is lower (RLIMIT_NPROC, the pids controller of cgroups), the process needs
/// the threads for other purposes.
const TO_SPARE: usize = 4;

/// The compiling threads, started on first use. `None` if the system allows too few, in which case
/// each caller compiles alone.
fn pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        // The spare threads run while the others are started, so that the latter do not use up the
        // limit.
        let mut spare = Vec::new();
        let spared = (0..TO_SPARE).try_for_each(|_| {
            let (end, ended) = mpsc::channel::<()>();
            let thread = thread::Builder::new().spawn(move || ended.recv().is_ok())?;
            spare.push((end, thread));
            std::io::Result::Ok(())
        });
        let name = |number| format!("wassay-compile-{number}");
        let built = spared.map_err(|error| error.to_string()).and_then(|()| {
            ThreadPoolBuilder::new().thread_name(name).build().map_err(|error| error.to_string())
        });
        for (end, thread) in spare {
            drop(end);
            // The thread does not panic.
            let _ = thread.join();
        }
        built
            .inspect_err(|error| {
                tracing::debug!(
                    error,
                    "cannot start compiler threads: modules are compiled on the calling thread"
                )
            })
            .ok()
    });
    pool.as_ref()
}
