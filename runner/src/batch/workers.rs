//! The threads that cases run on.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wassay_script::Judges;
use wassay_script::embed::ErrorKind;

use super::attempt;
use super::course::Course;
use super::execute::{cut_short, lost, not_run};
use super::task::{NOT_BEGUN, NOT_REACHED, Task};
use super::watch::Watch;
use crate::finished::Finished;
use crate::settings::Settings;
use crate::threads;
use crate::verdict::{Failure, FailureKind};

/// Threads with a stack of [`STACK`](crate::script::STACK) bytes, each with an embedder of its own
/// that it keeps from script to script.
#[derive(Debug)]
pub struct Workers {
    tasks: Option<Sender<Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Starts a thread of this number.
    start: Start,
    /// Why there are fewer than were asked for.
    warning: Option<String>,
    /// Whether one of them may never come back.
    abandoned: AtomicBool,
}

type StartThread = dyn Fn(usize) -> io::Result<JoinHandle<()>> + Send + Sync;

struct Start(Box<StartThread>);

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Start")
    }
}

impl Workers {
    /// Starts so many threads, or fewer where the system has not enough for them and for those that
    /// they start. Each makes its embedder when it gets its first script, and another one after a
    /// panic.
    ///
    /// # Errors
    ///
    /// The system has no thread.
    pub fn start<E: Judges>(
        count: NonZeroUsize,
        embedder: impl Fn() -> E + Send + Sync + 'static,
    ) -> io::Result<Workers> {
        let (sender, receiver) = channel();
        let (tasks, embedder) = (Arc::new(Mutex::new(receiver)), Arc::new(embedder));
        let start = move |number: usize| {
            let (tasks, embedder) = (Arc::clone(&tasks), Arc::clone(&embedder));
            threads::start(&format!("scripts-{number}"), move || work(&tasks, &*embedder))
        };
        let (count, warning) = affordable(count);
        let threads = (1..=count.get()).map(&start).collect::<io::Result<Vec<_>>>()?;
        Ok(Workers {
            warning,
            tasks: Some(sender),
            threads: Mutex::new(threads),
            start: Start(Box::new(start)),
            abandoned: AtomicBool::new(false),
        })
    }

