//! Runs a script on an engine and notes what comes of each directive.
//!
//! Every action becomes an `assert_return` without patterns: it fails with the results of the call.
//! So values can be observed in whatever [judges scripts](wassay_script::Judges), also where only a
//! number leaves the engine's process.

use std::fmt;
use std::time::Duration;

use wassay_script::embed::ErrorKind;
use wassay_script::model::{Command, Directive, Instantiation, ModuleForm};
use wassay_script::reading::Reading;
use wassay_script::source::Source;
use wassay_script::value::{FloatPattern, HeapType, Pattern, RefPattern, Reference, Value, VectorPattern};
use wassay_script::verdict::{DirectiveResult, FailureKind, Outcome, ScriptResult};
use wassay_script::{Grammar, Options};
use wassay_terms::Features;

/// Judges a script on one engine, from a fresh start.
pub type Judge<'a> = dyn FnMut(&Reading<'_, '_>, &Options) -> ScriptResult + 'a;

/// What came of a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was done, or the call returned these results.
    Returned(Vec<Value>),
    /// It ended with an error.
    Ended(ErrorKind, String),
    /// It ended the engine's process, as this says.
    Crashed(String),
    /// It could not be observed, for this reason.
    Unknown(String),
}

impl Seen {
    /// Whether the engine may have stopped here for a reason of its own, such as a limit, so that
    /// what follows says nothing.
    pub(crate) fn is_inconclusive(&self) -> bool {
        match self {
            Seen::Returned(_) | Seen::Crashed(_) => false,
            Seen::Unknown(_) => true,
            Seen::Ended(kind, _) => matches!(
                kind,
                ErrorKind::Exhaustion | ErrorKind::Limit | ErrorKind::NotApplicable | ErrorKind::Unsupported
            ),
        }
    }

    pub(crate) fn is_crash(&self) -> bool {
        matches!(self, Seen::Crashed(_))
    }

    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Seen::Ended(ErrorKind::Timeout, _))
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Returned(values) if values.is_empty() => f.write_str("returned"),
            Seen::Returned(values) => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                f.write_str(&values.join("; "))
            }
            Seen::Ended(_, text) => f.write_str(text),
            Seen::Crashed(how) => write!(f, "crashed: {how}"),
            Seen::Unknown(why) => f.write_str(why),
        }
    }
}

/// A script that is observed.
#[derive(Debug)]
pub(crate) struct Subject<'s, 'a> {
    reading: Reading<'s, 'a>,
    options: Options,
}

/// The maximum number of runs to learn the results of calls, of which some engines tell one a run.
const MOST_RUNS: usize = 20;

impl<'s, 'a> Subject<'s, 'a> {
    /// Prepares directives for observation.
    pub(crate) fn new(
        source: &'s Source<'a>,
        mut directives: Vec<Directive>,
        features: Features,
        time: Duration,
    ) -> Subject<'s, 'a> {
        directives.iter_mut().for_each(bare);
        let reading = Reading::of(source, Grammar::of(features), directives);
        let options = Options { features, timeout: Some(time), ..Options::default() };
        Subject { reading, options }
    }

    /// The directives.
    pub(crate) fn directives(&mut self) -> &mut [Directive] {
        self.reading.directives_mut()
    }

    /// Observes every directive.
    pub(crate) fn observe(&mut self, judge: &mut Judge<'_>) -> Vec<Seen> {
        // What is known of the results of each directive; `None` before the first run.
        let mut known: Vec<Vec<Option<Value>>> = vec![Vec::new(); self.directives().len()];
        let mut seen = Vec::new();
        for _ in 0..MOST_RUNS {
            self.expect(|number| known.get(number).map(|values| values.iter().map(expected).collect()));
            let before = known.clone();
            seen = self.run(judge, &mut known);
            if known.iter().flatten().all(Option::is_some) {
                break;
            }
            // After a crash or a hang, results remain unknown.
            if seen.iter().any(|seen| seen.is_crash() || seen.is_timeout()) {
                break;
            }
            if known == before {
                // What does not leave the engine's process is a reference of the host.
                let host = Value::Ref(Reference::Host(0));
                known.iter_mut().flatten().for_each(|value| _ = value.get_or_insert(host));
            }
        }
        for (seen, known) in seen.iter_mut().zip(known) {
            if let Seen::Returned(values) = seen {
                match known.into_iter().collect::<Option<Vec<Value>>>() {
                    Some(known) => *values = known,
                    None => *seen = Seen::Unknown("its results are not known".to_owned()),
                }
            }
        }
        seen
    }

    /// Observes every directive where `wanted` was observed elsewhere. A call that returns the same
    /// results is [`Seen::Returned`] with them; others may lack results.
    pub(crate) fn observe_against(&mut self, judge: &mut Judge<'_>, wanted: &[Seen]) -> Vec<Seen> {
        self.expect(|number| match wanted.get(number)? {
            Seen::Returned(values) => Some(values.iter().map(|value| expected(&Some(*value))).collect()),
            _ => None,
        });
        let mut known: Vec<Vec<Option<Value>>> = wanted
            .iter()
            .map(|seen| match seen {
                Seen::Returned(values) => values.iter().copied().map(Some).collect(),
                _ => Vec::new(),
            })
            .collect();
        let mut seen = self.run(judge, &mut known);
        for (seen, known) in seen.iter_mut().zip(known) {
            if let Seen::Returned(values) = seen {
                *values = known.into_iter().flatten().collect();
            }
        }
        seen
    }

