//! `wassay audit`: which faults of an engine test suites detect.

use std::mem;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wassay_audit::coverage::Coverage;
use wassay_audit::{Audited, Effect, Fault, Script, faults, table};
use wassay_reports::audit::{Audit, Audited as SuiteAudited, Fault as Reported, Kill};
use wassay_reports::terminal::Text;
use wassay_script::embed::Identity;
use wassay_terms::Features;
use wassay_testsuite::Case;

use super::report_file::{ReportFile, check_all};
use super::shard::Shard;
use super::{
    Begin, Console, Error, Exit, coverage, duration, features, identity, interrupt, limit, match_kind,
    plural, protect, test,
};
use crate::batch::{Interrupt, Selection, full_name, label};
use crate::catalogue::{judging, reach};
use crate::own::CLASSIFY;
use crate::printer::{self, note, panic_message};
use crate::verdict::{DirectiveResult, Failure, FailureKind, Outcome, ScriptResult};
use wassay_script::messages::MatchKind;
use wassay_script::reading::Reading;
use wassay_script::source::Place;
use wassay_script::{Judges, Options, STACK};

const EXAMPLES: &str = "\
Examples:
  wassay audit spec-v2                          run a suite with every fault
  wassay audit ./scripts --filter integers/     only faults whose name contains a text
  wassay audit spec scripts --report html=a.html  write a page to read
  wassay audit spec --engine node               use another engine
  wassay audit spec --shard 1/4                 a quarter of the faults
  wassay audit spec --coverage                  what a suite covers
  wassay audit --list                           list the faults

A fault is one thing that an engine may do wrong. It is injected by rewriting the modules of the
scripts, and killed by the first directive that fails then; see docs/audit.md. The exit code is 1 if
a fault survives.";

/// Run suites with injected faults, and report the faults that no directive detects
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Inject only faults whose name, such as `integers/i32.add: executed as i32.sub`, contains
    /// this text. Repeatable
    #[arg(long = "filter", value_name = "TEXT")]
    filters: Vec<String>,
    /// Number of threads [default: number of processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Inject one shard of the faults, such as `1/4`
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// How to compare error texts: class, exact, prefix or ignore. The kind of error is always
    /// compared
    #[arg(long = "match", value_name = "KIND", default_value_t, value_parser = match_kind)]
    match_kind: MatchKind,
    /// Features, as in `3.0,threads,-gc`: a version, then names to add or remove; overrides suite
    /// defaults and `;;!` headers
    #[arg(long, value_name = "LIST", value_parser = features)]
    features: Option<Features>,
    /// Time limit for a script with a fault, such as `10s`; a script that takes long without one
    /// gets 20 times as much [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Limit for the memories, tables and objects of a script together, such as `512MiB`
    #[arg(long, value_name = "SIZE", value_parser = limit)]
    pub(super) max_memory: Option<u64>,
    /// Run the scripts on another engine: NAME or NAME:COLUMN (see `wassay engine list`), a
    /// FILE.toml that describes it, or the COMMAND of an adapter
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
    /// Inject the faults of this table (TOML) instead of the built-in ones. Repeatable
    #[arg(long = "faults", value_name = "FILE")]
    tables: Vec<PathBuf>,
    /// Measure what the suites cover, without faults: for each instruction, construct and rule in
    /// how many modules it occurs, and for instructions whether they are executed, trap, and matter
    /// to an assertion
    #[arg(long, conflicts_with_all = ["tables", "list", "shard", "filters"])]
    coverage: bool,
    /// List the selected faults, one per line, without running anything
    #[arg(long, conflicts_with = "reports")]
    list: bool,
    /// Write a report in a format: json, junit, markdown, html or badge. `-` is standard output.
    /// Repeatable
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    reports: Vec<ReportFile>,
    /// Suites by name, folders and files by path [default: the embedded suites that should pass]
    #[arg(value_name = "SUITE or DIR")]
    suites: Vec<String>,
}

/// The minimum timeout of a script with a fault.
const MINIMUM_TIMEOUT: Duration = Duration::from_secs(1);

