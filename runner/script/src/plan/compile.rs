//! Compiles a script to a plan: like the [interpreter](crate::run()), with handles instead of
//! instances.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use wasmparser::{Validator, WasmFeatures};
use wassay_reports::Key;
use wassay_terms::Features;
use wassay_testsuite::expectation::Expected;

use super::alter::Alter;
use super::model::{Planned, ScriptPlan, Want};
use super::module::Info;
use super::planner::{Instance, Module, Planner, Spectest, Step, no_instance, not_applicable};
use crate::binds::Bindings;
use crate::embed::ErrorKind;
use crate::env::{Env, Missing};
use crate::failures::{no_such, unsupported};
use crate::messages::Written;
use crate::model::{Command, Definition, Directive, Instantiation, ModuleForm, Script, TextError};
use crate::options::{Options, Position};
use crate::reading::{Part, Reading};
use crate::source::{Place, Source};
use crate::spectest::binary as spectest;
use crate::text::Grammar;
use crate::verdict::{Failure, FailureKind};
use crate::wanted::{flag, flags};

/// Compiles a script to its plan. Uses from the options the features, the lines, expected skips and
/// left-out directives; `keys` are those of the directives in order, or empty. `alter` alters every
/// expectation.
pub fn compile(
    script: &Script<'_>,
    options: &Options,
    keys: &[(Place, Key)],
    alter: Option<Alter>,
) -> ScriptPlan {
    compile_all(&script.source, script.directives.iter(), options, keys, alter)
}

/// Like [`compile`], for a script that is parsed in parts, all of which are then in memory.
pub fn compile_parts(reading: &Reading<'_, '_>, options: &Options) -> ScriptPlan {
    let parts: Vec<Part<'_>> = reading.parts().collect();
    compile_all(reading.source(), parts.iter().flat_map(|part| part.iter()), options, &[], None)
}

fn compile_all<'a>(
    source: &'a Source<'a>,
    directives: impl Iterator<Item = &'a Directive>,
    options: &'a Options,
    keys: &[(Place, Key)],
    alter: Option<Alter>,
) -> ScriptPlan {
    let mut planner = Planner {
        source,
        options,
        alter,
        env: Env::new(),
        plan: ScriptPlan { name: source.name().to_owned(), ..ScriptPlan::default() },
        registered: HashMap::new(),
        spectest: Spectest::default(),
        batch: Vec::new(),
        handles: 0,
        is_threaded: false,
    };
    let (name, features) = (planner.plan.name.clone(), options.features.to_string());
    planner.plan.requests.begin(&name, &features);
    for (number, directive) in directives.enumerate() {
        planner.directive(number, directive, keys.get(number).map(|(_, key)| *key));
    }
    planner.flush();
    planner.plan.requests.end(&name);
    planner.plan
}

impl<'a> Planner<'a> {
    fn directive(&mut self, number: usize, directive: &'a Directive, key: Option<Key>) {
        let expected = self.options.expected.get(&number).and_then(|expectations| expectations.first());
        let skip = expected.filter(|expectation| expectation.outcome == Expected::Skip);
        let lines = self.options.lines.as_ref();
        let position = lines.map_or(Position::Within, |lines| lines.position(self.source, &directive.span));
        let is_left_out = self.options.left_out.contains(&number);
        if skip.is_some() {
            // Unbind the names that it would have bound.
            self.unbind(directive, Missing::Skipped(self.line(directive)));
        }
        let judged = position == Position::Within || is_left_out;
        let slot = judged.then_some(self.plan.directives.len());
        if judged {
            let now = self.plan.requests.len();
            self.plan.directives.push(Planned {
                place: self.source.place(directive.span.start),
                keyword: directive.command.keyword().to_owned(),
                key,
                number,
                source: self.source.slice(&directive.span).to_owned(),
                requests: now..now,
                after: Vec::new(),
                wrapper: None,
                want: Want::Skipped(skip.map(|skip| skip.reason.clone()).unwrap_or_default()),
            });
        }
        let is_run = match position {
            Position::Before => directive.command.has_effects(),
            Position::Within => true,
            Position::After => false,
        };
        if !is_run || is_left_out || skip.is_some() {
            return;
        }
        if let Some(step) = self.step(slot, directive) {
            self.set(slot, step);
        }
    }

