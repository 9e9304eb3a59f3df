//! Finds the changes between two reports.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::less;
use super::model::{CaseDrift, Change, Diff, Drift, Run, Slower, State, SuiteDrift, Verdict, What};
use crate::describe::{headline, link};
use crate::key::Key;
use crate::model::{Case, Failure, Note, Report, Suite};
use crate::outcome::Outcome;

/// A script counts as slower if it takes twice as long and at least this much longer: smaller
/// differences are noise.
const SLOWER_BY: Duration = Duration::from_millis(100);

/// Compares `old` with `new`.
pub fn compare(old: &Report, new: &Report) -> Diff {
    let mut diff = Diff {
        old: run(old),
        new: run(new),
        verdict: Verdict::Good,
        regressed: Vec::new(),
        new_failures: Vec::new(),
        unjudged: Vec::new(),
        less: less::of_reports(old, new),
        excused: Vec::new(),
        fixed: Vec::new(),
        changed: Vec::new(),
        more_reader_only: 0,
        more_text_not_compared: 0,
        slower: Vec::new(),
        drift: Drift::default(),
    };
    let pairs = pair_suites(&old.suites, &new.suites);
    for pair in pairs {
        match pair {
            (Some(old), Some(new)) => diff.suite(old, new),
            (None, Some(new)) => {
                let (suite, cases) = (new.name.clone(), new.outcomes());
                diff.drift.suites.push(SuiteDrift::New { suite, cases });
                diff.new_failures.extend(new.cases.iter().flat_map(|case| failing(new, case)));
                diff.excused.extend(new.cases.iter().flat_map(|case| excused(new, case)));
            }
            (Some(old), None) => {
                let (suite, cases) = (old.name.clone(), old.outcomes());
                diff.drift.suites.push(SuiteDrift::Gone { suite, cases });
                diff.less.extend(less::suite_gone(old));
            }
            (None, None) => {}
        }
    }
    diff.verdict = diff.judge();
    diff
}

fn run(report: &Report) -> Run {
    let Report { engine, harness, match_kind, started, duration, .. } = report;
    Run {
        engine: engine.clone(),
        harness: harness.clone(),
        match_kind: *match_kind,
        incomplete: report.incomplete(),
        started: started.clone(),
        duration: *duration,
        totals: report.totals(),
    }
}

/// A matched pair, or an item of only one report.
type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

/// Matches items by name, and the rest by `same`. The result has the new items in their order, then
/// the unmatched old ones in theirs.
fn pair<'a, T>(
    old: &'a [T],
    new: &'a [T],
    name: fn(&T) -> &str,
    mut same: impl FnMut(&[&'a T], &'a T) -> Option<usize>,
) -> Vec<Pair<'a, T>> {
    let mut by_name: HashMap<&str, &T> = HashMap::new();
    for item in old {
        by_name.entry(name(item)).or_insert(item);
    }
    let found: Vec<Option<&T>> = new.iter().map(|item| by_name.remove(name(item))).collect();
    let taken: HashSet<*const T> = found.iter().flatten().map(|item| std::ptr::from_ref(*item)).collect();
    let mut left: Vec<&T> = old.iter().filter(|item| !taken.contains(&std::ptr::from_ref(*item))).collect();
    let mut pairs: Vec<Pair<'a, T>> = Vec::with_capacity(new.len() + left.len());
    for (item, found) in new.iter().zip(found) {
        let found =
            found.or_else(|| same(&left, item).filter(|at| *at < left.len()).map(|at| left.remove(at)));
        pairs.push((found, Some(item)));
    }
    pairs.extend(left.into_iter().map(|item| (Some(item), None)));
    pairs
}

/// Matches suites. A renamed suite, such as a moved folder, is recognised by the names of its
/// cases.
fn pair_suites<'a>(old: &'a [Suite], new: &'a [Suite]) -> Vec<Pair<'a, Suite>> {
    pair(
        old,
        new,
        |suite| &suite.name,
        |left, suite| {
            let names: HashSet<&str> = suite.cases.iter().map(|case| case.name.as_str()).collect();
            left.iter().position(|other| {
                let shared = other.cases.iter().filter(|case| names.contains(case.name.as_str())).count();
                shared > 0 && shared * 2 >= suite.cases.len().min(other.cases.len())
            })
        },
    )
}