/// The timeout of a script without a fault.
const CLEAN_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) fn run<E: Judges>(
    args: Args,
    make: impl Fn() -> E + Send + Sync + 'static,
) -> Result<Exit, Error> {
    let faults = selected(&args)?;
    if args.list {
        let mut names = Text::new(false);
        for fault in &faults {
            names.line(fault.name());
        }
        super::show(&names)?;
        return Ok(Exit::Success);
    }
    let suites = test::suites(&args.suites, &reach(), false)?;
    let mut selections: Vec<Selection> = suites.into_iter().map(Selection::all).collect();
    for selection in &mut selections {
        selection.cases.retain(|case| matches!(case, Case::Script(_)));
    }
    if selections.iter().all(|selection| selection.cases.is_empty()) {
        return Err(Error::Usage("no script to audit".to_owned()));
    }
    check_all(&args.reports)?;
    let reports: Vec<_> = args.reports.iter().map(ReportFile::path).collect();
    protect::refuse_overwrites(&reports, &args.tables, &selections)?;
    let engine = identity(&make)?;
    let interrupt = interrupt()?;
    let begin = Begin::now();
    if args.coverage {
        return covered(&args, &selections, &faults, (engine, &begin, &interrupt), &make);
    }
    let audited = audit_all(&args, &selections, &faults, &interrupt, &make);
    let report = begin.report(engine, args.match_kind, Vec::new());
    let (suites, faults) = collected(&selections, &faults, &audited);
    let audit = Audit {
        harness: report.harness.unwrap_or_default(),
        engine: report.engine,
        host: report.host,
        started: report.started,
        duration: report.duration,
        interrupted: interrupt.is_set(),
        suites,
        faults,
    };
    let console = Console::new(args.reports.iter().any(ReportFile::takes_stdout));
    console.show(&summary(&audit, console.has_colour()))?;
    for file in &args.reports {
        file.write_audit(&audit)?;
    }
    Ok(match (interrupt.is_set(), audit.tally().survived) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Success,
        (false, _) => Exit::Failure,
    })
}

