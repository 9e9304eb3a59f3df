//! Fuzzes engines with modules.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wassay_fuzz::{Finding, Session, Uses};
use wassay_reports::terminal::Text;
use wassay_script::{Judges, STACK};
use wassay_terms::Features;

use super::Args;
use super::engines::{Engine, engines, features};
use super::folder::Folder;
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
    seed: u64,
    next: AtomicU64,
    /// The number after the last case.
    end: u64,
    until: Option<Instant>,
    allowed: Features,
    timeout: Duration,
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
    let engines = engines(args, make)?;
    let time = args.time.or_else(|| args.modules.is_none().then_some(TIME));
    let begin = Instant::now();
    let run = Run {
        seed,
        next: AtomicU64::new(args.first),
        end: args.modules.map_or(u64::MAX, |count| args.first.saturating_add(count)),
        until: time.map(|time| begin + time),
        allowed: features(args, &engines.0, &engines.1)?,
        timeout: args.timeout,
        engines: &engines,
        interrupt: &interrupt,
        is_over: AtomicBool::new(false),
        results: Mutex::new(Results { uses, ..Results::default() }),
        folder,
    };
    let names: Vec<&str> = run.engines.1.iter().map(|engine| engine.name.as_str()).collect();
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
            time: self.timeout,
            reduction: REDUCTION,
        };
        while !self.interrupt.is_set()
            && !self.is_over.load(Ordering::Relaxed)
            && self.until.is_none_or(|until| Instant::now() < until)
        {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.end {
                return;
            }
            self.case(&mut session, number);
        }
    }

    fn case(&self, session: &mut Session<'_>, number: u64) {
        let Some(case) = wassay_fuzz::case(self.seed, number, self.allowed) else { return };
        let name = format!("{}-{number}", self.seed);
        let about = format!("wassay fuzz --seed {} --first {number} --modules 1", self.seed);
        let mut keep = |uses: &Uses| self.folder.is_some() && self.results().uses.add(uses.clone());
        let outcome = session.run(&case, &about, &mut keep);
        let mut results = self.results();
        results.cases += 1;
        results.compared += outcome.compared;
        for why in outcome.cut {
            // What has numbers in it is one reason.
            let why = why.chars().filter(|c| !c.is_ascii_digit()).take(100).collect();
            *results.cut.entry(why).or_default() += 1;
        }
        if let (Some(folder), Some(script)) = (&self.folder, &outcome.script) {
            results.kept += 1;
            if let Err(error) = folder.keep_case(script, &name) {
                self.fail(&mut results, error);
            }
        }
        for finding in outcome.findings {
            if let Err(error) = self.found(&mut results, finding, &name) {
                self.fail(&mut results, error);
            }
        }
        let now = Instant::now();
        let since = results.spoke.get_or_insert(now);
        if now.duration_since(*since) > SILENCE {
            *since = now;
            printer::note(&format!("{} so far", plural_of(results.cases, "case")));
        }
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
