//! `wassay test`: runs suites and prints a summary table.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wassay_drive::wasi::Runtime;
use wassay_reports::terminal::Text;
use wassay_reports::{Case, Report, Shards, diff, summary};
use wassay_script::Judges;
use wassay_script::messages::MatchKind;
use wassay_terms::Features;
use wassay_testsuite::access::{Reach, SETTINGS};
use wassay_testsuite::expectation::Entry;
use wassay_testsuite::{PinError, Suite, catalogue, naming};

use super::checkout::annotate;
use super::driven::Driven;
use super::expectations::{File, tally};
use super::progress::Progress;
use super::report::is_worse;
use super::report_file::{self, ReportFile, check_all, check_stdin, read, write_all};
use super::shard::Shard;
use super::unjudged::is_unjudged;
use super::{
    Begin, Console, Error, Exit, duration, features, identity, interrupt, limit, match_kind, plural, protect,
    show, suite_report, workers,
};
use crate::batch::{self, End, Finished, Selection, Settings, TIMEOUT, full_name};
use crate::catalogue::{self as words, resolve_any, resolve_within};
use crate::expectations::stale_message;
use crate::printer;

const EXAMPLES: &str = "\
Examples:
  wassay test                            run the embedded suites that should pass
  wassay test spec-v1 proposals/simd     run two suites by name
  wassay test ./scripts                  run every .wast file and WASI case below a folder
  wassay test --filter i32 --filter i64  run the cases whose name contains one of these
  wassay test --report html=out.html     write a report to read
  wassay test --report json=out.json     write a report for programs
  wassay test --baseline out.json        compare with that report
  wassay test --isolate --retries 2      survive crashes, and report flaky cases
  wassay test --shard 1/4                run the first of four shards
  wassay test --list --filter i32        list the cases that would run

`wassay suite list` lists the suites. If a suite and a folder have the same name, write suite:NAME
for the suite and ./NAME for the folder. A selection that matches no case is wrong usage.";

/// Run test suites and print a summary
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Run only cases whose name, such as `spec-v1::i32.wast`, contains this text. Repeatable
    #[arg(long = "filter", value_name = "TEXT", value_parser = filter)]
    filters: Vec<String>,
    /// Number of threads that run cases [default: number of processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// How to compare error texts: class, exact, prefix or ignore. The kind of error is always
    /// compared
    #[arg(long = "match", value_name = "KIND", default_value_t, value_parser = match_kind)]
    match_kind: MatchKind,
    /// Features, as in `3.0,threads,-gc`: a version, then names to add or remove; overrides suite
    /// defaults and `;;!` headers
    #[arg(long, value_name = "LIST", value_parser = features)]
    features: Option<Features>,
    /// Time limit for each case, such as `10s` [default: that of a wassay.toml, or 30s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
    /// Limit for the memories, tables and objects of a case together, such as `512MiB`;
    /// with --isolate, also for the growth of its process
    #[arg(long, value_name = "SIZE", value_parser = limit)]
    pub(crate) max_memory: Option<u64>,
    /// Test another engine: NAME or NAME:COLUMN (see `wassay engine list`), a FILE.toml that
    /// describes it, or the COMMAND of an adapter. WASI cases run if the description says how
    /// (docs/command-line.md). With several,
    /// --report is a matrix, with each engine's report beside it
    #[arg(long = "engine", value_name = "ENGINE", conflicts_with = "isolate")]
    pub(crate) engines: Vec<String>,
    #[arg(skip)]
    pub(crate) driven: Driven,
    /// List the cases that would run, one per line, without running them
    #[arg(long, conflicts_with_all = ["reports", "bless_expectations"])]
    pub(super) list: bool,
    /// Stop at the first failure
    #[arg(long, conflicts_with_all = ["baseline", "bless_expectations"])]
    pub(super) fail_fast: bool,
    /// Print only failures and the verdict
    #[arg(long, short)]
    quiet: bool,
    /// Allow suites, filters, shards and expectations that match nothing
    #[arg(long)]
    allow_empty: bool,
    /// Run each case in its own process, so that a crash fails that case only
    #[arg(long)]
    isolate: bool,
    /// Retry a case that fails up to N times; cases that pass on retry are reported as flaky
    #[arg(long, value_name = "N", default_value_t = 0)]
    retries: u32,
    /// TOML file of expected failures; overrides the built-in ones. Entries about other suites are
    /// ignored
    #[arg(long, value_name = "FILE")]
    pub(super) expectations: Option<PathBuf>,
    /// Rewrite the file to match this run's failures; comments and reasons are kept
    #[arg(long, requires = "expectations")]
    pub(super) bless_expectations: bool,
    #[arg(long = "report", value_name = "FORMAT=FILE", help = report_file::help())]
    pub(super) reports: Vec<ReportFile>,
    /// Compare with a previous JSON report; fail on regressions
    #[arg(long, value_name = "REPORT")]
    pub(super) baseline: Option<PathBuf>,
    /// Accept that less is judged than in the baseline, such as when cases were removed
    #[arg(long, requires = "baseline")]
    allow_less: bool,
    /// Run one of several shards, such as `1/4`; `wassay report merge` combines their reports
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Balance shards by the durations in this JSON report [default: that of --baseline]
    #[arg(long, value_name = "REPORT", requires = "shard")]
    timings: Option<PathBuf>,
    /// Follow symbolic links out of a suite's folder into DIR; without DIR, into the folders that
    /// the suite's wassay.toml names. By default no link may leave its suite's folder. Repeatable
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = SETTINGS)]
    allow_links: Vec<PathBuf>,
    /// Suites by name, folders and files by path [default: the embedded suites that should pass]
    #[arg(value_name = "SUITE or DIR")]
    suites: Vec<String>,
}

