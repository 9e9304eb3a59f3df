//! A session: cases are run on engines, and differences become findings.

use std::time::{Duration, Instant};

use wassay_script::source::Source;
use wassay_terms::{Classification, Features};

use crate::case::{Case, Kind, Step};
use crate::compare::{Class, Compared, Difference, compare};
use crate::corpus::Uses;
use crate::finding;
use crate::known::known;
use crate::observe::{Judge, Seen, Subject};

/// An engine of a session.
pub struct Side<'a> {
    /// What it is called in findings.
    pub name: String,
    /// Judges a script on it.
    pub judge: Box<Judge<'a>>,
    /// The cases that it runs; `None` for all.
    pub turn: Option<Turn>,
}

impl Side<'_> {
    /// Whether it runs a case.
    fn takes(&self, case: &Case) -> bool {
        self.turn.is_none_or(|Turn { at, of }| case.choice.checked_rem(of).is_none_or(|rest| rest == at))
    }
}

impl std::fmt::Debug for Side<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Side").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Judges whether bytes are a valid module, by the grammar of the specification.
pub type Classify = fn(&[u8], Features) -> Classification;

/// Which cases an engine runs: those whose [`choice`](Case::choice) leaves the remainder `at` when
/// it is divided by `of`.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// The remainder.
    pub at: u32,
    /// The number of engines that take turns.
    pub of: u32,
}

/// Engines that are compared: the first one with each of the others.
#[derive(Debug)]
pub struct Session<'a> {
    /// The engine whose verdicts findings assert.
    pub first: Side<'a>,
    /// The engines that it is compared with.
    pub others: Vec<Side<'a>>,
    /// The classification that the first engine has to agree with.
    pub classify: Option<Classify>,
    /// How long a script may take.
    pub time: Duration,
    /// How long a difference may be reduced.
    pub reduction: Duration,
}

/// What came of a case.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What the case uses.
    pub uses: Uses,
    /// How many directives were compared, over all engines.
    pub compared: usize,
    /// Why comparisons ended early, such as at a limit of an engine: one reason for each.
    pub cut: Vec<String>,
    /// The differences, one for an engine at most.
    pub findings: Vec<Finding>,
    /// The case as a script that asserts what the first engine did.
    pub script: Option<String>,
}

/// What came of a case that was not reduced.
#[derive(Clone, Debug, Default)]
pub struct Screened {
    /// How many directives were compared, over all engines.
    pub compared: usize,
    /// Why comparisons ended early: one reason for each.
    pub cut: Vec<String>,
    /// The first difference.
    pub difference: Option<Difference>,
    /// The case as a script that asserts what the first engine did, if it is worth that.
    pub script: Option<String>,
}

/// A difference as a script.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How the engines differ.
    pub class: Class,
    /// The engine that differs from the first one.
    pub engine: String,
    /// The reduced script.
    pub script: String,
    /// What identifies the finding: its class and the operators of the reduced script. Findings
    /// that agree in it probably have one cause.
    pub key: String,
    /// The first engine's verdict, and the other one's.
    pub verdicts: (String, String),
}

impl Finding {
    /// The finding of a difference that is not shown again: the case as it is.
    pub fn unconfirmed(case: &Case, about: &str, verdicts: (String, String)) -> Finding {
        let class = Class::Once;
        let script = format!(";;! features = \"{}\"\n;; {about}\n{}", case.features, case.text(true));
        Finding { class, engine: "seen once".to_owned(), script, key: about.to_owned(), verdicts }
    }
}

/// What the engines did with a case.
struct Comparison {
    /// What the first engine did.
    seen: Vec<Seen>,
    compared: usize,
    cut: Vec<String>,
    found: Vec<Found>,
}

/// A difference from the first engine.
pub(crate) struct Found {
    /// The number of the other engine; `None` for the classification.
    pub(crate) other: Option<usize>,
    pub(crate) difference: Difference,
    /// How long the case took on the engines that ended.
    pub(crate) took: Duration,
}

