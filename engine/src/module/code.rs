//! The code of a module: compiled as a whole, or function by function.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::abi::signature::returns_in_memory;
use crate::compile::parallel;
use crate::decode::PendingBody;
use crate::decode::bodies::Bodies;
use crate::decode::info::ModuleInfo;
use crate::engine::Engine;
use crate::error::Result;
use crate::precompiled::{Artifact, Key, Precompiled};
use crate::time::{Deadline, in_time};
use crate::translate::ModuleEnv;
use crate::vm::artifact::CompiledFunction;
use crate::vm::code::FunctionTable;
use crate::vm::layout::VmCtxLayout;

/// The tier of optimised functions in object files.
pub(super) const OPTIMISED: u8 = 2;

/// The input for the code of a module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) engine: &'a Engine,
    pub(super) info: &'a ModuleInfo,
    pub(super) layout: VmCtxLayout,
    pub(super) bytes: &'a [u8],
    pub(super) bodies: &'a Bodies,
    /// Code from an earlier run.
    pub(super) stored: Option<&'a Precompiled>,
    /// Whether to keep what is compiled: see [`ModuleCode::recorded`].
    pub(super) records: bool,
}

/// The code of a module for instances whose memories all have guard pages, or for other instances.
pub(crate) struct ModuleCode {
    functions: Arc<FunctionTable>,
    /// Whether the code relies on guard pages.
    guard_pages: bool,
    /// The positions of the functions that threads are compiling.
    busy: Mutex<Vec<usize>>,
    /// Notified when a thread has finished one.
    done: Condvar,
    /// The functions that were compiled, as opposed to loaded, by their position, if they are kept
    /// for a later run.
    recorded: Option<Mutex<BTreeMap<u32, Artifact>>>,
}

impl fmt::Debug for ModuleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleCode").field("guard_pages", &self.guard_pages).finish_non_exhaustive()
    }
}

impl Source<'_> {
    /// Creates code that is compiled function by function.
    pub(super) fn lazy(&self, guard_pages: bool) -> Result<ModuleCode> {
        let info = self.info;
        let defined = &info.functions[info.imported.functions..];
        let in_memory = defined.iter().map(|ty| returns_in_memory(info.func_type_at(*ty)));
        Ok(self.code(FunctionTable::lazy(self.first(), in_memory)?, guard_pages))
    }

    /// Compiles all functions, given their bodies.
    pub(super) fn eager(
        &self,
        bodies: Vec<PendingBody<'_>>,
        guard_pages: bool,
        deadline: Option<Deadline>,
    ) -> Result<ModuleCode> {
        let mut stored: Vec<Option<CompiledFunction>> =
            (0..bodies.len()).map(|position| self.load(guard_pages, position)).collect();
        let missing = bodies.into_iter().zip(&stored).filter(|(_, stored)| stored.is_none());
        let missing = missing.map(|(body, _)| body).collect();
        let compiled = parallel::compile_all(&self.env(guard_pages, deadline, None), missing, &|| ())?;
        self.engine.count_compiled(compiled.len());
        let empty = stored.iter_mut().enumerate().filter(|(_, stored)| stored.is_none());
        let mut recorded = Vec::new();
        for ((position, place), function) in empty.zip(compiled) {
            recorded.extend(self.records.then(|| (position, function.clone())));
            *place = Some(function);
        }
        let functions: Vec<CompiledFunction> = stored.into_iter().flatten().collect();
        let code = self.code(FunctionTable::eager(self.first(), &functions)?, guard_pages);
        for (position, function) in recorded {
            code.record(position, OPTIMISED, function);
        }
        Ok(code)
    }

    /// Creates code with these functions.
    fn code(&self, functions: FunctionTable, guard_pages: bool) -> ModuleCode {
        let (busy, done) = (Mutex::default(), Condvar::new());
        let recorded = self.records.then(Mutex::default);
        ModuleCode { functions: Arc::new(functions), guard_pages, busy, done, recorded }
    }

    /// The function at a position, from an earlier run.
    fn load(&self, guard_pages: bool, position: usize) -> Option<CompiledFunction> {
        self.stored?.function(Key { guard_pages, position: position as u32 })
    }

    /// Creates code according to the settings of the engine.
    pub(super) fn make(&self, guard_pages: bool, deadline: Option<Deadline>) -> Result<ModuleCode> {
        if self.engine.config().compilation.is_lazy() {
            return self.lazy(guard_pages);
        }
        let bodies = (0..self.bodies.len()).filter_map(|at| self.bodies.pending(at, self.bytes, self.info));
        self.eager(bodies.collect(), guard_pages, deadline)
    }

    /// The index of the first function that the module defines. Validation allows no more functions
    /// than 32 bits can count.
    fn first(&self) -> u32 {
        self.info.imported.functions as u32
    }

    pub(super) fn env<'a>(
        &'a self,
        guard_pages: bool,
        deadline: Option<Deadline>,
        functions: Option<&'a FunctionTable>,
    ) -> ModuleEnv<'a> {
        let (isa, fast_isa) = (self.engine.isa(), self.engine.fast_isa());
        let (info, layout) = (self.info, self.layout);
        ModuleEnv { info, layout, isa, fast_isa, deadline, guard_pages, functions }
    }
}

