//! The code of a module: compiled as a whole, or function by function.

use std::collections::{BTreeMap, HashMap, HashSet};
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
use crate::translate::{Goal, ModuleEnv};
use crate::vm::artifact::{CompiledFunction, Tier};
use crate::vm::code::FunctionTable;
use crate::vm::layout::VmCtxLayout;

/// The tier of optimised functions in object files.
pub(super) const OPTIMISED: u8 = Tier::Optimized as u8;

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
    busy: Mutex<Compiling>,
    /// Notified when a thread has finished one.
    done: Condvar,
    /// What was asked for by code of the first tier.
    requests: Mutex<Requests>,
    /// The functions that were compiled, as opposed to loaded, by their position, if they are kept
    /// for a later run.
    recorded: Option<Mutex<BTreeMap<u32, Artifact>>>,
}

/// The functions that threads are compiling.
#[derive(Default)]
struct Compiling {
    positions: Vec<usize>,
    /// The number of threads that wait for one of them.
    waiting: usize,
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
        let count = (self.goal() == Goal::Quick).then(|| self.engine.tier_up_count());
        Ok(self.code(FunctionTable::lazy(self.first(), in_memory, count)?, guard_pages))
    }

    /// Compiles all functions, given their bodies.
    pub(super) fn eager(
        &self,
        bodies: Vec<PendingBody<'_>>,
        guard_pages: bool,
        deadline: Option<Deadline>,
    ) -> Result<ModuleCode> {
        let load = |position| self.load(guard_pages, position, Goal::Optimized).map(|(function, _)| function);
        let mut stored: Vec<Option<CompiledFunction>> = (0..bodies.len()).map(load).collect();
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
            code.record(position, &function, Tier::Optimized);
        }
        Ok(code)
    }

    /// Creates code with these functions.
    fn code(&self, functions: FunctionTable, guard_pages: bool) -> ModuleCode {
        let (busy, done, requests) = (Mutex::default(), Condvar::new(), Mutex::default());
        let recorded = self.records.then(Mutex::default);
        ModuleCode { functions: Arc::new(functions), guard_pages, busy, done, requests, recorded }
    }

    /// The function at a position, from an earlier run. Code of the first tier is loaded only if
    /// that is the goal.
    fn load(&self, guard_pages: bool, position: usize, goal: Goal) -> Option<(CompiledFunction, Tier)> {
        let (stored, key) = (self.stored?, Key { guard_pages, position: position as u32 });
        let tier = Tier::of_number(stored.tier(key)?)?;
        let is_usable = tier == Tier::Optimized || goal == Goal::Quick;
        Some((is_usable.then(|| stored.function(key)).flatten()?, tier))
    }

    /// Whether there is code of the function at a position from an earlier run.
    pub(super) fn is_stored(&self, guard_pages: bool, position: usize) -> bool {
        let key = Key { guard_pages, position: position as u32 };
        self.stored.is_some_and(|stored| stored.tier(key).is_some())
    }

    /// Creates code according to the settings of the engine.
    pub(super) fn make(&self, guard_pages: bool, deadline: Option<Deadline>) -> Result<ModuleCode> {
        if self.engine.config().compilation.is_lazy() {
            return self.lazy(guard_pages);
        }
        let bodies = (0..self.bodies.len()).filter_map(|at| self.bodies.pending(at, self.bytes, self.info));
        self.eager(bodies.collect(), guard_pages, deadline)
    }

    /// What functions are compiled for when they are called.
    pub(super) fn goal(&self) -> Goal {
        if self.engine.config().is_tiered() { Goal::Quick } else { Goal::Optimized }
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
        goal: Goal,
        deadline: Option<Deadline>,
    ) -> Result<usize> {
        let _turn = match self.turn(position, deadline)? {
            Turn::Done(address) => return Ok(address),
            Turn::Ours(turn) => turn,
        };
        self.compile_for(source, position, goal, deadline)
    }

    /// Compiles a function ahead of its first call, unless it is compiled already or is being
    /// compiled. A call does not wait for it, since the current thread may be slow. An error is
    /// left to the call.
    pub(super) fn compile_ahead(&self, source: &Source<'_>, position: usize) -> bool {
        let is_taken =
            self.functions.compiled(position).is_some() || self.lock().positions.contains(&position);
        !is_taken && self.compile_for(source, position, source.goal(), None).is_ok()
    }

    /// Loads or compiles a function for its first call, and installs it.
    fn compile_for(
        &self,
        source: &Source<'_>,
        position: usize,
        goal: Goal,
        deadline: Option<Deadline>,
    ) -> Result<usize> {
        if let Some((function, tier)) = source.load(self.guard_pages, position, goal) {
            self.watch(source.engine, position, function.frame, tier);
            return self.functions.install_stored(position, function, tier);
        }
        let Some(body) = source.bodies.pending(position, source.bytes, source.info) else {
            unreachable!("code calls a function that the module defines")
        };
        let env = source.env(self.guard_pages, deadline, Some(&self.functions));
        let (compiled, tier) = parallel::compile_one(&env, goal, body)?;
        source.engine.count_compiled(1);
        self.record(position, &compiled, tier);
        self.watch(source.engine, position, compiled.frame, tier);
        self.functions.install(position, compiled, tier)
    }

    /// Before code of the first tier is installed: has it look at the stack often enough.
    fn watch(&self, engine: &Engine, position: usize, frame: u32, tier: Tier) {
        if tier == Tier::Quick {
            let share = engine.runs_per_look(frame);
            self.requests().watch(position, share);
            self.functions.set_counter(position, share);
        }
    }

    /// Compiles a function of the first tier again: for its next calls, or to continue it from a
    /// loop.
    pub(super) fn optimize(
        &self,
        source: &Source<'_>,
        position: usize,
        goal: Goal,
        deadline: Option<Deadline>,
    ) -> Result<()> {
        let Some(body) = source.bodies.pending(position, source.bytes, source.info) else {
            unreachable!("code asks for a function that the module defines")
        };
        if goal == Goal::Optimized && self.functions.optimized(position).is_some() {
            return Ok(());
        }
        let env = source.env(self.guard_pages, deadline, Some(&self.functions));
        let compiled = parallel::compile_one(&env, goal, body);
        source.engine.count_optimized(usize::from(compiled.is_ok()));
        if let Goal::Loop(number) = goal {
            let installed =
                compiled.and_then(|(code, _)| self.functions.install_continuation(position, code));
            self.requests().set(position, number, installed.as_ref().ok().copied());
            return installed.map(drop);
        }
        let (compiled, tier) = compiled?;
        self.record(position, &compiled, tier);
        self.functions.install(position, compiled, tier).map(drop)
    }

    /// What was asked for by code of the first tier.
    pub(super) fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is compiled is kept for a later run.
    pub(super) fn records(&self) -> bool {
        self.recorded.is_some()
    }

    /// Keeps a compiled function for a later run.
    fn record(&self, position: usize, function: &CompiledFunction, tier: Tier) {
        if let Some(recorded) = &self.recorded {
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            let (tier, function) = (tier as u8, function.clone());
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
            if !busy.positions.contains(&position) {
                busy.positions.push(position);
                return Ok(Turn::Ours(Busy { code: self, position }));
            }
            in_time(deadline)?;
            busy.waiting += 1;
            busy = match deadline {
                Some(deadline) => {
                    let waited = self.done.wait_timeout(busy, deadline.left());
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.done.wait(busy).unwrap_or_else(PoisonError::into_inner),
            };
            busy.waiting -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Compiling> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was asked for by code of the first tier, for each function by its position.
#[derive(Default)]
pub(super) struct Requests {
    /// The functions that are to be optimised for their next calls.
    optimized: HashSet<usize>,
    /// The code that continues functions, by the numbers of their loops.
    loops: HashMap<usize, Vec<(u32, Continuation)>>,
    /// How often functions of the first tier run between two looks at the stack, and how often they
    /// have run up to the last one.
    looks: HashMap<usize, (i32, i32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continuation {
    /// It is being compiled.
    Pending,
    /// The address of the code.
    Ready(usize),
    /// It cannot be compiled.
    Failed,
}

impl Requests {
    /// Has a function look at the stack each time that it has run this often.
    fn watch(&mut self, position: usize, share: i32) {
        self.looks.insert(position, (share, 0));
    }

    /// Notes that a function looks at the stack. Returns how often it is to run before the next
    /// look, and whether it has run `count` times altogether.
    pub(super) fn look(&mut self, position: usize, count: i32) -> (i32, bool) {
        let Some((share, ran)) = self.looks.get_mut(&position) else { return (count, true) };
        *ran = ran.saturating_add(*share);
        (*share, *ran >= count)
    }

    /// Asks for a function to be optimised. Returns whether that is new.
    pub(super) fn begin(&mut self, position: usize) -> bool {
        self.optimized.insert(position)
    }

    /// Withdraws what `begin` asked for.
    pub(super) fn withdraw(&mut self, position: usize) {
        self.optimized.remove(&position);
    }

    /// The continuation from a loop; `None` if it can be asked for, which this does. Only one
    /// continuation of a function is compiled at a time, since from there all its loops are fast.
    pub(super) fn get_or_begin(&mut self, position: usize, number: u32) -> Option<Continuation> {
        let loops = self.loops.entry(position).or_default();
        if let Some((_, found)) = loops.iter().find(|(other, _)| *other == number) {
            return Some(*found);
        }
        if loops.iter().any(|(_, other)| *other == Continuation::Pending) {
            return Some(Continuation::Pending);
        }
        loops.push((number, Continuation::Pending));
        None
    }

    /// Withdraws a continuation that was asked for.
    pub(super) fn withdraw_loop(&mut self, position: usize, number: u32) {
        self.loops.entry(position).or_default().retain(|(other, _)| *other != number);
    }

    fn set(&mut self, position: usize, number: u32, address: Option<usize>) {
        let found = address.map_or(Continuation::Failed, Continuation::Ready);
        for (other, entry) in self.loops.entry(position).or_default() {
            if *other == number {
                *entry = found;
            }
        }
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
        let mut busy = self.code.lock();
        busy.positions.retain(|position| *position != self.position);
        let is_awaited = busy.waiting > 0;
        drop(busy);
        // A notification is a system call even if no thread waits.
        if is_awaited {
            self.code.done.notify_all();
        }
    }
}
