//! Rust functions as host functions. Their parameter types determine the WebAssembly type.

use std::collections::HashSet;

use wassay_engine::{Caller, Error, Extern, Func, FuncType, Linker, Result, StoreState, ValType, Words};

use super::arg::Arg;
use crate::calling::{Call, Stop};
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::exit::Exit;
use crate::guest::Guest;
use crate::trace::CallRecord;

/// The result type of a host function: an error number for the guest, or a call that never returns.
pub(crate) trait Outcome {
    /// The WebAssembly types of the results.
    const TYPES: &'static [ValType] = &[ValType::I32];

    fn stop(self) -> Result<(), Stop>;
}

impl Outcome for Result<(), Errno> {
    fn stop(self) -> Result<(), Stop> {
        self.map_err(Stop::Errno)
    }
}

impl Outcome for Result<(), Stop> {
    fn stop(self) -> Result<(), Stop> {
        self
    }
}

impl Outcome for Exit {
    const TYPES: &'static [ValType] = &[];

    fn stop(self) -> Result<(), Stop> {
        Err(Stop::Exit(self))
    }
}

/// A function that a guest can call, with parameters `P`.
pub(crate) trait HostFn<P>: Copy + Send + Sync + 'static {
    fn ty() -> FuncType;

    fn call(self, call: &mut Call<'_>, words: &Words<'_>) -> Result<(), Stop>;

    /// For traces: the arguments before the call, as text.
    fn show(words: &Words<'_>, guest: &Guest<'_>) -> Vec<String>;

    /// For traces: what the call has written to each argument, as text.
    fn results(words: &Words<'_>, guest: &Guest<'_>) -> Vec<Option<String>>;
}

macro_rules! host_fn {
    ($($param:ident $arg:ident),*) => {
        impl<F, O: Outcome, $($param: Arg),*> HostFn<(O, $($param,)*)> for F
        where
            F: Fn(&mut Call<'_>, $($param),*) -> O + Copy + Send + Sync + 'static,
        {
            fn ty() -> FuncType {
                let params: &[&[ValType]] = &[$($param::TYPES),*];
                FuncType::new(params.concat(), O::TYPES.iter().copied())
            }

            #[allow(unused_assignments, unused_mut, unused_variables)]
            fn call(self, call: &mut Call<'_>, words: &Words<'_>) -> Result<(), Stop> {
                let mut at = 0;
                $(
                    let $arg = $param::take(words, at).map_err(Stop::Errno)?;
                    at += $param::TYPES.len();
                )*
                self(call, $($arg),*).stop()
            }

            #[allow(unused_assignments, unused_mut, unused_variables)]
            fn show(words: &Words<'_>, guest: &Guest<'_>) -> Vec<String> {
                let mut at = 0;
                vec![$({
                    let shown = $param::show(words, at, guest);
                    at += $param::TYPES.len();
                    shown
                }),*]
            }

            #[allow(unused_assignments, unused_mut, unused_variables)]
            fn results(words: &Words<'_>, guest: &Guest<'_>) -> Vec<Option<String>> {
                let mut at = 0;
                vec![$({
                    let shown = $param::result(words, at, guest);
                    at += $param::TYPES.len();
                    shown
                }),*]
            }
        }
    };
}

host_fn!();
host_fn!(A a);
host_fn!(A a, B b);
host_fn!(A a, B b, C c);
host_fn!(A a, B b, C c, D d);
host_fn!(A a, B b, C c, D d, E e);
host_fn!(A a, B b, C c, D d, E e, G g);
host_fn!(A a, B b, C c, D d, E e, G g, H h);
host_fn!(A a, B b, C c, D d, E e, G g, H h, I i);

/// Adds functions to a linker, under one module name.
#[derive(Debug)]
pub(crate) struct Definer<'a> {
    pub(crate) store: &'a mut StoreState,
    pub(crate) linker: &'a mut Linker,
    pub(crate) module: &'static str,
    /// The functions to define; `None` for all.
    pub(crate) wanted: Option<HashSet<&'a str>>,
}

impl Definer<'_> {
    /// Whether there is nothing to define.
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.as_ref().is_some_and(HashSet::is_empty)
    }

    /// Defines a function if it is wanted. `names` are the names of its parameters, for traces.
    pub(crate) fn define<P, F: HostFn<P>>(
        &mut self,
        name: &'static str,
        names: &'static [&'static str],
        function: F,
    ) -> Result<()> {
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(name)) {
            return Ok(());
        }
        let module = self.module;
        let func = Func::alloc_numeric(self.store, F::ty(), move |mut caller, words| {
            let deadline = caller.running_deadline();
            let (memory, ctx) = enter(&mut caller)?;
            let mut call = Call { guest: Guest::new(memory), ctx, deadline };
            let answer = match call.ctx.observer.take() {
                None => function.call(&mut call, words),
                Some(mut observer) => {
                    let arguments = names.iter().copied().zip(F::show(words, &call.guest)).collect();
                    let answer = function.call(&mut call, words);
                    let mut record =
                        CallRecord { module, function: name, arguments, ..CallRecord::default() };
                    match &answer {
                        Ok(()) => {
                            let results = names.iter().copied().zip(F::results(words, &call.guest));
                            record.results = results.filter_map(|(name, text)| Some((name, text?))).collect();
                        }
                        Err(Stop::Errno(errno)) => record.errno = *errno,
                        Err(Stop::Exit(exit)) => record.exit = Some(*exit),
                        Err(Stop::TimedOut) => record.timed_out = true,
                    }
                    observer(&record);
                    call.ctx.observer = Some(observer);
                    answer
                }
            };
            let errno = match answer {
                Ok(()) => Errno::Success,
                Err(Stop::Errno(errno)) => errno,
                Err(Stop::Exit(exit)) => return Err(Error::host_with(exit.to_string(), exit)),
                Err(Stop::TimedOut) => return Err(caller.time_over()),
            };
            words.set(0, errno as u64);
            Ok(())
        })?;
        self.linker.define(module, name, Extern::Func(func));
        Ok(())
    }
}

/// Returns the memory that the calling instance exports as `memory`, and the store's context. If it
/// exports none, the memory is empty, so that every address is out of bounds.
fn enter<'a>(caller: &'a mut Caller<'_>) -> Result<(&'a mut [u8], &'a mut WasiCtx)> {
    let instance = caller.instance();
    let known = caller.data::<WasiCtx>().ok_or_else(no_context)?.memory;
    let memory = match known {
        Some((of, memory)) if Some(of) == instance => Some(memory),
        _ => {
            let found = match caller.export("memory") {
                Some(Extern::Memory(memory)) => Some(memory),
                _ => None,
            };
            if let Some(ctx) = caller.data_mut::<WasiCtx>() {
                ctx.memory = instance.zip(found);
            }
            found
        }
    };
    match memory {
        Some(memory) => caller.memory_and_data(memory).ok_or_else(shared),
        None => caller.data_mut().map(|ctx| (&mut [][..], ctx)).ok_or_else(no_context),
    }
}

fn no_context() -> Error {
    Error::host("the store's data is not a `WasiCtx`: call `add_to_linker` first")
}

/// A shared memory cannot be borrowed as a slice, because other threads may write to it at any
/// time.
fn shared() -> Error {
    Error::host("the guest exports a shared memory, which WASI calls do not support")
}