impl ModuleCode {
    /// The functions, to which instances refer.
    pub(crate) fn functions(&self) -> &Arc<FunctionTable> {
        &self.functions
    }

    /// Loads or compiles the function at a position among those that the module defines, unless
    /// that was done already. Returns the address of its code.
    ///
    /// One thread compiles the function, and other threads that call it wait until their deadlines.
    /// After an error the next call compiles it again.
    pub(super) fn compile(
        &self,
        source: &Source<'_>,
        position: usize,
        deadline: Option<Deadline>,
    ) -> Result<usize> {
        let _turn = match self.turn(position, deadline)? {
            Turn::Done(address) => return Ok(address),
            Turn::Ours(turn) => turn,
        };
        if let Some(function) = source.load(self.guard_pages, position) {
            return self.functions.install_stored(position, function);
        }
        let Some(body) = source.bodies.pending(position, source.bytes, source.info) else {
            unreachable!("code calls a function that the module defines")
        };
        let env = source.env(self.guard_pages, deadline, Some(&self.functions));
        let compiled = parallel::compile_one(&env, body)?;
        source.engine.count_compiled(1);
        if self.recorded.is_some() {
            self.record(position, OPTIMISED, compiled.clone());
        }
        self.functions.install(position, compiled)
    }

    /// Keeps a compiled function for a later run.
    fn record(&self, position: usize, tier: u8, function: CompiledFunction) {
        if let Some(recorded) = &self.recorded {
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.insert(position as u32, Artifact { tier, function });
        }
    }

    /// Whether functions were compiled, as opposed to loaded, and kept.
    pub(super) fn has_recorded(&self) -> bool {
        let recorded = self.recorded.as_ref();
        recorded.is_some_and(|recorded| !recorded.lock().unwrap_or_else(PoisonError::into_inner).is_empty())
    }

    /// Adds the functions that were compiled, as opposed to loaded, and were kept.
    pub(super) fn add_recorded(&self, functions: &mut BTreeMap<Key, Artifact>) {
        let Some(recorded) = &self.recorded else { return };
        let recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let key = |position: &u32| Key { guard_pages: self.guard_pages, position: *position };
        functions.extend(recorded.iter().map(|(position, artifact)| (key(position), artifact.clone())));
    }

    /// Waits until no other thread compiles the function.
    fn turn(&self, position: usize, deadline: Option<Deadline>) -> Result<Turn<'_>> {
        let mut busy = self.lock();
        loop {
            if let Some(address) = self.functions.compiled(position) {
                return Ok(Turn::Done(address));
            }
            if !busy.contains(&position) {
                busy.push(position);
                return Ok(Turn::Ours(Busy { code: self, position }));
            }
            in_time(deadline)?;
            busy = match deadline {
                Some(deadline) => {
                    let waited = self.done.wait_timeout(busy, deadline.left());
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.done.wait(busy).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<usize>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The result of waiting for a function.
enum Turn<'a> {
    /// The function is compiled. This is the address of its code.
    Done(usize),
    /// The current thread must compile the function.
    Ours(Busy<'a>),
}

/// Marks a function as being compiled by the current thread until this is dropped.
struct Busy<'a> {
    code: &'a ModuleCode,
    position: usize,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.code.lock().retain(|position| *position != self.position);
        self.code.done.notify_all();
    }
}
