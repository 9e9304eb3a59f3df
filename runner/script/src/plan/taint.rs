//! Tracks instances whose state differs from the script because a directive was not performed.
//!
//! A module may write to the memory or the table of an instance that it imports from, and a call
//! may change its instance. If the engine rejects the module, or the call is not possible, later
//! directives on that instance may fail because of the different state, which says nothing about
//! them.

use std::collections::{HashMap, HashSet};

use super::model::{Planned, Reply, ScriptPlan, Want, Wrapped};
use crate::verdict::Apart;
use crate::wap::{Answer, Class};

/// The state of a script's instances, by the requests that created them.
#[derive(Debug, Default)]
pub(super) struct Taint {
    /// The instance of each registration.
    registered: HashMap<usize, usize>,
    /// The instances that an instance imports from.
    imports: HashMap<usize, Vec<usize>>,
    /// The instances whose state differs from the script.
    tainted: HashMap<usize, Missing>,
}

/// A directive on an instance that was not performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    line: usize,
    what: Entity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entity {
    /// A module that was rejected.
    Module,
    /// A call that was not possible, or that ended the engine.
    Call,
    /// A call that is not applicable to the way of driving the engine.
    NotApplicable,
}

impl Missing {
    /// The category of directives that fail after it.
    pub(super) fn apart(self) -> Apart {
        match self.what {
            Entity::Module | Entity::Call => Apart::Blocked,
            Entity::NotApplicable => Apart::NotApplicable,
        }
    }

    /// Describes what was not performed.
    pub(super) fn description(self) -> String {
        let Missing { line, what } = self;
        match what {
            Entity::Module => {
                format!("the module on line {line}, which may change its instance, was rejected")
            }
            Entity::Call => {
                format!("the call on line {line}, which may change its instance, was not performed")
            }
            Entity::NotApplicable => {
                format!("the call on line {line}, which may change its instance, is not applicable")
            }
        }
    }
}

impl Taint {
    /// Examines the replies of a script. `host` says whether the adapter supports host references.
    pub(super) fn of(plan: &ScriptPlan, replies: &[Reply], host: bool) -> Taint {
        let mut taint = Taint::default();
        for planned in &plan.directives {
            if let Some(what) = missing_call(planned, replies, host) {
                planned.after.first().into_iter().for_each(|instance| taint.add(*instance, planned, what));
                continue;
            }
            match (&*planned.keyword, planned.requests.clone().last(), planned.after.first()) {
                ("register", Some(request), Some(instance)) => {
                    taint.registered.insert(request, *instance);
                }
                ("register", ..) | (_, None, _) => {}
                (_, Some(_), _) if planned.wrapper.is_some() => {}
                (_, Some(request), _) => {
                    let from = |request: &usize| taint.registered.get(request).copied();
                    let from: Vec<usize> = planned.after.iter().filter_map(from).collect();
                    let (first, mut all) = (planned.requests.start, planned.requests.clone());
                    let refused = replies.get(first).is_some_and(is_refused);
                    if refused || all.any(|request| replies.get(request).is_some_and(is_not_done)) {
                        from.iter().for_each(|instance| taint.add(*instance, planned, Entity::Module));
                    }
                    taint.imports.insert(request, from);
                }
            }
        }
        taint
    }

    fn add(&mut self, instance: usize, planned: &Planned, what: Entity) {
        self.tainted.entry(instance).or_insert(Missing { line: planned.place.line, what });
    }

    /// The directive that was not performed on an instance, or on one that it shares state with,
    /// before this line.
    pub(super) fn before(&self, instance: usize, line: usize) -> Option<Missing> {
        let (mut seen, mut next) = (HashSet::new(), vec![instance]);
        while let Some(instance) = next.pop() {
            if !seen.insert(instance) {
                continue;
            }
            if let Some(missing) = self.tainted.get(&instance).filter(|missing| missing.line < line) {
                return Some(*missing);
            }
            next.extend(self.imports.get(&instance).into_iter().flatten());
        }
        None
    }
}

/// Whether a directive is a call that was not performed, and why. A call on a missing instance does
/// not count.
fn missing_call(planned: &Planned, replies: &[Reply], host: bool) -> Option<Entity> {
    let Some(Wrapped { made, host: needs_host, .. }) = &planned.wrapper else {
        let is_call = planned.requests.is_empty() && !planned.after.is_empty();
        return (is_call && matches!(planned.want, Want::NotApplicable(_))).then_some(Entity::NotApplicable);
    };
    if *needs_host && !host {
        return Some(Entity::NotApplicable);
    }
    match replies.get(*made)? {
        Reply::Answered(Answer::Ok(_)) => {
            let mut calls = planned.requests.clone();
            calls.any(|request| replies.get(request).is_some_and(is_not_done)).then_some(Entity::Call)
        }
        Reply::Answered(Answer::Error(Class::NoHandle, _)) | Reply::NotRun(_) => None,
        Reply::Answered(Answer::Error(Class::Unsupported, _)) | Reply::NotApplicable(_) => {
            Some(Entity::NotApplicable)
        }
        Reply::Answered(_) | Reply::Crashed(_) | Reply::TimedOut(_) | Reply::Broken(_) => Some(Entity::Call),
    }
}

/// Whether a module was rejected, or depends on one that was.
fn is_refused(reply: &Reply) -> bool {
    use Class::{Compile, Invalid, Malformed, NoHandle};
    is_not_done(reply)
        || matches!(reply, Reply::Answered(Answer::Error(Compile | Malformed | Invalid | NoHandle, _)))
}

/// Whether the engine did not perform a request, for a reason outside the script.
fn is_not_done(reply: &Reply) -> bool {
    match reply {
        Reply::Answered(answer) => matches!(answer, Answer::Error(Class::Unsupported | Class::Limit, _)),
        Reply::Crashed(_) | Reply::TimedOut(_) | Reply::Broken(_) => true,
        Reply::NotRun(_) | Reply::NotApplicable(_) => false,
    }
}
