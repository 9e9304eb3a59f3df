//! All functions of a module, on as many threads as are worth it.

use std::cell::RefCell;

use rayon::prelude::*;

use super::artifact::CompiledFunction;
use super::function::Compiler;
use crate::error::Result;
use crate::module::decode::PendingBody;
use crate::time::in_time;
use crate::translate::ModuleEnv;

/// Below this many bytes of bodies, handing work to other threads costs more than it saves.
const WORTH_SHARING: u64 = 16 << 10;

thread_local! {
    static COMPILER: RefCell<Compiler> = RefCell::new(Compiler::new());
}

/// Validates and compiles bodies; of several errors, the one of the first function.
pub(crate) fn compile_all(
    env: &ModuleEnv<'_>,
    bodies: Vec<PendingBody<'_>>,
) -> Result<Vec<CompiledFunction>> {
    for_each(bodies, |compiler, body| {
        in_time(env.deadline)?;
        compiler.compile_body(env, body)
    })
}

/// Validates bodies.
pub(crate) fn validate_all(bodies: Vec<PendingBody<'_>>) -> Result<()> {
    for_each(bodies, Compiler::validate_body).map(drop)
}

/// Lends the thread's compiler.
pub(crate) fn with_compiler<T>(use_it: impl FnOnce(&mut Compiler) -> T) -> T {
    COMPILER.with(|compiler| match compiler.try_borrow_mut() {
        Ok(mut compiler) => use_it(&mut compiler),
        // A thread that waits for others may be given their work while it has its own in hand.
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
    let results: Vec<Result<T>> =
        bodies.into_par_iter().map(|body| with_compiler(|compiler| work(compiler, body))).collect();
    results.into_iter().collect()
}
