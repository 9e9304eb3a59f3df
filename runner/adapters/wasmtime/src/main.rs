//! An adapter for wasmtime, using the process protocol `wap/1`.

use wasmtime::{
    Caller, Config, Error, Extern, ExternRef, Func, GcHeapOutOfMemory, Instance, Linker, Module, Rooted,
    Store, ThrownException, Trap,
};
use wassay_wap::{About, Class, Engine, Failure, Features, Import};

/// Switches a feature in wasmtime's configuration.
type Switch = fn(&mut Config, bool) -> &mut Config;

/// The features that wasmtime has switches for. It always has the other features up to 2.0, and no
/// other ones.
const SWITCHES: &[(&str, Switch)] = &[
    ("multi-value", Config::wasm_multi_value),
    ("bulk-memory", Config::wasm_bulk_memory),
    ("reference-types", Config::wasm_reference_types),
    ("simd", Config::wasm_simd),
    ("relaxed-simd", Config::wasm_relaxed_simd),
    ("tail-call", Config::wasm_tail_call),
    ("function-references", Config::wasm_function_references),
    ("extended-const", Config::wasm_extended_const),
    ("multi-memory", Config::wasm_multi_memory),
    ("memory64", Config::wasm_memory64),
    ("exceptions", Config::wasm_exceptions),
    ("gc", Config::wasm_gc),
    ("threads", threads),
    ("custom-page-sizes", Config::wasm_custom_page_sizes),
    ("wide-arithmetic", Config::wasm_wide_arithmetic),
    ("stack-switching", Config::wasm_stack_switching),
];

fn threads(config: &mut Config, on: bool) -> &mut Config {
    config.wasm_threads(on).shared_memory(on)
}

struct Wasmtime {
    engine: wasmtime::Engine,
    store: Store<()>,
    host: Func,
    eq: Func,
}

impl Wasmtime {
    fn new(features: Option<&Features>) -> Result<Self, Error> {
        let mut config = Config::new();
        for (name, switch) in SWITCHES {
            switch(&mut config, features.is_none_or(|features| features.has(name)));
        }
        let engine = wasmtime::Engine::new(&config)?;
        let (store, host, eq) = fresh(&engine);
        Ok(Self { engine, store, host, eq })
    }

    fn resolve(&mut self, import: &Import<Instance>) -> Result<Extern, Failure> {
        match import {
            Import::Host => Ok(Extern::Func(self.host)),
            Import::Eq => Ok(Extern::Func(self.eq)),
            Import::Export(instance, name) => instance
                .get_export(&mut self.store, name)
                .ok_or_else(|| Failure::new(Class::Link, format_args!("no export {name:?}"))),
        }
    }
}

/// A store with the functions that create and compare host references.
fn fresh(engine: &wasmtime::Engine) -> (Store<()>, Func, Func) {
    let mut store = Store::new(engine, ());
    let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>, number: i32| {
        ExternRef::new(&mut caller, number).map(Some)
    });
    let eq =
        Func::wrap(&mut store, |caller: Caller<'_, ()>, value: Option<Rooted<ExternRef>>, number: i32| {
            let held = value.map(|value| value.data(&caller)).transpose()?.flatten();
            Ok(i32::from(held.and_then(|held| held.downcast_ref()) == Some(&number)))
        });
    (store, host, eq)
}

impl Engine for Wasmtime {
    type Module = Module;
    type Instance = Instance;

    fn about(&self) -> About {
        // The version is the one that Cargo.toml pins.
        About { engine: "wasmtime", version: "48.0.8", switches_features: true, merges: &[] }
    }

    fn begin(&mut self, features: Option<&Features>) -> Result<(), Failure> {
        *self = Self::new(features).map_err(|error| failure(Class::Unsupported, &error))?;
        Ok(())
    }

    fn compile(&mut self, wasm: &[u8]) -> Result<Module, Failure> {
        Module::from_binary(&self.engine, wasm).map_err(|error| failure(Class::Compile, &error))
    }

    fn imports(&self, module: &Module) -> Vec<(String, String)> {
        module.imports().map(|import| (import.module().to_owned(), import.name().to_owned())).collect()
    }

    fn has_export(&mut self, instance: Instance, name: &str) -> bool {
        instance.get_export(&mut self.store, name).is_some()
    }

    fn instantiate(&mut self, module: &Module, imports: &[Import<Instance>]) -> Result<Instance, Failure> {
        let mut linker = Linker::new(&self.engine);
        linker.allow_shadowing(true);
        for (declared, import) in module.imports().zip(imports) {
            let value = self.resolve(import)?;
            linker
                .define(&self.store, declared.module(), declared.name(), value)
                .map_err(|error| failure(Class::Error, &error))?;
        }
        // Types are checked separately, to distinguish a link error from later ones.
        let linked = linker.instantiate_pre(module).map_err(|error| failure(Class::Link, &error))?;
        linked.instantiate(&mut self.store).map_err(|error| stopped(&error))
    }

    fn call(&mut self, instance: Instance, name: &str) -> Result<i32, Failure> {
        let function = instance
            .get_typed_func::<(), i32>(&mut self.store, name)
            .map_err(|error| failure(Class::Error, &error))?;
        function.call(&mut self.store, ()).map_err(|error| stopped(&error))
    }
}

/// Converts the error of an instantiation or a call.
fn stopped(error: &Error) -> Failure {
    let class = match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Class::Exhaustion,
        Some(Trap::AllocationTooLarge) => Class::Limit,
        Some(_) => Class::Trap,
        None if error.is::<ThrownException>() => Class::Exception,
        None if error.is::<GcHeapOutOfMemory<()>>() => Class::Limit,
        // The remaining errors are memories or tables that cannot be allocated.
        None => Class::Limit,
    };
    failure(class, error)
}

/// Creates a failure with the text of `error` and of its causes.
fn failure(class: Class, error: &Error) -> Failure {
    Failure::new(class, format_args!("{error:#}"))
}

fn main() -> Result<(), Error> {
    wassay_wap::serve(Wasmtime::new(None)?)?;
    Ok(())
}