    /// Why there are fewer threads than were asked for, in a line; `None` where there are as many.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Runs tasks, begun in this order. `ended` gets what became of each as it ends, with its
    /// number in this order.
    ///
    /// Where the run is [interrupted](Settings::interrupt), what was not begun is not run, and what
    /// runs in this process goes on, is not waited for, and counts as far as it has come. A script
    /// that goes on for some seconds after its time, since its engine does not end it, is not
    /// waited for either: it has timed out, its thread is left behind until the end of the process,
    /// and another takes its place.
    pub fn run(
        &self,
        tasks: impl Iterator<Item = Task>,
        settings: Settings,
        mut ended: impl FnMut(usize, Finished),
    ) {
        let interrupt = settings.interrupt.clone();
        let shared = Arc::new(Shared {
            settings,
            stopped: AtomicBool::new(false),
            begun: AtomicUsize::new(0),
            watches: Mutex::default(),
        });
        let (reply, replies) = channel();
        let mut open = BTreeMap::new();
        for (number, task) in tasks.enumerate() {
            let watch = Arc::new(Watch::new(shared.settings.observer.clone()));
            open.insert(number, (task.clone(), Arc::clone(&watch)));
            if let Some(tasks) = &self.tasks {
                let (shared, reply) = (Arc::clone(&shared), reply.clone());
                // The threads live as long as this side of the channel does.
                let _ = tasks.send(Job { number, task, watch, shared, reply });
            }
        }
        drop(reply);
        let mut patience = PATIENCE;
        while !open.is_empty() && !patience.is_zero() {
            match replies.recv_timeout(TICK) {
                Ok((number, finished)) => {
                    // What was given up may come back all the same.
                    if open.remove(&number).is_some() {
                        ended(number, finished);
                    }
                }
                Err(RecvTimeoutError::Timeout) if interrupt.is_set() => {
                    patience = patience.saturating_sub(TICK)
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            for (number, course, duration) in shared.overdue() {
                if let Some((task, _)) = open.remove(&number) {
                    ended(number, Finished { duration, ..self.left_behind(&task, course, &shared) });
                }
            }
        }
        self.abandoned.fetch_or(!open.is_empty(), Ordering::Relaxed);
        for (number, (task, watch)) in open {
            let finished = match number < shared.begun.load(Ordering::Relaxed) {
                _ if !interrupt.is_set() => {
                    not_run(&task, "the threads that run cases ended before it", &shared.settings)
                }
                true => cut_short(&task, watch.take(), &shared.settings),
                false => not_run(&task, NOT_REACHED, &shared.settings),
            };
            ended(number, finished);
        }
    }

    /// What became of a task whose thread does not come back; another thread takes its place.
    fn left_behind(&self, task: &Task, course: Course, shared: &Shared) -> Finished {
        self.abandoned.store(true, Ordering::Relaxed);
        let message = "timed out, and the engine did not stop the script; its thread is abandoned";
        let failure = Failure::new(FailureKind::Unexpected(ErrorKind::Timeout), message);
        let mut finished = lost(task, course, failure, &shared.settings);
        if shared.settings.fail_fast {
            shared.stopped.store(true, Ordering::Relaxed);
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = (self.start.0)(threads.len() + 1).map(|thread| threads.push(thread));
        let replaced = replaced.map_or_else(
            |error| format!("another one cannot be started: {error}"),
            |()| "another has taken its place".to_owned(),
        );
        finished.warnings.push(format!(
            "{}: the engine went on after its deadline; its thread is left behind until this process ends, and {replaced}. With --isolate a \
             case that does not end is killed",
            task.label
        ));
        finished
    }
}

/// Of so many workers those for which there are enough threads: each may start one for a guest, and
/// they share two, the one that ends them at their deadlines and one to spare. Why they are fewer
/// is told in a line.
fn affordable(count: NonZeroUsize) -> (NonZeroUsize, Option<String>) {
    let (threads, missing) = threads::available(count.get().saturating_mul(2).saturating_add(2));
    let Some(error) = missing else { return (count, None) };
    let fewer = count.min(NonZeroUsize::new(threads.saturating_sub(2) / 2).unwrap_or(NonZeroUsize::MIN));
    let warning = (fewer < count).then(|| {
        format!("cannot start the threads for {count} cases at a time: {error}; continuing with {fewer}")
    });
    (fewer, warning)
}

/// How often a run looks whether it was interrupted.
const TICK: Duration = Duration::from_millis(20);

/// After an interruption what runs is given up when nothing has ended for so long.
const PATIENCE: Duration = Duration::from_millis(200);

impl Drop for Workers {
    fn drop(&mut self) {
        self.tasks = None;
        if *self.abandoned.get_mut() {
            return;
        }
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = thread.join();
        }
    }
}

/// A task, and where to say what became of it.
#[derive(Debug)]
struct Job {
    number: usize,
    task: Task,
    /// How far it has come, where it runs in this process.
    watch: Arc<Watch>,
    shared: Arc<Shared>,
    reply: Sender<(usize, Finished)>,
}

/// What the cases of one run share.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// Whether a case has failed and no more are to be begun.
    stopped: AtomicBool,
    /// How many were begun.
    begun: AtomicUsize,
    /// The cases that run, by their numbers.
    watches: Mutex<BTreeMap<usize, Arc<Watch>>>,
}

impl Shared {
    /// Gives up the cases that run for longer than they may.
    fn overdue(&self) -> Vec<(usize, Course, Duration)> {
        let mut watches = self.watches();
        let overdue = watches.iter().filter_map(|(number, watch)| {
            let (course, duration) = watch.abandon()?;
            Some((*number, course, duration))
        });
        let overdue: Vec<(usize, Course, Duration)> = overdue.collect();
        overdue.iter().for_each(|(number, ..)| {
            watches.remove(number);
        });
        overdue
    }

