//! `wassay run`: runs a WASI program in a sandbox.

mod backtrace;
pub(super) mod cached;
mod ending;
mod grants;
mod imports;
mod invoke;
pub(super) mod load;
mod options;

use std::ffi::{OsStr, OsString};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use backtrace::Loaded;
use cached::Cached;
use grants::Grants;
use load::of_module;
use nix::sched::{CloneFlags, unshare};
use options::{Preload, Variable};
use wassay_drive::quantity::{duration, size};
use wassay_engine::{Config, Deadline, Engine, Extern, Features, Func, Instance, Linker, Module, Store, Val};
use wassay_script::STACK;
use wassay_wasi::{CallRecord, WasiCtx, add_imports_to_linker};

use super::When;
use super::embed::limited;
use crate::console::show;
use crate::exit::{Error, Exit};
use crate::printer;

const EXAMPLES: &str = "\
Examples:
  wassay run hello.wasm                         run a program
  wassay run --dir . copy.wasm from.txt to.txt  grant a folder, and pass arguments
  wassay run --dir-ro data::/ list.wasm /       grant a folder under another name, read-only
  wassay run --invoke add math.wat 40 2         call a function and print its results
  wassay copy.wasm --dir=. from.txt to.txt      the short form: options may follow FILE

The program has standard input, output and error, and what is granted here. All
words after FILE are its arguments; in the short form, all words from the first
that is not an option, or after `--`.

Exit codes: the program's own; 134 after a trap or when the time limit is over,
128+N if it raised signal N; 1 if the module cannot be run, 2 for wrong usage.";

/// The log target for WASI calls.
const CALLS: &str = "wassay::wasi";

/// Run a WASI program, sandboxed: with access only to what you grant
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    grants: Grants,
    /// Set an environment variable; without a value, inherit it
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<Variable>,
    /// Call an exported function with ARGS, and print its results
    #[arg(long, value_name = "FUNC")]
    invoke: Option<String>,
    /// Instantiate another module first, from which FILE imports under NAME
    #[arg(long, value_name = "NAME=FILE")]
    preload: Vec<Preload>,
    /// The program's name, argv[0] [default: base name of FILE]
    #[arg(long, value_name = "NAME")]
    argv0: Option<OsString>,
    /// Grant a socket that listens on an address, such as `127.0.0.1:8080`
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Time limit, such as `10s` [default: none]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Limit for memories, tables and objects together, such as `512MiB`
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_memory: Option<u64>,
    /// Features, as in `3.0,threads,-gc`: a version, then names to add or remove
    #[arg(long, value_name = "LIST")]
    features: Option<Features>,
    /// When to compile functions, and how
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Tiered)]
    compile: When,
    /// Neither use nor add to the cache for machine code
    #[arg(long)]
    no_cache: bool,
    /// Run FILE even if it is machine code, from `wassay compile`. Machine code is not sandboxed:
    /// allow it for files that you trust
    #[arg(long)]
    allow_precompiled: bool,
    /// Print each WASI call, with arguments and results, to standard error
    #[arg(long)]
    trace: bool,
    /// The program: a module in binary or text form
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Arguments of the program
    #[arg(value_name = "ARGS")]
    args: Vec<OsString>,
}

/// How many bytes of the stack a program can use. Frames of code that is not optimised yet are
/// several times as large as those of optimised code, for which 1 MiB is usual.
const GUEST_STACK: usize = 4 << 20;

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    let (file, timeout) = (args.file.clone(), args.timeout);
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new().name("guest".to_owned()).stack_size(STACK);
    let thread = thread.spawn(move || {
        // The receiver may be gone after a timeout.
        let _ = sender.send(execute(&args));
    });
    let thread = thread.map_err(|error| Error::System { what: "cannot start a thread".to_owned(), error })?;
    let ended = match timeout.and_then(Deadline::after) {
        Some(deadline) => ended_by(&receiver, deadline),
        None => receiver.recv().map_err(RecvTimeoutError::from),
    };
    match (ended, timeout) {
        (Ok(exit), _) => exit,
        // End the process, because the guest may be blocked in a system call.
        (Err(RecvTimeoutError::Timeout), Some(timeout)) => Ok(ending::of_time(&file, timeout)),
        (Err(_), _) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("the thread sends before it ends"),
        },
    }
}

/// Waits for the guest's result until the deadline.
fn ended_by<T>(receiver: &Receiver<T>, deadline: Deadline) -> Result<T, RecvTimeoutError> {
    loop {
        match receiver.recv_timeout(deadline.left()) {
            // The deadline is extended while the process is stopped.
            Err(RecvTimeoutError::Timeout) if !deadline.is_over() => {}
            ended => return ended,
        }
    }
}

