//! The threads that run cases.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use wassay_drive::quantity::written;
use wassay_script::Judges;
use wassay_script::embed::ErrorKind;

use super::attempt;
use super::execute::{cut_short, lost, not_run};
use super::progress::ScriptProgress;
use super::task::{NOT_BEGUN, NOT_REACHED, Task};
use super::watch::Watch;
use crate::finished::Finished;
use crate::settings::Settings;
use crate::threads;
use crate::verdict::{Failure, FailureKind};

/// Threads with a stack of [`STACK`](crate::script::STACK) bytes, each with its own embedder for
/// all its scripts.
#[derive(Debug)]
pub struct Workers {
    tasks: Option<Sender<Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Starts a thread with this number.
    start: Start,
    /// Why there are fewer than requested.
    warning: Option<String>,
    /// Whether one of them may never return.
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
    /// Starts this many threads, or fewer if the system does not have enough for them and those
    /// that they start. Each creates its embedder for its first script, and a new one after a
    /// panic.
    ///
    /// # Errors
    ///
    /// No thread can be started.
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

    /// A one-line reason why there are fewer threads than requested, if there are.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Runs tasks, started in this order. `ended` gets the result of each as it ends, with its
    /// index.
    ///
    /// If the run is [interrupted](Settings::interrupt), no more tasks start; those that run in
    /// this process are abandoned, and their progress counts. A script that the engine does not
    /// stop within some seconds after its deadline is abandoned too: it has timed out, and a new
    /// thread replaces its thread, which is left until the process ends.
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
                // The threads keep their side of the channel open as long as this one is.
                let _ = tasks.send(Job { number, task, watch, shared, reply });
            }
        }
        drop(reply);
        let mut patience = PATIENCE;
        while !open.is_empty() && !patience.is_zero() {
            match replies.recv_timeout(TICK) {
                Ok((number, finished)) => {
                    // An abandoned task may still return.
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
            for (number, progress, duration) in shared.overdue() {
                if let Some((task, _)) = open.remove(&number) {
                    ended(number, Finished { duration, ..self.left_behind(&task, progress, &shared) });
                }
            }
        }
        self.abandoned.fetch_or(!open.is_empty(), Ordering::Relaxed);
        for (number, (task, watch)) in open {
            let finished = match number < shared.begun.load(Ordering::Relaxed) {
                _ if !interrupt.is_set() => {
                    not_run(&task, "the threads that run cases ended before this case", &shared.settings)
                }
                true => cut_short(&task, watch.take(), &shared.settings),
                false => not_run(&task, NOT_REACHED, &shared.settings),
            };
            ended(number, finished);
        }
    }

    /// The result of a task whose thread does not return; starts a replacement.
    fn left_behind(&self, task: &Task, progress: ScriptProgress, shared: &Shared) -> Finished {
        self.abandoned.store(true, Ordering::Relaxed);
        let message = "timed out, and the engine did not stop the script; its thread is abandoned";
        let failure = Failure::new(FailureKind::Unexpected(ErrorKind::Timeout), message);
        let mut finished = lost(task, progress, failure, &shared.settings);
        if shared.settings.fail_fast {
            shared.stopped.store(true, Ordering::Relaxed);
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = (self.start.0)(threads.len() + 1).map(|thread| threads.push(thread));
        let replaced = replaced.map_or_else(
            |error| format!("cannot start another thread: {error}"),
            |()| "another thread replaces it".to_owned(),
        );
        finished.warnings.push(format!(
            "{}: the engine kept running after its deadline; its thread is abandoned until this process ends, and {replaced}. With --isolate \
            a case that does not end is killed",
            task.label
        ));
        finished
    }
}

/// The address space that a worker should have for stacks, memories and the heaps of its stores.
const SPACE_PER_WORKER: u64 = 128 << 20;

/// The number of workers that the system has enough address space and threads for, up to `count`,
/// and a one-line reason if it is lower.
fn affordable(count: NonZeroUsize) -> (NonZeroUsize, Option<String>) {
    let Some(space) = getrlimit(Resource::As).current else { return enough_threads(count) };
    let most = usize::try_from(space / SPACE_PER_WORKER).unwrap_or(usize::MAX);
    let fewer = count.min(NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN));
    let (started, warning) = enough_threads(fewer);
    let limited = || {
        let limit = written(space);
        format!("address space is limited to {limit}: running {fewer} cases at a time instead of {count}")
    };
    (started, warning.or_else(|| (fewer < count).then(limited)))
}

/// The number of workers that the system has enough threads for. Each may start one thread for a
/// guest, and they share two: the watchdog and a spare one.
fn enough_threads(count: NonZeroUsize) -> (NonZeroUsize, Option<String>) {
    let (threads, missing) = threads::available(count.get().saturating_mul(2).saturating_add(2));
    let Some(error) = missing else { return (count, None) };
    let fewer = count.min(NonZeroUsize::new(threads.saturating_sub(2) / 2).unwrap_or(NonZeroUsize::MIN));
    let warning = (fewer < count).then(|| {
        format!("cannot start the threads for {count} cases at a time: {error}; continuing with {fewer}")
    });
    (fewer, warning)
}

/// How often to check for interruption.
const TICK: Duration = Duration::from_millis(20);

/// After an interruption, running cases are abandoned when none has ended for this long.
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

/// A task, and where to send its result.
#[derive(Debug)]
struct Job {
    number: usize,
    task: Task,
    /// Its progress, if it runs in this process.
    watch: Arc<Watch>,
    shared: Arc<Shared>,
    reply: Sender<(usize, Finished)>,
}

/// The state shared by the cases of a run.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// Whether a case failed and no more should start.
    stopped: AtomicBool,
    /// The number of cases started.
    begun: AtomicUsize,
    /// The running cases, by index.
    watches: Mutex<BTreeMap<usize, Arc<Watch>>>,
}

impl Shared {
    /// Abandons the cases that are over their deadline.
    fn overdue(&self) -> Vec<(usize, ScriptProgress, Duration)> {
        let mut watches = self.watches();
        let overdue = watches.iter().filter_map(|(number, watch)| {
            let (progress, duration) = watch.abandon()?;
            Some((*number, progress, duration))
        });
        let overdue: Vec<(usize, ScriptProgress, Duration)> = overdue.collect();
        overdue.iter().for_each(|(number, ..)| {
            watches.remove(number);
        });
        overdue
    }

    fn watches(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<Watch>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The main loop of a worker.
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
                // Another thread has replaced this one; nothing waits for its result.
                return;
            }
            shared.watches().remove(&number);
            finished
        };
        if settings.fail_fast && !finished.is_expected() {
            stopped.store(true, Ordering::Relaxed);
        }
        // The receiver may be gone.
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

    /// An engine that panics on every module of 8 bytes, the empty one, and counts its instances.
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

    /// The number of 4 KiB frames that fit on the stack, up to what 8 MiB holds in a debug build.
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
        assert_eq!(&*failure.source, "(module)");
        assert_eq!(finished[1].case("a").outcome, wassay_reports::Outcome::Crashed);
        assert!(finished[0].is_expected() && finished[2].is_expected(), "{finished:?}");
        // Two were created; the one that panicked was not dropped.
        assert_eq!(made, 1002);
    }

    #[test]
    fn scripts_have_the_stack_that_is_stated() {
        let (finished, _) = run(&["(module (func)) (invoke \"f\")"], 2);
        assert!(finished[0].render(false).contains("limit: 600"), "{finished:?}");
        assert!(STACK > 600 * size_of::<[usize; 512]>());
    }

    #[test]
    fn errors_in_a_file_name_its_position() {
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
