//! Runs scripts with faults injected, one fault at a time.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use wassay_script::model::ModuleForm;
use wassay_script::reading::Reading;
use wassay_script::source::{Place, Source};
use wassay_script::verdict::{Outcome, ScriptResult};
use wassay_script::{Grammar, Options, parse_as};

use crate::fault::Fault;
use crate::subject::{Classify, Injected, each_module, form, modules};

/// A script to be audited.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    /// The name of the script in messages.
    pub name: &'a str,
    /// The text of the script.
    pub text: &'a str,
    /// How to judge the script. The timeout is for the run without a fault.
    pub options: Options,
}

/// Settings of an audit.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The faults, with their numbers in reports.
    pub faults: &'a [(usize, &'a Fault)],
    /// Determines the rule that a module violates. Without it, faults that accept invalid modules
    /// are not injected.
    pub classify: Option<Classify>,
    /// The minimum timeout of a run with a fault.
    pub minimum_timeout: Duration,
}

/// The results of an audit of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// The number of directives.
    pub directives: usize,
    /// The positions of directives that fail without any fault. They cannot kill one.
    pub failing: Vec<Place>,
    /// The effects of the faults that affect the script, by number.
    pub effects: Vec<(usize, Effect)>,
}

/// The effect of a fault on a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Every rewritten module is invalid.
    NotApplicable,
    /// Every directive that passes without the fault passes with it.
    Survived,
    /// A directive fails that passes without the fault.
    Killed {
        /// The position of the first such directive.
        place: Place,
        /// The kind of the failure.
        kind: String,
    },
}

/// The timeout of a run with a fault, as a multiple of the time without one.
pub(crate) const SLOWDOWN: u32 = 20;

/// Runs a script with each fault that affects it. `judge` judges the script on a fresh engine or
/// store; if `stop` returns true, the remaining faults are left out.
///
/// # Errors
///
/// A message if the script cannot be parsed.
pub fn audit(
    script: &Script<'_>,
    settings: Settings<'_>,
    judge: &mut dyn FnMut(&Reading<'_, '_>, &Options) -> ScriptResult,
    stop: &dyn Fn() -> bool,
) -> Result<Audited, String> {
    let Script { name, text, options } = script;
    let grammar = Grammar::of(options.features);
    let parsed = parse_as(Source::new(*name, text), grammar).map_err(|error| error.to_string())?;
    let known = modules(&parsed.directives, options.features, settings.classify);
    let source = Source::new(*name, text);
    let mut reading = Reading::of(&source, grammar, parsed.directives);
    let start = Instant::now();
    let clean = judge(&reading, options);
    let time = settings.minimum_timeout.max(start.elapsed() * SLOWDOWN);
    let is_failing = |outcome: &Outcome| !matches!(outcome, Outcome::Passed);
    let failing: Vec<Place> = clean
        .directives
        .iter()
        .filter(|directive| is_failing(directive.outcome))
        .map(|directive| directive.place)
        .collect();
    // If a directive fails without a fault, a run must not end at it.
    let options = Options { timeout: Some(time), fail_fast: failing.is_empty(), ..options.clone() };
    let known_failures: HashSet<Place> = failing.iter().copied().collect();
    let mut effects = Vec::new();
    for (number, fault) in settings.faults {
        if stop() {
            break;
        }
        let injected: Vec<Injected> =
            known.iter().map(|module| module.inject(fault, options.features)).collect();
        if injected.iter().any(|injected| matches!(injected, Injected::Rewritten(_))) {
            let kept = replace(&mut reading, injected);
            let result = judge(&reading, &options);
            restore(&mut reading, kept);
            effects.push((*number, effect(&result, &known_failures)));
        } else if injected.iter().any(|injected| matches!(injected, Injected::Invalid)) {
            effects.push((*number, Effect::NotApplicable));
        }
    }
    Ok(Audited { directives: clean.directives.len(), failing, effects })
}

/// Replaces the modules that a fault changes, and returns the original ones.
pub(crate) fn replace(reading: &mut Reading<'_, '_>, injected: Vec<Injected>) -> Vec<Option<ModuleForm>> {
    let mut kept = Vec::with_capacity(injected.len());
    let mut injected = injected.into_iter();
    each_module(reading.directives_mut(), &mut |definition| {
        kept.push(match injected.next() {
            Some(Injected::Rewritten(bytes)) => {
                let other = form(bytes, &definition.form);
                Some(std::mem::replace(&mut definition.form, other))
            }
            _ => None,
        });
    });
    kept
}

/// Puts the original modules back.
pub(crate) fn restore(reading: &mut Reading<'_, '_>, kept: Vec<Option<ModuleForm>>) {
    let mut kept = kept.into_iter();
    each_module(reading.directives_mut(), &mut |definition| {
        if let Some(Some(form)) = kept.next() {
            definition.form = form;
        }
    });
}

/// Finds the first directive that failed and does not fail without the fault.
fn effect(result: &ScriptResult, known_failures: &HashSet<Place>) -> Effect {
    let killed = result.directives.iter().find_map(|directive| match directive.outcome {
        Outcome::Failed(failure) if !known_failures.contains(&directive.place) => {
            Some(Effect::Killed { place: directive.place, kind: failure.kind.to_string() })
        }
        _ => None,
    });
    killed.unwrap_or(Effect::Survived)
}
