//! Runs the directives of a script.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, Scope};

use wassay_terms::Deadline;
use wassay_testsuite::conditions::Dialect;
use wassay_testsuite::expectation::{Expectation, Expected};

use super::asked::Asked;
use super::dialect;
use super::judged::Judged;
use super::threads::Threads;
use crate::binds::Bindings;
use crate::embed::{EmbedError, Embedder, ErrorKind, Location, Results};
use crate::env::{Env, Missing};
use crate::failures::{interrupt, no_such, unexpected, unsupported};
use crate::model::{Action, Command, Definition, Directive, Instantiation, ModuleForm, Script, TextError};
use crate::options::{Options, Position};
use crate::parse::parse_as;
use crate::reading::{Parts, too_large_to_parse};
use crate::source::{Source, SourceError};
use crate::text::Grammar;
use crate::tokens::tokens;
use crate::verdict::{DirectiveResult, Directives, Failure, FailureKind, Outcome, ScriptResult};
use crate::wanted::hint;

/// Parses and runs a script.
///
/// # Errors
///
/// The text cannot be split into forms. Errors of single directives are in the result.
pub fn run_script<E: Embedder>(
    name: &str,
    text: &str,
    options: &Options,
    embedder: &mut E,
) -> Result<ScriptResult, SourceError> {
    let script = parse_as(Source::new(name, text), Grammar::of(options.features))?;
    Ok(run(&script, options, embedder))
}

/// Runs a parsed script, after [`begin`](Embedder::begin) of the embedder.
pub fn run<E: Embedder>(script: &Script<'_>, options: &Options, embedder: &mut E) -> ScriptResult {
    run_parts(&script.source, SinglePart(Some(&script.directives)), options, embedder)
}

/// An iterator over directives in parts.
pub(crate) trait InParts: Iterator<Item: Deref<Target = [Directive]>> {
    /// The number of remaining directives.
    fn remaining(&self) -> usize;
}

impl InParts for Parts<'_> {
    fn remaining(&self) -> usize {
        Parts::remaining(self)
    }
}

/// Directives in a single part.
struct SinglePart<'a>(Option<&'a [Directive]>);

impl<'a> Iterator for SinglePart<'a> {
    type Item = &'a [Directive];

    fn next(&mut self) -> Option<&'a [Directive]> {
        self.0.take()
    }
}

impl InParts for SinglePart<'_> {
    fn remaining(&self) -> usize {
        self.0.map_or(0, <[Directive]>::len)
    }
}

/// Like [`run`], for directives in parts.
pub(crate) fn run_parts<E: Embedder>(
    source: &Source<'_>,
    mut parts: impl InParts,
    options: &Options,
    embedder: &mut E,
) -> ScriptResult {
    embedder.limit_memory(options.max_memory);
    embedder.canonicalize_nans(options.nan_canonicalization);
    let deadline = options.timeout.and_then(Deadline::after);
    let begun = embedder.begin(options.features, deadline.map(Deadline::instant));
    let begun = begun.and_then(|()| dialect::begin(embedder, options.dialect));
    // The scope joins every thread that the script starts.
    thread::scope(|scope| {
        let mut interpreter = Interpreter::new(embedder, options, (source, deadline), scope);
        let mut run = Run {
            result: ScriptResult { name: source.name().to_owned(), directives: Directives::default() },
            begun,
            ended: None,
            number: 0,
        };
        'script: while let Some(part) = parts.next() {
            for (number, directive) in part.iter().enumerate() {
                let rest = || part.len() - number + parts.remaining();
                if run.is_to_be_counted(options) {
                    run.count(rest());
                    break 'script;
                }
                run.directive(&mut interpreter, directive);
            }
        }
        let mut result = run.result;
        result.fail_at(interpreter.threads.join_all());
        options.observer.iter().for_each(|observer| observer.ended());
        result
    })
}

