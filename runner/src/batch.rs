//! Many scripts on several threads: what `wassay test`, `wassay wast` and the [harness](crate::harness) have in common.

use std::any::Any;
use std::mem;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use std::{fs, io};

use wassay_engine::Features;
use wassay_testsuite::{Pin, PinError, ReadError, Script, Suite};

use crate::catalogue::judging;
use crate::script::messages::MatchKind;
use crate::script::source::{Place, Source, SourceError};
use crate::script::{Embedder, LineRange, Options, directives_within, parse, run_script};
use crate::verdict::finished::{End, Finished};

/// How large the stack of a thread that runs scripts is, in bytes.
///
/// Wasm code may use 1 MiB of it by itself (`Config::max_stack`), and may call the host, which calls wasm again; and the text
/// format is parsed by recursion. The 2 MiB that threads have otherwise are not enough for both, and depend on the environment.
pub const STACK: usize = 8 << 20;

/// How scripts are run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Features that go before what a script's header and place say.
    pub features: Option<Features>,
    /// How the texts of errors are compared.
    pub match_kind: MatchKind,
    /// The lines to judge; what stands before them is run for its effects.
    pub lines: Option<LineRange>,
    /// Whether nothing more is run after the first failure. Scripts are then begun in the order given.
    pub fail_fast: bool,
}

/// The scripts of a suite that are to be run.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The suite.
    pub suite: Suite,
    /// Those of its scripts.
    pub scripts: Vec<Script>,
}

impl Selection {
    /// All scripts of a suite.
    pub fn all(suite: Suite) -> Selection {
        let scripts = suite.scripts();
        Selection { suite, scripts }
    }

    /// Compares how much was found with what the catalogue says the suite holds. It says something only about a run of all
    /// scripts in full.
    ///
    /// # Errors
    ///
    /// The numbers differ.
    pub fn check(&self, finished: &[Finished]) -> Result<(), PinError> {
        let directives = finished.iter().map(Finished::directives).sum();
        self.suite.check(Pin { scripts: finished.len(), directives })
    }
}

/// What messages call a script: its path where it has one, else `suite::script.wast`, by which the harness knows it too.
pub fn label(suite: &Suite, script: &Script) -> String {
    match script.path() {
        Some(path) => path.display().to_string(),
        None => trial_name(suite, script),
    }
}

/// The name of a script among those of all suites: `suite::script.wast`.
pub fn trial_name(suite: &Suite, script: &Script) -> String {
    format!("{}::{}", suite.name(), script.name())
}

/// Runs scripts, the largest first, so that at the end no thread is left alone with a long one. `observe` is told of each
/// as it ends: the index of its selection, and what became of it.
///
/// The result has a list for each selection, in the order of its scripts.
pub fn run(
    workers: &Workers,
    selections: &[Selection],
    settings: Settings,
    mut observe: impl FnMut(usize, &Finished),
) -> Vec<Vec<Finished>> {
    let mut order: Vec<(usize, usize, &Script)> = Vec::new();
    for (at, selection) in selections.iter().enumerate() {
        order.extend(selection.scripts.iter().enumerate().map(|(index, script)| (at, index, script)));
    }
    if !settings.fail_fast {
        order.sort_by_cached_key(|(.., script)| std::cmp::Reverse(size(script)));
    }
    let shared = Arc::new(Shared { settings, stopped: AtomicBool::new(false) });
    let (reply, replies) = channel();
    for (number, (at, _, script)) in order.iter().enumerate() {
        let label = selections.get(*at).map(|selection| label(&selection.suite, script)).unwrap_or_default();
        let script = Script::clone(script);
        workers.submit(Task { number, label, script, shared: Arc::clone(&shared), reply: reply.clone() });
    }
    drop(reply);
    let mut slots: Vec<Vec<Option<Finished>>> =
        selections.iter().map(|selection| selection.scripts.iter().map(|_| None).collect()).collect();
    for (number, finished) in replies {
        let Some((at, index, _)) = order.get(number) else { continue };
        observe(*at, &finished);
        if let Some(slot) = slots.get_mut(*at).and_then(|slots| slots.get_mut(*index)) {
            *slot = Some(finished);
        }
    }
    let unanswered = |selection: &Selection, script| {
        let label = label(&selection.suite, script);
        Finished::new(label, End::NotRun { message: "its thread ended before it".to_owned(), directives: 0 })
    };
    selections
        .iter()
        .zip(slots)
        .map(|(selection, slots)| {
            let scripts = selection.scripts.iter().zip(slots);
            scripts.map(|(script, slot)| slot.unwrap_or_else(|| unanswered(selection, script))).collect()
        })
        .collect()
}

