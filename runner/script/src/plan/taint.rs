//! Which instances are not what the script made of them, since a module that was to act on them did not compile.
//!
//! A module may write to the memory or the table of an instance that it imports from, when it is instantiated or called. Where the engine
//! refuses the module, later directives on that instance meet another state than the script says, which is no fault of theirs.

use std::collections::{HashMap, HashSet};

use super::{Reply, ScriptPlan};
use crate::wap::{Answer, Class};

/// What is known of the instances of a script, by the requests that made them.
#[derive(Debug, Default)]
pub(super) struct Taint {
    /// The instance that each registration is of.
    registered: HashMap<usize, usize>,
    /// The instances that an instance imports from.
    imports: HashMap<usize, Vec<usize>>,
    /// The instances whose state is not as the script says, with the line of the module that was refused.
    tainted: HashMap<usize, usize>,
}

impl Taint {
    /// Looks through a script's replies.
    pub(super) fn of(plan: &ScriptPlan, replies: &[Reply]) -> Taint {
        let mut taint = Taint::default();
        for planned in &plan.directives {
            match (&*planned.keyword, planned.requests.clone().last(), planned.after.first()) {
                ("register", Some(request), Some(instance)) => {
                    taint.registered.insert(request, *instance);
                }
                ("register", ..) | (_, None, _) => {}
                (_, Some(_), _) if planned.wrapper.is_some() => {}
                (_, Some(request), _) => {
                    let from = |request: &usize| taint.registered.get(request).copied();
                    let from: Vec<usize> = planned.after.iter().filter_map(from).collect();
                    let first = replies.get(planned.requests.start);
                    if first.is_some_and(is_refused) {
                        let line = planned.place.line;
                        from.iter().for_each(|instance| {
                            taint.tainted.entry(*instance).or_insert(line);
                        });
                    }
                    taint.imports.insert(request, from);
                }
            }
        }
        taint
    }

    /// The line of the module that was to act on an instance before this line, or on one that it shares something with.
    pub(super) fn line(&self, instance: usize, before: usize) -> Option<usize> {
        let (mut seen, mut next) = (HashSet::new(), vec![instance]);
        while let Some(instance) = next.pop() {
            if !seen.insert(instance) {
                continue;
            }
            if let Some(line) = self.tainted.get(&instance).filter(|line| **line < before) {
                return Some(*line);
            }
            next.extend(self.imports.get(&instance).into_iter().flatten());
        }
        None
    }
}

/// Whether a module was refused, or could not be compiled for lack of one before.
fn is_refused(reply: &Reply) -> bool {
    use Class::{Compile, Invalid, Limit, Malformed, NoHandle, Unsupported};
    matches!(
        reply,
        Reply::Answered(Answer::Error(Compile | Malformed | Invalid | Unsupported | Limit | NoHandle, _))
    )
}
