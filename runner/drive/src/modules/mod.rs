//! Drives engines that only have a command to run a module, with
//! [self-checking modules](wassay_script::selfcheck) and exit codes.
//!
//! | file | is |
//! |---|---|
//! | `script` | groups a plan by instance |
//! | `answers` | replies to its requests |
//! | `calls` | calls on an instance |
//! | `reply` | replies that do not come from the engine |
//! | `run` | runs a process |

mod answers;
mod calls;
mod reply;
mod run;
mod script;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use thiserror::Error;
use wassay_script::embed::Identity;
use wassay_script::plan::{Engine, Noted, Reply, ScriptPlan, compile_parts};
use wassay_script::reading::Reading;
use wassay_script::selfcheck::{Entry, trapping, trivial};
use wassay_script::verdict::ScriptResult;
use wassay_script::wap::{Answer, Hello};
use wassay_script::{Judges, Options};

pub use self::run::MODULE;
use self::run::{Program, Ran, Runner, file_in};
use crate::driver::Limits;

/// The classes that exit codes do not distinguish: a call that does not return may have trapped, or
/// failed otherwise.
const MERGES: &str = "trap+exhaustion+exception+limit+link+error";

/// An engine that runs modules by a command.
#[derive(Debug)]
pub struct Modules {
    program: Program,
    entry: Entry,
    identity: Identity,
    hello: Hello,
    /// The folder for modules, and the number of its drivers.
    folder: Box<dyn Folder>,
    drivers: AtomicUsize,
}

/// A folder for modules.
pub trait Folder: std::fmt::Debug + Send + Sync {
    /// Its path.
    fn path(&self) -> &Path;
}

impl Folder for PathBuf {
    fn path(&self) -> &Path {
        self
    }
}

/// The command of an engine that runs modules.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments, of which one contains [`MODULE`].
    pub words: Vec<String>,
    /// Additional environment variables.
    pub env: Vec<(String, String)>,
    /// How it runs a module.
    pub entry: Entry,
    /// Its identity in reports.
    pub identity: Identity,
}

/// Why an engine that runs modules cannot be driven.
#[derive(Debug, Error)]
pub enum ModulesError {
    /// Its command does not contain [`MODULE`].
    #[error("`{0}`: expected `{MODULE}` in one of the words")]
    NoModule(String),
    /// Its exit code is not usable: it fails on a trivial module, or succeeds on one that traps.
    #[error("`{command}` cannot be driven by exit codes: for the module `{module}`: {why}")]
    Unable {
        /// The command.
        command: String,
        /// The module.
        module: String,
        /// The result.
        why: String,
    },
}

/// Drives an engine module by module.
#[derive(Debug)]
pub struct ModulesDriver {
    engine: Arc<Modules>,
    file: PathBuf,
}

impl Modules {
    /// Checks that an engine succeeds on a trivial module and fails on one that traps; otherwise
    /// exit codes would not be meaningful.
    ///
    /// # Errors
    ///
    /// It does not, or its command does not contain [`MODULE`].
    pub fn new(command: Command, limits: Limits, folder: Box<dyn Folder>) -> Result<Modules, ModulesError> {
        let Command { words, env, entry, identity } = command;
        let line = words.join(" ");
        if !words.iter().skip(1).any(|word| word.contains(MODULE)) {
            return Err(ModulesError::NoModule(line));
        }
        let name = identity.name.replace(|c: char| !c.is_ascii_graphic(), "-");
        let answer =
            Answer::Ok(format!("engine={} merges={MERGES}", wassay_script::wap::encoded(&name)).into());
        let hello = Hello::read(&answer).unwrap_or_default();
        let drivers = AtomicUsize::new(0);
        let program = Program { words, env, limits };
        let engine = Modules { program, entry, identity, hello, folder, drivers };
        let mut runner = Runner::new(&engine.program, engine.file());
        runner.begin(limits.request.saturating_mul(3));
        let module = |body| match &engine.entry {
            Entry::Export(name) => format!("(module (func (export \"{name}\"){body}))"),
            Entry::Start => format!("(module (func{body}) (start 0))"),
        };
        let unable = match runner.run(&trivial(&engine.entry)) {
            Ran::Well => match runner.run(&trapping(&engine.entry)) {
                Ran::Well => {
                    Some((module(" unreachable"), "expected a trap, but it exited with code 0".to_owned()))
                }
                _ => None,
            },
            Ran::Badly(why) | Ran::Crashed(why) | Ran::Lost(why) => Some((module(""), why)),
            Ran::TimedOut(late) => Some((module(""), late.to_string())),
            Ran::NotRun => Some((module(""), "timed out before it could run".to_owned())),
        };
        drop(runner);
        match unable {
            None => Ok(engine),
            Some((module, why)) => Err(ModulesError::Unable { command: line, module, why }),
        }
    }

    /// Creates a driver, which runs one module at a time.
    pub fn driver(self: &Arc<Self>) -> ModulesDriver {
        ModulesDriver { engine: Arc::clone(self), file: self.file() }
    }

    /// Its identity in reports.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its capabilities, in the form of an adapter's answer to `hello`.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// A separate file for each driver.
    fn file(&self) -> PathBuf {
        file_in(self.folder.path(), self.drivers.fetch_add(1, Ordering::Relaxed))
    }
}

impl ModulesDriver {
    /// The replies to the requests of a plan, within a time limit.
    pub fn run(&mut self, plan: &ScriptPlan, time: Duration) -> Vec<Reply> {
        let mut runner = Runner::new(&self.engine.program, self.file.clone());
        runner.begin(time);
        answers::answer(plan, &self.engine.entry, &mut runner)
    }

    /// The engine's capabilities.
    pub fn hello(&self) -> &Hello {
        &self.engine.hello
    }
}

impl Judges for ModulesDriver {
    const DRIVES_WASSAY: bool = false;

    fn identity(&self) -> Identity {
        self.engine.identity.clone()
    }

    fn judge(&mut self, script: &Reading<'_, '_>, options: &Options) -> ScriptResult {
        let plan = compile_parts(script, options);
        if let (Some(observer), Some(first)) = (&options.observer, plan.directives.first()) {
            observer.begins(first.place);
        }
        let replies = self.run(&plan, options.timeout.unwrap_or(self.engine.program.limits.script));
        let engine = Engine { hello: self.engine.hello.clone(), match_kind: options.match_kind };
        plan.judge_under(&replies, &Noted::new(), &engine, options)
    }
}
