//! Plans the calls of a script: calls on the same instance are collected into one wrapper.

use std::collections::BTreeMap;
use std::ops::Range;

use super::model::{ResultType, Want, Wrapped};
use super::module::{self, Foreign, Info, Passed};
use super::planner::{Pending, Planner, Step, no_instance, not_applicable};
use super::wrapper::{self, Call, Item, NOTED, Needs, Wanted};
use crate::embed::ErrorKind;
use crate::model::Action;
use crate::value::Value;

/// The maximum number of calls in a wrapper.
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
                if self.batched.as_ref().is_none_or(|batched| batched.handle != instance.handle)
                    || self.batch.len() >= MOST_ITEMS
                {
                    self.flush();
                }
                self.batched = Some(instance);
                self.batch.push(Pending { slot, export, call, want });
                None
            }
            Err(None) => {
                Some(step(not_applicable("a type of the function or global is not supported in wrappers")))
            }
            Err(Some((kind, message))) => Some(step(Want::Known { kind, message, want: Box::new(want) })),
        }
    }

    /// Adds the wrapper of the pending calls, and the calls.
    pub(super) fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let Some(instance) = self.batched.take() else { return };
        let Some(info) = &instance.module.info else { return };
        let items: Vec<Item<'_>> = batch.iter().map(Pending::item).collect();
        let mut wrappers: BTreeMap<Needs, Vec<Item<'_>>> = BTreeMap::new();
        let mut places = Vec::with_capacity(items.len());
        for item in items {
            let needs = item.needs();
            let of = wrappers.entry(needs).or_default();
            places.push((needs, of.len()));
            of.push(item);
        }
        let legacy = self.options.features.contains("legacy-exceptions");
        let mut made: BTreeMap<Needs, Made> = BTreeMap::new();
        for (needs, items) in &wrappers {
            let wrapper = wrapper::build(info, items, *needs, legacy);
            let handle = self.handle();
            let request = self.plan.requests.wrap(handle, instance.handle, &wrapper);
            let words = items.iter().map(noted_words).max().unwrap_or(0);
            made.insert(*needs, Made { handle, request, words, noted: 0..0 });
        }
        let mut calls = Vec::with_capacity(batch.len());
        for (needs, index) in &places {
            let handle = made.get(needs).map_or(0, |made| made.handle);
            calls.push(self.plan.requests.call(handle, &index.to_string()));
        }
        for made in made.values_mut() {
            let first = self.plan.requests.len();
            for name in NOTED.iter().take(made.words) {
                self.plan.requests.call(made.handle, name);
            }
            made.noted = first..self.plan.requests.len();
        }
        for ((pending, (needs, _)), request) in batch.iter().zip(&places).zip(calls) {
            let Some(made) = made.get(needs) else { continue };
            let results = pending.item().results().iter().map(|ty| result_type(*ty)).collect();
            let (noted, host) = (made.noted.clone(), needs.host);
            let wrapped = Wrapped { made: made.request, noted, results, host };
            let step = Step {
                requests: request..request + 1,
                after: vec![instance.made],
                want: pending.want.clone(),
            };
            self.set(pending.slot, step);
            if let Some(planned) = pending.slot.and_then(|slot| self.plan.directives.get_mut(slot)) {
                planned.wrapper = Some(wrapped);
            }
        }
    }
}

/// A requested wrapper.
struct Made {
    handle: u32,
    request: usize,
    /// The maximum number of words of a recorded value.
    words: usize,
    noted: Range<usize>,
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
