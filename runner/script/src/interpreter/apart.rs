//! Classifies directives that fail without saying anything about the engine.
//!
//! The verdicts match those for engines driven by [plans](crate::plan), so that reports do not
//! depend on how an engine is driven.

use wasmparser::{Parser, Payload};

use super::run::Interpreter;
use crate::embed::{Embedder, ErrorKind};
use crate::env::Missing;
use crate::model::{Action, Command, Definition, Instantiation};
use crate::text::Grammar;
use crate::verdict::{Apart, Failure, FailureKind};

/// A feature whose modules wassay's engine validates, but does not run.
const VALIDATED_ONLY: &str = "shared-everything-threads";

impl<E: Embedder> Interpreter<'_, '_, '_, E> {
    /// Why a directive says nothing about the engine, if that is so. `failure` is its failure, or
    /// `None` if it passed.
    ///
    /// For wassay's own engine everything except what is not applicable is a failure: no script
    /// should reach a limit, and blocked directives follow a failure. Only under a feature that the
    /// engine validates without running it ([`VALIDATED_ONLY`]) what it does not run is set apart.
    pub(super) fn apart(&self, command: &Command, failure: Option<&Failure>) -> Option<(Apart, String)> {
        let error = failure.and_then(|failure| match failure.kind {
            FailureKind::Unexpected(kind) | FailureKind::Instead { actual: kind, .. } => {
                let written = failure.actual.as_ref().unwrap_or(&failure.message);
                let why = written.strip_prefix(kind.name()).and_then(|rest| rest.strip_prefix(": "));
                Some((kind, why.unwrap_or(written)))
            }
            _ => None,
        });
        if let Some((ErrorKind::NotApplicable, why)) = error {
            return Some((Apart::NotApplicable, why.to_owned()));
        }
        // `assert_unlinkable` may have passed because the imported module does not exist.
        let may_be = failure.is_some() || matches!(command, Command::AssertUnlinkable { .. });
        let validated_only = self.options.features.contains(VALIDATED_ONLY);
        if E::DRIVES_WASSAY && !validated_only || !may_be {
            return None;
        }
        let asserts_refusal =
            matches!(command, Command::AssertInvalid { .. } | Command::AssertMalformed { .. });
        if let Some((ErrorKind::Unsupported, why)) = error
            && validated_only
            && !asserts_refusal
        {
            return Some((Apart::Unsupported, why.to_owned()));
        }
        match (self.blocked_by(command), error) {
            (Some(line), _) => {
                let why = format!("it depends on the directive on line {line}, which failed");
                Some((Apart::Blocked, why))
            }
            (None, Some((ErrorKind::Limit, why))) if !E::DRIVES_WASSAY => {
                Some((Apart::Limit, why.to_owned()))
            }
            _ => None,
        }
    }

    /// The line of a failed directive that this one depends on.
    fn blocked_by(&self, command: &Command) -> Option<usize> {
        match self.missing(command) {
            Some(Missing::Failed(line)) => Some(line),
            _ => self.unregistered(command),
        }
    }

    /// Why a module or instance that the directive names does not exist, if it does not.
    fn missing(&self, command: &Command) -> Option<Missing> {
        let instance = |name: Option<&str>| self.env.instance(name).err();
        match command {
            Command::Action(action)
            | Command::AssertReturn { action, .. }
            | Command::AssertTrap { action, .. }
            | Command::AssertExhaustion { action, .. }
            | Command::AssertSuspension { action, .. }
            | Command::AssertException(action) => instance(Action::instance(action)),
            Command::Register { instance: name, .. } => instance(name.as_deref()),
            Command::ModuleInstance { module: name, .. }
            | Command::AssertUninstantiable { instance: Instantiation::Defined(name), .. }
            | Command::AssertUnlinkable { instance: Instantiation::Defined(name), .. } => {
                self.env.module(name.as_deref()).err()
            }
            Command::Thread { shared, .. } => shared.iter().find_map(|name| instance(Some(name))),
            Command::Wait { thread } => self.threads.missing(thread),
            _ => None,
        }
    }

    /// The line of a failed directive that registers a module that this one imports from.
    fn unregistered(&self, command: &Command) -> Option<usize> {
        let unregistered = self.env.unregistered();
        let (Command::Module(Definition { form, .. })
        | Command::AssertUninstantiable {
            instance: Instantiation::Module(Definition { form, .. }), ..
        }
        | Command::AssertUnlinkable { instance: Instantiation::Module(Definition { form, .. }), .. }) =
            command
        else {
            return None;
        };
        if unregistered.is_empty() {
            return None;
        }
        let bytes = self.bytes_of(form, Grammar::of(self.options.features)).ok()?;
        let sections = Parser::new(0).parse_all(&bytes).map_while(Result::ok);
        let imports = sections.filter_map(|payload| match payload {
            Payload::ImportSection(section) => Some(section),
            _ => None,
        });
        let mut imports = imports.flat_map(|section| section.into_imports().map_while(Result::ok));
        imports.find_map(|import| unregistered.get(import.module).copied())
    }
}