/// The main thread of a script.
struct Run {
    result: ScriptResult,
    /// Whether the embedder could begin.
    begun: Result<(), EmbedError>,
    ended: Option<End>,
    /// The index of the next directive.
    number: usize,
}

impl Run {
    /// Runs a directive, and judges it if it is selected.
    fn directive<E: Embedder>(
        &mut self,
        interpreter: &mut Interpreter<'_, '_, '_, E>,
        directive: &Directive,
    ) {
        let (options, source, number) = (interpreter.options, interpreter.source, self.number);
        self.number += 1;
        let expectations = options.expected.get(&number).map_or(&[][..], Vec::as_slice);
        let skip = expectations.first().filter(|expectation| expectation.outcome == Expected::Skip);
        // After the end of the script, directives are not observed.
        if let Some(observer) = options.observer.as_ref().filter(|_| self.ended.is_none()) {
            observer.begins(source.place(directive.span.start));
        }
        if options.left_out.contains(&number) {
            self.result.directives.push(interpreter.result(directive, Outcome::Skipped(String::new())));
            return;
        }
        if skip.is_some() {
            // Unbind the names that it would have bound.
            interpreter.unbind(directive, Missing::Skipped(source.line(directive.span.start)));
        }
        let position = options.lines.as_ref().map(|lines| lines.position(source, &directive.span));
        match position.unwrap_or(Position::Within) {
            Position::Before if directive.command.has_effects() && skip.is_none() && self.begun.is_ok() => {
                // Run it unchecked, for its effects.
                let _ = interpreter.judge(directive);
            }
            Position::Before | Position::After => {}
            Position::Within => self.within(interpreter, directive, expectations),
        }
    }

    /// Whether the remaining directives are only counted: there may be millions after a timeout.
    fn is_to_be_counted(&self, options: &Options) -> bool {
        let is_all_alike =
            options.lines.is_none() && options.left_out.is_empty() && options.expected.is_empty();
        self.ended.is_some() && self.result.directives.is_full() && is_all_alike
    }

    /// Counts directives that were not reached.
    fn count(&mut self, directives: usize) {
        if let Some(end) = self.ended {
            self.result.directives.push_unlisted(&end.outcome(""), directives as u64);
        }
    }

    /// Judges a directive.
    fn within<E: Embedder>(
        &mut self,
        interpreter: &mut Interpreter<'_, '_, '_, E>,
        directive: &Directive,
        expectations: &[Arc<Expectation>],
    ) {
        let options = interpreter.options;
        let skip = expectations.first().filter(|expectation| expectation.outcome == Expected::Skip);
        let verdict = match (&self.begun, self.ended, skip) {
            (_, _, Some(skip)) => interpreter.result(directive, Outcome::Skipped(skip.reason.clone())),
            (_, Some(end), _) => interpreter.not_reached(directive, end),
            (Ok(()), None, _) => {
                interpreter.embedder.take();
                let judged = interpreter.judge(directive);
                let reader_only = judged.is_ok() && !interpreter.embedder.take();
                DirectiveResult { reader_only, ..interpreter.verdict(directive, judged) }
            }
            (Err(error), None, _) => interpreter.verdict(directive, Err(unexpected(error))),
        };
        let observer = options.observer.as_ref().filter(|_| self.ended.is_none());
        let outcome = verdict.outcome.under(expectations);
        self.ended = self.ended.or_else(|| End::after(&outcome, options));
        // An unexpected pass does not count as a pass, however it was judged.
        let passed = matches!(outcome, Outcome::Passed);
        let text_not_compared = passed && verdict.text_not_compared;
        let (reader_only, coarse) = (passed && verdict.reader_only, passed && verdict.coarse);
        let directive = DirectiveResult { outcome, text_not_compared, reader_only, coarse, ..verdict };
        if let Some(observer) = observer {
            observer.judged(&directive);
        }
        self.result.directives.push(directive);
    }
}

/// The maximum memory for parsing per byte of a module's text: smaller texts need no check.
const OF_BYTE: u64 = 250;

/// Why a run ended before its last directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    FirstFailure,
    Timeout,
}

