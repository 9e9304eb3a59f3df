//! Runs scripts and guests as tests of `cargo test`.
//!
//! Any crate can have a test binary that runs scripts. In `Cargo.toml`:
//!
//! ```toml
//! [[test]]
//! name = "scripts"
//! harness = false
//! ```
//!
//! and in `tests/scripts.rs`:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use wassay::{catalogue, harness};
//!
//! fn main() -> ExitCode {
//!     match catalogue::resolve("tests/scripts") {
//!         Ok(suite) => harness::run(vec![suite]),
//!         Err(error) => {
//!             eprintln!("{error}");
//!             ExitCode::FAILURE
//!         }
//!     }
//! }
//! ```
//!
//! There is one trial per script, `suite::script.wast`, whose message lists all directives that
//! failed. If the filter names a line, as in `cargo test i32.wast:17`, the trial judges only
//! directives that begin on that line; earlier ones run unchecked. With `WASSAY_TRIALS=directive`
//! there is one trial per line on which directives begin, `suite::script.wast:17`. Scripts are
//! parsed to list trials only in these two cases, and only those that match the filter.
//!
//! A filter that can only refer to cases but matches none is an error: one that ends in `.wast`,
//! `.wasm` or `.wat`, with or without a line, or that begins with the name of a suite and `::`. Any
//! other filter may be intended for another test binary.
//!
//! Expected failures are listed in a file: see [`expectations`], which returns suites that [`run`]
//! and [`run_with`] accept.
//!
//! | variable | is |
//! |---|---|
//! | `WASSAY_SUITES` | additional folders and suites, separated by `:`; a missing folder is listed as `not run` |
//! | [`WASSAY_ALLOW_LINKS`](ALLOW_LINKS) | folders that links of suites may lead into, separated by `:`; `1` for those that each suite names in its `wassay.toml` |
//! | `WASSAY_TRIALS` | `directive` for one trial per line |
//! | [`WASSAY_ENGINE`](ENGINE) | another engine to run the scripts on, as for the option `--engine`; ignored by [`run_with`] |
//! | [`WASSAY_ISOLATE`](ISOLATE) | `1`: each script runs in its own process, so that a crash fails only that script; other engines always have their own |
//! | [`WASSAY_VERIFIER`](VERIFIER) | `1` or `0`: Cranelift's verifier on or off |
//! | [`WASSAY_STRESS`](STRESS) | `1`: every allocation of an object collects first |
//! | [`WASSAY_COMPILE`](COMPILE) | `tiered`, `lazy`, `quick`, `eager` or `stressed`: as for `wassay run --compile` |

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::available_parallelism;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use wassay_reports::terminal::as_line;
use wassay_script::Judges;
use wassay_testsuite::expectation::Entry;
use wassay_testsuite::{Case, Pin, Suite, naming};

use self::address::lines_of;
use crate::batch::{self, End, Finished, Settings, TIMEOUT, Task, Workers, full_name};
#[cfg(all(doc, feature = "engine"))]
use crate::batch::{COMPILE, STRESS, VERIFIER};
#[cfg(doc)]
use crate::catalogue::ALLOW_LINKS;
use crate::cli::arguments;
use crate::engines;
use crate::expectations::{self, ExpectationsError, Tally, expecting, stale_message};
use crate::own;
use crate::printer;
use crate::scratch::{Session, signal};
use crate::threads;

mod address;

/// The environment variable that runs each script in its own process if it is `1`. The process is
/// another instance of the same test binary, which does not get past [`run`].
pub const ISOLATE: &str = "WASSAY_ISOLATE";

/// The environment variable that selects another engine for [`run`]; see [`engines`] for its
/// values.
pub const ENGINE: &str = "WASSAY_ENGINE";

/// The suites of the catalogue that run by default.
pub fn default_suites() -> Vec<Suite> {
    wassay_testsuite::catalogue::defaults().cloned().collect()
}