    /// Sets the patterns that actions are expected to match.
    fn expect(&mut self, patterns: impl Fn(usize) -> Option<Vec<Pattern>>) {
        for (number, directive) in self.directives().iter_mut().enumerate() {
            if let Command::AssertReturn { results, .. } = &mut directive.command {
                *results = patterns(number).unwrap_or_default();
            }
        }
    }

    /// Runs the script, and adds to what is known of results.
    fn run(&self, judge: &mut Judge<'_>, known: &mut [Vec<Option<Value>>]) -> Vec<Seen> {
        let result = judge(&self.reading, &self.options);
        let directives: Vec<DirectiveResult> =
            result.directives.iter().map(|directive| directive.to_owned()).collect();
        let mut seen: Vec<Seen> = directives
            .iter()
            .zip(known.iter_mut())
            .map(|(directive, known)| seen(directive, known))
            .collect();
        // A panic of an engine in this process ends the list.
        let missing = Seen::Unknown("not reached".to_owned());
        seen.resize(known.len(), missing);
        seen
    }
}

/// What came of a directive, and more of its results.
fn seen(directive: &DirectiveResult, known: &mut Vec<Option<Value>>) -> Seen {
    let failure = match &directive.outcome {
        Outcome::Passed => {
            // Only an exception matches the pattern of what is not known.
            known.iter_mut().for_each(|value| _ = value.get_or_insert(Value::Ref(Reference::Exn)));
            return Seen::Returned(Vec::new());
        }
        Outcome::Failed(failure) => failure,
        Outcome::Apart(_, why) | Outcome::Skipped(why) => return Seen::Unknown(why.clone()),
        Outcome::ExpectedFailure(..) | Outcome::UnexpectedPass(_) => {
            return Seen::Unknown("unexpected outcome".to_owned());
        }
    };
    let text = failure.actual.as_ref().unwrap_or(&failure.message);
    match failure.kind {
        FailureKind::Mismatch(_) => {
            if known.len() == failure.results().len() && failure.results().iter().all(Option::is_none) {
                // It is not what was expected, and nothing more is known.
                known.fill(None);
            }
            known.resize(failure.results().len(), None);
            for (known, found) in known.iter_mut().zip(failure.results()) {
                *known = found.or(*known);
            }
            Seen::Returned(Vec::new())
        }
        FailureKind::Unexpected(kind) => Seen::Ended(kind, text.clone()),
        FailureKind::Crashed => Seen::Crashed(failure.message.clone()),
        _ => Seen::Unknown(failure.message.clone()),
    }
}

/// The pattern of a value. What is not known is expected to be an exception, which it is not.
fn expected(value: &Option<Value>) -> Pattern {
    match value {
        Some(Value::I32(value)) => Pattern::I32(*value),
        Some(Value::I64(value)) => Pattern::I64(*value),
        Some(Value::F32(bits)) => Pattern::F32(FloatPattern::Bits(*bits)),
        Some(Value::F64(bits)) => Pattern::F64(FloatPattern::Bits(*bits)),
        Some(Value::V128(bits)) => {
            Pattern::V128(VectorPattern::I32x4([0, 32, 64, 96].map(|shift| (bits >> shift) as i32)))
        }
        Some(Value::Ref(reference)) => Pattern::Ref(match reference {
            Reference::Null(_) => RefPattern::Null(None::<HeapType>),
            Reference::Func => RefPattern::Func,
            Reference::Extern(_) => RefPattern::Extern(None),
            Reference::Host(_) => RefPattern::Any,
            Reference::I31(_) => RefPattern::I31,
            Reference::Struct => RefPattern::Struct,
            Reference::Array => RefPattern::Array,
            // Scripts have no pattern for a continuation; this one does not match it.
            Reference::Exn | Reference::Cont => RefPattern::Exn,
        }),
        None => Pattern::Ref(RefPattern::Exn),
    }
}

/// Replaces what a directive asserts by what it does.
fn bare(directive: &mut Directive) {
    let nothing = Command::Unsupported { keyword: "".into() };
    directive.command = match std::mem::replace(&mut directive.command, nothing) {
        Command::Action(action)
        | Command::AssertReturn { action, .. }
        | Command::AssertTrap { action, .. }
        | Command::AssertExhaustion { action, .. }
        | Command::AssertException(action) => Command::AssertReturn { action, results: Vec::new() },
        Command::AssertUninstantiable { instance: Instantiation::Module(module), .. }
        | Command::AssertUnlinkable { instance: Instantiation::Module(module), .. } => {
            Command::Module(module)
        }
        Command::AssertInvalid { module, .. } | Command::AssertMalformed { module, .. } => {
            Command::ModuleDefinition(module)
        }
        other => other,
    };
}

/// The bytes of the modules of directives.
pub(crate) fn modules(directives: &mut [Directive]) -> impl Iterator<Item = Vec<u8>> {
    directives.iter_mut().filter_map(|directive| match &directive.command.definition_mut()?.form {
        ModuleForm::Text(bytes) => bytes.clone().ok(),
        ModuleForm::Binary(bytes) => Some(bytes.clone()),
        ModuleForm::Quote(_) => None,
    })
}
