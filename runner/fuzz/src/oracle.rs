//! Turns a difference into a finding: makes it smaller and confirms it.

use std::time::{Duration, Instant};

use wassay_script::Grammar;
use wassay_script::source::Source;
use wassay_terms::Features;

use crate::case::Case;
use crate::compare::{Class, Compared, Difference, compare};
use crate::corpus::Uses;
use crate::finding::{self, Names};
use crate::known::known;
use crate::observe::{Seen, Subject, modules};
use crate::reduce::reduce;
use crate::session::{Finding, Found, Session, differs_from};
use crate::tree::Node;

/// How much longer a script may take if it seems to hang, at least and at most: the machine may
/// have been busy, as the time that the other engine took shows.
const AGAIN: u32 = 3;
const LONGEST: u32 = 10;

/// How long a candidate of a reduction may take: this much longer than the whole case took on the
/// engines that ended, and at least [`TRIAL`], in which a process can be started. A candidate that
/// hangs takes all of it.
const SLOWER: u32 = 20;
const TRIAL: Duration = Duration::from_millis(500);
/// How much longer candidates may take in a second attempt.
const MORE: u32 = 4;

impl Session<'_> {
    /// Reduces a difference of an engine from the first one, which did what was seen.
    pub(crate) fn finding(&mut self, case: &Case, about: &str, found: &Found, a: &[Seen]) -> Option<Finding> {
        let Found { other, difference, took } = found;
        let (other, class, time) = (*other, difference.class, self.time);
        let trial = (*took * SLOWER).max(TRIAL).min(time);
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
        let patience = (*took * SLOWER * MORE * AGAIN).clamp(time * AGAIN, time * LONGEST);
        let full = if is_hang(class) { patience } else { time };
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
            None => {
                oracle.time = full;
                (text.clone(), oracle.difference(text, class)?)
            }
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

fn flat(forms: &[Node]) -> String {
    forms.iter().map(|form| form.flat() + "\n").collect()
}

/// Replaces the range that the last call observes by the half that differs, down to one byte or
/// element.
fn narrow(forms: &mut [Node], shows: &mut dyn FnMut(&[Node]) -> bool) {
    let range = |forms: &[Node]| -> Option<(u64, u64)> {
        let call = forms.last()?;
        let number = |index: usize| call.children().get(index)?.children().get(1)?.atom()?.parse().ok();
        let is_observer = call.head() == "invoke" && call.children().len() == 5;
        // Other functions have two operands, too.
        is_observer.then_some((number(3)?, number(4)?)).filter(|(from, to)| from < to)
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

fn is_hang(class: Class) -> bool {
    matches!(class, Class::Hang { .. })
}