impl End {
    fn after(outcome: &Outcome, options: &Options) -> Option<End> {
        match outcome {
            Outcome::Failed(failure) | Outcome::ExpectedFailure(failure, _) if failure.kind.is_timeout() => {
                Some(End::Timeout)
            }
            Outcome::Failed(_) if options.fail_fast => Some(End::FirstFailure),
            _ => None,
        }
    }

    /// The outcome of a directive that was not reached.
    fn outcome(self, source: &str) -> Outcome {
        match self {
            End::Timeout => Outcome::Failed(Box::new(Failure {
                source: source.into(),
                ..Failure::new(FailureKind::NotRun, "the script timed out earlier")
            })),
            End::FirstFailure => Outcome::Skipped("not run because of the first failure".to_owned()),
        }
    }
}

/// A thread of a running script: the embedder belongs to this thread, the rest is shared.
pub(super) struct Interpreter<'a, 'scope, 'env, E: Embedder> {
    pub(super) embedder: Asked<'a, E>,
    pub(super) env: Env<E::Module, E::Instance>,
    pub(super) options: &'env Options,
    pub(super) source: &'env Source<'env>,
    /// The deadline of the script.
    pub(super) deadline: Option<Deadline>,
    pub(super) threads: Threads<'scope, 'env>,
}

impl<'a, 'scope, 'env, E: Embedder> Interpreter<'a, 'scope, 'env, E> {
    pub(super) fn new(
        embedder: &'a mut E,
        options: &'env Options,
        (source, deadline): (&'env Source<'env>, Option<Deadline>),
        scope: &'scope Scope<'scope, 'env>,
    ) -> Self {
        let embedder = Asked::new(embedder);
        Interpreter { embedder, env: Env::new(), options, source, deadline, threads: Threads::new(scope) }
    }

    pub(super) fn judge(&mut self, directive: &Directive) -> Result<Judged, Failure> {
        if self.deadline.is_some_and(Deadline::is_over) {
            // Not all directives involve the engine, which would report the timeout.
            return Err(unexpected(&interrupt()));
        }
        let line = self.source.line(directive.span.start);
        match &directive.command {
            Command::Module(definition) => self.module(definition, line),
            Command::ModuleDefinition(definition) => {
                self.module_definition(definition, line).map(|_| Judged::Fully)
            }
            Command::ModuleInstance { instance, module } => {
                self.module_instance(instance.as_deref(), module.as_deref(), line)
            }
            Command::Register { name, instance } => self.register(name, instance.as_deref(), line),
            Command::Action(action) => self.plain_action(action),
            Command::AssertReturn { action, results } => self.assert_return(action, results),
            Command::AssertTrap { action, text } => self.assert_failing(action, ErrorKind::Trap, Some(text)),
            Command::AssertExhaustion { action, text } => {
                self.assert_failing(action, ErrorKind::Exhaustion, Some(text))
            }
            Command::AssertSuspension { action, text } => {
                self.assert_failing(action, ErrorKind::Suspension, Some(text))
            }
            Command::AssertException(action) => self.assert_failing(action, ErrorKind::Exception, None),
            Command::AssertUninstantiable { instance, text } => {
                self.assert_not_instantiable(instance, ErrorKind::Trap, text)
            }
            Command::AssertUnlinkable { instance, text } => {
                self.assert_not_instantiable(instance, ErrorKind::Unlinkable, text)
            }
            Command::AssertMalformed { module, text } => self.assert_malformed(module, text),
            Command::AssertInvalid { module, text } => self.assert_invalid(module, text),
            Command::AssertMalformedCustom { module, text } => self.assert_malformed_custom(module, text),
            Command::AssertInvalidCustom { module, text } => self.assert_invalid_custom(module, text),
            Command::Thread { name, shared, directives } => {
                self.start_thread((name, shared, directives), &directive.span)
            }
            Command::Wait { thread } => self.wait(thread),
            Command::Unsupported { keyword } => {
                self.unbind(directive, Missing::Failed(line));
                Err(unsupported(keyword))
            }
            Command::Malformed { message, offset } => {
                self.unbind(directive, Missing::Failed(line));
                let message = format!("{message} (at {})", self.source.place(*offset));
                Err(Failure::new(FailureKind::MalformedDirective, message))
            }
        }
    }