/// Runs suites, and those of `WASSAY_SUITES`, with the usual arguments of a test binary.
///
/// Its output is escaped, including the names of trials. It installs a panic
/// [hook](std::panic::set_hook) that escapes messages too.
///
/// A complete run of an embedded suite also fails if its number of directives differs from the
/// catalogue.
///
/// Without the feature `engine` it fails: see [`run_with`].
pub fn run(suites: Vec<Suite>) -> ExitCode {
    let Some(engine) = std::env::var_os(ENGINE).filter(|engine| !engine.is_empty()) else {
        let Some(make) = own::maker() else {
            printer::error(
                "this build of wassay has no built-in engine: build it with the feature `engine`, name another \
                engine in WASSAY_ENGINE, or use `harness::run_with`",
            );
            return ExitCode::from(101);
        };
        return run_with(suites, make);
    };
    match run_driven(suites, &engine.to_string_lossy()) {
        Ok(exit) => exit,
        Err(message) => {
            printer::error(&format!("{ENGINE}: {message}"));
            ExitCode::from(101)
        }
    }
}

/// Runs suites on another engine, with the limits and expectations of its description.
fn run_driven(mut suites: Vec<Suite>, engine: &str) -> Result<ExitCode, String> {
    let chosen = engines::choose(engine).map_err(|error| error.to_string())?;
    if let Some(path) = chosen.expectations() {
        let read = expectations::read(path).map_err(|error| error.to_string())?;
        suites = match expecting(suites.clone(), read) {
            Ok(suites) => suites,
            // The file of an engine covers all suites.
            Err(ExpectationsError::NoEntry { .. }) => suites,
            Err(error) => return Err(error.to_string()),
        };
    }
    let make = chosen.drivers(None).map_err(|error| error.to_string())?;
    let guests = chosen.runtime(None).map_err(|error| error.to_string())?.map(Arc::new);
    // The engine has its own processes, so cases need no isolation.
    let (timeout, default_timeout) = (chosen.timeout(), Some(TIMEOUT));
    Ok(run_within(suites, make, Settings { timeout, default_timeout, guests, ..Settings::default() }))
}

/// Like [`run`], on engines that `make` creates.
pub fn run_with<E: Judges>(
    suites: Vec<Suite>,
    make: impl Fn() -> E + Clone + Send + Sync + 'static,
) -> ExitCode {
    let isolate = std::env::var_os(ISOLATE).is_some_and(|value| !value.is_empty() && value != "0");
    run_within(suites, make, Settings { default_timeout: Some(TIMEOUT), isolate, ..Settings::default() })
}

/// Like [`run_with`], with these settings for each case.
fn run_within<E: Judges>(
    suites: Vec<Suite>,
    make: impl Fn() -> E + Clone + Send + Sync + 'static,
    settings: Settings,
) -> ExitCode {
    own::prepare();
    if let Some(exit) = batch::child(make.clone()) {
        return exit;
    }
    printer::report_panics();
    let session = Session::begin();
    if let Err(error) = signal::end_clean() {
        printer::warning(&format!("temporary folders are not removed on signals: {error}"));
    }
    let exit = run_trials(suites, make, settings);
    // The engine of an abandoned case is still running.
    wassay_drive::end_all();
    if let Err(left) = session.end() {
        printer::warning(&left);
    }
    exit
}

fn run_trials<E: Judges>(
    suites: Vec<Suite>,
    make: impl Fn() -> E + Clone + Send + Sync + 'static,
    settings: Settings,
) -> ExitCode {
    let mut args = match arguments::<Arguments>(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(args) => args,
        Err(exit) => return exit,
    };
    let threads = args.test_threads.and_then(NonZeroUsize::new).or_else(|| available_parallelism().ok());
    let shared = Arc::new(Shared {
        threads: threads.unwrap_or(NonZeroUsize::MIN),
        settings: Settings { jobs: threads, ..settings },
        start: Box::new(move |threads| Workers::start(threads, make.clone())),
        workers: OnceLock::new(),
        found: Mutex::default(),
        tally: Mutex::default(),
    });
    let granularity = Granularity::new(&args, std::env::var("WASSAY_TRIALS").ok().as_deref());
    let (more, mut trials) = address::more_suites(&std::env::var_os("WASSAY_SUITES").unwrap_or_default());
    let suites = naming::tell_apart(suites.into_iter().chain(more).collect());
    for suite in &suites {
        shared.add_trials(suite, &granularity, &mut trials);
    }
    if let Some(message) = address::missed(&args, &trials, &suites) {
        printer::error(&message);
        return ExitCode::from(101);
    }
    let complete = !args.list && !args.bench && granularity == Granularity::Script;
    // The threads of trials only wait for those of cases, and libtest-mimic panics if it cannot
    // start one.
    if threads::available(2 * shared.threads.get() + 2).1.is_some() {
        args.test_threads = Some(1);
    }
    let conclusion = libtest_mimic::run(&args, trials);
    let complete = complete && conclusion.num_filtered_out == 0;
    let is_pinned = !complete || shared.holds_what_is_pinned(&suites);
    if !shared.uses_what_is_expected(&suites) || !is_pinned {
        return ExitCode::from(101);
    }
    conclusion.exit_code()
}

