//! Plays faults, one at a time, to the scripts that have something that they change.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use wassay_script::model::ModuleForm;
use wassay_script::reading::Reading;
use wassay_script::source::{Place, Source};
use wassay_script::verdict::{Outcome, ScriptResult};
use wassay_script::{Grammar, Options, parse_as};

use crate::fault::Fault;
use crate::subject::{Classify, Played, each_module, form, modules};

/// A script to be audited.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    /// What it is called in messages.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// How it is judged; the time is that of the run without a fault.
    pub options: Options,
}

/// What an audit of a script needs besides the script.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The faults, by their number in reports.
    pub faults: &'a [(usize, &'a Fault)],
    /// Says which rule is violated; without it no fault about refused modules is played.
    pub classify: Option<Classify>,
    /// How long a run with a fault may take at least.
    pub patience: Duration,
}

/// What came of the faults on a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// How many directives there are.
    pub directives: usize,
    /// The directives that did not pass without any fault, by their place: these kill nothing.
    pub failing: Vec<Place>,
    /// The faults that concern the script, by their number.
    pub effects: Vec<(usize, Effect)>,
}

/// What came of a fault on a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Every module that it would change is not valid then.
    NotApplicable,
    /// Every directive that passes without it passes with it.
    Survived,
    /// A directive fails.
    Killed {
        /// Where the first that fails begins.
        place: Place,
        /// The kind of its failure.
        kind: String,
    },
}

/// A script takes so many times as long with a fault as without it, before its time is over.
const SLOWDOWN: u32 = 20;

/// Plays faults to a script. `judge` judges it, from a fresh start of an engine; `stop` says
/// whether to leave it at what there is.
///
/// # Errors
///
/// The script cannot be read, as the message says.
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
    let begin = Instant::now();
    let clean = judge(&reading, options);
    let time = settings.patience.max(begin.elapsed() * SLOWDOWN);
    let is_failing = |outcome: &Outcome| !matches!(outcome, Outcome::Passed);
    let failing: Vec<Place> = clean
        .directives
        .iter()
        .filter(|directive| is_failing(directive.outcome))
        .map(|directive| directive.place)
        .collect();
    // A failure that is there without a fault must not be the last directive of every run.
    let options = Options { timeout: Some(time), fail_fast: failing.is_empty(), ..options.clone() };
    let known_failures: HashSet<Place> = failing.iter().copied().collect();
    let mut effects = Vec::new();
    for (number, fault) in settings.faults {
        if stop() {
            break;
        }
        let played: Vec<Played> = known.iter().map(|module| module.play(fault, options.features)).collect();
        if played.iter().any(|played| matches!(played, Played::Other(_))) {
            let kept = replace(&mut reading, played);
            let result = judge(&reading, &options);
            restore(&mut reading, kept);
            effects.push((*number, effect(&result, &known_failures)));
        } else if played.iter().any(|played| matches!(played, Played::Invalid)) {
            effects.push((*number, Effect::NotApplicable));
        }
    }
    Ok(Audited { directives: clean.directives.len(), failing, effects })
}

/// Replaces the modules that a fault changes, and gives the ones that there were.
fn replace(reading: &mut Reading<'_, '_>, played: Vec<Played>) -> Vec<Option<ModuleForm>> {
    let mut kept = Vec::with_capacity(played.len());
    let mut played = played.into_iter();
    each_module(reading.directives_mut(), &mut |definition| {
        kept.push(match played.next() {
            Some(Played::Other(bytes)) => {
                let other = form(bytes, &definition.form);
                Some(std::mem::replace(&mut definition.form, other))
            }
            _ => None,
        });
    });
    kept
}

fn restore(reading: &mut Reading<'_, '_>, kept: Vec<Option<ModuleForm>>) {
    let mut kept = kept.into_iter();
    each_module(reading.directives_mut(), &mut |definition| {
        if let Some(Some(form)) = kept.next() {
            definition.form = form;
        }
    });
}

/// What came of a fault, by the first directive that failed and does not fail without it.
fn effect(result: &ScriptResult, known_failures: &HashSet<Place>) -> Effect {
    let killed = result.directives.iter().find_map(|directive| match directive.outcome {
        Outcome::Failed(failure) if !known_failures.contains(&directive.place) => {
            Some(Effect::Killed { place: directive.place, kind: failure.kind.to_string() })
        }
        _ => None,
    });
    killed.unwrap_or(Effect::Survived)
}