    fn watches(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<Watch>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The life of a worker.
fn work<E: Judges>(tasks: &Mutex<Receiver<Job>>, make: &dyn Fn() -> E) {
    let mut seat = None;
    loop {
        let job = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { number, task, watch, shared, reply }) = job else { return };
        shared.begun.fetch_max(number + 1, Ordering::Relaxed);
        let (settings, stopped) = (&shared.settings, &shared.stopped);
        let finished = if settings.interrupt.is_set() {
            not_run(&task, NOT_REACHED, settings)
        } else if stopped.load(Ordering::Relaxed) {
            not_run(&task, NOT_BEGUN, settings)
        } else {
            shared.watches().insert(number, Arc::clone(&watch));
            let finished = attempt::run(&task, settings, &watch, &mut seat, make);
            if watch.is_abandoned() {
                // Another thread has replaced this one; its result is not awaited.
                return;
            }
            shared.watches().remove(&number);
            finished
        };
        if settings.fail_fast && !finished.is_expected() {
            stopped.store(true, Ordering::Relaxed);
        }
        // Where nobody listens any more there is nobody to tell.
        let _ = reply.send((number, finished));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use wassay_terms::Features;
    use wassay_testsuite::directory;

    use super::*;
    use crate::batch::End;
    use crate::verdict::Outcome;
    use wassay_script::Embedder;
    use wassay_script::STACK;
    use wassay_script::embed::{Begun, EmbedError, Results};
    use wassay_script::source::Place;
    use wassay_script::value::Value;

    /// An engine that panics over every module of 8 bytes, the empty one, and knows how many of its
    /// kind were made.
    struct Panicky(Arc<AtomicUsize>);

    impl Embedder for Panicky {
        type Module = ();
        type Instance = ();
        type Thread = Panicky;

        fn begin(&mut self, _: Features, _: Option<Instant>) -> Result<(), EmbedError> {
            Ok(())
        }

        fn compile(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
            assert!(bytes.len() > 8, "an empty module of {} bytes", bytes.len());
            Ok(())
        }

        fn check_custom_sections(&mut self, _: &[u8]) -> Result<(), EmbedError> {
            Ok(())
        }

        fn instantiate(&mut self, (): &()) -> Result<(), EmbedError> {
            Ok(())
        }

        fn register(&mut self, _: &str, _: Option<&()>) -> Result<(), EmbedError> {
            Ok(())
        }

        fn invoke(&mut self, (): &(), _: &str, _: &[Value]) -> Result<Results, EmbedError> {
            Err(EmbedError::new(ErrorKind::Limit, stack_left().to_string()))
        }

        fn global(&mut self, (): &(), name: &str) -> Result<Value, EmbedError> {
            Err(EmbedError::new(ErrorKind::NoSuchExport, name))
        }

        fn begin_thread(&mut self, _: &[()]) -> Result<Begun<Panicky>, EmbedError> {
            Err(EmbedError::new(ErrorKind::Unsupported, "one thread is enough"))
        }
    }

    impl Drop for Panicky {
        fn drop(&mut self) {
            self.0.fetch_add(1000, Ordering::Relaxed);
        }
    }

    /// How many frames of 4 KiB fit on the stack, up to the number that a stack of 8 MiB takes in a
    /// debug build.
    fn stack_left() -> usize {
        fn deeper(frames: usize) -> usize {
            let frame = std::hint::black_box([frames; 512]);
            if frames == 600 { frames } else { deeper(frames + 1).max(frame[frames % 512]) }
        }
        deeper(0)
    }

    fn run(texts: &[&str], count: usize) -> (Vec<Finished>, usize) {
        let folder = tempfile::tempdir().unwrap();
        for (number, text) in texts.iter().enumerate() {
            fs::write(folder.path().join(format!("{number}.wast")), text).unwrap();
        }
        let suite = directory::open(folder.path()).unwrap();
        let tasks: Vec<Task> = suite.cases().iter().map(|case| Task::new(&suite, case)).collect();
        let made = Arc::new(AtomicUsize::new(0));
        let workers = {
            let made = Arc::clone(&made);
            Workers::start(NonZeroUsize::new(count).unwrap(), move || {
                made.fetch_add(1, Ordering::Relaxed);
                Panicky(Arc::clone(&made))
            })
            .unwrap()
        };
        let mut all = Vec::new();
        workers.run(tasks.into_iter(), Settings::default(), |number, finished| {
            all.push((number, finished));
        });
        drop(workers);
        all.sort_by_key(|(number, _)| *number);
        (all.into_iter().map(|(_, finished)| finished).collect(), made.load(Ordering::Relaxed))
    }

    #[test]
    fn a_panic_ends_its_script_alone() {
        let fine = "(module (func))";
        let (finished, made) = run(&[fine, "(module (func)) (module) (module (func))", fine], 1);
        let End::Judged(result) = &finished[1].end else { panic!("{finished:?}") };
        let kinds: Vec<Option<FailureKind>> = (result.directives.iter())
            .map(|directive| match &directive.outcome {
                Outcome::Failed(failure) => Some(failure.kind),
                _ => None,
            })
            .collect();
        assert_eq!(kinds, [None, Some(FailureKind::Crashed), Some(FailureKind::NotRun)], "where it happened");
        let (_, failure) = result.failures().next().unwrap();
        assert!(failure.message.ends_with("fault of its own: an empty module of 8 bytes"), "{failure:?}");
        assert_eq!(failure.source, "(module)");
        assert_eq!(finished[1].case("a").outcome, wassay_reports::Outcome::Crashed);
        assert!(finished[0].is_expected() && finished[2].is_expected(), "{finished:?}");
        // Two were made, the one that panicked was not dropped.
        assert_eq!(made, 1002);
    }

    #[test]
    fn scripts_have_the_stack_that_is_stated() {
        let (finished, _) = run(&["(module (func)) (invoke \"f\")"], 2);
        assert!(finished[0].render(false).contains("limit: 600"), "{finished:?}");
        assert!(STACK > 600 * size_of::<[usize; 512]>());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_place() {
        let (finished, made) = run(&["(module", ";;! features = 1\n"], 1);
        let place = |finished: &Finished| match &finished.end {
            End::Unusable { place, .. } => *place,
            other => panic!("{other:?}"),
        };
        assert_eq!(place(&finished[0]), Some(Place { line: 1, column: 1 }));
        assert_eq!(place(&finished[1]), Some(Place { line: 1, column: 5 }));
        assert_eq!(made, 1001);
    }
}