/// The granularity of trials.
#[derive(Debug, PartialEq, Eq)]
enum Granularity {
    /// One per script.
    Script,
    /// One per line on which directives begin, for all scripts.
    Line,
    /// One line of the scripts whose name ends with `name`, or equals it.
    OneLine { name: String, line: usize, exact: bool },
}

impl Granularity {
    fn new(args: &Arguments, variable: Option<&str>) -> Granularity {
        let named = args.filter.as_deref().and_then(|filter| {
            let (name, line) = address::with_line(filter)?;
            Some(Granularity::OneLine { name: name.to_owned(), line, exact: args.exact })
        });
        match named {
            Some(granularity) => granularity,
            None if variable == Some("directive") => Granularity::Line,
            None => Granularity::Script,
        }
    }

    /// The lines of a script that have trials; `None` if the case has a single trial.
    fn lines(&self, full_name: &str, case: &Case) -> Option<Vec<usize>> {
        let script = case.script()?;
        let mut lines = match self {
            Granularity::Script => return None,
            Granularity::OneLine { name, exact: true, .. } if full_name != name => return None,
            Granularity::OneLine { name, .. } if !full_name.ends_with(name.as_str()) => return None,
            // If the script cannot be parsed, running it reports why.
            _ => lines_of(script)?,
        };
        if let Granularity::OneLine { line, .. } = self {
            lines.retain(|begin| begin == line);
        }
        (!lines.is_empty()).then_some(lines)
    }
}

/// The state shared by all trials.
struct Shared {
    threads: NonZeroUsize,
    /// The settings of each case.
    settings: Settings,
    start: Box<dyn Fn(NonZeroUsize) -> io::Result<Workers> + Send + Sync>,
    /// Started by the first trial that runs.
    workers: OnceLock<Result<Workers, String>>,
    /// The counts of completed cases and directives of each suite.
    found: Mutex<BTreeMap<String, Pin>>,
    /// The expectations that applied.
    tally: Mutex<Tally>,
}

impl Shared {
    fn add_trials(self: &Arc<Self>, suite: &Suite, granularity: &Granularity, trials: &mut Vec<Trial>) {
        for case in suite.cases() {
            let name = full_name(suite, &case);
            let task = Task::new(suite, &case);
            let Some(lines) = granularity.lines(&name, &case) else {
                let (shared, suite) = (Arc::clone(self), suite.name().to_owned());
                let case = case.name().to_owned();
                trials.push(Trial::ignorable_test(as_line(&name), move || {
                    let finished = shared.run_case(task).map_err(|message| as_line(&message))?;
                    shared.count(&suite, &case, &finished);
                    judged(&finished, None)
                }));
                continue;
            };
            // The first trial of a script runs it for all its lines.
            let once = Arc::new(OnceLock::new());
            for line in lines {
                let (shared, once) = (Arc::clone(self), Arc::clone(&once));
                let task = task.clone();
                trials.push(Trial::ignorable_test(as_line(&format!("{name}:{line}")), move || {
                    let finished = once.get_or_init(|| shared.run_case(task));
                    judged(finished.as_ref().map_err(Clone::clone)?, Some(line))
                }));
            }
        }
    }

    /// Runs a case on a thread with a large enough stack, which that of a trial may not have.
    fn run_case(&self, task: Task) -> Result<Finished, String> {
        let start = || {
            let workers = (self.start)(self.threads)
                .map_err(|error| format!("cannot start a thread for the cases: {error}"))?;
            workers.warning().iter().for_each(|warning| printer::warning(warning));
            Ok(workers)
        };
        let workers = self.workers.get_or_init(start).as_ref().map_err(String::clone)?;
        let mut finished = None;
        workers.run(std::iter::once(task), self.settings.clone(), |_, ended| {
            finished = Some(ended);
        });
        let finished = finished.ok_or("the thread of the case ended without a result")?;
        for warning in &finished.warnings {
            printer::warning(warning);
        }
        Ok(finished)
    }

