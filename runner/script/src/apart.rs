//! Directives that fail without saying anything about the engine.
//!
//! The verdicts are those of engines that are driven by [plans](crate::plan), so that a report does not depend on how an engine is driven.

use super::embed::{Embedder, ErrorKind};
use super::env::Missing;
use super::model::{Action, Command, Instantiation};
use super::run::Interpreter;
use crate::verdict::{Apart, Failure, FailureKind};

impl<E: Embedder> Interpreter<'_, '_, '_, E> {
    /// In what way a directive that failed says nothing about the engine, if it does not, and why.
    ///
    /// Of wassay's own engine everything is a failure but what cannot be asked: there is no limit that a script may meet, and what is
    /// blocked has a failure before it.
    pub(super) fn apart(&self, command: &Command, failure: &Failure) -> Option<(Apart, String)> {
        if let FailureKind::Unexpected(kind) | FailureKind::Instead { actual: kind, .. } = failure.kind {
            let apart = match kind {
                ErrorKind::NotApplicable => Some(Apart::NotApplicable),
                ErrorKind::Limit if !E::DRIVES_WASSAY => Some(Apart::Limit),
                _ => None,
            };
            // The error as it is written, with its kind.
            let error = failure.actual.as_ref().unwrap_or(&failure.message);
            let why =
                error.strip_prefix(kind.name()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(error);
            return apart.map(|apart| (apart, why.to_owned()));
        }
        match self.missing(command) {
            Some(Missing::Failed(line)) if !E::DRIVES_WASSAY => {
                let why = format!("it needs what the directive on line {line} was to make");
                Some((Apart::Blocked, why))
            }
            _ => None,
        }
    }

    /// Why what the directive needs does not exist, if it does not.
    fn missing(&self, command: &Command) -> Option<Missing> {
        let instance = |name: &Option<_>| self.env.instance(name.as_deref()).err();
        let definition = |name: &Option<_>| self.env.module(name.as_deref()).err();
        match command {
            Command::Action(action)
            | Command::AssertReturn { action, .. }
            | Command::AssertTrap { action, .. }
            | Command::AssertExhaustion { action, .. }
            | Command::AssertException(action) => self.env.instance(Action::instance(action)).err(),
            Command::Register { instance: name, .. } => instance(name),
            Command::ModuleInstance { module, .. } => definition(module),
            Command::AssertUninstantiable { instance: Instantiation::Defined(name), .. }
            | Command::AssertUnlinkable { instance: Instantiation::Defined(name), .. } => definition(name),
            Command::Thread { shared, .. } => {
                shared.iter().find_map(|name| self.env.instance(Some(name)).err())
            }
            Command::Wait { thread } => self.threads.missing(thread),
            _ => None,
        }
    }
}
