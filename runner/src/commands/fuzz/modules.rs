//! Fuzzes engines with modules.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wassay_fuzz::{Case, Finding, Outcome, Session, Uses};
use wassay_reports::terminal::Text;
use wassay_script::{Judges, STACK};
use wassay_terms::Features;

use super::args::{Args, about};
use super::engines::{Engine, Place, engines, features};
use super::folder::Folder;
use super::screen::{Screen, Screened};
use crate::batch::Interrupt;
use crate::commands::{Console, Error, Exit, interrupt, plural};
use crate::own::CLASSIFY;
use crate::printer;

/// The default time.
const TIME: Duration = Duration::from_secs(60);
/// How long a difference is reduced.
const REDUCTION: Duration = Duration::from_secs(40);
/// How many different findings end a run: more would not help.
const ENOUGH: usize = 20;
/// How many reasons for ending early are shown.
const REASONS: usize = 5;
/// How long nothing is said.
const SILENCE: Duration = Duration::from_secs(30);

/// What all threads share.
struct Run<'a> {
    args: &'a Args,
    seed: u64,
    next: AtomicU64,
    /// The number after the last case.
    end: u64,
    until: Option<Instant>,
    allowed: Features,
    engines: &'a (Engine, Vec<Engine>),
    interrupt: &'a Interrupt,
    /// Whether there are enough findings, or one cannot be written.
    is_over: AtomicBool,
    results: Mutex<Results>,
    folder: Option<Folder>,
}

/// What came of all cases.
#[derive(Default)]
struct Results {
    cases: u64,
    compared: usize,
    /// Why comparisons ended early, with how many did.
    cut: BTreeMap<String, usize>,
    kept: usize,
    /// What the corpus uses.
    uses: Uses,
    /// The findings by their keys.
    keys: BTreeSet<String>,
    findings: Vec<(Finding, String)>,
    /// How many findings had the key of another one.
    repeated: usize,
    spoke: Option<Instant>,
    error: Option<Error>,
}

pub(super) fn run<E: Judges + 'static>(
    args: &Args,
    seed: u64,
    make: Option<impl Fn() -> E + Clone + Send + Sync + 'static>,
) -> Result<Exit, Error> {
    let interrupt = interrupt()?;
    let folder = args.output.as_deref().map(Folder::open).transpose()?;
    let uses = folder.as_ref().map(Folder::uses).transpose()?.unwrap_or_default();
    let engines = engines(args, make, Place::Apart)?;
    let time = args.time.or_else(|| args.modules.is_none().then_some(TIME));
    let begin = Instant::now();
    let run = Run {
        args,
        seed,
        next: AtomicU64::new(args.first),
        end: args.modules.map_or(u64::MAX, |count| args.first.saturating_add(count)),
        until: time.map(|time| begin + time),
        allowed: features(args, &engines.0, &engines.1)?,
        engines: &engines,
        interrupt: &interrupt,
        is_over: AtomicBool::new(false),
        results: Mutex::new(Results { uses, ..Results::default() }),
        folder,
    };
    let (turns, names): (Vec<&Engine>, Vec<&Engine>) =
        run.engines.1.iter().partition(|engine| engine.takes_turns());
    let mut names: Vec<String> = names.iter().map(|engine| engine.name.clone()).collect();
    if !turns.is_empty() {
        names.push(format!("{} other configurations in turns", turns.len()));
    }
    printer::note(&format!(
        "{} against {}; seed {seed}, features {}",
        run.engines.0.name,
        names.join(", "),
        run.allowed
    ));
    let threads = args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        let start =
            |_: &usize| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || run.work()).is_ok();
        if (0..threads).filter(start).count() == 0 {
            run.work();
        }
    });
    let results = run.results.into_inner().unwrap_or_else(PoisonError::into_inner);
    Console::new(false).show(&summary(&results, begin.elapsed(), seed, run.folder.is_some()))?;
    if let Some(error) = results.error {
        return Err(error);
    }
    Ok(match (interrupt.is_set(), results.findings.is_empty()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Success,
        (false, false) => Exit::Failure,
    })
}

