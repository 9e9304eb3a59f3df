//! `wassay wast`: runs script files and prints each directive that fails.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use wassay_reports::terminal::Text;
use wassay_reports::{Aside, COARSELY, Case, Counts, Report, Suite};
use wassay_script::messages::MatchKind;
use wassay_script::{Judges, LineRange};
use wassay_terms::Features;
use wassay_testsuite::directory;

use super::checkout::{self, annotate};
use super::report_file::{self, ReportFile, check_all, write_all};
use super::test::interrupted;
use super::unjudged::is_unjudged;
use super::{
    Begin, Console, Error, Exit, duration, features, identity, interrupt, limit, match_kind, plural, protect,
    repro, scripts, source_url, workers,
};
use crate::batch::{self, End, Finished, Selection, Settings, TIMEOUT};
use crate::catalogue::embedded;
use crate::printer;

const EXAMPLES: &str = "\
Examples:
  wassay wast a.wast b.wast              run two scripts
  wassay wast --lines 120-140 a.wast     check only these lines
  wassay wast --repro 120 a.wast > b.wast  reduce the failure on a line to a script
  wassay wast --suite spec-v1 a.wast     with the features of a suite
  generate | wassay wast -               run the script on standard input
  wassay wast --features 2.0,threads a.wast

Without --features and --suite, a script has the features that its `;;!` header
names, else those of a wassay.toml in its folder or above, else those that the
name of a folder says (`proposals/NAME`, `threads`, `legacy`), else those of 3.0.";

/// Run test scripts and show each directive that fails
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// How to compare error texts: class, exact, prefix or ignore. The kind of error is always
    /// compared
    #[arg(long = "match", value_name = "KIND", default_value_t, value_parser = match_kind)]
    match_kind: MatchKind,
    /// Features, as in `3.0,threads,-gc`: a version, then names to add or remove; overrides `;;!`
    /// headers
    #[arg(long, value_name = "LIST", conflicts_with = "suite", value_parser = features)]
    features: Option<Features>,
    /// Use the features of an embedded suite
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Check only directives that are at least partly on these lines; earlier ones run unchecked.
    /// It is an error if there are none
    #[arg(long, value_name = "N[-M]")]
    lines: Option<LineRange>,
    /// Allow scripts without a directive on the lines of --lines
    #[arg(long)]
    allow_empty: bool,
    /// Print a script that reproduces the failure on this line, reduced to what it needs
    #[arg(long, value_name = "LINE", conflicts_with_all = ["lines", "fail_fast", "reports"])]
    repro: Option<NonZeroUsize>,
    /// Stop at the first failure
    #[arg(long)]
    fail_fast: bool,
    /// Time limit for each script, such as `10s` [default: none]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
    /// Limit for the memories, tables and objects of a script together, such as `512MiB`
    #[arg(long, value_name = "SIZE", value_parser = limit)]
    pub(crate) max_memory: Option<u64>,
    /// Test another engine: NAME or NAME:COLUMN (see `wassay engine list`), a FILE.toml that
    /// describes it, or the COMMAND of an adapter (docs/engines.md)
    #[arg(long, value_name = "ENGINE", conflicts_with = "repro")]
    pub(crate) engine: Option<String>,
    #[arg(long = "report", value_name = "FORMAT=FILE", help = report_file::help())]
    reports: Vec<ReportFile>,
    /// The scripts; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run<E: Judges>(
    args: Args,
    make: impl Fn() -> E + Send + Sync + 'static,
) -> Result<Exit, Error> {
    let suite_features = args.suite.as_deref().map(features_of).transpose()?;
    if let Some(line) = args.repro {
        let [file] = args.files.as_slice() else {
            return Err(Error::Usage("--repro: expected exactly one file".to_owned()));
        };
        let settings = Settings {
            features: args.features.or(suite_features),
            match_kind: args.match_kind,
            timeout: args.timeout,
            default_timeout: Some(TIMEOUT),
            max_memory: args.max_memory,
            ..Settings::default()
        };
        return repro::run(file, line, &settings);
    }
    check_all(&args.reports)?;
    let reports: Vec<&Path> = args.reports.iter().map(ReportFile::path).collect();
    protect::refuse_overwrites(&reports, &args.files, &[])?;
    let (selections, unusable) = open(&args.files);
    let settings = Settings {
        features: args.features.or(suite_features),
        match_kind: args.match_kind,
        lines: args.lines.clone(),
        fail_fast: args.fail_fast,
        timeout: args.timeout,
        uses: !args.reports.is_empty(),
        keys: !args.reports.is_empty(),
        max_memory: args.max_memory,
        interrupt: interrupt()?,
        ..Settings::default()
    };
    let interrupt = settings.interrupt.clone();
    let jobs = args.fail_fast.then_some(NonZeroUsize::MIN);
    let engine = identity(&make)?;
    let (begin, workers) = (Begin::now(), workers(jobs, selections.len(), make)?);
    let ran = batch::run(&workers, &selections, settings, |_, _| {});
    let finished: Vec<Finished> = unusable.into_iter().chain(ran.into_iter().flatten()).collect();
    let empty: Vec<&Finished> = match args.lines.is_some() && !args.allow_empty {
        true => finished.iter().filter(|finished| has_nothing_judged(finished)).collect(),
        false => Vec::new(),
    };
    for (finished, lines) in empty.iter().zip(args.lines.iter().cycle()) {
        printer::error(&format!(
            "{}: no directive on {lines}; --lines takes any lines of a directive, from its first to its last",
            finished.label
        ));
    }
    if !empty.is_empty() && empty.len() == finished.len() {
        return Ok(Exit::Usage);
    }
    let is_missed = !empty.is_empty();
    let console = Console::new(args.reports.iter().any(ReportFile::takes_stdout));
    let mut text = shown(&finished, console.has_colour());
    if interrupt.is_set() {
        text.line(interrupted(std::slice::from_ref(&finished)));
    }
    // Reports are written even if this fails.
    let shown = console.show(&text);
    let report = begin.report(engine, args.match_kind, vec![suite_of(&args, &finished)]);
    let report = Report { interrupted: interrupt.is_set(), ..report };
    annotate(&report);
    write_all(&args.reports, &report, None)?;
    shown?;
    // A script without directives is only warned about.
    let is_unjudged = is_unjudged(&report, args.allow_empty || report.totals().directives.total() == 0);
    Ok(match exit(&finished) {
        _ if interrupt.is_set() => Exit::Interrupted,
        _ if is_missed => Exit::Usage,
        Exit::Success if is_unjudged => Exit::Failure,
        exit => exit,
    })
}

