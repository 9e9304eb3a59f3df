//! Finds directives on which engines differ, and those that all engines fail.
//!
//! A report has the keys of all judged directives and a reason for each that did not pass: the
//! others passed. Two engines are compared on a script if both judged the same directives under the
//! same features, and if the listed results match the counts; other scripts are only counted. A
//! directive that needs a feature that an engine does not support at all is ignored for that
//! engine, whether it passes or not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::column::{Part, Picked};
use super::evidence::{expected_failure, guest_failure};
use super::units::{is_run, units};
use crate::aside::Apart;
use crate::describe::link;
use crate::key::Key;
use crate::model::{Case, Failure};
use crate::outcome::Outcome;
use crate::text::{MAX_SHOWN, cut};

/// The maximum number of directives to list; the others are counted.
const MOST: usize = 3000;

/// The maximum number of scripts to list that could not be compared.
const MOST_UNCOMPARED: usize = 100;

/// The directives on which engines differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Disagreements {
    /// The number of directives and guests compared between at least two engines.
    pub compared: u64,
    /// How many of them exactly one engine fails and at least two pass.
    pub one_fails: u64,
    /// How many of them all engines fail, of at least two, which suggests a problem of the test.
    pub all_fail: u64,
    /// How many others of them some engines pass and some fail.
    pub differ: u64,
    /// These directives by kind, those that only one engine fails by engine, in the order of the
    /// suites.
    pub directives: Vec<Disagreement>,
    /// The number of these that are not listed.
    pub left: u64,
    /// The scripts on which columns could not be compared.
    pub uncompared: Vec<Uncompared>,
    /// The number of these that are not listed.
    pub uncompared_left: u64,
}

/// Which engines fail a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One engine, in any versions and configurations; at least two others pass it.
    OneFails,
    /// All that judged it, at least two.
    AllFail,
    /// Some fail it and some pass it.
    Differ,
}

/// A directive on which engines differ, or which all of them fail.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Disagreement {
    /// Which engines fail it.
    pub kind: Kind,
    /// The suite.
    pub suite: String,
    /// The case in it.
    pub case: String,
    /// The line of the directive, from 1; 0 if unknown.
    pub line: u32,
    /// The column of the directive in characters, from 1; 0 if unknown.
    pub column: u32,
    /// The key of the directive.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{12}$")))]
    pub key: Key,
    /// The URL of its source, if known.
    pub url: Option<String>,
    /// The features that it depends on.
    pub features: Vec<String>,
    /// Its text; empty if no report has it.
    pub source: String,
    /// The expected result, if a report has it.
    pub expected: Option<String>,
    /// The verdict for each column of the matrix.
    pub verdicts: Vec<Verdict>,
}

/// The result of a directive on an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It failed.
    Failed {
        /// The kind of failure.
        kind: String,
        /// The message.
        message: String,
        /// The actual result.
        actual: Option<String>,
    },
    /// It says nothing about the engine.
    Apart {
        /// The reason.
        reason: Apart,
    },
    /// It was skipped.
    Skipped,
    /// The engine lacks a feature that it depends on.
    Lacks {
        /// The feature.
        feature: String,
    },
    /// The report does not have its result.
    Unknown,
    /// The engine did not run its script, or ran another version of it.
    NotRun,
}

impl Verdict {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed { .. } => "failed",
            Verdict::Apart { reason } => reason.word(),
            Verdict::Skipped => "skipped",
            Verdict::Lacks { .. } => "not supported",
            Verdict::Unknown => "unknown",
            Verdict::NotRun => "not run",
        }
    }
}

/// A script on which some columns could not be compared with the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Uncompared {
    /// The suite.
    pub suite: String,
    /// The case in it.
    pub case: String,
    /// The columns, by their titles.
    pub columns: Vec<String>,
    /// The reason.
    pub why: String,
}

/// A case of a column.
#[derive(Clone, Copy)]
struct Place<'a> {
    column: usize,
    part: &'a Part<'a>,
    case: &'a Case,
}