pub(crate) fn run<E: Judges>(
    args: Args,
    make: impl Fn() -> E + Send + Sync + 'static,
) -> Result<Exit, Error> {
    run_reporting(args, make).map(|(exit, _)| exit)
}

/// Runs the command and returns the report; there is none if cases were only listed.
pub(super) fn run_reporting<E: Judges>(
    args: Args,
    make: impl Fn() -> E + Send + Sync + 'static,
) -> Result<(Exit, Option<Report>), Error> {
    let mut suites = suites(&args.suites, &reach(&args.allow_links), args.allow_empty)?;
    let expected = args.expectations.as_deref().map(|path| File::read(path, args.bless_expectations));
    let expected = expected.transpose()?;
    if let Some(file) = &expected {
        suites = match args.bless_expectations {
            true => file.apply_to_bless(suites),
            false => file.apply(suites, args.allow_empty)?,
        };
    } else if let Some(path) = &args.driven.expectations {
        // The file of an engine covers all suites.
        suites = File::read(path, false)?.apply(suites, true)?;
    }
    let mut selections = select(suites, &args.filters, args.allow_empty)?;
    check_all(&args.reports)?;
    let written = args.driven.written.iter().map(PathBuf::as_path);
    let reports: Vec<&Path> = args.reports.iter().map(ReportFile::path).chain(written).collect();
    protect::refuse_overwrites(&reports, &named(&args), &selections)?;
    let read_once: Vec<&Path> =
        [&args.baseline, &args.timings].into_iter().flatten().map(PathBuf::as_path).collect();
    check_stdin(&read_once)?;
    let baseline = args.baseline.as_deref().map(read).transpose()?;
    let mut shards = None;
    if let Some(shard) = args.shard {
        let timings = args.timings.as_deref().map(read).transpose()?;
        let features = args.features.map(|features| features.to_string()).unwrap_or_default();
        let judging = format!("{features} {}", args.match_kind);
        shards = Some(shard.apply(&mut selections, timings.as_ref().or(baseline.as_ref()), &judging));
    }
    if !args.allow_empty && selections.iter().all(|selection| selection.cases.is_empty()) {
        return Err(Error::Usage(match args.shard {
            Some(_) => "--shard: this shard has no cases; --allow-empty accepts this".to_owned(),
            None => "no case to run".to_owned(),
        }));
    }
    if args.list {
        show(&names(&selections))?;
        return Ok((Exit::Success, None));
    }
    run_selections(&args, &selections, (baseline, expected.as_ref(), shards), make)
}