    pub(super) fn set(&mut self, slot: Option<usize>, step: Step) {
        if let Some(planned) = slot.and_then(|slot| self.plan.directives.get_mut(slot)) {
            if !step.requests.is_empty() {
                planned.requests = step.requests;
            }
            planned.after = step.after;
            planned.want = step.want;
        }
    }

    /// The expectation, altered if requested.
    pub(super) fn want(&self, want: Want) -> Want {
        let Some(alter) = self.alter else { return want };
        match &want {
            Want::Returns(patterns) => match alter.patterns(patterns) {
                Some(patterns) => Want::Returns(patterns),
                None => want.altered(),
            },
            _ => want.altered(),
        }
    }

    fn line(&self, directive: &Directive) -> usize {
        self.source.line(directive.span.start)
    }

    /// The step of a directive; `None` for a call that is pending for its wrapper.
    fn step(&mut self, slot: Option<usize>, directive: &'a Directive) -> Option<Step> {
        let line = self.line(directive);
        let (action, want) = match &directive.command {
            Command::Action(action) => (action, Want::Done),
            Command::AssertReturn { action, results } => (action, Want::Returns(results.clone())),
            Command::AssertTrap { action, text } => (action, fails(ErrorKind::Trap, text)),
            Command::AssertExhaustion { action, text } => (action, fails(ErrorKind::Exhaustion, text)),
            Command::AssertException(action) => (action, Want::Throws),
            _ => {
                self.flush();
                return Some(self.other_step(directive, line));
            }
        };
        self.action(slot, action, want)
    }

    /// The step of a directive that is not an action.
    fn other_step(&mut self, directive: &Directive, line: usize) -> Step {
        match &directive.command {
            Command::Module(definition) => self.module(definition, line),
            Command::ModuleDefinition(definition) => match self.define(definition, line) {
                Ok(module) => self.done(module.made..module.made + 1, Vec::new()),
                Err(step) => step,
            },
            Command::ModuleInstance { instance, module } => {
                self.module_instance(instance.as_deref(), module.as_deref(), line)
            }
            Command::Register { name, instance } => self.register(name, instance.as_deref()),
            Command::AssertUninstantiable { instance, text } => {
                self.not_instantiable(instance, ErrorKind::Trap, text)
            }
            Command::AssertUnlinkable { instance, text } => {
                self.not_instantiable(instance, ErrorKind::Unlinkable, text)
            }
            Command::AssertMalformed { module, text } => self.refused(module, ErrorKind::Malformed, text),
            Command::AssertInvalid { module, text } => self.refused(module, ErrorKind::Invalid, text),
            Command::AssertMalformedCustom { .. } | Command::AssertInvalidCustom { .. } => {
                Step::without(not_applicable("custom sections and annotations are not tested in plans"))
            }
            Command::AssertSuspension { .. } => Step::without(not_applicable(
                "an unhandled suspension is not one of the errors that the protocol distinguishes",
            )),
            Command::Thread { .. } => {
                self.is_threaded = true;
                Step::without(not_applicable("threads are not supported in plans"))
            }
            Command::Wait { .. } => {
                Step::without(not_applicable("it waits for a thread, and threads are not supported in plans"))
            }
            Command::Unsupported { keyword } => {
                self.unbind(directive, Missing::Failed(line));
                Step::without(Want::Failed(Box::new(unsupported(keyword))))
            }
            Command::Malformed { message, offset } => {
                self.unbind(directive, Missing::Failed(line));
                let message = format!("{message} (at {})", self.source.place(*offset));
                let failure = Failure::new(FailureKind::MalformedDirective, message);
                Step::without(Want::Failed(Box::new(failure)))
            }
            // Actions are handled by the caller.
            _ => Step::without(Want::Done),
        }
    }

    /// Unbinds the names that the directive would have bound.
    fn unbind(&mut self, directive: &Directive, why: Missing) {
        let slice = self.source.slice(&directive.span);
        let Bindings { definitions, instances, registrations, .. } = Bindings::of(&directive.command, slice);
        self.env.unbind(&definitions, &instances, why);
        for name in self.env.unbind_registrations(registrations) {
            self.flush();
            if *name == *crate::spectest::NAME {
                self.spectest.give_up();
            }
            self.unregister(&name);
        }
    }

    fn unregister(&mut self, name: &str) {
        if self.registered.remove(name).is_some() {
            self.plan.requests.unregister(name);
        }
    }