/// Matches cases. A renamed case is recognised by its directives.
fn pair_cases<'a>(old: &'a [Case], new: &'a [Case]) -> Vec<Pair<'a, Case>> {
    let mut by_keys: Option<HashMap<&[Key], &Case>> = None;
    pair(
        old,
        new,
        |case| &case.name,
        |left, case| {
            if case.keys.is_empty() {
                return None;
            }
            let by_keys = by_keys
                .get_or_insert_with(|| left.iter().map(|case| (case.keys.as_slice(), *case)).collect());
            let found = by_keys.remove(case.keys.as_slice())?;
            left.iter().position(|other| std::ptr::eq(*other, found))
        },
    )
}

impl Diff {
    fn suite(&mut self, old: &Suite, new: &Suite) {
        if old.name != new.name || old.source != new.source {
            self.drift.suites.push(SuiteDrift::Origin {
                suite: [old.name.clone(), new.name.clone()],
                source: [old.source.clone(), new.source.clone()],
            });
        }
        for pair in pair_cases(&old.cases, &new.cases) {
            match pair {
                (Some(before), Some(after)) => self.case(new, before, after),
                (None, Some(case)) => {
                    let unexpected = failing(new, case);
                    self.new_failures.extend(unexpected.iter().cloned());
                    self.excused.extend(excused(new, case));
                    let drift = case_drift(new, &case.name, What::New);
                    let directives_new = case.directives.total();
                    self.drift.cases.push(CaseDrift { directives_new, unexpected, ..drift });
                }
                (Some(case), None) => {
                    self.less.extend(less::case_gone(old, case));
                    let drift = case_drift(new, &case.name, What::Gone);
                    self.drift.cases.push(CaseDrift { directives_gone: case.directives.total(), ..drift });
                }
                (None, None) => {}
            }
        }
    }

    /// Compares a case of both reports.
    fn case(&mut self, suite: &Suite, old: &Case, new: &Case) {
        let by_directive = !old.keys.is_empty() && !new.keys.is_empty();
        if by_directive {
            self.directives(suite, old, new);
        }
        if !by_directive || is_whole(old) || is_whole(new) {
            self.whole(suite, old, new);
        }
        self.less.extend(less::directives(suite, old, new));
        self.judging(suite, old, new);
        if old.name != new.name {
            let drift = case_drift(suite, &new.name, What::Moved);
            self.drift.cases.push(CaseDrift { from: Some(old.name.clone()), ..drift });
        }
        let twice = new.duration >= old.duration.saturating_mul(2);
        if old.keys == new.keys && twice && new.duration.saturating_sub(old.duration) >= SLOWER_BY {
            let (suite, case) = (suite.name.clone(), new.name.clone());
            self.slower.push(Slower { suite, case, before: old.duration, after: new.duration });
        }
    }

    /// Compares how strictly a case is judged.
    fn judging(&mut self, suite: &Suite, old: &Case, new: &Case) {
        if let (Some(from), Some(to)) = (&old.judged_under, &new.judged_under)
            && from != to
        {
            let drift = case_drift(suite, &new.name, What::Features);
            let (from, to) = (Some(from.clone()), Some(to.clone()));
            self.drift.cases.push(CaseDrift { from, to, ..drift });
        }
        if old.keys == new.keys {
            self.more_reader_only += new.reader_only.saturating_sub(old.reader_only);
            self.more_text_not_compared += new.text_not_compared.saturating_sub(old.text_not_compared);
        }
    }

