//! One task, run as often as it takes.

use std::sync::Arc;
use std::time::Instant;

use super::Settings;
use super::course::Noted;
use super::execute::{cut_short, execute, lost};
use super::finished::Finished;
use super::isolated::{self, Lost};
use super::workers::Task;
use crate::script::Embedder;

/// Runs a task, and again where it failed, at most so often as the [settings](Settings::retries) say. What is said of it is what became
/// of it in the end; what went before is noted. `course` tells how far an attempt in this process has come.
pub(super) fn run<E: Embedder>(
    task: &Task,
    settings: &Settings,
    course: &Arc<Noted>,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let mut earlier = Vec::new();
    loop {
        let begun = Instant::now();
        let mut finished = once(task, settings, course, seat, make);
        finished.duration = begun.elapsed();
        let may_again = earlier.len() < settings.retries as usize && !settings.interrupt.is_set();
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
    course: &Arc<Noted>,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    // What a variant does to a process is never taken back.
    if !settings.isolate && task.case.variant().is_none() {
        return execute(task.label.clone(), &task.case, task.expectations(), settings, course, seat, make);
    }
    alone(task, settings)
}

/// Runs a task in a process of its own.
pub(crate) fn alone(task: &Task, settings: &Settings) -> Finished {
    match isolated::run(task, settings) {
        Ok(finished) => finished,
        Err(Lost::Interrupted { course }) => cut_short(task, course, settings),
        Err(Lost::Ended { course, failure }) => lost(task, course, *failure, settings),
    }
}