    fn done(&self, requests: Range<usize>, after: Vec<usize>) -> Step {
        Step { requests, after, want: self.want(Want::Done) }
    }

    pub(super) fn handle(&mut self) -> u32 {
        self.handles += 1;
        self.handles - 1
    }

    /// Requests a module that will be instantiated, after defining its imports from `spectest`.
    fn compiled(&mut self, bytes: &[u8]) -> Module {
        let info = Info::read(bytes);
        for (from, item) in info.iter().flat_map(|info| &info.imports) {
            if **from == *crate::spectest::NAME {
                self.need_spectest(item);
            }
        }
        let handle = self.handle();
        let made = self.plan.requests.compile(handle, bytes);
        Module { handle, made, info }
    }

    /// Requests an instance of a module; also returns the requests that it depends on.
    fn instantiated(&mut self, module: &Rc<Module>) -> (Instance, Vec<usize>) {
        let after = self.imported(module);
        let handle = self.handle();
        let made = self.plan.requests.instantiate(handle, module.handle);
        (Instance { handle, made, module: Rc::clone(module) }, after)
    }

    /// The requests that registered what a module imports from.
    fn imported(&self, module: &Module) -> Vec<usize> {
        let Some(info) = &module.info else { return Vec::new() };
        let registered = |(from, item): &(Box<str>, Box<str>)| {
            let extension =
                self.spectest.extensions.get(&**item).filter(|_| **from == *crate::spectest::NAME);
            [self.registered.get(from).copied(), extension.copied()]
        };
        let mut after: Vec<usize> = info.imports.iter().flat_map(registered).flatten().collect();
        after.sort_unstable();
        after.dedup();
        after
    }

    /// Instantiates the module `spectest`, or additional items of it, unless the script registered
    /// its name.
    fn need_spectest(&mut self, item: &str) {
        let name = crate::spectest::NAME;
        if !self.spectest.is_made {
            self.spectest.is_made = true;
            let instance = self.provided(&spectest::base());
            let request = self.plan.requests.register(instance, name);
            self.registered.insert(name.into(), request);
            self.spectest.is_ours = true;
        }
        let features = self.options.features;
        let mut known = crate::spectest::items(features.contains("memory64"), features.contains("threads"));
        let is_new = self.spectest.is_ours && !self.spectest.extensions.contains_key(item);
        if is_new && spectest::is_extension(item) && known.any(|(known, _)| known == item) {
            let instance = self.provided(&spectest::extension(item));
            let request = self.plan.requests.extend(instance, name);
            self.spectest.extensions.insert(item.to_owned(), request);
        }
    }

    /// Requests an instance of a module without imports.
    fn provided(&mut self, module: &[u8]) -> u32 {
        let (compiled, instance) = (self.handle(), self.handle());
        self.plan.requests.compile(compiled, module);
        self.plan.requests.instantiate(instance, compiled);
        instance
    }

