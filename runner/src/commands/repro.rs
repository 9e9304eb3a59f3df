//! `wassay wast --repro`: reduces a script to one failure.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::Duration;

use wassay_reports::terminal::printable;
use wassay_script::model::Script;
use wassay_script::source::Source;
use wassay_script::{Grammar, Options, parse_as};
use wassay_testsuite::conditions::Conditions;
use wassay_testsuite::{Case, directory};

use super::{Error, Exit, plural, print_document, scripts};
use crate::batch::{End, STACK, Settings, Task, alone};
use crate::catalogue::judging;
use crate::printer;
use crate::repro::{NoRepro, Repro, reproduce};
use crate::scratch;
use crate::verdict::ScriptResult;

/// The time limit for the reduction.
const TIME: Duration = Duration::from_secs(60);

/// Prints a script that fails in the same way as the directive on this line of a file. It is a
/// failure if there is none.
pub(super) fn run(file: &Path, line: NonZeroUsize, settings: &Settings) -> Result<Exit, Error> {
    let usage = |error: &dyn std::error::Error| Error::Usage(error.to_string());
    let script = scripts::script(file).map_err(Error::Usage)?;
    let name = script.path().map_or_else(|| script.name().to_owned(), |path| path.display().to_string());
    let label = printable(&name).into_owned();
    let text = script.read().map_err(|error| usage(&error))?;
    let judging = judging(&script, &label, &text, settings.features).map_err(|error| usage(&error))?;
    judging.warnings.iter().for_each(|warning| printer::warning(warning));
    // The other options are in the settings, which are passed to the child process.
    let (nan_canonicalization, dialect) = (judging.nan_canonicalization, judging.dialect);
    let options = Options { features: judging.features, nan_canonicalization, dialect, ..Options::default() };
    let system = |what: &'static str| move |error| Error::System { what: what.to_owned(), error };
    scratch::signal::end_clean().map_err(system("cannot handle signals"))?;
    let folder = scratch::folder().map_err(system("cannot create a folder for the reduced script"))?;
    let conditions = script.conditions().clone();
    let settings = settings.of_case(&Case::Script(script));
    let settings = Settings { features: Some(judging.features), ..settings };
    let (path, mut lost) = (folder.path().join("a.wast"), None);
    let mut run = |script: &Script<'_>, options: &Options| {
        run_alone(script, options, (&settings, &conditions), &path).unwrap_or_else(|message| {
            lost = Some(message);
            ScriptResult::default()
        })
    };
    let found = on_a_thread(&label, || {
        let script = parse_as(Source::new(label.as_str(), &text), Grammar::of(options.features))
            .map_err(|error| usage(&error))?;
        Ok(reproduce(&script, &line.into(), &options, TIME, &mut run))
    })?;
    match found {
        Ok(repro) => {
            print_document(&repro.text)?;
            printer::note(&summary(&label, &repro));
            Ok(Exit::Success)
        }
        Err(NoRepro::NoDirective) => Err(Error::Usage(format!("{label}:{line}: {}", NoRepro::NoDirective))),
        Err(NoRepro::Passes) if lost.is_some() => Err(Error::Module(lost.unwrap_or_default())),
        Err(none) => {
            printer::error(&format!("{label}:{line}: {none}"));
            Ok(Exit::Failure)
        }
    }
}

/// Runs a script from this path in its own process, since crashes can be reproduced too. The error
/// says why no directive was judged.
fn run_alone(
    script: &Script<'_>,
    options: &Options,
    (settings, conditions): (&Settings, &Conditions),
    path: &Path,
) -> Result<ScriptResult, String> {
    let mut left_out: Vec<usize> = options.left_out.iter().copied().collect();
    left_out.sort_unstable();
    let settings = Settings { left_out, ..settings.clone() };
    let written = std::fs::write(path, script.source.text());
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    let mut file = directory::script(path).map_err(|error| error.to_string())?;
    file.set_conditions(conditions.clone());
    let suite = directory::open(path).map_err(|error| error.to_string())?;
    let finished = alone(&Task::new(&suite, &Case::Script(file)), &settings);
    match finished.end {
        End::Judged(result) => Ok(result),
        _ => Err(finished.render(false).trim_end().to_owned()),
    }
}

/// Runs on a thread with the stack size for scripts. A panic is an error.
fn on_a_thread<T: Send>(label: &str, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("repro".to_owned()).stack_size(STACK);
        let started = thread.spawn_scoped(scope, work);
        let thread =
            started.map_err(|error| Error::System { what: "cannot start a thread".to_owned(), error })?;
        let crashed = |_| Error::Module(format!("{label}: the run crashed; see its output above"));
        thread.join().map_err(crashed)?
    })
}

fn summary(label: &str, repro: &Repro) -> String {
    let Repro { place, failure, directives: (kept, of), out_of_time, .. } = repro;
    let kept = plural(*kept, "directive");
    let late = if *out_of_time { "; timed out before the reduction was complete" } else { "" };
    format!("{label}:{place}: {}: reduced from {of} to {kept}{late}", failure.kind)
}
