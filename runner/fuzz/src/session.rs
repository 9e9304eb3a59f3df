//! A session: cases are run on engines, and differences become findings.

use std::time::{Duration, Instant};

use wassay_script::Grammar;
use wassay_script::source::Source;
use wassay_terms::{Classification, Features};

use crate::case::{Case, Kind, Step};
use crate::compare::{Class, Compared, Difference, compare};
use crate::corpus::Uses;
use crate::finding::{self, Names};
use crate::known::known;
use crate::observe::{Judge, Seen, Subject, modules};
use crate::reduce::reduce;
use crate::tree::Node;

/// An engine of a session.
pub struct Side<'a> {
    /// What it is called in findings.
    pub name: String,
    /// Judges a script on it.
    pub judge: Box<Judge<'a>>,
}

impl std::fmt::Debug for Side<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Side").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Judges whether bytes are a valid module, by the grammar of the specification.
pub type Classify = fn(&[u8], Features) -> Classification;

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

/// How much longer a script may take if it seems to hang: the machine may have been busy.
const AGAIN: u32 = 3;

/// How long a candidate of a reduction may take: this much longer than the whole case took on the
/// engines that ended, and at least [`TRIAL`]. A candidate that hangs takes all of it.
const SLOWER: u32 = 50;
const TRIAL: Duration = Duration::from_millis(500);
/// How much longer candidates may take in a second attempt.
const MORE: u32 = 4;

impl Session<'_> {
    /// Runs a case. `about` says in findings where the case comes from. `keep` says whether a case
    /// that uses this is worth its script.
    pub fn run(&mut self, case: &Case, about: &str, keep: &mut dyn FnMut(&Uses) -> bool) -> Outcome {
        let mut uses = Uses::default();
        for step in &case.steps {
            if let Step::Module { bytes, .. } = step {
                uses.add(Uses::of(bytes, case.features));
            }
        }
        let lines = case.lines();
        let source = Source::new("case", &lines);
        let mut subject = Subject::new(&source, case.directives(), case.features, self.time);
        let (a, a_took) = timed(|| subject.observe(&mut *self.first.judge));
        let mut outcome = Outcome { uses, ..Outcome::default() };
        let mut found = Vec::new();
        if case.kind == Kind::Verdict
            && let Some(difference) = self.classified(case, &a)
        {
            found.push((None, difference, a_took));
        }
        for (number, other) in self.others.iter_mut().enumerate() {
            let (b, b_took) = timed(|| subject.observe_against(&mut *other.judge, &a));
            match compare(&a, &b) {
                Compared::Same => outcome.compared += a.len(),
                Compared::UpTo(step) => {
                    outcome.compared += step;
                    let inconclusive = [&a, &b].into_iter().filter_map(|seen| seen.get(step));
                    let why = inconclusive.filter(|seen| seen.is_inconclusive()).map(Seen::to_string);
                    outcome.cut.extend(why.take(1));
                }
                Compared::Differ(difference) => {
                    outcome.compared += difference.step;
                    if let Some(why) = known(&difference, (&self.first.name, &other.name)) {
                        outcome.cut.push(why.to_owned());
                        continue;
                    }
                    let took = match difference.class {
                        Class::Hang { first: true } => b_took,
                        Class::Hang { first: false } => a_took,
                        _ => a_took.max(b_took),
                    };
                    found.push((Some(number), difference, took));
                }
            }
        }
        // A crash of the first engine is one finding, not one for each other engine.
        if found.len() > 1 && found.iter().all(|(_, difference, _)| is_first_alone(difference.class)) {
            found.truncate(1);
        }
        outcome.findings = found
            .into_iter()
            .filter_map(|(other, difference, took)| {
                let trial = (took * SLOWER).max(TRIAL).min(self.time);
                self.finding(case, about, (other, trial), (&a, &difference))
            })
            .collect();
        if outcome.findings.is_empty() && keep(&outcome.uses) {
            outcome.script = Some(kept(case, &a, &self.first.name, about));
        }
        outcome
    }

    /// Where the first engine and the classification differ about bytes.
    fn classified(&self, case: &Case, a: &[Seen]) -> Option<Difference> {
        let (classify, [Step::Module { bytes, .. }]) = (self.classify?, case.steps.as_slice()) else {
            return None;
        };
        differs_from(&finding::of_classification(classify(bytes, case.features)), a.first()?)
    }

    /// Reduces a difference of an engine. A candidate may take the time `trial`.
    fn finding(
        &mut self,
        case: &Case,
        about: &str,
        (other, trial): (Option<usize>, Duration),
        (a, difference): (&[Seen], &Difference),
    ) -> Option<Finding> {
        let (class, time) = (difference.class, self.time);
        // The text of a module has other bytes: a difference in decoding may be only in these.
        let texts = [true, false].map(|as_text| case.text(as_text));
        let times = if is_hang(class) { [trial, time] } else { [time, time] };
        let mut oracle = Oracle { session: self, other, features: case.features, time };
        let found = times.into_iter().find_map(|time| {
            oracle.time = time;
            texts.iter().find_map(|text| Some((text, oracle.difference(text, class)?.1)))
        });
        let Some((text, first_found)) = found else {
            // What takes long once was slow, not hanging. Others are findings nevertheless.
            if is_hang(class) {
                return None;
            }
            let engine = oracle.name().to_owned();
            let about = format!("{about} (seen once)");
            let names = Names { a: &self.first.name, b: &engine };
            let script = finding::script(&case.text(true), case.features, a, difference, (names, &about));
            let verdicts = (difference.a.to_string(), difference.b.to_string());
            let key = format!("{engine} {} seen once", class.word());
            return Some(Finding { class, engine, script, key, verdicts });
        };
        let trial = if is_hang(class) { oracle.time } else { trial };
        let full = if is_hang(class) { time * AGAIN } else { time };
        let fuel: Vec<String> = case.fuel.iter().map(|index| format!("$#global{index}")).collect();
        // What was reduced under load is judged once more, and is reduced with more time if it does
        // not show the difference.
        let confirmed = [trial, (trial * MORE).min(time)].into_iter().find_map(|trial| {
            oracle.time = trial;
            let reduced = oracle.reduced(text, first_found.step, class, &fuel)?;
            oracle.time = full;
            let found = oracle.difference(&reduced, class)?;
            Some((reduced, found))
        });
        let (text, (seen, difference)) = match confirmed {
            Some(confirmed) => confirmed,
            None => (text.clone(), oracle.difference(text, class)?),
        };
        let engine = oracle.name().to_owned();
        let names = Names { a: &self.first.name, b: &engine };
        let script = finding::script(&text, case.features, &seen, &difference, (names, about));
        let verdicts = (difference.a.to_string(), difference.b.to_string());
        let key = match class {
            // How an engine crashed says more than what it was doing.
            Class::Crash { first } => {
                let how = if first { &verdicts.0 } else { &verdicts.1 };
                format!("{engine} {}", how.replace(|c: char| c.is_ascii_digit(), ""))
            }
            _ => key(class, &text, case.features, &engine),
        };
        Some(Finding { class, engine, script, key, verdicts })
    }
}