/// Compares the columns, script by script.
pub(super) fn disagreements(columns: &[Picked<'_>]) -> Disagreements {
    let mut found = Disagreements::default();
    for cases in same_name(columns) {
        let (same, others) = same_script(&cases);
        let mut known: Vec<(Place<'_>, HashMap<Key, Outcomes<'_>>)> = Vec::new();
        let mut unknown = Vec::new();
        for place in same {
            match outcomes(place.case) {
                Some(of) => known.push((place, of)),
                None => unknown.push(place),
            }
        }
        found.not_compared(
            columns,
            &others,
            "its script has other directives, or was judged under other features",
        );
        found.not_compared(columns, &unknown, "its report does not say what became of each directive");
        found.compare(columns, &known, &unknown);
    }
    // Group those that only one engine fails by engine, in the order of the scripts.
    let alone = |one: &Disagreement| {
        let mut verdicts = columns.iter().zip(&one.verdicts).filter(|_| one.kind == Kind::OneFails);
        let failing = verdicts.find(|(_, verdict)| matches!(verdict, Verdict::Failed { .. }));
        failing.map(|(column, _)| column.engine.name.as_str())
    };
    found.directives.sort_by(|a, b| (a.kind, alone(a)).cmp(&(b.kind, alone(b))));
    found
}

/// Groups the cases of all columns by suite and name, in the order of first occurrence. Suites are
/// the same if they have the same name or the same contents.
fn same_name<'a>(columns: &'a [Picked<'a>]) -> Vec<Vec<Place<'a>>> {
    let mut suites: Vec<(&str, &str)> = Vec::new();
    let mut of: HashMap<(usize, &str), usize> = HashMap::new();
    let mut groups: Vec<Vec<Place<'_>>> = Vec::new();
    for (column, picked) in columns.iter().enumerate() {
        for part in &picked.parts {
            let by_digest = suites.iter().position(|(_, digest)| *digest == part.digest);
            let by_name = || suites.iter().position(|(name, _)| *name == part.suite.name);
            let suite = by_digest.or_else(by_name).unwrap_or_else(|| {
                suites.push((&part.suite.name, &part.digest));
                suites.len() - 1
            });
            for case in part.suite.cases.iter().filter(|case| is_run(case)) {
                let at = *of.entry((suite, &case.name)).or_insert(groups.len());
                if at == groups.len() {
                    groups.push(Vec::new());
                }
                // If a report has a case twice, use the first.
                if let Some(group) = groups.get_mut(at)
                    && group.iter().all(|place| place.column != column)
                {
                    group.push(Place { column, part, case });
                }
            }
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// The largest set of columns that judged the same directives under the same features, and the
/// others.
fn same_script<'a>(cases: &[Place<'a>]) -> (Vec<Place<'a>>, Vec<Place<'a>>) {
    let is_same = |a: &Place<'_>, b: &Place<'_>| {
        let under = [&a.case.judged_under, &b.case.judged_under];
        let is_same = units(a.case) == units(b.case);
        let [Some(a_under), Some(b_under)] = under else { return is_same };
        is_same && a_under == b_under
    };
    let mut sets: Vec<Vec<Place<'a>>> = Vec::new();
    for place in cases {
        match sets.iter_mut().find(|set| set.first().is_some_and(|first| is_same(first, place))) {
            Some(set) => set.push(*place),
            None => sets.push(vec![*place]),
        }
    }
    // The first of several sets of the same size.
    let largest = (0..sets.len()).rev().max_by_key(|at| sets[*at].len());
    let largest = largest.map(|at| sets.remove(at)).unwrap_or_default();
    (largest, sets.into_iter().flatten().collect())
}

/// The result of a directive that did not pass, or passed unexpectedly.
enum Outcomes<'a> {
    Failed(&'a Failure),
    /// It failed; the failure is described here.
    Told(Failure),
    Passed,
    Skipped(Option<Apart>),
}

/// The results of a case's directives that did not plainly pass; `None` if the report is not
/// complete.
fn outcomes(case: &Case) -> Option<HashMap<Key, Outcomes<'_>>> {
    let mut of = HashMap::new();
    if let Some(key) = case.guest {
        of.extend(guest_outcome(case).map(|outcome| (key, outcome)));
        return Some(of);
    }
    let judged: HashSet<Key> = case.keys.iter().copied().collect();
    let (mut failed, mut skipped, mut xfailed, mut xpassed) = (0, 0, 0, 0);
    let mut add = |key: Option<Key>, outcome, count: &mut u64| {
        if let Some(key) = key.filter(|key| judged.contains(key))
            && of.insert(key, outcome).is_none()
        {
            *count += 1;
        }
    };
    for failure in &case.failures {
        add(failure.key, Outcomes::Failed(failure), &mut failed);
    }
    for note in &case.notes {
        match note.outcome {
            Outcome::Skipped => add(note.key, Outcomes::Skipped(note.apart), &mut skipped),
            Outcome::XFailed => add(note.key, Outcomes::Told(expected_failure(note)), &mut xfailed),
            Outcome::XPassed => add(note.key, Outcomes::Passed, &mut xpassed),
            _ => {}
        }
    }
    let counts = &case.directives;
    let is_told = (failed, skipped, xfailed, xpassed)
        == (counts.failed, counts.skipped, counts.xfailed, counts.xpassed)
        && (judged.len(), judged.len() as u64) == (case.keys.len(), counts.total());
    is_told.then_some(of)
}

/// The result of a guest that did not pass.
fn guest_outcome(case: &Case) -> Option<Outcomes<'_>> {
    match guest_failure(case) {
        Some(failure) => Some(Outcomes::Told(failure)),
        None if case.outcome == Outcome::Skipped => {
            Some(Outcomes::Skipped(case.notes.first().and_then(|note| note.apart)))
        }
        None => None,
    }
}

impl Disagreements {
    fn not_compared(&mut self, columns: &[Picked<'_>], places: &[Place<'_>], why: &str) {
        let Some(first) = places.first() else { return };
        if self.uncompared.len() >= MOST_UNCOMPARED {
            self.uncompared_left += 1;
            return;
        }
        let titles = places.iter().filter_map(|place| columns.get(place.column));
        self.uncompared.push(Uncompared {
            suite: first.part.suite.name.clone(),
            case: first.case.name.clone(),
            columns: titles.map(|column| column.engine.title_with_configuration()).collect(),
            why: why.to_owned(),
        });
    }

    /// Compares columns that judged the same directives.
    fn compare(
        &mut self,
        columns: &[Picked<'_>],
        known: &[(Place<'_>, HashMap<Key, Outcomes<'_>>)],
        unknown: &[Place<'_>],
    ) {
        let Some((first, _)) = known.first().filter(|_| known.len() > 1) else { return };
        self.compared = self.compared.saturating_add(units(first.case).len() as u64);
        let features = features(known);
        for key in units(first.case) {
            if !known
                .iter()
                .any(|(_, of)| matches!(of.get(key), Some(Outcomes::Failed(_) | Outcomes::Told(_))))
            {
                continue;
            }
            let needed: &[String] = features.get(key).copied().unwrap_or_default();
            let verdict = |(place, of): &(Place<'_>, HashMap<Key, Outcomes<'_>>)| {
                let needed = needed.iter().map(String::as_str);
                let lacking = columns.get(place.column).and_then(|column| column.assessment.lacking(needed));
                (
                    place.column,
                    lacking.map_or_else(
                        || verdict(of.get(key)),
                        |feature| Verdict::Lacks { feature: feature.to_owned() },
                    ),
                )
            };
            let verdicts: BTreeMap<usize, Verdict> = known.iter().map(verdict).collect();
            let Some(kind) = kind(columns, &verdicts) else { continue };
            *match kind {
                Kind::OneFails => &mut self.one_fails,
                Kind::AllFail => &mut self.all_fail,
                Kind::Differ => &mut self.differ,
            } += 1;
            if self.directives.len() < MOST {
                self.directives.push(disagreement(
                    kind,
                    *key,
                    (columns.len(), needed),
                    known,
                    verdicts,
                    unknown,
                ));
            } else {
                self.left += 1;
            }
        }
    }
}

/// The features of directives that did not pass. They depend only on the script, so any column has
/// them.
fn features<'a>(known: &[(Place<'a>, HashMap<Key, Outcomes<'_>>)]) -> HashMap<Key, &'a [String]> {
    let needs = known.iter().flat_map(|(place, _)| &place.case.needs);
    needs
        .flat_map(|needs| needs.not_passed.iter().map(move |key| (*key, needs.features.as_slice())))
        .collect()
}

fn verdict(outcome: Option<&Outcomes<'_>>) -> Verdict {
    let failed = |failure: &Failure| {
        let text = |text: &str| cut(text, MAX_SHOWN).into_owned();
        let actual = failure.actual.as_deref().map(text);
        Verdict::Failed { kind: text(&failure.kind), message: text(&failure.message), actual }
    };
    match outcome {
        None | Some(Outcomes::Passed) => Verdict::Passed,
        Some(Outcomes::Failed(failure)) => failed(failure),
        Some(Outcomes::Told(failure)) => failed(failure),
        Some(Outcomes::Skipped(Some(reason))) => Verdict::Apart { reason: *reason },
        Some(Outcomes::Skipped(None)) => Verdict::Skipped,
    }
}

/// Which engines fail a directive; `None` if none does, or only one engine judged it. Versions and
/// configurations of an engine count as one.
fn kind(columns: &[Picked<'_>], verdicts: &BTreeMap<usize, Verdict>) -> Option<Kind> {
    let engines = |is_wanted: fn(&Verdict) -> bool| -> BTreeSet<&str> {
        let wanted = verdicts.iter().filter(|(_, verdict)| is_wanted(verdict));
        wanted.filter_map(|(at, _)| Some(columns.get(*at)?.engine.name.as_str())).collect()
    };
    let failing = engines(|verdict| matches!(verdict, Verdict::Failed { .. }));
    let passing = engines(|verdict| matches!(verdict, Verdict::Passed));
    match (failing.len(), passing.difference(&failing).count()) {
        (0, _) => None,
        (1, others) if others >= 2 => Some(Kind::OneFails),
        (engines, _) if passing.is_empty() => (engines > 1).then_some(Kind::AllFail),
        _ => Some(Kind::Differ),
    }
}

fn disagreement(
    kind: Kind,
    key: Key,
    (columns, features): (usize, &[String]),
    known: &[(Place<'_>, HashMap<Key, Outcomes<'_>>)],
    mut verdicts: BTreeMap<usize, Verdict>,
    unknown: &[Place<'_>],
) -> Disagreement {
    let failures = known.iter().filter_map(|(place, of)| match of.get(&key)? {
        Outcomes::Failed(failure) => Some((place, *failure)),
        Outcomes::Told(failure) => Some((place, failure)),
        _ => None,
    });
    // The most detailed one: expected failures lack the text of the directive.
    let told = failures.max_by_key(|(_, failure)| (!failure.source.is_empty(), failure.expected.is_some()));
    let none = Failure::default();
    let (place, failure) = told
        .map_or((known.first().map(|(place, _)| place), &none), |(place, failure)| (Some(place), failure));
    let text = |text: &str| cut(text, MAX_SHOWN).into_owned();
    verdicts.extend(unknown.iter().map(|place| (place.column, Verdict::Unknown)));
    Disagreement {
        kind,
        suite: place.map_or_else(String::new, |place| place.part.suite.name.clone()),
        case: place.map_or_else(String::new, |place| place.case.name.clone()),
        line: failure.line,
        column: failure.column,
        key,
        url: place.and_then(|place| link(place.part.suite, &place.case.name, failure.line)),
        features: features.to_vec(),
        source: text(&failure.source),
        expected: failure.expected.as_deref().map(text),
        verdicts: (0..columns).map(|at| verdicts.remove(&at).unwrap_or(Verdict::NotRun)).collect(),
    }
}