    fn bytes<'d>(&self, definition: &'d Definition) -> Result<std::borrow::Cow<'d, [u8]>, Want> {
        let bytes = definition.form.bytes_as(Grammar::of(self.options.features));
        bytes.map_err(|error| {
            let message = self.malformed(&definition.form, &error);
            Want::Known { kind: ErrorKind::Malformed, message, want: Box::new(Want::Done) }
        })
    }

    /// The message for malformed text, with its position.
    fn malformed(&self, form: &ModuleForm, error: &TextError) -> String {
        match form {
            ModuleForm::Quote(text) => {
                let text = String::from_utf8_lossy(text);
                let place = Source::new("", &text).place(error.offset);
                format!("{} (at {place} of the quoted text)", error.message)
            }
            _ => format!("{} (at {})", error.message, self.source.place(error.offset)),
        }
    }

    fn define(&mut self, definition: &Definition, line: usize) -> Result<Rc<Module>, Step> {
        let module = match self.bytes(definition) {
            Ok(bytes) => Ok(Rc::new(self.compiled(&bytes))),
            Err(want) => Err(Step::without(self.want(want))),
        };
        self.env.bind_module(definition.name.as_deref(), module.as_ref().map(Rc::clone).map_err(|_| line));
        module
    }

    fn module(&mut self, definition: &Definition, line: usize) -> Step {
        let module = self.define(definition, line);
        let name = definition.name.as_deref();
        match module {
            Ok(module) => {
                let (instance, after) = self.instantiated(&module);
                let step = self.done(module.made..module.made + 1, after);
                let requests = module.made..instance.made + 1;
                self.env.bind_instance(name, Ok(instance));
                Step { requests, ..step }
            }
            Err(step) => {
                self.env.bind_instance(name, Err(line));
                step
            }
        }
    }

    fn module_instance(&mut self, name: Option<&str>, module: Option<&str>, line: usize) -> Step {
        match self.env.module(module) {
            Ok(module) => {
                let (instance, mut after) = self.instantiated(&module);
                after.push(module.made);
                let step = self.done(instance.made..instance.made + 1, after);
                self.env.bind_instance(name, Ok(instance));
                step
            }
            Err(missing) => {
                self.env.bind_instance(name, Err(line));
                Step::without(no_definition(module, missing))
            }
        }
    }

    fn register(&mut self, name: &str, instance: Option<&str>) -> Step {
        let found = self.env.instance(instance);
        if *name == *crate::spectest::NAME {
            self.spectest.give_up();
        }
        // Remove the old registration, which must not be used instead.
        self.unregister(name);
        match found {
            Ok(instance) => {
                let request = self.plan.requests.register(instance.handle, name);
                self.registered.insert(name.into(), request);
                self.env.bind_registration(name);
                self.done(request..request + 1, vec![instance.made])
            }
            Err(missing) => Step::without(no_instance(instance, missing)),
        }
    }

    fn not_instantiable(&mut self, instantiation: &Instantiation, kind: ErrorKind, text: &str) -> Step {
        let want = Want::Fails {
            kind,
            text: Some(text.into()),
            written: Written::Binary,
            // Since 2.0 an out-of-bounds segment traps when it is written.
            superseded: kind == ErrorKind::Unlinkable && !self.options.features.contains("bulk-memory"),
        };
        match instantiation {
            Instantiation::Module(definition) => match self.bytes(definition) {
                Ok(bytes) => {
                    let module = Rc::new(self.compiled(&bytes));
                    let (instance, after) = self.instantiated(&module);
                    Step { requests: module.made..instance.made + 1, after, want: self.want(want) }
                }
                Err(known) => Step::without(self.want(with_want(known, want))),
            },
            Instantiation::Defined(name) => match self.env.module(name.as_deref()) {
                Ok(module) => {
                    let (instance, mut after) = self.instantiated(&module);
                    after.push(module.made);
                    Step { requests: instance.made..instance.made + 1, after, want: self.want(want) }
                }
                Err(missing) => Step::without(no_definition(name.as_deref(), missing)),
            },
        }
    }

    /// A module that must be rejected.
    fn refused(&mut self, definition: &Definition, kind: ErrorKind, text: &str) -> Step {
        match self.bytes(definition) {
            Ok(bytes) => {
                let superseded = is_superseded(&bytes, self.options.features);
                let handle = self.handle();
                let request = self.plan.requests.compile(handle, &bytes);
                let written = definition.form.written();
                let want = Want::Fails { kind, text: Some(text.into()), written, superseded };
                Step { requests: request..request + 1, after: Vec::new(), want: self.want(want) }
            }
            Err(_) if kind == ErrorKind::Malformed => Step::without(not_applicable(
                "the text of the module is malformed, which only a text parser can check",
            )),
            Err(known) => Step::without(self.want(with_want(known, fails(kind, text)))),
        }
    }
}

fn fails(kind: ErrorKind, text: &str) -> Want {
    Want::Fails { kind, text: Some(text.into()), written: Written::Binary, superseded: false }
}

/// Replaces the expectation of a known error.
fn with_want(known: Want, want: Want) -> Want {
    match known {
        Want::Known { kind, message, .. } => Want::Known { kind, message, want: Box::new(want) },
        other => other,
    }
}

fn no_definition(name: Option<&str>, missing: Missing) -> Want {
    Want::Failed(Box::new(no_such(FailureKind::NoSuchDefinition, "module", name, missing)))
}

/// Whether a module that is invalid under these features is valid with those of later versions and
/// proposals.
fn is_superseded(bytes: &[u8], features: Features) -> bool {
    let all = Features::names().map(flag).fold(flags(features), WasmFeatures::union);
    Validator::new_with_features(all).validate_all(bytes).is_ok()
}
