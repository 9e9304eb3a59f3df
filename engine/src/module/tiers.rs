//! Work on other threads: functions of the first tier that run often are optimised, and functions
//! that are likely to be called soon are compiled ahead.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use wasmparser::Operator;

use super::code::{Continuation, ModuleCode};
use super::{Module, WeakModule};
use crate::time::Deadline;
use crate::translate::Goal;
use crate::vm::sys::priority::Priority;

/// How often code runs between two looks for code that was asked for.
const POLL: i32 = 1000;

/// How often code runs between two attempts to have it optimised, if no thread can be started.
const RETRY: i32 = 1 << 20;

/// The size in bytes from which a module's functions are compiled ahead. In a smaller module the
/// threads cost more than they save.
const WORTH_SPECULATION: usize = 32 << 10;

/// The number of calls that lead from a function that runs to those that are compiled ahead.
const DEPTH: u32 = 2;

/// Optimises functions that run often.
static OPTIMIZER: Queue = Queue::new("wassay-optimizer", Priority::Low);

/// Compiles functions ahead.
static SPECULATOR: Queue = Queue::new("wassay-speculator", Priority::Idle);

impl Module {
    /// Has a function of the first tier optimised for its next calls, if it has run often.
    pub(crate) fn tier_up(&self, guarded: bool, position: usize) {
        let Some(code) = self.existing_code(guarded) else { return };
        if !self.is_due(code, position) {
            return;
        }
        let is_new = code.requests().begin(position);
        if is_new && !self.optimize(guarded, position, Goal::Optimized) {
            code.requests().withdraw(position);
            code.functions().set_counter(position, RETRY);
        }
    }

    /// Optimises a function of the first tier for its next calls, on the thread that runs it,
    /// because little is left of the stack. Frames of the first tier are several times as large as
    /// those of optimised code, so that deep recursion that fits with those would not fit.
    pub(crate) fn optimize_now(&self, guarded: bool, position: usize, deadline: Option<Deadline>) {
        let Some(code) = self.existing_code(guarded) else { return };
        self.is_due(code, position);
        code.requests().begin(position);
        if let Err(error) = code.optimize(&self.source(), position, Goal::Optimized, deadline) {
            code.functions().set_counter(position, RETRY);
            tracing::debug!(position, %error, "a function stays in the first tier");
        }
    }

    /// Whether a function of the first tier that asks for optimised code has run often enough. Sets
    /// how often it runs before it asks again.
    fn is_due(&self, code: &ModuleCode, position: usize) -> bool {
        let (share, is_due) = code.requests().look(position, self.0.engine.tier_up_count());
        // The current call goes on in the first tier, and may get to a loop that does not end soon.
        code.functions().set_counter(position, share.min(self.poll()));
        is_due
    }

    /// The code that continues a function of the first tier from a loop. If there is none yet, has
    /// it compiled.
    pub(crate) fn tier_up_loop(&self, guarded: bool, position: usize, number: u32) -> Option<usize> {
        let code = self.existing_code(guarded)?;
        if !self.is_due(code, position) {
            return None;
        }
        let mut found = code.requests().get_or_begin(position, number);
        if found.is_none() {
            if !self.optimize(guarded, position, Goal::Loop(number)) {
                code.requests().withdraw_loop(position, number);
                code.functions().set_counter(position, RETRY);
                return None;
            }
            found = code.requests().get_or_begin(position, number);
        }
        match found {
            Some(Continuation::Ready(address)) => {
                // The next call asks for optimised code.
                code.functions().set_counter(position, 0);
                self.0.engine.count_continued();
                Some(address)
            }
            Some(Continuation::Failed) => {
                code.functions().set_counter(position, RETRY);
                None
            }
            _ => None,
        }
    }

    /// Has a function optimised that was continued from a loop, if code is kept for a later run.
    /// That run starts with the optimised code, even if the function is called only once.
    fn optimize_for_later(&self, guarded: bool, position: usize) {
        let Some(code) = self.existing_code(guarded).filter(|code| code.records()) else { return };
        let is_new = code.requests().begin(position);
        if is_new && !self.optimize(guarded, position, Goal::Optimized) {
            code.requests().withdraw(position);
        }
    }

    /// How often code runs between two looks for code that was asked for.
    fn poll(&self) -> i32 {
        if self.0.engine.config().tier_up_always { 0 } else { POLL }
    }

    /// Has a function compiled again: on another thread, or now if the settings say so. Returns
    /// whether that is possible.
    fn optimize(&self, guarded: bool, position: usize, goal: Goal) -> bool {
        let job = Job { module: self.weak(), guarded, position, work: Work::Optimize(goal) };
        if self.0.engine.config().tier_up_always {
            job.run();
            return true;
        }
        OPTIMIZER.add(job)
    }

