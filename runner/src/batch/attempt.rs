//! One task, run as often as it takes.

use std::sync::Arc;
use std::time::Instant;

use wassay_testsuite::Case;

use super::Settings;
use super::execute::{execute, lost, not_run};
use super::finished::Finished;
use super::isolated::{self, Lost};
use super::watch::Watch;
use super::workers::{CUT_SHORT, Task};
use crate::script::{Embedder, Observer};

/// Runs a task, and again where it failed, at most so often as the [settings](Settings::retries) say. What is said of it is what became
/// of it in the end; what went before is noted. What runs in this process and does not end by itself can be given up by its watch.
pub(super) fn run<E: Embedder>(
    task: &Task,
    settings: &Settings,
    watch: &Arc<Watch>,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let mut earlier = Vec::new();
    loop {
        let begun = Instant::now();
        let mut finished = once(task, settings, watch, seat, make);
        finished.duration = begun.elapsed();
        let may_again = earlier.len() < settings.retries as usize
            && !settings.interrupt.is_set()
            && !watch.is_abandoned();
        if !may_again || !finished.has_failed() {
            return Finished { earlier, ..finished };
        }
        tracing::debug!(case = task.label, attempt = earlier.len() + 1, "a case failed and is run again");
        earlier.push(finished.attempt());
    }
}

fn once<E: Embedder>(
    task: &Task,
    settings: &Settings,
    watch: &Arc<Watch>,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let here = |settings: &Settings, seat: &mut Option<E>| {
        execute(task.label.clone(), &task.case, task.expectations(), settings, seat, make)
    };
    match &task.case {
        // A guest ends by its own deadlines, and where the engine is another one it is not even run.
        Case::Guest(_) if !E::DRIVES_WASSAY => here(settings, seat),
        Case::Guest(guest) if !settings.isolate && guest.variant().is_none() => here(settings, seat),
        Case::Script(_) if !settings.isolate => {
            let observer = Some(Arc::clone(watch) as Arc<dyn Observer>);
            watch.begin();
            let finished = here(&Settings { observer, ..settings.clone() }, seat);
            watch.end();
            finished
        }
        // What a variant does to a process is never taken back.
        _ => alone(task, settings),
    }
}

/// Runs a task in a process of its own.
pub(crate) fn alone(task: &Task, settings: &Settings) -> Finished {
    match isolated::run(task, settings) {
        Ok(finished) => finished,
        Err(Lost::Interrupted) => not_run(task, CUT_SHORT, settings),
        Err(Lost::Ended { course, failure }) => lost(task, course, *failure, settings),
    }
}
