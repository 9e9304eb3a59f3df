//! Runs one task, with retries.

use std::sync::Arc;
use std::time::Instant;

use wassay_script::Judges;
use wassay_testsuite::Case;

use super::execute::{cut_short, execute, lost};
use super::isolated::{self, Lost};
use super::task::Task;
use super::watch::Watch;
use crate::finished::Finished;
use crate::settings::Settings;

/// Runs a task and retries it when it fails, up to the limit in the [settings](Settings::retries).
/// The result is that of the last attempt; earlier attempts are recorded in it. `watch` tracks the
/// progress of an attempt in this process, and abandons one that does not end at its deadline.
pub(super) fn run<E: Judges>(
    task: &Task,
    settings: &Settings,
    watch: &Arc<Watch>,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let settings = &settings.of_case(&task.case);
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
        tracing::debug!(case = task.label, attempt = earlier.len() + 1, "retrying a case that failed");
        earlier.push(finished.attempt());
    }
}

fn once<E: Judges>(
    task: &Task,
    settings: &Settings,
    watch: &Arc<Watch>,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let is_foreign_guest = !E::DRIVES_WASSAY && matches!(task.case, Case::Guest(_));
    let is_unreadable = matches!(task.case, Case::Unreadable(_));
    // A variant changes its process permanently, so it needs its own.
    if !is_foreign_guest && !is_unreadable && (settings.isolate || task.case.variant().is_some()) {
        return alone(task, settings);
    }
    // A guest enforces its own deadlines.
    let is_watched = matches!(task.case, Case::Script(_));
    if is_watched {
        watch.begin(settings.timeout);
    }
    let finished = execute(task.label.clone(), &task.case, task.expectations(), settings, watch, seat, make);
    watch.end();
    finished
}

/// Runs a task in its own process.
pub(crate) fn alone(task: &Task, settings: &Settings) -> Finished {
    match isolated::run(task, settings) {
        Ok(finished) => finished,
        Err(Lost::Interrupted { progress }) => cut_short(task, progress, settings),
        Err(Lost::Ended { progress, failure }) => lost(task, progress, *failure, settings),
    }
}
