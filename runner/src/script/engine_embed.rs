//! Our own engine, driven by scripts.

use std::collections::HashMap;
use std::time::Instant;

use smallvec::SmallVec;
use wassay_engine::{
    Config, Engine, Error, Extern, ExternRef, Features, Func, FuncType, Global, GlobalType,
    HeapType as EngineHeapType, Instance, Linker, Memory, MemoryType, Module, Mutability, Ref, RefType,
    Store, Table, TableType, Val, ValType,
};

use super::embed::{EmbedError, Embedder, ErrorKind, Location, Results};
use super::spectest::{self, Item, Param};
use super::value::{HeapType, Reference, Value};

/// Our own engine behind [`Embedder`].
///
/// An engine is made once for each set of features and then kept, a store for each script.
#[derive(Debug, Default)]
pub struct EngineEmbedder {
    config: Config,
    engines: HashMap<Features, Engine>,
    session: Option<Session>,
}

/// What belongs to one script.
#[derive(Debug)]
struct Session {
    engine: Engine,
    store: Store,
    linker: Linker,
    /// Whether the name of the host module is one that the script registered.
    spectest_taken: bool,
    /// The references that a script made by number.
    externs: HashMap<u32, ExternRef>,
}

impl EngineEmbedder {
    /// Engines with these settings; the features come with each script.
    pub fn new(config: Config) -> Self {
        EngineEmbedder { config, ..EngineEmbedder::default() }
    }

    fn engine(&mut self, features: Features) -> Result<Engine, EmbedError> {
        if let Some(engine) = self.engines.get(&features) {
            return Ok(engine.clone());
        }
        let engine = Engine::new(&self.config.clone().features(features))?;
        self.engines.insert(features, engine.clone());
        Ok(engine)
    }

    fn session(&mut self) -> Result<&mut Session, EmbedError> {
        let none = || EmbedError::new(ErrorKind::Internal, "the embedder was not begun");
        self.session.as_mut().ok_or_else(none)
    }
}

impl Embedder for EngineEmbedder {
    type Module = Module;
    type Instance = Instance;

    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError> {
        self.session = None;
        let engine = self.engine(features)?;
        let mut store = Store::new(&engine);
        store.set_deadline(deadline);
        self.session = Some(Session {
            engine,
            store,
            linker: Linker::new(),
            spectest_taken: false,
            externs: HashMap::new(),
        });
        Ok(())
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<Module, EmbedError> {
        Ok(Module::new(&self.session()?.engine, bytes)?)
    }

    fn instantiate(&mut self, module: &Module) -> Result<Instance, EmbedError> {
        let session = self.session()?;
        session.define_spectest(module)?;
        Ok(session.linker.instantiate(&mut session.store, module)?)
    }

    fn register(&mut self, name: &str, instance: Option<&Instance>) -> Result<(), EmbedError> {
        let session = self.session()?;
        // A script may give the name of the host module to an instance of its own.
        session.spectest_taken |= name == spectest::NAME;
        match instance {
            Some(instance) => session.linker.define_instance(&session.store, name, *instance),
            None => session.linker.undefine(name),
        }
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: &Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        let session = self.session()?;
        let Some(Extern::Func(func)) = instance.export(&session.store, export) else {
            return Err(no_such("function", export));
        };
        let arguments = arguments.iter().map(|value| session.lower(*value));
        let arguments = arguments.collect::<Result<SmallVec<[Val; 4]>, _>>()?;
        let results = func.invoke(&mut session.store, &arguments)?;
        results.into_iter().map(|value| session.lift(value)).collect()
    }

    fn global(&mut self, instance: &Instance, export: &str) -> Result<Value, EmbedError> {
        let session = self.session()?;
        let Some(Extern::Global(global)) = instance.export(&session.store, export) else {
            return Err(no_such("global", export));
        };
        session.lift(global.read(&session.store))
    }
}

impl Session {
    /// Makes what a module imports from `spectest` and what is not there yet.
    fn define_spectest(&mut self, module: &Module) -> Result<(), EmbedError> {
        let features = self.engine.features();
        let (memory64, threads) = (features.contains("memory64"), features.contains("threads"));
        for import in module.imports().filter(|import| import.module == spectest::NAME) {
            if self.spectest_taken || self.linker.get(spectest::NAME, import.name).is_some() {
                continue;
            }
            let found = spectest::items(memory64, threads).find(|(name, _)| *name == import.name);
            if let Some((name, item)) = found {
                let item = self.host_item(item)?;
                self.linker.define(spectest::NAME, name, item);
            }
        }
        Ok(())
    }

    fn host_item(&mut self, item: Item) -> Result<Extern, EmbedError> {
        let store = &mut self.store;
        Ok(match item {
            Item::Function(params) => {
                let ty = FuncType::new(params.iter().map(|param| param_type(*param)), []);
                Extern::Func(Func::alloc(store, ty, |_, _, _| Ok(()))?)
            }
            Item::Global(value) => {
                let value = self.lower(value)?;
                let ty = GlobalType { content: value.ty(&self.store), mutability: Mutability::Const };
                Extern::Global(Global::alloc(&mut self.store, ty, value)?)
            }
            Item::Table { minimum, maximum, index64 } => {
                let ty = TableType::new(RefType::FUNCREF, minimum, Some(maximum));
                let null = Ref::Null(EngineHeapType::Func);
                Extern::Table(Table::alloc(store, TableType { table64: index64, ..ty }, null)?)
            }
            Item::Memory { minimum, maximum, shared } => {
                let ty = MemoryType::new(minimum, Some(maximum));
                Extern::Memory(Memory::alloc(store, MemoryType { shared, ..ty })?)
            }
        })
    }