    /// Has the functions compiled ahead that a function calls which is about to be compiled.
    pub(super) fn speculate(&self, guarded: bool, position: usize) {
        if self.0.bytes.len() >= WORTH_SPECULATION && workers() > 1 && self.0.engine.config().speculation {
            let work = Work::Ahead { depth: DEPTH };
            SPECULATOR.add(Job { module: self.weak(), guarded, position, work });
        }
    }

    /// Compiles the functions ahead that a function calls directly, and those that they call.
    fn compile_callees(&self, guarded: bool, position: usize, depth: u32) {
        let Some(code) = self.existing_code(guarded) else { return };
        for callee in self.callees(position) {
            if code.compile_ahead(&self.source(), callee) && depth > 1 {
                self.compile_callees(guarded, callee, depth - 1);
            }
        }
    }

    /// The functions that a function calls directly and the module defines, by their position.
    fn callees(&self, position: usize) -> Vec<usize> {
        let imported = self.info().imported.functions;
        let Some((_, body)) = self.0.bodies.pending(position, &self.0.bytes, self.info()) else {
            return Vec::new();
        };
        let operators = body.get_operators_reader().into_iter().flatten().map_while(Result::ok);
        let mut callees: Vec<usize> = operators
            .filter_map(|op| match op {
                Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                    (function_index as usize).checked_sub(imported)
                }
                _ => None,
            })
            .collect();
        let mut seen = std::collections::HashSet::new();
        callees.retain(|callee| seen.insert(*callee));
        callees
    }
}

/// A function to compile, of a module that is dropped without waiting for it.
#[derive(Debug)]
struct Job {
    module: WeakModule,
    guarded: bool,
    position: usize,
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    /// Compile the function again.
    Optimize(Goal),
    /// Compile the functions that it calls.
    Ahead { depth: u32 },
}

impl Job {
    fn run(&self) {
        let Some(module) = self.module.upgrade() else { return };
        let (guarded, position) = (self.guarded, self.position);
        match self.work {
            Work::Optimize(goal) => {
                let Some(code) = module.existing_code(guarded) else { return };
                match code.optimize(&module.source(), position, goal, None) {
                    Ok(()) if matches!(goal, Goal::Loop(_)) => module.optimize_for_later(guarded, position),
                    Ok(()) => {}
                    Err(error) => {
                        tracing::debug!(position, ?goal, %error, "a function stays in the first tier");
                    }
                }
            }
            Work::Ahead { depth } => module.compile_callees(guarded, position, depth),
        }
    }
}

/// Work for threads that are started when there is some, and end when there has been none for a
/// while.
struct Queue {
    name: &'static str,
    priority: Priority,
    state: Mutex<State>,
    added: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    /// The number of threads that wait for work.
    waiting: usize,
}

impl Queue {
    /// How long a thread waits for work before it ends.
    const PATIENCE: Duration = Duration::from_millis(100);

    /// The stack size of a thread.
    const STACK: usize = 8 << 20;

    /// The maximum number of jobs that wait.
    const LONGEST: usize = 1 << 12;

    const fn new(name: &'static str, priority: Priority) -> Queue {
        let state = State { jobs: VecDeque::new(), threads: 0, waiting: 0 };
        Queue { name, priority, state: Mutex::new(state), added: Condvar::new() }
    }

    /// Adds a job. Returns whether there is a thread for it.
    fn add(&'static self, job: Job) -> bool {
        let mut state = self.lock();
        if state.jobs.len() >= Queue::LONGEST {
            return false;
        }
        if state.jobs.len() >= state.waiting && state.threads < workers().saturating_sub(1).max(1) {
            let thread = thread::Builder::new().name(self.name.into()).stack_size(Queue::STACK);
            match thread.spawn(|| self.work()) {
                Ok(_) => state.threads += 1,
                Err(error) => tracing::debug!(name = self.name, %error, "cannot start a thread"),
            }
        }
        if state.threads == 0 {
            return false;
        }
        state.jobs.push_back(job);
        drop(state);
        self.added.notify_one();
        true
    }

    /// The main function of a thread.
    fn work(&self) {
        /// Counts the thread out if a job panics.
        struct Panicking<'a>(&'a Queue);

        impl Drop for Panicking<'_> {
            fn drop(&mut self) {
                self.0.lock().threads -= 1;
            }
        }

        self.priority.set();
        while let Some(job) = self.next() {
            let panicking = Panicking(self);
            job.run();
            std::mem::forget(panicking);
        }
    }

    /// The next job; `None` if there has been none for a while, so that the thread ends.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        if state.jobs.is_empty() {
            state.waiting += 1;
            let waited = self.added.wait_timeout_while(state, Queue::PATIENCE, |state| state.jobs.is_empty());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        let job = state.jobs.pop_front();
        state.threads -= usize::from(job.is_none());
        job
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of processors that the process can use.
fn workers() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}