    /// Unbinds the names that the directive would have bound.
    fn unbind(&mut self, directive: &Directive, why: Missing) {
        let Bindings { definitions, instances, registrations, threads } =
            Bindings::of(&directive.command, self.source.slice(&directive.span));
        self.env.unbind(&definitions, &instances, why);
        self.threads.unbind(&threads, why);
        for name in self.env.unbind_registrations(registrations) {
            // Ignore errors: the directive itself fails or is skipped anyway.
            let _ = self.embedder.register(&name, None);
        }
    }

    fn verdict(&self, directive: &Directive, judged: Result<Judged, Failure>) -> DirectiveResult {
        let text_not_compared = matches!(judged, Ok(Judged::ByKindAlone | Judged::Coarsely));
        let coarse = matches!(judged, Ok(Judged::Coarsely));
        let outcome = match (self.apart(&directive.command, judged.as_ref().err()), judged) {
            (Some((apart, why)), _) => Outcome::Apart(apart, why),
            (None, Ok(_)) => Outcome::Passed,
            (None, Err(failure)) => {
                let source = self.source.slice(&directive.span).to_owned();
                Outcome::Failed(Box::new(Failure { source: source.into(), ..failure }))
            }
        };
        DirectiveResult { text_not_compared, coarse, ..self.result(directive, outcome) }
    }

    fn result(&self, directive: &Directive, outcome: Outcome) -> DirectiveResult {
        let place = self.source.place(directive.span.start);
        DirectiveResult {
            place,
            keyword: directive.command.keyword().into(),
            outcome,
            text_not_compared: false,
            reader_only: false,
            coarse: false,
        }
    }

    fn not_reached(&self, directive: &Directive, end: End) -> DirectiveResult {
        self.result(directive, end.outcome(self.source.slice(&directive.span)))
    }

    fn module(&mut self, definition: &Definition, line: usize) -> Result<Judged, Failure> {
        let name = definition.name.as_deref();
        let instance = self
            .module_definition(definition, line)
            .and_then(|module| self.embedder.instantiate(&module).map_err(|error| unexpected(&error)));
        self.bind_instance(name, instance, line)
    }

    fn module_definition(&mut self, definition: &Definition, line: usize) -> Result<Rc<E::Module>, Failure> {
        let module = self.compile(definition).map(Rc::new);
        self.env.bind_module(definition.name.as_deref(), module.as_ref().map(Rc::clone).map_err(|_| line));
        module.map_err(|error| self.with_hint(unexpected(&error), definition, error.kind))
    }

    /// The failure of a module that did not compile, with a hint about missing features.
    pub(super) fn with_hint(
        &self,
        mut failure: Failure,
        definition: &Definition,
        kind: ErrorKind,
    ) -> Failure {
        let may_lack = matches!(
            kind,
            ErrorKind::Malformed | ErrorKind::Invalid | ErrorKind::Refused | ErrorKind::Unsupported
        );
        if may_lack && let Ok(bytes) = self.bytes_of(&definition.form, Grammar::default()) {
            failure.message.push_str(&hint(&bytes, self.options.features, self.deadline).unwrap_or_default());
        }
        failure
    }

    fn module_instance(
        &mut self,
        name: Option<&str>,
        module: Option<&str>,
        line: usize,
    ) -> Result<Judged, Failure> {
        let instance = self
            .defined(module)
            .and_then(|module| self.embedder.instantiate(&module).map_err(|error| unexpected(&error)));
        self.bind_instance(name, instance, line)
    }