/// The names of the cases, one per line.
fn names(selections: &[Selection]) -> Text {
    let mut names = Text::new(false);
    for Selection { suite, cases } in selections {
        for case in cases {
            names.line(full_name(suite, case));
        }
    }
    names
}

/// The files named by options that a run reads, or writes besides its reports.
fn named(args: &Args) -> Vec<PathBuf> {
    let of_options = [&args.expectations, &args.baseline, &args.timings, &args.driven.expectations];
    of_options.into_iter().flatten().cloned().collect()
}

/// Runs the selected cases and writes the reports.
fn run_selections<E: Judges>(
    args: &Args,
    selections: &[Selection],
    (baseline, expected, shards): (Option<Report>, Option<&File>, Option<Shards>),
    make: impl Fn() -> E + Send + Sync + 'static,
) -> Result<(Exit, Option<Report>), Error> {
    let engine = identity(&make)?;
    let settings = Settings { guests: guests(args, selections)?, ..settings(args, baseline.is_some())? };
    let interrupt = settings.interrupt.clone();
    let cases = selections.iter().map(|selection| selection.cases.len()).sum();
    let (begin, workers) = (Begin::now(), workers(args.jobs, cases, make)?);
    let mut progress = (!args.quiet).then(|| Progress::new(selections));
    let finished = batch::run(&workers, selections, settings, |suite, finished| {
        progress.iter_mut().for_each(|progress| progress.ended(suite, finished));
    });
    progress.into_iter().for_each(Progress::close);

    let suites = selections.iter().zip(&finished);
    let suites = suites.map(|(selection, finished)| suite_report(selection, finished)).collect();
    let report = begin.report(engine, args.match_kind, suites);
    let report = Report { shards, interrupted: interrupt.is_set(), ..report };
    // A report on standard output must be the only output there.
    let is_taken = args.driven.takes_stdout || args.reports.iter().any(ReportFile::takes_stdout);
    let console = Console::new(is_taken);
    let colour = console.has_colour();
    let mut text = failures(&finished, args, colour);
    text.append(&summed_up(&report, args.quiet, colour));
    if interrupt.is_set() {
        text.line(interrupted(&finished));
    }
    // Don't compare an interrupted run.
    let baseline = baseline.filter(|_| !interrupt.is_set());
    if let Some(names) = baseline.as_ref().and_then(|baseline| left_out(baseline, &report)) {
        text.end()
            .line(format_args!("suites of the baseline that are not in this run, so not compared: {names}"));
    }
    let changes =
        baseline.map(|baseline| diff::compare(&comparable(baseline, &report, selections, args), &report));
    if let Some(changes) = &changes {
        text.end().append(&diff::text(changes, colour));
    }
    // Reports are written even if this fails.
    let shown = console.show(&text);
    let lost = lost(selections, &finished, args, interrupt.is_set());
    lost.iter().for_each(|message| printer::error(message));
    let written = write_all(&args.reports, &report, changes.as_ref());
    let written = shown.and(written);
    annotate(&report);
    let regressed = changes.is_some_and(|changes| is_worse(&changes, args.allow_less));
    let mut as_expected = report.is_expected();
    if interrupt.is_set() {
        return written.map(|()| (Exit::Interrupted, Some(report)));
    }
    if let (Some(file), Some(path), true) = (expected, &args.expectations, args.bless_expectations) {
        let blessed = file.bless(selections, &finished)?;
        console.show(&blessed.render(path))?;
        as_expected = blessed.covers_all();
    }
    // A shard may be empty.
    let unjudged = is_unjudged(&report, args.shard.is_some() || args.allow_empty);
    written?;
    let is_success = as_expected && !unjudged && lost.is_empty() && !regressed;
    Ok((if is_success { Exit::Success } else { Exit::Failure }, Some(report)))
}

