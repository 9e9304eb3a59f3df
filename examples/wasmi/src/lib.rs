//! wasmi as an engine in wassay's process.

use std::collections::HashMap;

use wasmi::errors::{ErrorKind as Kind, InstantiationError};
use wasmi::{Config, Engine, Error, ExternRef, F32, F64, Instance, Module, Nullable, Store, TrapCode, Val};
use wassay::Features;
use wassay::script::embed::{EmbedError, Embedder, ErrorKind, Identity, Results};
use wassay::script::spectest;
use wassay::script::value::{HeapType, Reference, Value};

/// An engine with the state of a script.
#[derive(Debug, Default)]
pub struct Wasmi {
    store: Store<()>,
    registered: HashMap<String, Instance>,
}

type Switch = fn(&mut Config, bool) -> &mut Config;
/// The features that wasmi can configure, by the names of the proposals.
const SWITCHES: [(&str, Switch); 10] = [
    ("saturating-float-to-int", Config::wasm_saturating_float_to_int),
    ("sign-extension", Config::wasm_sign_extension),
    ("multi-value", Config::wasm_multi_value),
    ("bulk-memory", Config::wasm_bulk_memory),
    ("reference-types", Config::wasm_reference_types),
    ("simd", Config::wasm_simd),
    ("tail-call", Config::wasm_tail_call),
    ("extended-const", Config::wasm_extended_const),
    ("multi-memory", Config::wasm_multi_memory),
    ("memory64", Config::wasm_memory64),
];

impl Embedder for Wasmi {
    type Module = Module;
    type Instance = Instance;
    type Thread = Self;
    const HAS_TEXTS: bool = false;

    fn identity(&self) -> Identity {
        Identity::new("wasmi", "2.0.0")
    }

    fn begin(&mut self, features: Features, _: Option<std::time::Instant>) -> Result<(), EmbedError> {
        let mut config = Config::default();
        for (name, switch) in SWITCHES {
            switch(&mut config, features.contains(name));
        }
        *self = Wasmi { store: Store::new(&Engine::new(&config), ()), registered: HashMap::new() };
        let module = self.compile(&spectest::module(features.contains("memory64"), false))?;
        let instance = self.instantiate(&module)?;
        self.register(spectest::NAME, Some(&instance))
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<Module, EmbedError> {
        Module::new(self.store.engine(), bytes).map_err(|error| {
            let kind = match error.kind() {
                Kind::ImplementationLimits(_) => ErrorKind::Limit,
                Kind::Translation(_) | Kind::Ir(_) => ErrorKind::Unsupported,
                _ => ErrorKind::Refused,
            };
            EmbedError::new(kind, error.to_string())
        })
    }

    fn instantiate(&mut self, module: &Module) -> Result<Instance, EmbedError> {
        let imports = module.imports().map(|import| {
            let from = self.registered.get(import.module());
            let found = from.and_then(|from| from.get_export(&self.store, import.name()));
            found.ok_or_else(|| EmbedError::new(ErrorKind::Unlinkable, "unknown import"))
        });
        let imports = imports.collect::<Result<Vec<_>, _>>()?;
        Instance::new(&mut self.store, module, &imports).map_err(|error| stopped(&error))
    }

    fn register(&mut self, name: &str, instance: Option<&Instance>) -> Result<(), EmbedError> {
        match instance {
            Some(instance) => self.registered.insert(name.to_owned(), *instance),
            None => self.registered.remove(name),
        };
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: &Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        let function =
            instance.get_func(&self.store, export).ok_or_else(|| EmbedError::no_such("function", export))?;
        let arguments = arguments.iter().map(|value| self.lower(*value)).collect::<Result<Vec<_>, _>>()?;
        let ty = function.ty(&self.store);
        let mut results: Vec<Val> = ty.results().iter().map(|ty| Val::default_for_ty(*ty)).collect();
        function.call(&mut self.store, &arguments, &mut results).map_err(|error| stopped(&error))?;
        Ok(results.iter().map(|value| self.lift(value)).collect())
    }

    fn global(&mut self, instance: &Instance, export: &str) -> Result<Value, EmbedError> {
        let global =
            instance.get_global(&self.store, export).ok_or_else(|| EmbedError::no_such("global", export))?;
        Ok(self.lift(&global.get(&self.store)))
    }
}

impl Wasmi {
    fn lower(&mut self, value: Value) -> Result<Val, EmbedError> {
        Ok(match value {
            Value::I32(value) => Val::I32(value),
            Value::I64(value) => Val::I64(value),
            Value::F32(bits) => Val::F32(F32::from_bits(bits)),
            Value::F64(bits) => Val::F64(F64::from_bits(bits)),
            Value::V128(bits) => Val::V128(bits.into()),
            Value::Ref(Reference::Null(HeapType::Func)) => Val::FuncRef(Nullable::Null),
            Value::Ref(Reference::Null(HeapType::Extern)) => Val::ExternRef(Nullable::Null),
            Value::Ref(Reference::Extern(Some(number))) => ExternRef::new(&mut self.store, number).into(),
            other => return Err(EmbedError::new(ErrorKind::NotApplicable, format!("cannot pass `{other}`"))),
        })
    }

    fn lift(&self, value: &Val) -> Value {
        match value {
            Val::I32(value) => Value::I32(*value),
            Val::I64(value) => Value::I64(*value),
            Val::F32(value) => Value::F32(value.to_bits()),
            Val::F64(value) => Value::F64(value.to_bits()),
            Val::V128(value) => Value::V128(value.as_u128()),
            Val::FuncRef(Nullable::Null) => Value::Ref(Reference::Null(HeapType::Func)),
            Val::FuncRef(Nullable::Val(_)) => Value::Ref(Reference::Func),
            Val::ExternRef(Nullable::Null) => Value::Ref(Reference::Null(HeapType::Extern)),
            Val::ExternRef(Nullable::Val(value)) => {
                Value::Ref(Reference::Extern(value.data(&self.store).downcast_ref().copied()))
            }
        }
    }
}

/// Converts an error of an instantiation or a call.
fn stopped(error: &Error) -> EmbedError {
    let kind = match error.kind() {
        Kind::TrapCode(TrapCode::StackOverflow) => ErrorKind::Exhaustion,
        Kind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => ErrorKind::Trap,
        Kind::TrapCode(_) | Kind::Memory(_) | Kind::Table(_) => ErrorKind::Trap,
        Kind::Instantiation(_) => ErrorKind::Unlinkable,
        Kind::Func(_) => ErrorKind::WrongArguments,
        _ => ErrorKind::Internal,
    };
    EmbedError::new(kind, error.to_string())
}
