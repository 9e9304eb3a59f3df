//! An adapter for wasmi, using the process protocol `wap/1`.

use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{
    Caller, Config, Error, Extern, ExternRef, Func, Instance, Module, Nullable, Store, TrapCode, Val,
};
use wassay_wap::{About, Class, Engine, Failure, Features, Import};

/// Switches a feature in wasmi's configuration.
type Switch = fn(&mut Config, bool) -> &mut Config;

/// The features that wasmi has switches for. It always has those of 1.0, and no other ones.
const SWITCHES: &[(&str, Switch)] = &[
    ("mutable-global", Config::wasm_mutable_global),
    ("saturating-float-to-int", Config::wasm_saturating_float_to_int),
    ("sign-extension", Config::wasm_sign_extension),
    ("multi-value", Config::wasm_multi_value),
    ("bulk-memory", Config::wasm_bulk_memory),
    ("reference-types", Config::wasm_reference_types),
    ("simd", Config::wasm_simd),
    ("relaxed-simd", Config::wasm_relaxed_simd),
    ("tail-call", Config::wasm_tail_call),
    ("extended-const", Config::wasm_extended_const),
    ("multi-memory", Config::wasm_multi_memory),
    ("memory64", Config::wasm_memory64),
    ("custom-page-sizes", Config::wasm_custom_page_sizes),
    ("wide-arithmetic", Config::wasm_wide_arithmetic),
];

struct Wasmi {
    engine: wasmi::Engine,
    store: Store<()>,
    host: Func,
    eq: Func,
}

impl Wasmi {
    fn new(features: Option<&Features>) -> Self {
        let mut config = Config::default();
        for (name, switch) in SWITCHES {
            switch(&mut config, features.is_none_or(|features| features.has(name)));
        }
        let engine = wasmi::Engine::new(&config);
        let (store, host, eq) = fresh(&engine);
        Self { engine, store, host, eq }
    }

    fn resolve(&self, import: &Import<Instance>) -> Result<Extern, Failure> {
        match import {
            Import::Host => Ok(Extern::Func(self.host)),
            Import::Eq => Ok(Extern::Func(self.eq)),
            Import::Export(instance, name) => instance
                .get_export(&self.store, name)
                .ok_or_else(|| Failure::new(Class::Link, format_args!("no export {name:?}"))),
        }
    }
}

/// A store with the functions that create and compare host references.
fn fresh(engine: &wasmi::Engine) -> (Store<()>, Func, Func) {
    let mut store = Store::new(engine, ());
    let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>, number: i32| {
        Nullable::Val(ExternRef::new(&mut caller, number))
    });
    let eq = Func::wrap(&mut store, |caller: Caller<'_, ()>, value: Nullable<ExternRef>, number: i32| {
        let held = value.val().and_then(|value| value.data(&caller).downcast_ref::<i32>());
        i32::from(held == Some(&number))
    });
    (store, host, eq)
}

impl Engine for Wasmi {
    type Module = Module;
    type Instance = Instance;

    fn about(&self) -> About {
        // The version is the one that Cargo.toml pins.
        About { engine: "wasmi", version: "2.0.0", switches_features: true, merges: &[] }
    }

    fn begin(&mut self, features: Option<&Features>) -> Result<(), Failure> {
        *self = Self::new(features);
        Ok(())
    }

    fn compile(&mut self, wasm: &[u8]) -> Result<Module, Failure> {
        Module::new(&self.engine, wasm).map_err(|error| Failure::new(refused(&error), error))
    }

    fn imports(&self, module: &Module) -> Vec<(String, String)> {
        module.imports().map(|import| (import.module().to_owned(), import.name().to_owned())).collect()
    }

    fn has_export(&mut self, instance: Instance, name: &str) -> bool {
        instance.get_export(&self.store, name).is_some()
    }

    fn instantiate(&mut self, module: &Module, imports: &[Import<Instance>]) -> Result<Instance, Failure> {
        let imports = imports.iter().map(|import| self.resolve(import)).collect::<Result<Vec<_>, _>>()?;
        Instance::new(&mut self.store, module, &imports).map_err(|error| Failure::new(stopped(&error), error))
    }

    fn call(&mut self, instance: Instance, name: &str) -> Result<i32, Failure> {
        let function = instance
            .get_func(&self.store, name)
            .ok_or_else(|| Failure::new(Class::Error, format_args!("no function {name:?}")))?;
        let mut results = [Val::I32(0)];
        function
            .call(&mut self.store, &[], &mut results)
            .map_err(|error| Failure::new(stopped(&error), error))?;
        results[0].i32().ok_or_else(|| Failure::new(Class::Error, format_args!("{name:?} gives no i32")))
    }
}

/// Converts the error of a rejected module.
fn refused(error: &Error) -> Class {
    match error.kind() {
        ErrorKind::ImplementationLimits(_) | ErrorKind::UserLimits(_) => Class::Limit,
        ErrorKind::Translation(_) | ErrorKind::Ir(_) => Class::Unsupported,
        _ => Class::Compile,
    }
}

/// Converts the error of an instantiation or a call.
fn stopped(error: &Error) -> Class {
    use InstantiationError as At;
    match error.kind() {
        ErrorKind::TrapCode(TrapCode::StackOverflow) => Class::Exhaustion,
        ErrorKind::TrapCode(TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory) => Class::Limit,
        ErrorKind::TrapCode(_) | ErrorKind::Instantiation(At::ElementSegmentDoesNotFit { .. }) => Class::Trap,
        // A segment is out of bounds.
        ErrorKind::Memory(_) | ErrorKind::Table(_) => Class::Trap,
        ErrorKind::Instantiation(
            At::TooManyInstances
            | At::TooManyTables
            | At::TooManyMemories
            | At::FailedToInstantiateMemory(_)
            | At::FailedToInstantiateTable(_),
        ) => Class::Limit,
        ErrorKind::Instantiation(_) => Class::Link,
        _ => Class::Error,
    }
}

fn main() -> std::io::Result<()> {
    wassay_wap::serve(Wasmi::new(None))
}
