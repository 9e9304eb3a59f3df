//! `wassay wast --repro`: a script of its own for one failure.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::Duration;

use wassay_testsuite::directory;

use super::output::{complain, note, print};
use super::{Error, Exit, plural};
use crate::batch::{STACK, Settings};
use crate::catalogue::judging;
use crate::repro::{NoRepro, Repro, reproduce};
use crate::script::source::Source;
use crate::script::{Embedder, Options, parse};

/// How long to look for what can be left out.
const TIME: Duration = Duration::from_secs(60);

/// Writes a script that fails as the directive on this line of a file does. That there is none is a failure.
pub(super) fn run<E: Embedder>(
    file: &Path,
    line: NonZeroUsize,
    settings: &Settings,
    make: impl Fn() -> E + Send + Sync,
) -> Result<Exit, Error> {
    let label = file.display().to_string();
    let usage = |error: &dyn std::error::Error| Error::Usage(error.to_string());
    let script = directory::script(file).map_err(|error| usage(&error))?;
    let text = script.read().map_err(|error| usage(&error))?;
    let judging = judging(&script, &label, &text, settings.features).map_err(|error| usage(&error))?;
    judging.warnings.iter().for_each(|warning| complain("warning", warning));
    let options = Options {
        features: judging.features,
        match_kind: settings.match_kind,
        timeout: settings.timeout,
        max_memory: settings.max_memory,
        ..Options::default()
    };
    let found = on_a_thread(&label, || {
        let script = parse(Source::new(label.as_str(), &text)).map_err(|error| usage(&error))?;
        Ok(reproduce(&script, &line.into(), &options, TIME, &mut make()))
    })?;
    match found {
        Ok(repro) => {
            print(&repro.text)?;
            note(&summary(&label, &repro));
            Ok(Exit::Success)
        }
        Err(NoRepro::NoDirective) => Err(Error::Usage(format!("{label}:{line}: {}", NoRepro::NoDirective))),
        Err(none) => {
            complain("error", &format!("{label}:{line}: {none}"));
            Ok(Exit::Failure)
        }
    }
}

/// Runs on a thread that has the stack that scripts need. A panic there is an error.
fn on_a_thread<T: Send>(label: &str, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("repro".to_owned()).stack_size(STACK);
        let started = thread.spawn_scoped(scope, work);
        let thread =
            started.map_err(|error| Error::System { what: "cannot start a thread".to_owned(), error })?;
        let crashed = |_| Error::Module(format!("{label}: the run crashed; its last words stand above"));
        thread.join().map_err(crashed)?
    })
}

fn summary(label: &str, repro: &Repro) -> String {
    let Repro { place, failure, directives: (kept, of), out_of_time, .. } = repro;
    let kept = plural(*kept, "directive");
    let late =
        if *out_of_time { "; the time was over before all was tried that could be left out" } else { "" };
    format!("{label}:{place}: {}: reproduced by {kept} of {of}{late}", failure.kind)
}
