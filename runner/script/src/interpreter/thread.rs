//! The threads of a script (`thread` and `wait` of the reference interpreter for the threads
//! proposal).

use std::sync::Arc;
use std::thread::{self, Scope};

use wassay_terms::Deadline;

use super::judged::Judged;
use super::run::Interpreter;
use super::threads::{Running, STACK};
use crate::embed::{EmbedError, Embedder, ErrorKind};
use crate::failures::{no_such, unexpected};
use crate::model::{Directive, Name};
use crate::options::Options;
use crate::source::{Place, Source, Span};
use crate::verdict::{Failure, FailureKind};

/// The body of a new thread.
struct Body<'scope, 'env, E: Embedder> {
    embedder: E,
    instances: Vec<(Name, E::Instance)>,
    directives: Arc<[Directive]>,
    options: &'env Options,
    source: &'env Source<'env>,
    deadline: Option<Deadline>,
    scope: &'scope Scope<'scope, 'env>,
}

impl<'scope, 'env, E: Embedder> Interpreter<'_, 'scope, 'env, E> {
    pub(super) fn start_thread(
        &mut self,
        (name, shared, directives): (&Name, &[Name], &Arc<[Directive]>),
        span: &Span,
    ) -> Result<Judged, Failure> {
        let line = self.source.line(span.start);
        let started = self.spawn((name, shared, directives), span);
        let number = self.threads.running.len();
        self.threads.named.bind(Some(name), started.as_ref().map(|_| number).map_err(|_| line));
        self.threads.running.push(Some(started?));
        Ok(Judged::Fully)
    }

    fn spawn(
        &mut self,
        (name, shared, directives): (&Name, &[Name], &Arc<[Directive]>),
        span: &Span,
    ) -> Result<Running<'scope>, Failure> {
        let instances = shared.iter().map(|name| self.instance(Some(name))).collect::<Result<Vec<_>, _>>()?;
        let begun = self.embedder.begin_thread(&instances);
        let (embedder, instances) = begun.map_err(|error| unexpected(&error))?;
        let instances = shared.iter().cloned().zip(instances).collect();
        let directives = Arc::clone(directives);
        let (options, source, scope) = (self.options, self.source, self.threads.scope);
        let deadline = self.deadline;
        let body = Body { embedder, instances, directives, options, source, deadline, scope };
        let thread = thread::Builder::new().name(format!("script-${name}")).stack_size(STACK);
        let handle = thread.spawn_scoped(scope, move || body.run()).map_err(|error| {
            unexpected(&EmbedError::new(ErrorKind::Limit, format!("cannot start a thread: {error}")))
        })?;
        let (place, text) = (self.source.place(span.start), self.source.slice(span));
        Ok(Running { place, text, handle })
    }

    /// Waits for the thread of that name.
    pub(super) fn wait(&mut self, name: &str) -> Result<Judged, Failure> {
        // The thread used the engine, so this directive did.
        self.embedder.note();
        let number = self
            .threads
            .named
            .get(Some(name))
            .map_err(|missing| no_such(FailureKind::NoSuchThread, "thread", Some(name), missing))?;
        match self.threads.running.get_mut(number).and_then(Option::take) {
            Some(thread) => thread.join(),
            None => {
                let message = format!("no thread `${name}`: it was already waited for");
                Err(Failure::new(FailureKind::NoSuchThread, message))
            }
        }
    }
}

impl<'scope, 'env, E: Embedder> Body<'scope, 'env, E> {
    /// Runs the directives. If one fails, the thread fails, but the others still run until the
    /// deadline.
    fn run(mut self) -> Result<Judged, Failure> {
        let mut interpreter =
            Interpreter::new(&mut self.embedder, self.options, (self.source, self.deadline), self.scope);
        for (name, instance) in self.instances {
            interpreter.env.bind_instance(Some(&name), Ok(instance));
        }
        let (mut judged, mut failures) = (Judged::Fully, Vec::new());
        for directive in self.directives.iter() {
            match interpreter.judge(directive) {
                Ok(more) => judged = judged.max(more),
                Err(failure) => {
                    let ends = failure.kind.is_timeout() || self.options.fail_fast;
                    failures.push((self.source.place(directive.span.start), failure));
                    if ends {
                        break;
                    }
                }
            }
        }
        failures.extend(interpreter.threads.join_all());
        first_of(failures).map_or(Ok(judged), Err)
    }
}

/// The first failure of a thread, with its position and the number of others.
fn first_of(failures: Vec<(Place, Failure)>) -> Option<Failure> {
    let others = match failures.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more directives of the thread failed)", count - 1),
    };
    let (place, failure) = failures.into_iter().next()?;
    let message = format!("at {place} of the thread: {}{others}", failure.message);
    Some(Failure { message, ..failure })
}