fn execute(args: &Args) -> Result<Exit, Error> {
    let begun = Instant::now();
    let file = &*args.file;
    let engine = Engine::new(&config(args)).map_err(|error| of_module(file, error))?;
    let mut cached = Cached::open(args.no_cache)?;
    let module = load::module(&engine, file, &mut cached, args.allow_precompiled)?;
    let loaded = vec![(module.clone(), file.to_owned())];
    own_descriptors();
    let store = Store::with_data(&engine, context(args)?);
    let mut guest = Guest { store, linker: Linker::new(), loaded };
    let exit = match guest.preload(&args.preload, &mut cached)? {
        Some(exit) => exit,
        None => guest.run(args, &module)?,
    };
    cached.store();
    // The process ends soon, which frees the module faster than dropping its lists and code.
    std::mem::forget(module);
    tracing::debug!(file = %file.display(), took = ?begun.elapsed(), ?exit, "the guest has ended");
    Ok(exit)
}

/// Gives the guest's thread its own copy of the descriptor table. The kernel takes no lock and no
/// references for a table that is not shared, which makes half a million small calls 4 % faster.
/// Other threads don't see descriptors that the guest opens, but they only compile and wait.
fn own_descriptors() {
    // A failure costs only speed.
    let _ = unshare(CloneFlags::CLONE_FILES);
}

fn config(args: &Args) -> Config {
    let features = args.features.unwrap_or_default();
    let config = args.compile.set(Config::new().features(features).max_stack(GUEST_STACK));
    match args.max_memory {
        Some(bytes) => limited(config, bytes),
        None => config,
    }
}

/// The store of a guest, and its imports.
struct Guest {
    store: Store<WasiCtx>,
    linker: Linker,
    /// The modules, for backtraces.
    loaded: Loaded,
}

impl Guest {
    /// Instantiates preloaded modules; returns an exit code if one of them ended the guest.
    fn preload(&mut self, preloads: &[Preload], cached: &mut Cached) -> Result<Option<Exit>, Error> {
        for Preload { name, file } in preloads {
            let module = load::module(self.store.engine(), file, cached, false)?;
            self.loaded.push((module.clone(), file.clone()));
            let instance = match self.instantiate(file, &module)? {
                Ok(instance) => instance,
                Err(exit) => return Ok(Some(exit)),
            };
            let initialize = self.entry(file, instance, "_initialize")?;
            if initialize.is_some() && self.entry(file, instance, "_start")?.is_some() {
                printer::warning(&two_entries(file, "calling `_initialize` only"));
            }
            if let Some(initialize) = initialize
                && let Err(error) = initialize.invoke(&mut self.store, &[])
            {
                return Ok(Some(ending::of(file, error, &self.loaded)));
            }
            self.linker.shadow_instance(&self.store, name, instance);
        }
        Ok(None)
    }

    /// Runs a command by calling `_start`, or a reactor by calling `_initialize` and the function
    /// of `--invoke` (WASI, "Application ABI").
    fn run(mut self, args: &Args, module: &Module) -> Result<Exit, Error> {
        let file = &*args.file;
        let instance = match self.instantiate(file, module)? {
            Ok(instance) => instance,
            Err(exit) => return Ok(exit),
        };
        let initialize = self.entry(file, instance, "_initialize")?;
        let start = self.entry(file, instance, "_start")?;
        if initialize.is_some() && start.is_some() {
            let called = match &args.invoke {
                None => "calling `_start` only".to_owned(),
                Some(name) => format!("calling `_initialize`, then `{}`", name.escape_debug()),
            };
            printer::warning(&two_entries(file, &called));
        }
        let Some(name) = &args.invoke else {
            let Some(entry) = start.or(initialize) else {
                printer::warning(&nothing_to_call(file, module));
                return Ok(Exit::Success);
            };
            return Ok(self.call(file, entry, &[]).map_or_else(|exit| exit, |_| Exit::Success));
        };
        let Some(Extern::Func(func)) = instance.export(&self.store, name) else {
            let exported = exported(module);
            let file = file.display();
            return Err(Error::Usage(format!(
                "--invoke: {file} does not export a function `{name}`; {exported}"
            )));
        };
        let arguments = invoke::arguments(&func.ty(&self.store), &args.args)
            .map_err(|wrong| Error::Usage(format!("--invoke {name}: {wrong}")))?;
        if let Some(Err(exit)) = initialize.map(|initialize| self.call(file, initialize, &[])) {
            return Ok(exit);
        }
        match self.call(file, func, &arguments) {
            Ok(results) => show(&invoke::show(&results)).map(|()| Exit::Success),
            Err(exit) => Ok(exit),
        }
    }