    fn bind_instance(
        &mut self,
        name: Option<&str>,
        instance: Result<E::Instance, Failure>,
        line: usize,
    ) -> Result<Judged, Failure> {
        self.env.bind_instance(name, instance.as_ref().map_or(Err(line), |instance| Ok(instance.clone())));
        let instance = instance?;
        if let Some(name) = name.filter(|_| self.options.dialect == Dialect::Wasmtime) {
            self.embedder.register(name, Some(&instance)).map_err(|error| unexpected(&error))?;
            self.env.bind_registration(name);
        }
        Ok(Judged::Fully)
    }

    fn register(&mut self, name: &str, instance: Option<&str>, line: usize) -> Result<Judged, Failure> {
        let found = self.instance(instance);
        // Remove the old registration, which must not be used instead.
        let registered = self.embedder.register(name, found.as_ref().ok());
        if registered.is_err() {
            let _ = self.embedder.register(name, None);
        }
        let registered = found.and(registered.map_err(|error| unexpected(&error)));
        match &registered {
            Ok(()) => self.env.bind_registration(name),
            Err(_) => self.env.fail_registration(name, line),
        }
        registered.map(|()| Judged::Fully)
    }

    fn plain_action(&mut self, action: &Action) -> Result<Judged, Failure> {
        match self.act(action)? {
            Ok(_) => Ok(Judged::Fully),
            Err(error) => Err(unexpected(&error)),
        }
    }

    /// Performs an action on the instance that it names.
    pub(super) fn act(&mut self, action: &Action) -> Result<Result<Results, EmbedError>, Failure> {
        let instance = self.instance(action.instance())?;
        Ok(match action {
            Action::Invoke { export, arguments, .. } => self.embedder.invoke(&instance, export, arguments),
            Action::Get { export, .. } => {
                self.embedder.global(&instance, export).map(|value| Results::from_elem(value, 1))
            }
        })
    }

    /// Compiles the module that an assertion instantiates, or finds an earlier definition.
    pub(super) fn instantiable(
        &mut self,
        instantiation: &Instantiation,
    ) -> Result<Result<Rc<E::Module>, EmbedError>, Failure> {
        match instantiation {
            Instantiation::Module(definition) => Ok(self.compile(definition).map(Rc::new)),
            Instantiation::Defined(name) => self.defined(name.as_deref()).map(Ok),
        }
    }

    /// Compiles a module; malformed text is an error like malformed bytes.
    pub(super) fn compile(&mut self, definition: &Definition) -> Result<E::Module, EmbedError> {
        if let (ModuleForm::Quote(text), Some(limit)) = (&definition.form, self.options.max_memory)
            && text.len() as u64 > limit / OF_BYTE
            && let Ok(text) = std::str::from_utf8(text)
            && let Some(message) = too_large_to_parse(tokens(text).count(), Some(limit))
        {
            return Err(EmbedError::new(ErrorKind::Limit, message));
        }
        let bytes = self.bytes_of(&definition.form, Grammar::of(self.options.features))?;
        self.embedder.compile(&bytes)
    }

    /// The error for malformed text, with its position.
    pub(super) fn malformed_text(&self, form: &ModuleForm, error: TextError) -> EmbedError {
        let location = match form {
            ModuleForm::Quote(text) => {
                let text = String::from_utf8_lossy(text);
                Location::Quoted(Source::new("", &text).place(error.offset))
            }
            ModuleForm::Text(_) | ModuleForm::Binary(_) => Location::Source(self.source.place(error.offset)),
        };
        EmbedError::new(ErrorKind::Malformed, error.message).at(Some(location))
    }

    pub(super) fn instance(&self, name: Option<&str>) -> Result<E::Instance, Failure> {
        self.env
            .instance(name)
            .map_err(|missing| no_such(FailureKind::NoSuchInstance, "instance", name, missing))
    }

    fn defined(&self, name: Option<&str>) -> Result<Rc<E::Module>, Failure> {
        self.env
            .module(name)
            .map_err(|missing| no_such(FailureKind::NoSuchDefinition, "module", name, missing))
    }
}