    /// Compares directives one by one.
    fn directives(&mut self, suite: &Suite, old: &Case, new: &Case) {
        let (before, after) = (Directives::of(old), Directives::of(new));
        let mut drift = case_drift(suite, &new.name, What::Edited);
        for key in &new.keys {
            let now = after.get(*key);
            if !before.all.contains(key) {
                drift.directives_new += 1;
                if let Some(now) = now.filter(|now| !now.is_expected()) {
                    let change = now.change(suite, new, None, now);
                    drift.unexpected.push(change.clone());
                    self.new_failures.push(change);
                } else if let Some(now) = now.filter(|now| now.outcome() == Outcome::XFailed) {
                    self.excused.push(now.change(suite, new, None, now));
                }
                continue;
            }
            let (Some(was), Some(now)) = (before.get(*key), now) else { continue };
            if was.is_not_run() && !now.is_not_run() && !now.is_expected() {
                self.new_failures.push(now.change(suite, new, Some(was), now));
            } else if let Some(list) = self.list(was.outcome(), now.outcome(), was.state() != now.state()) {
                // Reports have no positions for passed directives.
                let place = if matches!(now, Directive::Passed) { was } else { now };
                list.push(Change { key: Some(*key), ..place.change(suite, new, Some(was), now) });
            }
        }
        drift.directives_gone = old.keys.iter().filter(|key| !after.all.contains(key)).count() as u64;
        if drift.directives_new > 0 || drift.directives_gone > 0 {
            self.drift.cases.push(drift);
        }
    }

    /// Compares a case as a whole, if it ended as a whole or its directives are unknown.
    fn whole(&mut self, suite: &Suite, old: &Case, new: &Case) {
        let [(was, first_was), (now, first_now)] = [old, new].map(|case| {
            let failure =
                case.failures.iter().find(|failure| failure.key.is_none()).or(case.failures.first());
            (Directive::Whole(case, failure), failure)
        });
        let both_fail = !was.is_expected() && !now.is_expected();
        if both_fail && was.is_not_run() && !now.is_not_run() {
            self.new_failures.extend(failing(suite, new));
            return;
        }
        let worse = new.outcome > old.outcome || new.directives.failed > old.directives.failed;
        if both_fail && worse {
            self.regressed.push(now.change(suite, new, Some(was), now));
            return;
        }
        let differs = was.state() != now.state() || (both_fail && !same_failures(old, new));
        if let Some(list) = self.list(was.outcome(), now.outcome(), differs) {
            let place = if first_now.is_none() && first_was.is_some() { was } else { now };
            list.push(place.change(suite, new, Some(was), now));
        }
    }

    /// The list for a change, by the outcomes before and now; `None` if nothing changed.
    fn list(&mut self, was: Outcome, now: Outcome, differs: bool) -> Option<&mut Vec<Change>> {
        let list = match (was, now) {
            _ if was.is_expected() && !now.is_expected() => &mut self.regressed,
            _ if !was.is_expected() && now == Outcome::Passed => &mut self.fixed,
            (Outcome::Skipped, _) => &mut self.changed,
            (_, Outcome::Skipped) => &mut self.unjudged,
            (Outcome::XFailed, Outcome::XFailed) => &mut self.changed,
            (_, Outcome::XFailed) => &mut self.excused,
            _ => &mut self.changed,
        };
        (differs || was.is_expected() != now.is_expected()).then_some(list)
    }
}

/// The unexpected results of a case that is new or did not run before.
fn failing(suite: &Suite, case: &Case) -> Vec<Change> {
    let failed = case.failures.iter().map(Directive::Failed);
    let xpassed = case.notes.iter().map(Directive::Noted).filter(|directive| !directive.is_expected());
    let mut failing: Vec<Change> =
        failed.chain(xpassed).map(|directive| directive.change(suite, case, None, directive)).collect();
    if failing.is_empty() && !case.outcome.is_expected() {
        let whole = Directive::Whole(case, None);
        failing.push(whole.change(suite, case, None, whole));
    }
    failing
}

