//! Rust functions as host functions. Their parameter types determine the WebAssembly type.

use std::any::Any;
use std::collections::HashSet;

use wassay_engine::{
    Caller, Error, Extern, Func, FuncType, InterfaceFunc, Linker, Memory, Result, StoreState, ValType,
};

use crate::calling::{Args, Call, Stop, Trace};
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::exit::Exit;
use crate::guest::Guest;
use crate::trace::{CallRecord, Observer};

/// The result type of a host function: an error number for the guest, or a call that never returns.
pub(crate) trait Outcome {
    /// The WebAssembly types of the results.
    const TYPES: &'static [ValType] = &[ValType::I32];

    fn stop(self) -> Result<(), Stop>;
}

impl Outcome for Result<(), Errno> {
    #[inline]
    fn stop(self) -> Result<(), Stop> {
        self.map_err(Stop::Errno)
    }
}

impl Outcome for Result<(), Stop> {
    #[inline]
    fn stop(self) -> Result<(), Stop> {
        self
    }
}

impl Outcome for Exit {
    const TYPES: &'static [ValType] = &[];

    #[inline]
    fn stop(self) -> Result<(), Stop> {
        Err(Stop::Exit(self))
    }
}

/// Adds functions to a linker, under one module name.
#[derive(Debug)]
pub(crate) struct Definer<'a> {
    pub(crate) store: &'a mut StoreState,
    pub(crate) linker: &'a mut Linker,
    pub(crate) module: &'static str,
    /// The functions to define; `None` for all.
    pub(crate) wanted: Option<HashSet<&'a str>>,
    /// Finds the memory of the calling instance and the context.
    pub(crate) enter: Enter,
}

/// [`enter`] for the type of the store's data.
pub(crate) type Enter = for<'a> fn(&'a mut Caller<'_>) -> Result<(&'a mut [u8], &'a mut WasiCtx)>;

impl Definer<'_> {
    /// Whether there is nothing to define.
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.as_ref().is_some_and(HashSet::is_empty)
    }

    /// Defines a function if it is wanted. `names` are the names of its parameters, for traces.
    pub(crate) fn define<P, F, O: Outcome>(
        &mut self,
        name: &'static str,
        names: &'static [&'static str],
        function: F,
    ) -> Result<()>
    where
        F: for<'a> InterfaceFunc<Call<'a>, Errno, P, Output = O>,
    {
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(name)) {
            return Ok(());
        }
        let (names, enter) = (Names { module: self.module, function: name, parameters: names }, self.enter);
        let ty = FuncType::new(F::params(), O::TYPES.iter().copied());
        let func = Func::alloc_raw(self.store, ty, move |mut caller, words| {
            let deadline = caller.running_deadline();
            let (memory, ctx) = enter(&mut caller)?;
            let answer = match ctx.observer.take() {
                None => {
                    let (guest, args) = (Guest::new(memory), Args::new(words, None));
                    run(&function, &mut Call { guest, ctx, deadline, args })
                }
                Some(observer) => {
                    let mut trace = Trace::default();
                    let (guest, args) = (Guest::new(memory), Args::new(words, Some(&mut trace)));
                    let mut call = Call { guest, ctx, deadline, args };
                    let answer = run_traced(&function, &mut call);
                    call.ctx.observer = Some(observed(observer, names, &mut call, &answer));
                    answer
                }
            };
            let errno = match answer {
                Ok(()) => Errno::Success,
                Err(Stop::Errno(errno)) => errno,
                Err(Stop::Exit(exit)) => return Err(Error::host_with(exit.to_string(), exit)),
                Err(Stop::TimedOut) => return Err(caller.interrupt()),
            };
            words.set(0, errno as u64);
            Ok(())
        })?;
        self.linker.define(self.module, name, func)
    }
}

#[inline]
fn run<'a, P, O: Outcome>(
    function: &impl InterfaceFunc<Call<'a>, Errno, P, Output = O>,
    call: &mut Call<'a>,
) -> Result<(), Stop> {
    match function.call(call) {
        Ok(outcome) => outcome.stop(),
        Err(errno) => Err(Stop::Errno(errno)),
    }
}

/// [`run`], apart from calls without a trace.
#[cold]
#[inline(never)]
fn run_traced<'a, P, O: Outcome>(
    function: &impl InterfaceFunc<Call<'a>, Errno, P, Output = O>,
    call: &mut Call<'a>,
) -> Result<(), Stop> {
    run(function, call)
}

/// The names of a function and its parameters.
#[derive(Clone, Copy, Debug)]
struct Names {
    module: &'static str,
    function: &'static str,
    parameters: &'static [&'static str],
}

/// Calls an observer with the record of a call that has ended, and gives it back.
#[cold]
#[inline(never)]
fn observed(
    mut observer: Observer,
    Names { module, function, parameters }: Names,
    call: &mut Call<'_>,
    answer: &Result<(), Stop>,
) -> Observer {
    let (arguments, results) = call.args.take_trace().shown(parameters, &call.guest);
    let mut record = CallRecord { module, function, arguments, ..CallRecord::default() };
    match answer {
        Ok(()) => record.results = results,
        Err(Stop::Errno(errno)) => record.errno = *errno,
        Err(Stop::Exit(exit)) => record.exit = Some(*exit),
        Err(Stop::TimedOut) => record.timed_out = true,
    }
    observer(&record);
    observer
}

/// Returns the memory that the calling instance exports as `memory`, and the context in the store's
/// data, which is a `T`. If the instance exports none, the memory is empty, so that every address
/// is out of bounds.
pub(crate) fn enter<'a, T: AsMut<WasiCtx> + Any>(
    caller: &'a mut Caller<'_>,
) -> Result<(&'a mut [u8], &'a mut WasiCtx)> {
    let instance = caller.instance();
    let memory = match context::<T>(caller.any_data_mut())?.memory {
        Some((of, memory)) if Some(of) == instance => memory,
        _ => match find_memory::<T>(caller)? {
            Some(memory) => memory,
            None => return Ok((&mut [], context::<T>(caller.any_data_mut())?)),
        },
    };
    let (memory, data) = caller.memory_and_any_data(memory).ok_or_else(shared)?;
    Ok((memory, context::<T>(data)?))
}

/// Finds the memory of the calling instance, and keeps it in the context for its next call.
#[cold]
fn find_memory<T: AsMut<WasiCtx> + Any>(caller: &mut Caller<'_>) -> Result<Option<Memory>> {
    let found = caller.export("memory").and_then(Extern::memory);
    let known = caller.instance().zip(found);
    context::<T>(caller.any_data_mut())?.memory = known;
    Ok(found)
}

#[inline]
fn context<T: AsMut<WasiCtx> + Any>(data: &mut (dyn Any + Send)) -> Result<&mut WasiCtx> {
    data.downcast_mut::<T>().map(T::as_mut).ok_or_else(other_store)
}

/// The functions are defined for the store of a `Store<T>`, and handles check their store.
#[cold]
fn other_store() -> Error {
    Error::host("a WASI function was called in a store that it was not defined for")
}

/// A shared memory cannot be borrowed as a slice, because other threads may write to it at any
/// time.
#[cold]
fn shared() -> Error {
    Error::host("the guest exports a shared memory, which WASI calls do not support")
}