/// Returns the selected faults.
fn selected(args: &Args) -> Result<Vec<Fault>, Error> {
    let mut all = Vec::new();
    for path in &args.tables {
        let unusable = |what: String| Error::Usage(format!("--faults {}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        let family = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        all.extend(table::read(&family, &text).map_err(|error| unusable(error.message))?);
    }
    if args.tables.is_empty() {
        all = faults().map_err(|error| Error::Module(error.to_string()))?;
    }
    for filter in &args.filters {
        if !all.iter().any(|fault| fault.name().contains(filter)) {
            return Err(Error::Usage(format!(
                "--filter {filter}: no fault has a name that contains it; `wassay audit --list` lists them"
            )));
        }
    }
    let is_named = |fault: &Fault| {
        let name = fault.name();
        args.filters.is_empty() || args.filters.iter().any(|filter| name.contains(filter))
    };
    all.retain(is_named);
    let mut place = 0..;
    all.retain(|_| args.shard.is_none_or(|shard| shard.takes(place.next().unwrap_or_default())));
    if all.is_empty() {
        return Err(Error::Usage("no fault in this shard".to_owned()));
    }
    Ok(all)
}

/// The results of one script, or why it could not be audited.
type Outcomes = Result<Audited, String>;

/// What is done with a script: an audit, or coverage.
type Measure<T> = dyn Fn(
        &Script<'_>,
        wassay_audit::Settings<'_>,
        &mut dyn FnMut(&Reading<'_, '_>, &Options) -> ScriptResult,
        &dyn Fn() -> bool,
    ) -> Result<T, String>
    + Sync;

/// Runs all scripts with the faults. The results are in the order of the scripts.
fn audit_all<E: Judges>(
    args: &Args,
    selections: &[Selection],
    faults: &[Fault],
    interrupt: &Interrupt,
    make: &(impl Fn() -> E + Sync),
) -> Vec<Option<Outcomes>> {
    let injected: Vec<(usize, &Fault)> =
        faults.iter().enumerate().filter(|(_, fault)| fault.equivalent.is_none()).collect();
    each_script(args, selections, interrupt, |case, engine: &mut Option<E>| {
        audit_one(args, case, &injected, (engine, make), interrupt, &wassay_audit::audit)
    })
}

/// Does something with each script, on several threads. The results are in the order of the
/// scripts.
fn each_script<E, T: Clone + Send, F>(
    args: &Args,
    selections: &[Selection],
    interrupt: &Interrupt,
    one: F,
) -> Vec<Option<T>>
where
    F: Fn((&str, &Case), &mut Option<E>) -> T + Sync,
{
    let mut cases: Vec<(usize, String, &Case)> = Vec::new();
    for selection in selections {
        for case in &selection.cases {
            cases.push((cases.len(), label(&selection.suite, case), case));
        }
    }
    let count = cases.len();
    // The largest scripts first, so that no thread is left with one at the end.
    cases.sort_by_key(|(number, _, case)| (std::cmp::Reverse(size(case)), *number));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(vec![None; count]));
    let progress = Mutex::new(Progress::new(count));
    let work = || {
        let mut engine = None;
        while !interrupt.is_set() {
            let Some((number, label, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            let result = one((label, case), &mut engine);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = done.get_mut(*number) {
                *place = Some(result);
            }
            progress.lock().unwrap_or_else(PoisonError::into_inner).ended();
        }
    };
    let threads = args.jobs.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get).min(count);
    thread::scope(|scope| {
        let start = |_: &usize| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).is_ok();
        if (0..threads).filter(start).count() == 0 {
            work();
        }
    });
    progress.into_inner().unwrap_or_else(PoisonError::into_inner).close();
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Measures what the suites cover, and reports it.
fn covered<E: Judges>(
    args: &Args,
    selections: &[Selection],
    faults: &[Fault],
    (engine, begin, interrupt): (Identity, &Begin, &Interrupt),
    make: &(impl Fn() -> E + Sync),
) -> Result<Exit, Error> {
    let numbered: Vec<(usize, &Fault)> = faults.iter().enumerate().collect();
    let scripts = each_script(args, selections, interrupt, |case, engine: &mut Option<E>| {
        audit_one(args, case, &numbered, (engine, make), interrupt, &wassay_audit::coverage::coverage)
    });
    let mut all = Coverage::of_nothing(faults);
    for script in scripts.into_iter().flatten() {
        match script {
            Ok(script) => all.add(script),
            Err(why) => printer::warning(&why),
        }
    }
    let report = begin.report(engine, args.match_kind, Vec::new());
    let suites = selections.iter().map(|selection| selection.suite.name().to_owned()).collect();
    coverage::show(&coverage::collected(&all, report, suites, interrupt.is_set()), &args.reports)?;
    Ok(if interrupt.is_set() { Exit::Interrupted } else { Exit::Success })
}

fn size(case: &Case) -> usize {
    case.script().and_then(|script| script.read().ok()).map_or(0, |text| text.len())
}

fn audit_one<E: Judges, T>(
    args: &Args,
    (label, case): (&str, &Case),
    faults: &[(usize, &Fault)],
    (engine, make): (&mut Option<E>, &impl Fn() -> E),
    interrupt: &Interrupt,
    measure: &Measure<T>,
) -> Result<T, String> {
    let script = case.script().ok_or_else(|| format!("{label}: not a script"))?;
    let text = script.read().map_err(|error| error.to_string())?;
    let judging = judging(script, label, &text, args.features).map_err(|error| error.to_string())?;
    let options = Options {
        features: judging.features,
        match_kind: args.match_kind,
        timeout: Some(CLEAN_TIMEOUT),
        max_memory: args.max_memory,
        nan_canonicalization: judging.nan_canonicalization,
        dialect: judging.dialect,
        ..Options::default()
    };
    let script = Script { name: label, text: &text, options };
    let minimum_timeout = args.timeout.unwrap_or(MINIMUM_TIMEOUT);
    let settings = wassay_audit::Settings { faults, classify: CLASSIFY, minimum_timeout };
    let mut judge = |reading: &Reading<'_, '_>, options: &Options| judged(reading, options, engine, make);
    measure(&script, settings, &mut judge, &|| interrupt.is_set())
}

/// Judges a script. A panic of the engine is a failure.
fn judged<E: Judges>(
    reading: &Reading<'_, '_>,
    options: &Options,
    engine: &mut Option<E>,
    make: &impl Fn() -> E,
) -> ScriptResult {
    let judge = || engine.get_or_insert_with(make).judge(reading, options);
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|payload| {
        // The engine may be in any state after a panic, so that it is not dropped either.
        mem::forget(engine.take());
        let failure = Failure::new(FailureKind::Crashed, panic_message(&*payload));
        let crashed = DirectiveResult {
            place: Place { line: 1, column: 1 },
            keyword: String::new().into(),
            outcome: Outcome::Failed(Box::new(failure)),
            text_not_compared: false,
            reader_only: false,
            coarse: false,
        };
        ScriptResult { name: reading.source().name().to_owned(), directives: [crashed].into_iter().collect() }
    })
}

/// Collects the suites and faults for the report, and warns about scripts that were not audited.
fn collected(
    selections: &[Selection],
    faults: &[Fault],
    audited: &[Option<Outcomes>],
) -> (Vec<SuiteAudited>, Vec<Reported>) {
    let mut reported: Vec<Reported> = faults
        .iter()
        .map(|fault| Reported {
            family: fault.family.clone(),
            subject: fault.subject.clone(),
            what: fault.what.clone(),
            equivalent: fault.equivalent.clone(),
            ..Reported::default()
        })
        .collect();
    let mut audited = audited.iter();
    let mut suites = Vec::new();
    for Selection { suite, cases } in selections {
        let (name, source) = (suite.name().to_owned(), suite.source().to_owned());
        let mut of_suite =
            SuiteAudited { name, source, scripts: cases.len() as u64, directives: 0, failing: 0 };
        for (case, audited) in cases.iter().zip(audited.by_ref()) {
            let audited = match audited {
                Some(Ok(audited)) => audited,
                Some(Err(why)) => {
                    printer::warning(why);
                    continue;
                }
                None => continue,
            };
            of_suite.directives += audited.directives as u64;
            of_suite.failing += audited.failing.len() as u64;
            let script = full_name(suite, case);
            for (number, effect) in &audited.effects {
                if let Some(fault) = reported.get_mut(*number) {
                    record(fault, effect, &script);
                }
            }
        }
        if of_suite.failing > 0 {
            printer::warning(&format!(
                "{}: {} did not pass without any fault, and cannot notice one",
                of_suite.name,
                plural(usize::try_from(of_suite.failing).unwrap_or(usize::MAX), "directive")
            ));
        }
        suites.push(of_suite);
    }
    (suites, reported)
}

fn record(fault: &mut Reported, effect: &Effect, script: &str) {
    match effect {
        Effect::NotApplicable => fault.invalid += 1,
        Effect::Survived => fault.scripts += 1,
        Effect::Killed { place, kind } => {
            fault.scripts += 1;
            let line = u32::try_from(place.line).unwrap_or(u32::MAX);
            fault.kills.push(Kill { script: script.to_owned(), line, kind: kind.clone() });
        }
    }
}

/// Renders the table of families, the survivors and the verdict line.
fn summary(audit: &Audit, colour: bool) -> Text {
    let mut text = Text::new(colour);
    let width = audit.families().iter().map(|(family, _)| family.len()).max().unwrap_or(0).max(6);
    text.line(format_args!(
        "{:width$}  {:>6}  {:>6}  {:>8}  {:>10}  {:>14}",
        "family", "faults", "killed", "survived", "equivalent", "not applicable"
    ));
    for (family, tally) in audit.families() {
        text.line(format_args!(
            "{family:width$}  {:>6}  {:>6}  {:>8}  {:>10}  {:>14}",
            tally.total, tally.killed, tally.survived, tally.equivalent, tally.not_applicable
        ));
    }
    for fault in audit.survivors() {
        let scripts = plural(usize::try_from(fault.scripts).unwrap_or(usize::MAX), "script");
        text.line(format_args!("survived: {} ({scripts})", fault.name()));
    }
    let tally = audit.tally();
    text.line(format_args!(
        "{} in {:.1} s: {} killed, {} survived, {} equivalent, {} not applicable",
        plural(usize::try_from(tally.total).unwrap_or(usize::MAX), "fault"),
        audit.duration.as_secs_f64(),
        tally.killed,
        tally.survived,
        tally.equivalent,
        tally.not_applicable
    ));
    if audit.interrupted {
        text.line("interrupted: some scripts did not run with every fault");
    }
    text
}

/// The progress on standard error: a bar on a terminal, otherwise a line from time to time.
struct Progress {
    bar: ProgressBar,
    done: usize,
    count: usize,
    last_note: Instant,
}

/// The interval of progress lines if there is no terminal.
const NOTE_INTERVAL: Duration = Duration::from_secs(10);

impl Progress {
    fn new(count: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} scripts  {elapsed}") {
            bar.set_style(style);
        }
        Progress { bar, done: 0, count, last_note: Instant::now() }
    }

    /// Counts a script.
    fn ended(&mut self) {
        self.done += 1;
        if !self.bar.is_hidden() {
            self.bar.inc(1);
        } else if self.last_note.elapsed() > NOTE_INTERVAL {
            note(&format!("{} of {} done", self.done, plural(self.count, "script")));
            self.last_note = Instant::now();
        }
    }

    fn close(self) {
        self.bar.finish_and_clear();
    }
}