impl Session<'_> {
    /// Runs a case, and reduces what the engines do differently. `about` says in findings where the
    /// case comes from. `keep` says whether a case that uses this is worth its script.
    pub fn run(&mut self, case: &Case, about: &str, keep: &mut dyn FnMut(&Uses) -> bool) -> Outcome {
        let Comparison { seen, compared, cut, mut found } = self.compared(case);
        // A crash of the first engine is one finding, not one for each other engine.
        if found.len() > 1 && found.iter().all(|found| is_first_alone(found.difference.class)) {
            found.truncate(1);
        }
        let findings = found.iter().filter_map(|found| self.finding(case, about, found, &seen)).collect();
        let mut outcome = Outcome { uses: Uses::of_case(case), compared, cut, findings, script: None };
        if outcome.findings.is_empty() && keep(&outcome.uses) {
            outcome.script = Some(kept(case, &seen, &self.first.name, about));
        }
        outcome
    }

    /// Runs a case without reducing anything.
    pub fn screen(&mut self, case: &Case, about: &str, keep: &mut dyn FnMut(&Uses) -> bool) -> Screened {
        let Comparison { seen, compared, cut, found } = self.compared(case);
        let difference = found.into_iter().next().map(|found| found.difference);
        let is_kept = difference.is_none() && keep(&Uses::of_case(case));
        let script = is_kept.then(|| kept(case, &seen, &self.first.name, about));
        Screened { compared, cut, difference, script }
    }

    /// Compares what the engines do with a case.
    fn compared(&mut self, case: &Case) -> Comparison {
        let lines = case.lines();
        let source = Source::new("case", &lines);
        let mut subject = Subject::new(&source, case.directives(), case.features, self.time);
        let (a, a_took) = timed(|| subject.observe(&mut *self.first.judge));
        let (mut compared, mut cut, mut found) = (0, Vec::new(), Vec::new());
        if case.kind == Kind::Verdict
            && let Some(difference) = self.classified(case, &a)
        {
            found.push(Found { other: None, difference, took: a_took });
        }
        let others = self.others.iter_mut().enumerate().filter(|(_, other)| other.takes(case));
        for (number, other) in others {
            let (b, b_took) = timed(|| subject.observe_against(&mut *other.judge, &a));
            match compare(&a, &b) {
                Compared::Same => compared += a.len(),
                Compared::UpTo(step) => {
                    compared += step;
                    let inconclusive = [&a, &b].into_iter().filter_map(|seen| seen.get(step));
                    let why = inconclusive.filter(|seen| seen.is_inconclusive()).map(Seen::to_string);
                    cut.extend(why.take(1));
                }
                Compared::Differ(difference) => {
                    compared += difference.step;
                    if let Some(why) = known(&difference, (&self.first.name, &other.name)) {
                        cut.push(why.to_owned());
                        continue;
                    }
                    let took = match difference.class {
                        Class::Hang { first: true } => b_took,
                        Class::Hang { first: false } => a_took,
                        _ => a_took.max(b_took),
                    };
                    found.push(Found { other: Some(number), difference, took });
                }
            }
        }
        Comparison { seen: a, compared, cut, found }
    }

    /// Where the first engine and the classification differ about bytes.
    fn classified(&self, case: &Case, a: &[Seen]) -> Option<Difference> {
        let (classify, [Step::Module { bytes, .. }]) = (self.classify?, case.steps.as_slice()) else {
            return None;
        };
        differs_from(&finding::of_classification(classify(bytes, case.features)), a.first()?)
    }
}

/// Where an engine differs from the classification, which counts as the other engine.
pub(crate) fn differs_from(classified: &Seen, a: &Seen) -> Option<Difference> {
    match compare(std::slice::from_ref(a), std::slice::from_ref(classified)) {
        Compared::Differ(difference) => Some(Difference { class: Class::Classified, ..difference }),
        Compared::Same | Compared::UpTo(_) => None,
    }
}

/// What a function returns, and how long it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed())
}

/// Whether the first engine alone is to blame.
fn is_first_alone(class: Class) -> bool {
    matches!(class, Class::Crash { first: true } | Class::Hang { first: true })
}

/// A case as a script that asserts what the first engine did.
fn kept(case: &Case, a: &[Seen], name: &str, about: &str) -> String {
    let conclusive = a.iter().take_while(|seen| !seen.is_inconclusive() && !seen.is_timeout()).count();
    finding::asserting(
        &case.text(true),
        case.features,
        a.get(..conclusive).unwrap_or_default(),
        (name, about),
    )
}