/// The expected failures of a new case.
fn excused<'a>(suite: &'a Suite, case: &'a Case) -> impl Iterator<Item = Change> + 'a {
    let xfailed = case.notes.iter().filter(|note| note.outcome == Outcome::XFailed).map(Directive::Noted);
    xfailed.map(|directive| directive.change(suite, case, None, directive))
}

fn case_drift(suite: &Suite, case: &str, what: What) -> CaseDrift {
    let (suite, case) = (suite.name.clone(), case.to_owned());
    CaseDrift {
        suite,
        case,
        what,
        from: None,
        to: None,
        directives_new: 0,
        directives_gone: 0,
        unexpected: Vec::new(),
    }
}

/// Whether the case failed as a whole, so that single directives are unknown.
fn is_whole(case: &Case) -> bool {
    case.failures.iter().any(|failure| failure.key.is_none())
}

/// Whether two cases fail in the same way.
fn same_failures(old: &Case, new: &Case) -> bool {
    let states = |case: &Case| case.failures.iter().map(|f| Directive::Failed(f).state()).collect::<Vec<_>>();
    states(old) == states(new)
}

/// The known results of a case's directives.
struct Directives<'a> {
    all: HashSet<Key>,
    named: HashMap<Key, Directive<'a>>,
    /// Whether all other directives passed.
    others_passed: bool,
}

impl<'a> Directives<'a> {
    fn of(case: &'a Case) -> Directives<'a> {
        let noted = case.notes.iter().filter_map(|note| Some((note.key?, Directive::Noted(note))));
        let failed =
            case.failures.iter().filter_map(|failure| Some((failure.key?, Directive::Failed(failure))));
        Directives {
            all: case.keys.iter().copied().collect(),
            named: noted.chain(failed).collect(),
            others_passed: !is_whole(case),
        }
    }

    fn get(&self, key: Key) -> Option<Directive<'a>> {
        let other = self.others_passed.then_some(Directive::Passed);
        self.named.get(&key).copied().or(other)
    }
}

/// The result of a directive, or of a whole case.
#[derive(Clone, Copy)]
enum Directive<'a> {
    Passed,
    Failed(&'a Failure),
    Noted(&'a Note),
    Whole(&'a Case, Option<&'a Failure>),
}

impl Directive<'_> {
    fn outcome(&self) -> Outcome {
        match self {
            Directive::Passed => Outcome::Passed,
            Directive::Failed(_) => Outcome::Failed,
            Directive::Noted(note) => note.outcome,
            Directive::Whole(case, _) => case.outcome,
        }
    }

    fn is_expected(&self) -> bool {
        self.outcome().is_expected()
    }

    /// Whether it was not reached, so its result is unknown.
    fn is_not_run(&self) -> bool {
        self.failure().is_some_and(|failure| failure.kind == "not-run")
    }

    fn failure(&self) -> Option<&Failure> {
        match self {
            Directive::Failed(failure) => Some(failure),
            Directive::Whole(_, failure) => *failure,
            Directive::Passed | Directive::Noted(_) => None,
        }
    }

    fn state(&self) -> State {
        let failure = self.failure();
        let message = match self {
            Directive::Noted(note) => note.reason.clone(),
            _ => failure.map_or_else(String::new, headline),
        };
        let (expected, actual) = failure.map_or((None, None), |f| (f.expected.clone(), f.actual.clone()));
        State { outcome: self.outcome(), message, expected, actual }
    }

    /// The change from `was` to this, at this one's position.
    fn change(&self, suite: &Suite, case: &Case, was: Option<Directive<'_>>, now: Directive<'_>) -> Change {
        let failure = self.failure();
        let (line, column, key) = match self {
            Directive::Noted(note) => (note.line, note.column, note.key),
            _ => failure.map_or((0, 0, None), |failure| (failure.line, failure.column, failure.key)),
        };
        Change {
            suite: suite.name.clone(),
            case: case.name.clone(),
            line,
            column,
            key,
            before: was.map(|was| was.state()),
            after: now.state(),
            source: failure.map_or_else(String::new, |failure| failure.source.clone()),
            url: link(suite, &case.name, line),
        }
    }
}
