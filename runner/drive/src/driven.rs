//! Engines, for all ways of driving them.

use std::sync::Arc;

use wassay_script::embed::Identity;
use wassay_script::plan::{Engine, Noted, Reply, compile_parts};
use wassay_script::reading::Reading;
use wassay_script::verdict::{Apart, Outcome, ScriptResult};
use wassay_script::{Judges, Options};

use crate::driver::{Driver, Known};
use crate::modules::{Modules, ModulesDriver};

/// An engine, by the way of driving it.
#[derive(Clone, Debug)]
pub enum Way {
    /// By an adapter that implements wap/1.
    Protocol(Arc<Known>),
    /// By a command that runs modules.
    Modules(Arc<Modules>),
    /// None: it runs only WASI programs.
    Neither(Box<Identity>),
}

/// An engine that judges one script at a time.
#[derive(Debug)]
pub enum Driven {
    /// By an adapter that implements wap/1.
    Protocol(Driver),
    /// By a command that runs modules.
    Modules(ModulesDriver),
    /// Not driven.
    Neither(Box<Identity>),
}

impl Way {
    /// Creates a driver with its own process state.
    pub fn driver(&self) -> Driven {
        match self {
            Way::Protocol(known) => Driven::Protocol(known.driver()),
            Way::Modules(modules) => Driven::Modules(modules.driver()),
            Way::Neither(identity) => Driven::Neither(identity.clone()),
        }
    }

    /// The engine's identity in reports.
    pub fn identity(&self) -> Identity {
        match self {
            Way::Protocol(known) => known.identity(),
            Way::Modules(modules) => modules.identity().clone(),
            Way::Neither(identity) => (**identity).clone(),
        }
    }
}

impl Judges for Driven {
    const DRIVES_WASSAY: bool = false;

    fn identity(&self) -> Identity {
        match self {
            Driven::Protocol(driver) => driver.identity(),
            Driven::Modules(driver) => driver.identity(),
            Driven::Neither(identity) => (**identity).clone(),
        }
    }

    fn judge(&mut self, script: &Reading<'_, '_>, options: &Options) -> ScriptResult {
        match self {
            Driven::Protocol(driver) => driver.judge(script, options),
            Driven::Modules(driver) => driver.judge(script, options),
            Driven::Neither(_) => not_asked(script, options),
        }
    }
}

/// The result of a script that cannot be judged.
fn not_asked(script: &Reading<'_, '_>, options: &Options) -> ScriptResult {
    let why = "the engine description only says how to run WASI programs, not modules";
    let plan = compile_parts(script, options);
    let replies = vec![Reply::NotApplicable(why.to_owned()); plan.requests.len()];
    let mut result = plan.judge_under(&replies, &Noted::new(), &Engine::default(), options);
    let directives = result.directives.iter().map(|directive| {
        let mut directive = directive.to_owned();
        if matches!(directive.outcome, Outcome::Passed | Outcome::Failed(_)) {
            directive.outcome = Outcome::Apart(Apart::NotApplicable, why.to_owned());
        }
        directive
    });
    result.directives = directives.collect();
    result
}