    fn lower(&mut self, value: Value) -> Result<Val, EmbedError> {
        Ok(match value {
            Value::I32(value) => Val::I32(value),
            Value::I64(value) => Val::I64(value),
            Value::F32(bits) => Val::F32(bits),
            Value::F64(bits) => Val::F64(bits),
            Value::V128(bits) => Val::V128(bits),
            Value::Ref(Reference::Null(heap)) => Val::Ref(Ref::Null(lower_heap(heap))),
            Value::Ref(Reference::Extern(Some(number))) => Val::Ref(Ref::Extern(self.extern_ref(number)?)),
            Value::Ref(other) => {
                let message = format!("`{other}` cannot be passed to this engine");
                return Err(EmbedError::new(ErrorKind::Unsupported, message));
            }
        })
    }

    /// The reference of a number: the same each time, as scripts compare them.
    fn extern_ref(&mut self, number: u32) -> Result<ExternRef, EmbedError> {
        if let Some(known) = self.externs.get(&number) {
            return Ok(known.clone());
        }
        let made = ExternRef::new(&mut self.store, number)?;
        self.externs.insert(number, made.clone());
        Ok(made)
    }

    fn lift(&self, value: Val) -> Result<Value, EmbedError> {
        Ok(match value {
            Val::I32(value) => Value::I32(value),
            Val::I64(value) => Value::I64(value),
            Val::F32(bits) => Value::F32(bits),
            Val::F64(bits) => Value::F64(bits),
            Val::V128(bits) => Value::V128(bits),
            Val::Ref(Ref::Null(heap)) => Value::Ref(Reference::Null(lift_heap(heap)?)),
            Val::Ref(Ref::Func(_)) => Value::Ref(Reference::Func),
            Val::Ref(Ref::Extern(reference)) => {
                let number = reference.data(&self.store).and_then(|data| data.downcast_ref());
                Value::Ref(Reference::Extern(number.copied()))
            }
            Val::Ref(other) => {
                let message = format!("`{other:?}` has no counterpart in scripts");
                return Err(EmbedError::new(ErrorKind::Unsupported, message));
            }
        })
    }
}

fn no_such(what: &str, export: &str) -> EmbedError {
    EmbedError::new(ErrorKind::NoSuchExport, format!("no {what} is exported as `{export}`"))
}

fn param_type(param: Param) -> ValType {
    match param {
        Param::I32 => ValType::I32,
        Param::I64 => ValType::I64,
        Param::F32 => ValType::F32,
        Param::F64 => ValType::F64,
    }
}

fn lower_heap(heap: HeapType) -> EngineHeapType {
    match heap {
        HeapType::Func => EngineHeapType::Func,
        HeapType::NoFunc => EngineHeapType::NoFunc,
        HeapType::Extern => EngineHeapType::Extern,
        HeapType::NoExtern => EngineHeapType::NoExtern,
        HeapType::Any => EngineHeapType::Any,
        HeapType::Eq => EngineHeapType::Eq,
        HeapType::I31 => EngineHeapType::I31,
        HeapType::Struct => EngineHeapType::Struct,
        HeapType::Array => EngineHeapType::Array,
        HeapType::None => EngineHeapType::None,
        HeapType::Exn => EngineHeapType::Exn,
        HeapType::NoExn => EngineHeapType::NoExn,
    }
}

fn lift_heap(heap: EngineHeapType) -> Result<HeapType, EmbedError> {
    Ok(match heap {
        EngineHeapType::Func => HeapType::Func,
        EngineHeapType::NoFunc => HeapType::NoFunc,
        EngineHeapType::Extern => HeapType::Extern,
        EngineHeapType::NoExtern => HeapType::NoExtern,
        EngineHeapType::Any => HeapType::Any,
        EngineHeapType::Eq => HeapType::Eq,
        EngineHeapType::I31 => HeapType::I31,
        EngineHeapType::Struct => HeapType::Struct,
        EngineHeapType::Array => HeapType::Array,
        EngineHeapType::None => HeapType::None,
        EngineHeapType::Exn => HeapType::Exn,
        EngineHeapType::NoExn => HeapType::NoExn,
        // Nulls come back as the bottom type of their hierarchy.
        EngineHeapType::Concrete(_) => {
            return Err(EmbedError::new(ErrorKind::Internal, "a null of a defined type came back"));
        }
    })
}

impl From<Error> for EmbedError {
    fn from(error: Error) -> Self {
        use wassay_engine::ErrorKind as Engine;
        let kind = match error.kind() {
            Engine::Malformed => ErrorKind::Malformed,
            Engine::Invalid => ErrorKind::Invalid,
            Engine::Unsupported => ErrorKind::Unsupported,
            Engine::Unlinkable => ErrorKind::Unlinkable,
            Engine::Trap(_) => ErrorKind::Trap,
            Engine::Exception => ErrorKind::Exception,
            Engine::Exhaustion => ErrorKind::Exhaustion,
            Engine::Limit => ErrorKind::Limit,
            Engine::Interrupted => ErrorKind::Timeout,
            Engine::Usage => ErrorKind::WrongArguments,
            _ => ErrorKind::Internal,
        };
        EmbedError::new(kind, error.message()).at(error.offset().map(Location::Offset))
    }
}