/// The suite of a report for the scripts. The names of its cases are their relative paths.
fn suite_of(args: &Args, finished: &[Finished]) -> Suite {
    let name = args.suite.clone().unwrap_or_else(|| "wast".to_owned());
    let cases = finished.iter().map(|finished| Case {
        // Standard input and pipes have no file to annotate.
        file: checkout::file(Path::new(&finished.label)).filter(|_| is_regular(&finished.label)),
        ..finished.case(&finished.label)
    });
    let is_below = |path: &PathBuf| {
        scripts::is_file(path)
            && path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    let url = args.files.iter().all(is_below).then(|| source_url::of(Path::new("."))).flatten();
    Suite { url, ..Suite::new(name, "files".to_owned(), cases.collect()) }
}

/// Whether a script was read from a regular file, which annotations can refer to.
fn is_regular(label: &str) -> bool {
    Path::new(label).is_file()
}

fn features_of(suite: &str) -> Result<Features, Error> {
    let suite = embedded(suite).map_err(|error| Error::Usage(format!("--suite: {error}")))?;
    suite.features().parse().map_err(|error| Error::Usage(format!("--suite: {error}")))
}

/// Opens the files as suites of one script each, and returns those that are not scripts separately.
/// Duplicates are removed.
fn open(files: &[PathBuf]) -> (Vec<Selection>, Vec<Finished>) {
    let (mut selections, mut unusable, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for path in files.iter().filter(|path| seen.insert(path.as_path())) {
        match scripts::script(path) {
            Ok(script) => selections.push(Selection::all(directory::of_script(script))),
            Err(message) => {
                unusable
                    .push(Finished::new(path.display().to_string(), End::Unusable { message, place: None }));
            }
        }
    }
    (selections, unusable)
}

/// The unexpected results and the counts. Unusable files and warnings are printed to standard
/// error.
fn shown(finished: &[Finished], colour: bool) -> Text {
    let mut text = Text::new(colour);
    for finished in finished {
        finished.warnings.iter().for_each(|warning| printer::warning(warning));
        match &finished.end {
            End::Unusable { message, .. } => printer::error(message),
            _ => _ = text.append(&finished.render(colour)),
        }
    }
    text.line(counts_line(finished));
    text
}

/// The last line: the number of directives by outcome.
fn counts_line(finished: &[Finished]) -> String {
    let unusable = finished.iter().filter(|finished| is_unusable(finished)).count();
    let (mut counts, mut uncompared, mut reader_only) = (Counts::default(), 0, 0);
    let mut aside = Aside::default();
    for case in finished.iter().map(|finished| finished.case(&finished.label)) {
        counts += case.directives;
        uncompared += case.text_not_compared;
        reader_only += case.reader_only;
        aside += case.aside;
    }
    let coarse = std::mem::take(&mut aside.coarse);
    let passes = [
        (reader_only, "by the parser alone"),
        (uncompared, "without a comparison of the error text"),
        (coarse, COARSELY),
    ];
    let passes: Vec<String> = nonzero(passes).map(|(count, how)| format!("{count} {how}")).collect();
    let of_them = if passes.is_empty() { String::new() } else { format!(" ({})", passes.join(", ")) };
    let mut line = format!(
        "{}, {}: {} passed{of_them}, {} failed",
        plural(finished.len() - unusable, "script"),
        plural(usize::try_from(counts.total()).unwrap_or(usize::MAX), "directive"),
        counts.passed,
        counts.failed
    );
    let others = [(counts.skipped, "skipped"), (counts.xfailed, "xfailed"), (counts.xpassed, "xpassed")];
    for (count, what) in nonzero(others).chain(aside.counts()) {
        line.push_str(&format!(", {count} {what}"));
    }
    if unusable > 0 {
        line.push_str(&format!("; {} could not be run", plural(unusable, "file")));
    }
    line
}

fn nonzero<const N: usize>(counts: [(u64, &'static str); N]) -> impl Iterator<Item = (u64, &'static str)> {
    counts.into_iter().filter(|(count, _)| *count > 0)
}

fn exit(finished: &[Finished]) -> Exit {
    if finished.iter().any(is_unusable) {
        Exit::Usage
    } else if finished.iter().all(Finished::is_expected) {
        Exit::Success
    } else {
        Exit::Failure
    }
}

fn has_nothing_judged(finished: &Finished) -> bool {
    matches!(&finished.end, End::Judged(result) if result.directives.is_empty())
}

fn is_unusable(finished: &Finished) -> bool {
    matches!(finished.end, End::Unusable { .. })
}
