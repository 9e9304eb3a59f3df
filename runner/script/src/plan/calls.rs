//! Plans the calls of a script: calls on the same instance are collected into one wrapper, also if
//! calls on other instances come between them. An engine takes longer to compile several wrappers
//! than one with the same calls.

use std::collections::BTreeMap;

use super::model::{ResultType, Want, Wrapped};
use super::module::{self, Foreign, Info, Passed};
use super::planner::{Pending, Planner, Step, no_instance, not_applicable};
use super::wrapper::{self, Call, Item, NOTED, Needs, Wanted};
use crate::embed::ErrorKind;
use crate::model::Action;
use crate::value::Value;

/// The maximum number of calls that wrappers are made for at once.
const MOST_ITEMS: usize = 400;

impl<'a> Planner<'a> {
    /// Plans a call, or returns the step for a call that is impossible.
    pub(super) fn action(&mut self, slot: Option<usize>, action: &'a Action, want: Want) -> Option<Step> {
        if self.is_threaded {
            let why = "it depends on a thread of the script, and threads are not supported in plans";
            return Some(Step::without(not_applicable(why)));
        }
        let instance = match self.env.instance(action.instance()) {
            Ok(instance) => instance,
            Err(missing) => return Some(Step::without(no_instance(action.instance(), missing))),
        };
        let want = self.want(want);
        let step = |want| Step { requests: 0..0, after: vec![instance.made], want };
        let Some(info) = &instance.module.info else {
            return Some(step(not_applicable("the module cannot be parsed for a wrapper")));
        };
        match call(info, action) {
            Ok((export, call)) => {
                if self.batch.len() >= MOST_ITEMS {
                    self.flush();
                }
                self.batch.push(Pending { slot, instance, export, call, want });
                None
            }
            Err(None) => {
                Some(step(not_applicable("a type of the function or global is not supported in wrappers")))
            }
            Err(Some((kind, message))) => Some(step(Want::Known { kind, message, want: Box::new(want) })),
        }
    }

    /// Adds the wrappers of the pending calls, and the calls in their order.
    pub(super) fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let mut wrappers: BTreeMap<Of, Vec<&Pending<'_>>> = BTreeMap::new();
        let mut places = Vec::with_capacity(batch.len());
        for pending in &batch {
            let of = (pending.instance.handle, pending.item().needs());
            let calls = wrappers.entry(of).or_default();
            places.push((of, calls.len()));
            calls.push(pending);
        }
        let made: BTreeMap<Of, Made> =
            wrappers.iter().map(|(of, calls)| (*of, self.wrapper(of.1, calls))).collect();
        let mut calls = Vec::with_capacity(batch.len());
        for (of, index) in &places {
            let handle = made.get(of).map_or(0, |made| made.handle);
            calls.push(self.plan.requests.call(handle, &index.to_string()));
        }
        let mut noted = BTreeMap::new();
        for (of, made) in &made {
            let first = self.plan.requests.len();
            for name in NOTED.iter().take(made.words) {
                self.plan.requests.call(made.handle, name);
            }
            noted.insert(*of, first..self.plan.requests.len());
        }
        for ((pending, (of, _)), request) in batch.iter().zip(&places).zip(calls) {
            let (Some(made), Some(noted)) = (made.get(of), noted.get(of)) else { continue };
            let results = pending.item().results().iter().map(|ty| result_type(*ty)).collect();
            let wrapped = Wrapped { made: made.request, noted: noted.clone(), results, host: of.1.host };
            let step = Step {
                requests: request..request + 1,
                after: vec![pending.instance.made],
                want: pending.want.clone(),
            };
            self.set(pending.slot, step);
            if let Some(planned) = pending.slot.and_then(|slot| self.plan.directives.get_mut(slot)) {
                planned.wrapper = Some(wrapped);
            }
        }
    }

    /// Requests the wrapper of calls on one instance with the same requirements.
    fn wrapper(&mut self, needs: Needs, calls: &[&Pending<'_>]) -> Made {
        let items: Vec<Item<'_>> = calls.iter().map(|pending| pending.item()).collect();
        let words = items.iter().map(noted_words).max().unwrap_or(0);
        let legacy = self.options.features.contains("legacy-exceptions");
        let (none, first) = (Info::default(), calls.first());
        let info = first.and_then(|pending| pending.instance.module.info.as_ref()).unwrap_or(&none);
        let wrapper = wrapper::build(info, &items, (needs, words), legacy);
        let (handle, instance) = (self.handle(), first.map_or(0, |pending| pending.instance.handle));
        let request = self.plan.requests.wrap(handle, instance, &wrapper);
        Made { handle, request, words }
    }
}

/// What a wrapper is for: the handle of an instance, and the requirements of its calls.
type Of = (u32, Needs);

/// A requested wrapper.
struct Made {
    handle: u32,
    request: usize,
    /// The maximum number of words of a recorded value.
    words: usize,
}

/// The maximum number of words that an item records.
fn noted_words(item: &Item<'_>) -> usize {
    let words = |ty: &Passed| match ty {
        Passed::I32 | Passed::F32 => 1,
        Passed::I64 | Passed::F64 | Passed::Ref { .. } => 2,
        Passed::V128 => 4,
    };
    match item.wanted {
        Wanted::Results(_) => item.results().iter().map(words).max().unwrap_or(0),
        Wanted::NoReturn => item.results().first().map_or(0, words),
        Wanted::Return | Wanted::Exception => 0,
    }
}

fn result_type(ty: Passed) -> ResultType {
    match ty {
        Passed::I32 => ResultType::I32,
        Passed::I64 => ResultType::I64,
        Passed::F32 => ResultType::F32,
        Passed::F64 => ResultType::F64,
        Passed::V128 => ResultType::V128,
        Passed::Ref { top, .. } => ResultType::Ref(top),
    }
}

/// The call of an action. Otherwise the error that an engine would give, or `None` if a type is not
/// supported.
fn call<'a>(info: &Info, action: &'a Action) -> Result<(&'a str, Call<'a>), Option<(ErrorKind, String)>> {
    let foreign = |Foreign| None;
    let missing = |what: &str, export: &str| {
        Some((ErrorKind::NoSuchExport, format!("no {what} is exported as `{export}`")))
    };
    match action {
        Action::Invoke { export, arguments, .. } => {
            let function = info.function(export).map_err(foreign)?;
            let function = function.ok_or_else(|| missing("function", export))?;
            check_arguments(&function, arguments)?;
            Ok((export, Call::Function(function, arguments)))
        }
        Action::Get { export, .. } => {
            let global = info.global(export).map_err(foreign)?.ok_or_else(|| missing("global", export))?;
            Ok((export, Call::Global(global)))
        }
    }
}

fn check_arguments(
    function: &module::Function,
    arguments: &[Value],
) -> Result<(), Option<(ErrorKind, String)>> {
    let wrong = |message| Err(Some((ErrorKind::WrongArguments, message)));
    let (takes, given) = (function.parameters.len(), arguments.len());
    if takes != given {
        return wrong(format!("the function takes {takes} arguments, but {given} were given"));
    }
    let mut pairs = function.parameters.iter().zip(arguments);
    match pairs.position(|(ty, value)| !wrapper::accepts(*ty, *value)) {
        Some(at) => wrong(format!("argument {at} has the wrong type")),
        None => Ok(()),
    }
}