/// Parses a filter.
fn filter(text: &str) -> Result<String, String> {
    match text {
        "" => Err("expected a part of a case's name; the empty text matches every case".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// How WASI cases run on another engine, if its description says so.
fn guests(args: &Args, selections: &[Selection]) -> Result<Option<Arc<Runtime>>, Error> {
    let mut cases = selections.iter().flat_map(|selection| &selection.cases);
    match &args.driven.runtime {
        Some(Ok(runtime)) => Ok(Some(Arc::clone(runtime))),
        // It is an error only if there are WASI cases.
        Some(Err(why)) if cases.any(|case| matches!(case, wassay_testsuite::Case::Guest(_))) => {
            Err(Error::Usage(format!("--engine: {why}")))
        }
        _ => Ok(None),
    }
}

/// The settings for running cases.
fn settings(args: &Args, is_compared: bool) -> Result<Settings, Error> {
    Ok(Settings {
        features: args.features,
        match_kind: args.match_kind,
        timeout: args.timeout,
        default_timeout: Some(TIMEOUT),
        uses: !args.reports.is_empty(),
        keys: !args.reports.is_empty() || is_compared || args.bless_expectations,
        fail_fast: args.fail_fast,
        isolate: args.isolate,
        max_memory: args.max_memory,
        jobs: args.jobs,
        retries: args.retries,
        interrupt: interrupt()?,
        ..Settings::default()
    })
}

/// The summary: the table and the verdict, or only the verdict.
fn summed_up(report: &Report, is_quiet: bool, colour: bool) -> Text {
    if is_quiet { summary::closing(report, colour) } else { summary::render(report, colour) }
}

/// Errors of the run as a whole: counts that differ from the catalogue, and expectations that
/// applied to nothing.
fn lost(
    selections: &[Selection],
    finished: &[Vec<Finished>],
    args: &Args,
    is_interrupted: bool,
) -> Vec<String> {
    // Counts are comparable only for a complete run.
    let whole = args.filters.is_empty() && args.shard.is_none() && !is_interrupted;
    let mut lost: Vec<String> = Vec::new();
    if whole {
        lost.extend(not_as_pinned(selections, finished).iter().map(PinError::to_string));
    }
    // With --fail-fast, scripts end early and expectations may not apply.
    if !args.bless_expectations && !args.fail_fast {
        let suites: Vec<Suite> = selections.iter().map(|selection| selection.suite.clone()).collect();
        let tally = tally(selections, finished);
        lost.extend(tally.stale(&suites, Entry::is_broad).into_iter().map(stale_message));
    }
    lost
}

/// The progress of an interrupted run.
pub(super) fn interrupted(finished: &[Vec<Finished>]) -> String {
    let all = finished.iter().map(Vec::len).sum();
    let cut_short =
        |finished: &&Finished| finished.is_cut_short || matches!(finished.end, End::NotRun { .. });
    let run = all - finished.iter().flatten().filter(cut_short).count();
    format!("interrupted: {run} of {} completed", plural(all, "case"))
}

/// The part of an older report that is comparable with this run: its suites, and of these the cases
/// that the filters or the shard select.
fn comparable(mut old: Report, new: &Report, selections: &[Selection], args: &Args) -> Report {
    // Older reports have the path of a folder as it was typed.
    for suite in &mut old.suites {
        let is_called = |selection: &&Selection| selection.suite.is_called(&suite.name);
        if let Some(selection) = selections.iter().find(is_called) {
            suite.name = selection.suite.name().to_owned();
        }
    }
    // A single suite may have had another name; with several, suites may have been omitted on
    // purpose.
    if new.suites.len() > 1 || old.suites.len() > 1 {
        old.suites.retain(|suite| new.suites.iter().any(|other| other.name == suite.name));
    }
    // What remains is the same part of the run.
    old.shards = new.shards.clone();
    let filters = &args.filters;
    for suite in &mut old.suites {
        if args.shard.is_some() {
            let cases = new.suites.iter().filter(|other| new.suites.len() == 1 || other.name == suite.name);
            let names: HashSet<&str> = cases.flat_map(|suite| &suite.cases).map(|case| &*case.name).collect();
            suite.cases.retain(|case| names.contains(&*case.name));
        }
        let name = |case: &Case| format!("{}::{}", suite.name, case.name);
        if !filters.is_empty() {
            suite.cases.retain(|case| filters.iter().any(|filter| name(case).contains(filter)));
        }
    }
    old
}

/// The suites of an older report that are not compared because this run does not have them.
fn left_out(old: &Report, new: &Report) -> Option<String> {
    let is_here = |name: &str| {
        (new.suites.len() == 1 && old.suites.len() == 1) || new.suites.iter().any(|suite| suite.name == name)
    };
    let names: Vec<&str> =
        old.suites.iter().map(|suite| &*suite.name).filter(|name| !is_here(name)).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The folders that links of suites may lead into, from the option and the environment.
fn reach(options: &[PathBuf]) -> Reach {
    let mut reach = words::reach();
    for folder in options {
        match folder.as_os_str() == SETTINGS {
            true => reach.trust_suite = true,
            false => reach.folders.push(folder.clone()),
        }
    }
    reach
}

/// Resolves words to suites, without duplicates; by default the default suites.
pub(super) fn suites(words: &[String], reach: &Reach, may_be_empty: bool) -> Result<Vec<Suite>, Error> {
    if words.is_empty() {
        return Ok(catalogue::defaults().cloned().collect());
    }
    let resolve =
        |word: &String| if may_be_empty { resolve_any(word, reach) } else { resolve_within(word, reach) };
    Ok(naming::tell_apart(words.iter().map(resolve).collect::<Result<_, _>>()?))
}

/// Selects the cases that match a filter; all without filters.
fn select(suites: Vec<Suite>, filters: &[String], may_be_empty: bool) -> Result<Vec<Selection>, Error> {
    let mut selections: Vec<Selection> = suites.into_iter().map(Selection::all).collect();
    for filter in filters.iter().filter(|_| !may_be_empty) {
        let mut names = selections
            .iter()
            .flat_map(|Selection { suite, cases }| cases.iter().map(|case| full_name(suite, case)));
        if !names.any(|name| name.contains(filter)) {
            let message = format!("--filter {filter}: no case of these suites has a name that contains it");
            return Err(Error::Usage(message));
        }
    }
    if !filters.is_empty() {
        for Selection { suite, cases } in &mut selections {
            cases.retain(|case| filters.iter().any(|filter| full_name(suite, case).contains(filter)));
        }
        selections.retain(|selection| !selection.cases.is_empty());
    }
    Ok(selections)
}

/// The unexpected results, in the order of the cases, followed by a blank line.
fn failures(finished: &[Vec<Finished>], args: &Args, colour: bool) -> Text {
    let (mut text, mut not_begun) = (Text::new(colour), 0);
    for finished in finished.iter().flatten() {
        finished.warnings.iter().for_each(|warning| printer::warning(warning));
        if args.fail_fast && matches!(finished.end, End::NotRun { .. }) {
            not_begun += 1;
        } else if !(args.quiet && finished.is_expected()) {
            text.append(&finished.render(colour));
        }
    }
    if not_begun > 0 {
        text.line(format_args!(
            "--fail-fast: {} not run because of the first failure",
            plural(not_begun, "case")
        ));
    }
    if !text.is_empty() {
        text.end();
    }
    text
}

/// Suites whose counts differ from the catalogue.
fn not_as_pinned(selections: &[Selection], finished: &[Vec<Finished>]) -> Vec<PinError> {
    let suites = selections.iter().zip(finished);
    suites.filter_map(|(selection, finished)| selection.check(finished).err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_loses_directives_is_noticed() {
        let suite = catalogue::find("scripts").unwrap().clone();
        let selection = Selection::all(suite);
        assert_eq!(not_as_pinned(&[selection], &[Vec::new()]).len(), 1);
    }

    #[test]
    fn filters_add_up_and_each_must_match() {
        let filters = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let suites = || catalogue::defaults().cloned().collect::<Vec<_>>();
        let selections = select(suites(), &filters(&["spec-v1::i32.wast", "v2::i64.wast"]), false).unwrap();
        let names: Vec<String> = selections
            .iter()
            .flat_map(|Selection { suite, cases }| cases.iter().map(|case| full_name(suite, case)))
            .collect();
        assert_eq!(names, ["spec-v1::i32.wast", "spec-v2::i64.wast"]);
        let error = select(suites(), &filters(&["i32", "no such script"]), false).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(select(suites(), &filters(&["no such script"]), true).unwrap().is_empty());
        assert_eq!(select(suites(), &[], false).unwrap().len(), catalogue::defaults().count());
    }
}
