//! Which instances are not what the script made of them, since something that was to act on them
//! was not carried out.
//!
//! A module may write to the memory or the table of an instance that it imports from, when it is
//! instantiated or called, and a call may change its instance. Where the engine refuses the module,
//! or the call cannot be made, later directives on that instance meet another state than the script
//! says, which is no fault of theirs.

use std::collections::{HashMap, HashSet};

use super::model::{Planned, Reply, ScriptPlan, Want, Wrapped};
use crate::verdict::Apart;
use crate::wap::{Answer, Class};

/// What is known of the instances of a script, by the requests that made them.
#[derive(Debug, Default)]
pub(super) struct Taint {
    /// The instance that each registration is of.
    registered: HashMap<usize, usize>,
    /// The instances that an instance imports from.
    imports: HashMap<usize, Vec<usize>>,
    /// The instances whose state is not as the script says.
    tainted: HashMap<usize, Missing>,
}

/// A directive that was to act on an instance and was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    line: usize,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A module that was refused.
    Module,
    /// A call that could not be made, or that ended the engine.
    Call,
    /// A call that cannot be asked of the engine in the way that it is driven.
    NotApplicable,
}

impl Missing {
    /// Why directives that fail after it say nothing about the engine.
    pub(super) fn apart(self) -> Apart {
        match self.what {
            What::Module | What::Call => Apart::Blocked,
            What::NotApplicable => Apart::NotApplicable,
        }
    }

    /// What was not done, in words.
    pub(super) fn told(self) -> String {
        let Missing { line, what } = self;
        match what {
            What::Module => format!("the module on line {line} was to act on its instance"),
            What::Call => {
                format!("the call on line {line} was to act on its instance, and was not carried out")
            }
            What::NotApplicable => {
                format!("the call on line {line}, which is not applicable, was to act on its instance")
            }
        }
    }
}

impl Taint {
    /// Looks through a script's replies. `host` says whether the adapter has references of the
    /// host.
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
                        from.iter().for_each(|instance| taint.add(*instance, planned, What::Module));
                    }
                    taint.imports.insert(request, from);
                }
            }
        }
        taint
    }

    fn add(&mut self, instance: usize, planned: &Planned, what: What) {
        self.tainted.entry(instance).or_insert(Missing { line: planned.place.line, what });
    }

    /// What was to act on an instance before this line, or on one that it shares something with.
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

/// Whether a directive is a call that was not carried out, and in which way. Where its instance is
/// missing there is nothing to act on.
fn missing_call(planned: &Planned, replies: &[Reply], host: bool) -> Option<What> {
    let Some(Wrapped { made, host: needs_host, .. }) = &planned.wrapper else {
        let is_call = planned.requests.is_empty() && !planned.after.is_empty();
        return (is_call && matches!(planned.want, Want::NotApplicable(_))).then_some(What::NotApplicable);
    };
    if *needs_host && !host {
        return Some(What::NotApplicable);
    }
    match replies.get(*made)? {
        Reply::Answered(Answer::Ok(_)) => {
            let mut calls = planned.requests.clone();
            calls.any(|request| replies.get(request).is_some_and(is_not_done)).then_some(What::Call)
        }
        Reply::Answered(Answer::Error(Class::NoHandle, _)) | Reply::NotRun(_) => None,
        Reply::Answered(Answer::Error(Class::Unsupported, _)) | Reply::NotApplicable(_) => {
            Some(What::NotApplicable)
        }
        Reply::Answered(_) | Reply::Crashed(_) | Reply::TimedOut(_) | Reply::Broken(_) => Some(What::Call),
    }
}

/// Whether a module was refused, or could not be compiled for lack of one before.
fn is_refused(reply: &Reply) -> bool {
    use Class::{Compile, Invalid, Malformed, NoHandle};
    is_not_done(reply)
        || matches!(reply, Reply::Answered(Answer::Error(Compile | Malformed | Invalid | NoHandle, _)))
}

/// Whether the engine did not carry out a request, for no reason that the script knows.
fn is_not_done(reply: &Reply) -> bool {
    match reply {
        Reply::Answered(answer) => matches!(answer, Answer::Error(Class::Unsupported | Class::Limit, _)),
        Reply::Crashed(_) | Reply::TimedOut(_) | Reply::Broken(_) => true,
        Reply::NotRun(_) | Reply::NotApplicable(_) => false,
    }
}
