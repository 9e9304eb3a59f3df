//! Runs many scripts and guests on several threads: the common part of `wassay test`, `wassay wast`
//! and the [harness](crate::harness).

mod attempt;
mod child;
mod execute;
mod filter;
mod isolated;
mod mark;
mod progress;
mod task;
pub(crate) mod uses;
mod watch;
mod workers;

use std::cmp::Reverse;

pub use wassay_script::STACK;
use wassay_testsuite::{Case, Pin, PinError, Suite};

pub(crate) use self::attempt::alone;
pub use self::child::child;
pub use self::task::{Task, full_name, label};
pub use self::workers::Workers;
pub use crate::finished::{End, Finished};
pub use crate::interrupt::{INTERRUPTED, Interrupt};
#[cfg(feature = "engine")]
pub use crate::own::{COMPILE, STRESS, VERIFIER, embedder};
pub use crate::settings::{Settings, TIMEOUT};

/// The cases of a suite to run.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The suite.
    pub suite: Suite,
    /// The selected cases.
    pub cases: Vec<Case>,
}

impl Selection {
    /// All cases of a suite.
    pub fn all(suite: Suite) -> Selection {
        let cases = suite.cases();
        Selection { suite, cases }
    }

    /// Compares the counts with those in the catalogue. This is meaningful only if all cases were
    /// run in full.
    ///
    /// # Errors
    ///
    /// The counts differ.
    pub fn check(&self, finished: &[Finished]) -> Result<(), PinError> {
        let directives = finished.iter().map(Finished::directives).sum();
        self.suite.check(Pin { cases: finished.len(), directives })
    }
}

/// Runs cases, the largest first, so that no long case is left to a single thread at the end.
/// `observe` is called as each ends, with the index of its selection and its result.
///
/// Returns a list for each selection, in the order of its cases.
pub fn run(
    workers: &Workers,
    selections: &[Selection],
    settings: Settings,
    mut observe: impl FnMut(usize, &Finished),
) -> Vec<Vec<Finished>> {
    let mut order: Vec<(usize, usize, &Selection, &Case)> = Vec::new();
    for (at, selection) in selections.iter().enumerate() {
        let cases = selection.cases.iter().enumerate();
        order.extend(cases.map(|(index, case)| (at, index, selection, case)));
    }
    if !settings.fail_fast {
        order.sort_by_cached_key(|(.., case)| Reverse(case.size()));
    }
    let tasks = order.iter().map(|(.., selection, case)| Task::new(&selection.suite, case));
    let mut finished: Vec<(usize, usize, Finished)> = Vec::with_capacity(order.len());
    workers.run(tasks, settings, |number, ended| {
        if let Some((at, index, ..)) = order.get(number) {
            observe(*at, &ended);
            finished.push((*at, *index, ended));
        }
    });
    finished.sort_by_key(|(at, index, _)| (*at, *index));
    let mut lists: Vec<Vec<Finished>> = selections.iter().map(|_| Vec::new()).collect();
    for (at, _, ended) in finished {
        if let Some(list) = lists.get_mut(at) {
            list.push(ended);
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroUsize;
    use std::path::Path;

    use wassay_testsuite::directory;

    use super::*;

    fn workers(count: usize) -> Workers {
        Workers::start(NonZeroUsize::new(count).unwrap(), embedder).unwrap()
    }

    fn selection(folder: &Path, scripts: &[(&str, &str)]) -> Selection {
        for (name, text) in scripts {
            fs::write(folder.join(name), text).unwrap();
        }
        Selection::all(directory::open(folder).unwrap())
    }

    fn name(finished: &Finished) -> String {
        finished.label.rsplit('/').next().unwrap().to_owned()
    }

    const SHORT: &str = "(module) (register \"m\")";
    const LONG: &str = "(module (func (export \"f\"))) (invoke \"f\") (assert_return (invoke \"f\"))";
    const WRONG: &str = "(module (func (export \"f\"))) (assert_trap (invoke \"f\") \"unreachable\")";

    #[test]
    fn results_are_in_the_order_of_the_scripts_whichever_ended_first() {
        let folder = tempfile::tempdir().unwrap();
        let one = selection(folder.path(), &[("a.wast", SHORT), ("b.wast", LONG), ("c.wast", WRONG)]);
        let scripts = Selection::all(wassay_testsuite::catalogue::find("scripts").unwrap().clone());
        let mut observed = Vec::new();
        let lists = run(&workers(3), &[one, scripts.clone()], Settings::default(), |at, finished| {
            observed.push((at, finished.label.clone()));
        });
        assert_eq!(lists[0].iter().map(name).collect::<Vec<_>>(), ["a.wast", "b.wast", "c.wast"]);
        assert_eq!(lists[0].iter().map(Finished::directives).collect::<Vec<_>>(), [2, 3, 2]);
        assert_eq!(lists[0].iter().map(Finished::is_expected).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(lists[1].len(), scripts.cases.len());
        assert_eq!(observed.len(), 3 + scripts.cases.len());
        assert_eq!(scripts.check(&lists[1]).map_err(|error| error.to_string()), Ok(()));
        assert!(scripts.check(&lists[1][1..]).is_err());
    }

    #[test]
    fn the_largest_case_starts_first() {
        let folder = tempfile::tempdir().unwrap();
        let one = selection(folder.path(), &[("a.wast", SHORT), ("b.wast", LONG), ("c.wast", WRONG)]);
        let mut observed = Vec::new();
        run(&workers(1), &[one], Settings::default(), |_, finished| observed.push(name(finished)));
        assert_eq!(observed, ["b.wast", "c.wast", "a.wast"]);
        assert!(LONG.len() > WRONG.len() && WRONG.len() > SHORT.len());
    }

    #[test]
    fn fail_fast_starts_nothing_after_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let scripts = [("a.wast", SHORT), ("b.wast", WRONG), ("c.wast", LONG), ("d.wast", SHORT)];
        let one = selection(folder.path(), &scripts);
        let settings = Settings { fail_fast: true, ..Settings::default() };
        let lists = run(&workers(1), &[one], settings, |_, _| {});
        assert!(lists[0][0].is_expected());
        assert!(matches!(lists[0][1].end, End::Judged(_)));
        for (finished, directives) in [(&lists[0][2], 3), (&lists[0][3], 2)] {
            assert!(matches!(finished.end, End::NotRun { .. }), "{finished:?}");
            assert_eq!(finished.directives(), directives);
        }
    }
}