/// Judges candidates of a reduction.
struct Oracle<'s, 'a> {
    session: &'s mut Session<'a>,
    /// The other engine; `None` for the classification.
    other: Option<usize>,
    features: Features,
    time: Duration,
}

impl Oracle<'_, '_> {
    fn name(&self) -> &str {
        let other = self.other.and_then(|other| self.session.others.get(other));
        other.map_or("the classification", |other| &other.name)
    }

    fn shows(&mut self, forms: &[Node], class: Class) -> bool {
        self.difference(&flat(forms), class).is_some()
    }

    /// Reduces a script that shows a difference at a directive; `None` if it cannot be read.
    fn reduced(&mut self, text: &str, step: usize, class: Class, fuel: &[String]) -> Option<String> {
        let end = Instant::now() + self.session.reduction;
        let mut forms = Node::read(text)?;
        forms.truncate(step + 1);
        narrow(&mut forms, &mut |forms| self.shows(forms, class));
        let mut forms = bytes_reduced(forms, end, &mut |forms| self.shows(forms, class));
        for fuel in [fuel, &[]] {
            forms = reduce(forms, fuel, end, &mut |forms| self.shows(forms, class));
        }
        Some(renamed(&flat(&forms)))
    }

    /// What the first engine does with a script, and where the other one differs, if that is of
    /// this class and at the last directive that is compared.
    fn difference(&mut self, text: &str, class: Class) -> Option<(Vec<Seen>, Difference)> {
        let source = Source::new("case", text);
        let script = wassay_script::parse_as(Source::new("case", text), Grammar::of(self.features)).ok()?;
        let mut directives = script.directives;
        // Most candidates are not even valid; engines need not be asked about these.
        let is_verdict = directives
            .iter()
            .any(|directive| matches!(directive.command, wassay_script::model::Command::ModuleDefinition(_)));
        if !is_verdict && !modules(&mut directives).all(|bytes| is_valid(&bytes, self.features)) {
            return None;
        }
        let first_module = modules(&mut directives).next();
        let mut subject = Subject::new(&source, directives, self.features, self.time);
        let a = subject.observe(&mut *self.session.first.judge);
        let difference = match self.other {
            Some(other) => {
                let other = self.session.others.get_mut(other)?;
                let b = subject.observe_against(&mut *other.judge, &a);
                let names = (&*self.session.first.name, &*other.name);
                match compare(&a, &b) {
                    Compared::Differ(difference) if known(&difference, names).is_none() => difference,
                    _ => return None,
                }
            }
            None => {
                let classify = self.session.classify?;
                let classified = finding::of_classification(classify(&first_module?, self.features));
                differs_from(&classified, a.first()?)?
            }
        };
        (difference.class == class).then_some((a, difference))
    }
}

