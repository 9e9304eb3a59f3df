//! One task, run as often as it takes.

use std::time::Instant;

use super::Settings;
use super::finished::Finished;
use super::isolated::{self, Lost};
use super::workers::{Task, ended_by, execute};
use crate::script::Embedder;

/// Runs a task, and again where it failed, at most so often as the [settings](Settings::retries) say. What is said of it is what became
/// of it in the end; what went before is noted.
pub(super) fn run<E: Embedder>(
    task: &Task,
    settings: &Settings,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let mut earlier = Vec::new();
    loop {
        let begun = Instant::now();
        let mut finished = once(task, settings, seat, make);
        finished.duration = begun.elapsed();
        let may_again = earlier.len() < settings.retries as usize && !settings.interrupt.is_set();
        if !may_again || !finished.has_failed() {
            return Finished { earlier, ..finished };
        }
        tracing::debug!(script = task.label, attempt = earlier.len() + 1, "a script failed and is run again");
        earlier.push(finished.attempt());
    }
}

fn once<E: Embedder>(
    task: &Task,
    settings: &Settings,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let Task { label, suite, script } = task;
    if !settings.isolate {
        return execute(label.clone(), script, script.expectations(), settings, seat, make);
    }
    match isolated::run(label, suite, script, settings) {
        Ok(finished) => finished,
        Err(Lost::Interrupted) => task.not_run("the run was interrupted while it ran", settings),
        Err(Lost::Ended { course, failure }) => {
            let text = script.read().unwrap_or_default();
            ended_by(label.clone(), &text, course, failure, settings)
        }
    }
}