    /// Instantiates a module, or returns the exit code if its start function ended the guest.
    fn instantiate(&mut self, file: &Path, module: &Module) -> Result<Result<Instance, Exit>, Error> {
        use wassay_engine::ErrorKind::{Limit, Unlinkable, Unsupported};
        let begun = Instant::now();
        add_imports_to_linker(&mut self.store, &mut self.linker, module)
            .map_err(|error| of_module(file, error))?;
        imports::check(file, module, &self.linker)?;
        if let Some(warning) = imports::want_of_memory(file, module) {
            printer::warning(&warning);
        }
        let made = self.linker.instantiate(&mut self.store, module);
        tracing::debug!(file = %file.display(), took = ?begun.elapsed(), "linked and instantiated the module");
        match made {
            Err(error) if matches!(error.kind(), Limit | Unlinkable | Unsupported) => {
                Err(of_module(file, error))
            }
            made => Ok(made.map_err(|error| ending::of(file, error, &self.loaded))),
        }
    }

    /// Finds an entry function of WASI, which has no parameters and results.
    fn entry(&self, file: &Path, instance: Instance, name: &str) -> Result<Option<Func>, Error> {
        let Some(Extern::Func(func)) = instance.export(&self.store, name) else { return Ok(None) };
        let ty = func.ty(&self.store);
        if ty.params().is_empty() && ty.results().is_empty() {
            return Ok(Some(func));
        }
        Err(of_module(
            file,
            format!("`{name}` has type {ty}; expected a function without parameters and results"),
        ))
    }

    fn call(&mut self, file: &Path, func: Func, arguments: &[Val]) -> Result<Vec<Val>, Exit> {
        func.invoke(&mut self.store, arguments).map_err(|error| ending::of(file, error, &self.loaded))
    }
}

/// The warning for a module that is both a command and a reactor (WASI, "Application ABI").
fn two_entries(file: &Path, called: &str) -> String {
    format!("{}: exports both `_start` (a command) and `_initialize` (a reactor); {called}", file.display())
}

fn nothing_to_call(file: &Path, module: &Module) -> String {
    let exported = exported(module);
    format!(
        "{}: neither `_start` nor `_initialize` is exported: nothing was called; {exported}",
        file.display()
    )
}

/// A list of the functions that `--invoke` can call.
fn exported(module: &Module) -> String {
    let functions = module.exports().filter(|export| export.ty.sort() == "function");
    let names: Vec<String> = functions.map(|export| format!("`{}`", export.name.escape_debug())).collect();
    if names.is_empty() {
        "it exports no functions".to_owned()
    } else {
        format!("it exports {}", names.join(", "))
    }
}

/// Builds the WASI context of the guest.
fn context(args: &Args) -> Result<WasiCtx, Error> {
    let name = args.argv0.as_deref().or(args.file.file_name()).unwrap_or(OsStr::new(""));
    let mut builder = WasiCtx::builder().inherit_stdio().arg(name);
    if args.invoke.is_none() {
        builder = builder.args(&args.args);
    }
    for Variable { name, value } in &args.env {
        let value = match value {
            Some(value) => value.into(),
            None => std::env::var_os(name).ok_or_else(|| {
                Error::Usage(format!("--env {name}: the variable is not set; use `--env {name}=VALUE`"))
            })?,
        };
        builder = builder.env(name, value);
    }
    builder = args.grants.give(builder)?;
    for address in &args.listen {
        // Runtimes with an event loop, such as Go's, expect a nonblocking socket and wait with
        // `poll_oneoff`.
        let listener = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            if address.ends_with(":0") {
                printer::note(&format!("listening on {}", listener.local_addr()?));
            }
            Ok(listener)
        });
        let listener = listener.map_err(|error| {
            Error::Usage(format!(
                "--listen {address}: {error}; expected a free address, such as `127.0.0.1:8080`"
            ))
        })?;
        builder = builder.listener(listener);
    }
    let logged = tracing::enabled!(target: CALLS, tracing::Level::TRACE);
    if args.trace || logged {
        builder = builder.observer(observer(args.trace));
    }
    builder.build().map_err(|error| Error::Usage(error.to_string()))
}

/// Prints calls to standard error with `--trace`, and to the log.
fn observer(trace: bool) -> impl FnMut(&CallRecord) + Send + 'static {
    move |call| {
        if trace {
            printer::note(&call.to_string());
        }
        tracing::trace!(target: CALLS, "{call}");
    }
}