    fn count(&self, suite: &str, case: &str, finished: &Finished) {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).add(suite, case, finished);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let found = found.entry(suite.to_owned()).or_insert(Pin { cases: 0, directives: 0 });
        found.cases += 1;
        found.directives += finished.directives();
    }

    /// Reports stale expectations.
    fn uses_what_is_expected(&self, suites: &[Suite]) -> bool {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = tally.stale(suites, Entry::is_broad);
        stale.iter().for_each(|entry| printer::error(&stale_message(entry)));
        stale.is_empty()
    }

    /// Reports suites whose counts differ from the catalogue.
    fn holds_what_is_pinned(&self, suites: &[Suite]) -> bool {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = true;
        for suite in suites {
            let found = found.get(suite.name()).copied().unwrap_or(Pin { cases: 0, directives: 0 });
            if let Err(error) = suite.check(found) {
                printer::error(&error.to_string());
                all = false;
            }
        }
        all
    }
}

/// The result of a trial: of a case, or of the directives that begin on one line. Skipped cases are
/// ignored trials.
fn judged(finished: &Finished, line: Option<usize>) -> Result<Completion, Failed> {
    if let End::Skipped { message, .. } = &finished.end {
        return Ok(Completion::ignored_with(as_line(&format!("not run: {message}"))));
    }
    let (true, Some(line)) = (matches!(finished.end, End::Judged(_)), line) else {
        return if finished.is_expected() {
            Ok(Completion::Completed)
        } else {
            Err(finished.render(false).into())
        };
    };
    let on_line = finished.on_line(line);
    if on_line.directives() == 0 {
        let missed = format!("{}:{line}: no directive was judged on this line", finished.label);
        return Err(as_line(&missed).into());
    }
    if on_line.is_expected() { Ok(Completion::Completed) } else { Err(on_line.render(false).into()) }
}

#[cfg(test)]
mod tests {
    use wassay_testsuite::directory;

    use super::*;

    fn granularity(filter: Option<&str>, exact: bool, variable: Option<&str>) -> Granularity {
        let args = Arguments { filter: filter.map(str::to_owned), exact, ..Arguments::default() };
        Granularity::new(&args, variable)
    }

    #[test]
    fn a_line_in_the_filter_selects_that_line_of_the_script() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wast");
        std::fs::write(&path, "(module)\n".repeat(17)).unwrap();
        let script = Case::Script(directory::script(&path).unwrap());
        let named = granularity(Some("i32.wast:1"), false, None);
        assert_eq!(named.lines("spec-v1::i32.wast", &script), Some(vec![1]));
        assert_eq!(named.lines("spec-v1::i64.wast", &script), None);
        assert_eq!(granularity(Some("i32.wast:18"), false, None).lines("spec-v1::i32.wast", &script), None);
        let exact = granularity(Some("spec-v1::i32.wast:17"), true, Some("directive"));
        assert_eq!(exact.lines("spec-v1::i32.wast", &script), Some(vec![17]));
        assert_eq!(exact.lines("x::spec-v1::i32.wast", &script), None);
        for other in [
            None,
            Some("i32"),
            Some("spec-v1::i32.wast"),
            Some("i32.wast:"),
            Some("i32.wast:1a"),
            Some("a:1"),
        ] {
            assert_eq!(granularity(other, false, None), Granularity::Script, "{other:?}");
            assert_eq!(granularity(other, false, Some("directive")), Granularity::Line, "{other:?}");
        }
    }

    #[test]
    fn lines_are_those_on_which_directives_begin() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wast");
        std::fs::write(&path, "(module)\n\n(module\n) (module) (register \"a\")\n").unwrap();
        assert_eq!(lines_of(&directory::script(&path).unwrap()), Some(vec![1, 3, 4]));
        std::fs::write(&path, "(module)\n(").unwrap();
        assert_eq!(lines_of(&directory::script(&path).unwrap()), None);
    }
}