impl Run<'_> {
    /// Runs cases until the end.
    fn work(&self) {
        let (first, others) = self.engines;
        let mut session = Session {
            first: first.side(),
            others: others.iter().map(Engine::side).collect(),
            classify: CLASSIFY.filter(|_| first.is_own),
            time: self.args.timeout,
            reduction: REDUCTION,
        };
        let always = others.iter().filter(|engine| !engine.takes_turns()).count();
        let engines = 1 + always + usize::from(always < others.len());
        let mut screen = first.is_own.then(|| Screen::new(self.args, self.seed, self.allowed, engines));
        while !self.is_over() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.end {
                return;
            }
            if let Err(error) = self.case(&mut session, screen.as_mut(), number) {
                self.fail(&mut self.results(), error);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.interrupt.is_set()
            || self.is_over.load(Ordering::Relaxed)
            || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Runs a case in the process for all engines, and with a process for each if that shows
    /// anything.
    fn case(&self, session: &mut Session<'_>, screen: Option<&mut Screen>, number: u64) -> Result<(), Error> {
        let screened = screen.map(|screen| screen.case(number)).transpose()?;
        if self.interrupt.is_set() {
            // The signal may have ended the process, too.
            return Ok(());
        }
        let new = || wassay_fuzz::case(self.seed, number, self.allowed);
        match screened {
            Some(Screened::None) => Ok(()),
            Some(Screened::Same { compared, script, cut }) => {
                let script = script.filter(|_| {
                    let uses = new().as_ref().map(Uses::of_case).unwrap_or_default();
                    self.folder.is_some() && self.results().uses.add(uses)
                });
                self.done(number, Outcome { compared, cut, script, ..Outcome::default() })
            }
            shown => {
                let Some(case) = new() else { return Ok(()) };
                let mut keep = |uses: &Uses| self.folder.is_some() && self.results().uses.add(uses.clone());
                let about = about(self.seed, number);
                let mut outcome = session.run(&case, &about, &mut keep);
                if let (true, Some(shown)) = (outcome.findings.is_empty(), &shown) {
                    outcome.findings.extend(unconfirmed(shown, &case, &about));
                }
                self.done(number, outcome)
            }
        }
    }

    /// Notes what came of a case.
    fn done(&self, number: u64, outcome: Outcome) -> Result<(), Error> {
        let name = format!("{}-{number}", self.seed);
        let mut results = self.results();
        results.cases += 1;
        results.compared += outcome.compared;
        for why in outcome.cut {
            *results.cut.entry(without_numbers(&why)).or_default() += 1;
        }
        if let (Some(folder), Some(script)) = (&self.folder, &outcome.script) {
            results.kept += 1;
            folder.keep_case(script, &name)?;
        }
        for finding in outcome.findings {
            self.found(&mut results, finding, &name)?;
        }
        let now = Instant::now();
        let since = results.spoke.get_or_insert(now);
        if now.duration_since(*since) > SILENCE {
            *since = now;
            printer::note(&format!("{} so far", plural_of(results.cases, "case")));
        }
        Ok(())
    }

    fn found(&self, results: &mut Results, finding: Finding, name: &str) -> Result<(), Error> {
        if !results.keys.insert(finding.key.clone()) {
            results.repeated += 1;
            return Ok(());
        }
        let place = match &self.folder {
            Some(folder) => folder.keep_finding(&finding, name)?.display().to_string(),
            None => String::new(),
        };
        printer::note(&format!("finding: {} ({}); case {name}", finding.class, finding.engine));
        results.findings.push((finding, place));
        if results.findings.len() >= ENOUGH {
            self.is_over.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn fail(&self, results: &mut Results, error: Error) {
        results.error.get_or_insert(error);
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn results(&self) -> std::sync::MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The finding of what the process for all engines showed and a process for each did not: the state
/// that earlier cases left in that process may matter. What takes long once was slow, not hanging.
fn unconfirmed(shown: &Screened, case: &Case, about: &str) -> Option<Finding> {
    let (how, verdicts) = match shown {
        Screened::None | Screened::Same { .. } | Screened::Late => return None,
        Screened::Ended(how) => (how, (String::new(), how.clone())),
        Screened::Other { kind, verdicts } => (kind, verdicts.clone()),
    };
    let about = format!("{about} (seen once, after other cases: {how})");
    Some(Finding::unconfirmed(case, &about, verdicts))
}

fn plural_of(count: u64, noun: &str) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), noun)
}

fn summary(results: &Results, time: Duration, seed: u64, is_kept: bool) -> Text {
    let mut text = Text::new(false);
    for (finding, place) in &results.findings {
        let (a, b) = &finding.verdicts;
        text.line(format_args!("finding: {} ({})", finding.class, finding.engine));
        text.line(format_args!("  expected: {a}"));
        text.line(format_args!("  actual:   {b}"));
        match is_kept {
            true => _ = text.line(format_args!("  script:   {place}")),
            false => _ = text.block("  ", &finding.script, |_| anstyle::Style::new()),
        }
    }
    if results.repeated > 0 {
        text.line(format_args!("{} like these", plural(results.repeated, "more finding")));
    }
    let mut reasons: Vec<(&String, &usize)> = results.cut.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (why, count) in reasons.into_iter().take(REASONS) {
        text.line(format_args!("{} ended early: {why}", plural(*count, "comparison")));
    }
    let seconds = time.as_secs_f64();
    text.line(format_args!(
        "{} in {seconds:.1} s ({:.0} a second), seed {seed}: {} compared, {} ended early, {}{}",
        plural_of(results.cases, "case"),
        results.cases as f64 / seconds.max(0.001),
        plural(results.compared, "directive"),
        plural(results.cut.values().sum(), "comparison"),
        plural(results.findings.len(), "finding"),
        if is_kept { format!(", {} kept", plural(results.kept, "new case")) } else { String::new() },
    ));
    text
}

/// The beginning of a reason with `N` for each number, so that reasons which differ in numbers are
/// one.
fn without_numbers(why: &str) -> String {
    let mut text = String::new();
    for character in why.chars().take(100) {
        if !character.is_ascii_digit() {
            text.push(character);
        } else if !text.ends_with('N') {
            text.push('N');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_numbers_are_one() {
        assert_eq!(without_numbers("line 12, at 0x7"), "line N, at NxN");
        assert_eq!(without_numbers(&"9".repeat(200)), "N");
    }

    #[test]
    fn what_only_the_process_for_all_engines_shows_is_a_finding_unless_it_was_slow() {
        let case = (0..).find_map(|number| wassay_fuzz::case(1, number, Features::V1)).unwrap();
        let found = |shown: &Screened| unconfirmed(shown, &case, "about");
        let other =
            Screened::Other { kind: "other results".to_owned(), verdicts: ("1".to_owned(), "2".to_owned()) };
        let finding = found(&other).unwrap();
        assert_eq!(finding.verdicts, ("1".to_owned(), "2".to_owned()));
        assert!(finding.script.contains(";; about (seen once, after other cases: other results)"));
        assert!(finding.script.contains("(module"), "{}", finding.script);
        let ended = found(&Screened::Ended("signal: 11".to_owned())).unwrap();
        assert_eq!(ended.verdicts.1, "signal: 11");
        assert!(found(&Screened::Late).is_none() && found(&Screened::None).is_none());
    }
}
