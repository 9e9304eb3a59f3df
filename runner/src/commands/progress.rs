//! Progress of a run on standard error: a bar on a terminal, else a line per suite.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plural;
use crate::batch::{Finished, Selection};
use crate::printer::note;

/// Without a terminal, the time after which a progress line is printed.
const SILENCE: Duration = Duration::from_secs(10);

/// Shows the progress of a run.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// The remaining cases of each suite.
    suites: Vec<Open>,
    done: usize,
    failed: usize,
    cases: usize,
    spoke: Instant,
}

struct Open {
    name: String,
    cases: usize,
    left: usize,
    directives: usize,
    failed: usize,
}

impl Progress {
    pub(crate) fn new(selections: &[Selection]) -> Progress {
        let open = |selection: &Selection| {
            let (name, cases) = (selection.suite.name().to_owned(), selection.cases.len());
            Open { name, cases, left: cases, directives: 0, failed: 0 }
        };
        let suites: Vec<Open> = selections.iter().map(open).collect();
        let cases = suites.iter().map(|suite| suite.cases).sum();
        // Hidden if standard error is not a terminal.
        let bar = ProgressBar::with_draw_target(Some(cases as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} cases  {elapsed}  {wide_msg}") {
            bar.set_style(style);
        }
        Progress { bar, suites, done: 0, failed: 0, cases, spoke: Instant::now() }
    }

    /// Counts a case that ended.
    pub(crate) fn ended(&mut self, suite: usize, finished: &Finished) {
        self.done += 1;
        self.failed += usize::from(!finished.is_expected());
        let line = self.suites.get_mut(suite).and_then(|suite| suite.ended(finished));
        if !self.bar.is_hidden() {
            if self.failed > 0 {
                self.bar.set_message(format!("{} not as expected", plural(self.failed, "case")));
            }
            self.bar.inc(1);
        } else if let Some(line) = line {
            self.say(&line);
        } else if self.spoke.elapsed() > SILENCE {
            self.say(&format!("{} of {} done", self.done, plural(self.cases, "case")));
        }
    }

    /// Removes the bar.
    pub(crate) fn close(self) {
        self.bar.finish_and_clear();
    }

    fn say(&mut self, line: &str) {
        note(line);
        self.spoke = Instant::now();
    }
}

impl Open {
    /// Counts a case; returns the suite's line after its last case.
    fn ended(&mut self, finished: &Finished) -> Option<String> {
        self.left = self.left.saturating_sub(1);
        self.directives += finished.directives();
        self.failed += usize::from(!finished.is_expected());
        (self.left == 0).then(|| {
            let (cases, directives) = (plural(self.cases, "case"), plural(self.directives, "directive"));
            let verdict = match self.failed {
                0 => "as expected".to_owned(),
                failed => format!("{} not as expected", plural(failed, "case")),
            };
            format!("{}: {cases}, {directives}, {verdict}", self.name)
        })
    }
}