/// The bytes of a script's text; 0 where they cannot be told, so that it comes last.
fn size(script: &Script) -> u64 {
    match script.path() {
        Some(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
        None => script.read().map_or(0, |text| text.len() as u64),
    }
}

/// Threads with a stack of [`STACK`] bytes, each with an embedder of its own that it keeps from script to script.
#[derive(Debug)]
pub struct Workers {
    tasks: Option<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

/// A script to run, and where to say what became of it.
#[derive(Debug)]
struct Task {
    number: usize,
    label: String,
    script: Script,
    shared: Arc<Shared>,
    reply: Sender<(usize, Finished)>,
}

/// What the scripts of one run share.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// Whether a script has failed and nothing more is to be run.
    stopped: AtomicBool,
}

impl Workers {
    /// Starts so many threads. Each calls `embedder` when it gets its first script, and again after a panic.
    ///
    /// # Errors
    ///
    /// The system gives no more threads.
    pub fn start<E: Embedder>(
        count: NonZeroUsize,
        embedder: impl Fn() -> E + Send + Sync + 'static,
    ) -> io::Result<Workers> {
        let (sender, receiver) = channel();
        let (tasks, embedder) = (Arc::new(Mutex::new(receiver)), Arc::new(embedder));
        let mut workers = Workers { tasks: Some(sender), threads: Vec::new() };
        for number in 1..=count.get() {
            let (tasks, embedder) = (Arc::clone(&tasks), Arc::clone(&embedder));
            let thread = thread::Builder::new().name(format!("scripts-{number}")).stack_size(STACK);
            workers.threads.push(thread.spawn(move || work(&tasks, &*embedder))?);
        }
        Ok(workers)
    }

    /// Runs one script and waits for it.
    pub fn run_one(&self, label: String, script: Script, settings: Settings) -> Finished {
        let (reply, replies) = channel();
        let shared = Arc::new(Shared { settings, stopped: AtomicBool::new(false) });
        self.submit(Task { number: 0, label: label.clone(), script, shared, reply });
        let lost = |_| {
            let message = "its thread ended before it".to_owned();
            (0, Finished::new(label, End::NotRun { message, directives: 0 }))
        };
        replies.recv().unwrap_or_else(lost).1
    }

    /// Where all threads are gone the task is dropped, and with it its side of the reply.
    fn submit(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            let _ = tasks.send(task);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.tasks = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The life of a worker.
fn work<E: Embedder>(tasks: &Mutex<Receiver<Task>>, make: &dyn Fn() -> E) {
    let mut seat = None;
    loop {
        let Ok(task) = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv() else { return };
        let begun = Instant::now();
        let mut finished = if task.shared.stopped.load(Ordering::Relaxed) {
            task.not_run()
        } else {
            task.execute(&mut seat, make)
        };
        finished.duration = begun.elapsed();
        if task.shared.settings.fail_fast && !finished.is_expected() {
            task.shared.stopped.store(true, Ordering::Relaxed);
        }
        // Where nobody listens any more there is nobody to tell.
        let _ = task.reply.send((task.number, finished));
    }
}

impl Task {
    fn execute<E: Embedder>(&self, seat: &mut Option<E>, make: &dyn Fn() -> E) -> Finished {
        let settings = &self.shared.settings;
        let ended = |end| Finished::new(self.label.clone(), end);
        let text = match self.script.read() {
            Ok(text) => text,
            Err(error) => return ended(unreadable(&error)),
        };
        let judging = match judging(&self.script, &self.label, &text, settings.features) {
            Ok(judging) => judging,
            Err(error) => {
                let place = error.place().map(|(line, column)| Place { line, column });
                return ended(End::Unusable { message: error.to_string(), place });
            }
        };
        let options = Options {
            features: judging.features,
            match_kind: settings.match_kind,
            lines: settings.lines.clone(),
            fail_fast: settings.fail_fast,
        };
        tracing::debug!(script = self.label, features = %judging.features, "run");
        let run = || {
            let mut embedder = seat.take().unwrap_or_else(make);
            let result = run_script(&self.label, &text, &options, &mut embedder);
            (result, embedder)
        };
        let end = match catch_unwind(AssertUnwindSafe(run)) {
            Ok((result, embedder)) => {
                *seat = Some(embedder);
                match result {
                    Ok(result) => End::Judged(result),
                    Err(SourceError { place, .. }) => {
                        todo!()
                    }
                }
            }
            Err(payload) => End::Crashed {
                message: panic_message(payload),
                directives: count(&self.label, &text, settings.lines.as_ref()),
            },
        };
        Finished { features: Some(judging.features), warnings: judging.warnings, ..ended(end) }
    }
}