fn is_valid(bytes: &[u8], features: Features) -> bool {
    wasmparser::Validator::new_with_features(features.library_flags()).validate_all(bytes).is_ok()
}

/// Where an engine differs from the classification, which counts as the other engine.
fn differs_from(classified: &Seen, a: &Seen) -> Option<Difference> {
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

fn is_hang(class: Class) -> bool {
    matches!(class, Class::Hang { .. })
}

/// Whether the first engine alone is to blame.
fn is_first_alone(class: Class) -> bool {
    matches!(class, Class::Crash { first: true } | Class::Hang { first: true })
}

fn flat(forms: &[Node]) -> String {
    forms.iter().map(|form| form.flat() + "\n").collect()
}

/// Replaces the range that the last call observes by the half that differs, down to one byte or
/// element.
fn narrow(forms: &mut [Node], shows: &mut dyn FnMut(&[Node]) -> bool) {
    let range = |forms: &[Node]| -> Option<(u64, u64)> {
        let call = forms.last()?;
        let number = |index: usize| call.children().get(index)?.children().get(1)?.atom()?.parse().ok();
        (call.head() == "invoke" && call.children().len() == 5).then_some((number(3)?, number(4)?))
    };
    let Some((mut from, mut to)) = range(forms) else { return };
    let mut set = |forms: &mut [Node], from: u64, to: u64| {
        let ends = [from, to].map(|end| Node::form(&["i64.const", &end.to_string()]));
        if let Some(Node::List(words)) = forms.last_mut() {
            words.truncate(3);
            words.extend(ends);
        }
        shows(forms)
    };
    while to - from > 1 {
        let middle = from + (to - from) / 2;
        if set(forms, from, middle) {
            to = middle;
        } else if set(forms, middle, to) {
            from = middle;
        } else {
            set(forms, from, to);
            return;
        }
    }
}

/// Reduces the bytes of a script that consists of one module in binary.
fn bytes_reduced(forms: Vec<Node>, end: Instant, shows: &mut dyn FnMut(&[Node]) -> bool) -> Vec<Node> {
    let [form] = forms.as_slice() else { return forms };
    let Some(at) = form.children().iter().position(|word| word.atom() == Some("binary")) else {
        return forms;
    };
    let Some(bytes) = wassay_script::parse_as(Source::new("", &form.flat()), Grammar::default())
        .ok()
        .and_then(|mut script| modules(&mut script.directives).next())
    else {
        return forms;
    };
    let with = |bytes: &[u8]| {
        let mut words = form.children()[..=at].to_vec();
        words.push(Node::Atom(crate::literal::string(bytes).into()));
        vec![Node::List(words)]
    };
    let kept = wassay_script::shrink::shrink(bytes, &mut |bytes| Instant::now() < end && shows(&with(bytes)));
    with(&kept)
}

/// The names that the printer gave to what had none, without what makes them unique.
fn renamed(text: &str) -> String {
    text.replace("$#func", "$f").replace("$#global", "$g").replace("$#", "$")
}

/// What identifies a finding.
fn key(class: Class, text: &str, features: Features, engine: &str) -> String {
    let parsed = wassay_script::parse_as(Source::new("", text), Grammar::of(features));
    let mut directives = parsed.map(|script| script.directives).unwrap_or_default();
    let mut uses = Uses::default();
    for bytes in modules(&mut directives) {
        uses.add(Uses::of(&bytes, Features::V1));
    }
    let trivial = ["End", "Drop", "I32Const", "I64Const", "F32Const", "F64Const", "LocalGet"];
    let operators: Vec<&str> = uses.operators().filter(|name| !trivial.contains(name)).collect();
    format!("{engine} {} {}", class.word(), operators.join(","))
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
