//! Implements [`Embedder`] for our own engine.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;
use wassay_engine::{
    Backtrace, Config, Deadline, Engine, Error, Extern, ExternRef, Features, Func, FuncType, Global,
    GlobalType, HeapType as EngineHeapType, Instance, Linker, Memory, MemoryType, Module, Mutability, Ref,
    RefType, SharedMemory, Store, StoreLimits, Table, TableType, Val, ValType,
};
use wassay_script::embed::{
    BacktraceText, Begun, EmbedError, Embedder, ErrorKind, Identity, Location, Results,
};
use wassay_script::spectest::{self, Item, Param};
use wassay_script::value::{HeapType, Reference, Value};

/// Our own engine as an [`Embedder`].
///
/// Engines for the most recent sets of features are cached; each script gets a new store.
#[derive(Debug, Default)]
pub struct EngineEmbedder {
    config: Config,
    /// The most recently used last.
    engines: Vec<(Key, Engine)>,
    max_memory: Option<u64>,
    canonical_nans: bool,
    session: Option<Session>,
}

/// The settings of an engine that scripts determine: features, the limit for memory, and whether
/// NaNs are canonical.
type Key = (Features, Option<u64>, bool);

/// The size of the cache: each engine reserves address space.
const MOST_ENGINES: usize = 12;

/// An instance of a script.
#[derive(Clone, Debug)]
pub enum EngineInstance {
    /// An instance in the store.
    Made(Instance),
    /// The shared memories of an instance in another thread's store.
    Memories(Arc<[(Box<str>, Memory)]>),
}

/// The state of one thread of a script.
#[derive(Debug)]
struct Session {
    engine: Engine,
    store: Store,
    linker: Linker,
    /// Whether the script registered a module under the name of the host module.
    spectest_taken: bool,
    /// The numbered references of a script.
    externs: HashMap<u32, ExternRef>,
}

impl EngineEmbedder {
    /// Creates an embedder with these settings; features are set per script.
    pub fn new(config: Config) -> Self {
        EngineEmbedder { config, ..EngineEmbedder::default() }
    }

    /// The engine for a set of features.
    pub(crate) fn engine(&mut self, features: Features) -> Result<Engine, EmbedError> {
        let key = (features, self.max_memory, self.canonical_nans);
        if let Some(at) = self.engines.iter().position(|(other, _)| *other == key) {
            let found = self.engines.remove(at);
            let engine = found.1.clone();
            self.engines.push(found);
            return Ok(engine);
        }
        let mut config = self.config.clone().features(features).nan_canonicalization(self.canonical_nans);
        if let Some(bytes) = self.max_memory {
            config = limited(config, bytes);
        }
        if self.engines.len() >= MOST_ENGINES {
            self.engines.remove(0);
        }
        let engine = Engine::new(&config)
            .or_else(|error| {
                // The other engines may have reserved the address space that is missing.
                if error.kind() != wassay_engine::ErrorKind::Limit || self.engines.is_empty() {
                    return Err(error);
                }
                self.engines.clear();
                Engine::new(&config)
            })
            .map_err(told)?;
        self.engines.push((key, engine.clone()));
        Ok(engine)
    }

    fn session(&mut self) -> Result<&mut Session, EmbedError> {
        let none = || EmbedError::new(ErrorKind::Internal, "no script has begun");
        self.session.as_mut().ok_or_else(none)
    }
}

impl Embedder for EngineEmbedder {
    type Module = Module;
    type Instance = EngineInstance;
    type Thread = EngineEmbedder;

    const DRIVES_WASSAY: bool = true;
    const CANONICALIZES_NANS: bool = true;

    fn identity(&self) -> Identity {
        Identity::new("wassay", env!("CARGO_PKG_VERSION"))
    }

    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError> {
        self.session = None;
        let engine = self.engine(features)?;
        self.session = Some(Session::new(Store::new(&engine), engine, deadline));
        Ok(())
    }

    fn limit_memory(&mut self, bytes: Option<u64>) {
        // Free the previous script's store before the time of the next one starts.
        self.session = None;
        self.max_memory = bytes;
    }

    fn canonicalize_nans(&mut self, on: bool) {
        self.canonical_nans = on;
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<Module, EmbedError> {
        let session = self.session()?;
        Module::new_until(&session.engine, bytes, session.store.deadline()).map_err(told)
    }

    fn check_custom_sections(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
        Module::check_custom_sections(&self.session()?.engine, bytes).map_err(told)
    }

    fn instantiate(&mut self, module: &Module) -> Result<EngineInstance, EmbedError> {
        let session = self.session()?;
        session.define_spectest(module)?;
        let instance = session.linker.instantiate(&mut session.store, module).map_err(told)?;
        Ok(EngineInstance::Made(instance))
    }

    fn register(&mut self, name: &str, instance: Option<&EngineInstance>) -> Result<(), EmbedError> {
        let session = self.session()?;
        // A script may register its own instance under the name of the host module.
        session.spectest_taken |= name == spectest::NAME;
        match instance {
            Some(EngineInstance::Made(instance)) => {
                session.linker.shadow_instance(&session.store, name, *instance);
            }
            Some(EngineInstance::Memories(memories)) => {
                session.linker.undefine(name);
                for (export, memory) in &**memories {
                    session.linker.shadow(name, export, *memory);
                }
            }
            None => session.linker.undefine(name),
        }
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: &EngineInstance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        let session = self.session()?;
        let Some(Extern::Func(func)) = instance.export(&session.store, export) else {
            return Err(EmbedError::no_such("function", export));
        };
        let arguments = arguments.iter().map(|value| session.lower(*value));
        let arguments = arguments.collect::<Result<SmallVec<[Val; 4]>, _>>()?;
        let results = func.invoke(&mut session.store, &arguments).map_err(told)?;
        results.into_iter().map(|value| session.lift(value)).collect()
    }

    fn global(&mut self, instance: &EngineInstance, export: &str) -> Result<Value, EmbedError> {
        let session = self.session()?;
        let Some(Extern::Global(global)) = instance.export(&session.store, export) else {
            return Err(EmbedError::no_such("global", export));
        };
        session.lift(global.read(&session.store))
    }

    fn begin_thread(&mut self, shared: &[EngineInstance]) -> Result<Begun<EngineEmbedder>, EmbedError> {
        let (config, engines) = (self.config.clone(), self.engines.clone());
        let (max_memory, canonical_nans) = (self.max_memory, self.canonical_nans);
        let session = self.session()?;
        let deadline = session.store.deadline().map(Deadline::instant);
        let mut thread = Session::new(Store::sharing_limit(&session.store), session.engine.clone(), deadline);
        let shared = shared.iter().map(|instance| {
            let memories = instance.shared_memories(&session.store).into_iter();
            let memories =
                memories.map(|(export, memory)| (export, Memory::from_shared(&mut thread.store, &memory)));
            EngineInstance::Memories(memories.collect())
        });
        let shared = shared.collect();
        Ok((EngineEmbedder { config, engines, max_memory, canonical_nans, session: Some(thread) }, shared))
    }
}

impl EngineInstance {
    fn export(&self, store: &Store, name: &str) -> Option<Extern> {
        match self {
            EngineInstance::Made(instance) => instance.export(store, name),
            EngineInstance::Memories(memories) => {
                let found = memories.iter().find(|(export, _)| **export == *name);
                found.map(|(_, memory)| Extern::Memory(*memory))
            }
        }
    }

    /// The exported shared memories, with their names.
    fn shared_memories(&self, store: &Store) -> Vec<(Box<str>, SharedMemory)> {
        let shared = |name: &str, memory: Memory| Some((name.into(), memory.shared(store)?));
        match self {
            EngineInstance::Made(instance) => {
                let exports = instance.exports(store);
                exports
                    .filter_map(|(name, export)| match export {
                        Extern::Memory(memory) => shared(name, memory),
                        _ => None,
                    })
                    .collect()
            }
            EngineInstance::Memories(memories) => {
                memories.iter().filter_map(|(name, memory)| shared(name, *memory)).collect()
            }
        }
    }
}

impl Session {
    fn new(mut store: Store, engine: Engine, deadline: Option<Instant>) -> Session {
        store.set_deadline(deadline);
        let (linker, externs) = (Linker::new(), HashMap::new());
        Session { engine, store, linker, spectest_taken: false, externs }
    }

    /// Defines the imports from `spectest` that are not defined yet.
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
                self.linker.define(spectest::NAME, name, item).map_err(told)?;
            }
        }
        Ok(())
    }

    fn host_item(&mut self, item: Item) -> Result<Extern, EmbedError> {
        let store = &mut self.store;
        Ok(match item {
            Item::Function(params) => {
                let ty = FuncType::new(params.iter().map(|param| param_type(*param)), []);
                Extern::Func(Func::alloc(store, ty, |_, _, _| Ok(())).map_err(told)?)
            }
            Item::Global(value) => {
                let value = self.lower(value)?;
                let ty = GlobalType { content: value.ty(&self.store), mutability: Mutability::Const };
                Extern::Global(Global::alloc(&mut self.store, ty, value).map_err(told)?)
            }
            Item::Table { minimum, maximum, index64 } => {
                let ty = TableType::new(RefType::FUNCREF, minimum, Some(maximum));
                let null = Ref::Null(EngineHeapType::Func);
                Extern::Table(Table::alloc(store, TableType { table64: index64, ..ty }, null).map_err(told)?)
            }
            Item::Memory { minimum, maximum, shared } => {
                let ty = MemoryType::new(minimum, Some(maximum));
                Extern::Memory(Memory::alloc(store, MemoryType { shared, ..ty }).map_err(told)?)
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
            Value::Ref(Reference::Host(number)) => Val::Ref(self.extern_ref(number)?.to_any(&self.store)),
            Value::Ref(other) => {
                let message = format!("`{other}` cannot be passed to this engine");
                return Err(EmbedError::new(ErrorKind::Unsupported, message));
            }
        })
    }

    /// The reference for a number, always the same one, because scripts compare references.
    /// Internalised, it is the value of `ref.host`.
    fn extern_ref(&mut self, number: u32) -> Result<ExternRef, EmbedError> {
        if let Some(known) = self.externs.get(&number) {
            return Ok(known.clone());
        }
        let made = ExternRef::new(&mut self.store, number).map_err(told)?;
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
            Val::Ref(reference) => Value::Ref(self.lift_reference(reference)?),
        })
    }

    fn lift_reference(&self, reference: Ref) -> Result<Reference, EmbedError> {
        let number = |data: &(dyn Any + Send + Sync)| data.downcast_ref::<u32>().copied();
        let foreign = || {
            EmbedError::new(ErrorKind::Internal, "the engine returned a host value that no script created")
        };
        Ok(match reference {
            Ref::Null(heap) => Reference::Null(lift_heap(heap)?),
            Ref::Func(_) => Reference::Func,
            Ref::I31(value) => Reference::I31(value.get_u()),
            Ref::Struct(_) => Reference::Struct,
            Ref::Array(_) => Reference::Array,
            Ref::Host(host) => Reference::Host(number(host.data(&self.store)).ok_or_else(foreign)?),
            Ref::Extern(external) => Reference::Extern(external.data(&self.store).and_then(number)),
            Ref::Exn(_) => Reference::Exn,
            Ref::Cont(_) => Reference::Cont,
            other => {
                let message = format!("`{other:?}` has no counterpart in scripts");
                return Err(EmbedError::new(ErrorKind::Unsupported, message));
            }
        })
    }
}

/// Settings that limit a store to this many bytes in total.
pub(crate) fn limited(config: Config, bytes: u64) -> Config {
    let limits = StoreLimits { memory_bytes: bytes, heap_bytes: bytes, ..StoreLimits::default() };
    config.limits(limits).max_bytes(bytes)
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
        HeapType::Cont => EngineHeapType::Cont,
        HeapType::NoCont => EngineHeapType::NoCont,
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
        EngineHeapType::Cont => HeapType::Cont,
        EngineHeapType::NoCont => HeapType::NoCont,
        // Nulls are returned with the bottom type of their hierarchy.
        EngineHeapType::Concrete(_) | EngineHeapType::Exact(_) => {
            return Err(EmbedError::new(ErrorKind::Internal, "the engine returned a null of a defined type"));
        }
    })
}

/// Converts an error of the engine.
pub(crate) fn told(mut error: Error) -> EmbedError {
    use wassay_engine::ErrorKind as Engine;
    let kind = match error.kind() {
        Engine::Malformed => ErrorKind::Malformed,
        Engine::Invalid => ErrorKind::Invalid,
        Engine::MalformedCustom => ErrorKind::MalformedCustom,
        Engine::InvalidCustom => ErrorKind::InvalidCustom,
        Engine::Unsupported => ErrorKind::Unsupported,
        Engine::Unlinkable => ErrorKind::Unlinkable,
        Engine::Trap(_) => ErrorKind::Trap,
        Engine::Exception => ErrorKind::Exception,
        Engine::Exhaustion => ErrorKind::Exhaustion,
        Engine::Suspension => ErrorKind::Suspension,
        Engine::Limit => ErrorKind::Limit,
        Engine::Interrupted => ErrorKind::Timeout,
        Engine::Usage => ErrorKind::WrongArguments,
        _ => ErrorKind::Internal,
    };
    let backtrace = error.take_backtrace().map(|backtrace| BacktraceText(Arc::<Backtrace>::from(backtrace)));
    let location = error.offset().map(Location::Offset);
    let rules = error.rule().into_iter().chain(error.also()).collect();
    EmbedError { rules, location, backtrace, ..EmbedError::new(kind, error.message()) }
}

#[cfg(test)]
mod tests {
    use wassay_engine::I31;

    use super::*;

    fn begun() -> EngineEmbedder {
        let mut embedder = EngineEmbedder::default();
        embedder.begin(Features::default(), None).unwrap();
        embedder
    }

    /// Passes a value to the engine and back.
    fn there_and_back(session: &mut Session, reference: Reference) -> Value {
        let passed = session.lower(Value::Ref(reference)).unwrap();
        session.lift(passed).unwrap()
    }

    #[test]
    fn the_most_recently_used_engines_are_cached() {
        let mut embedder = EngineEmbedder::default();
        let mut use_with = |bytes: u64| {
            embedder.limit_memory(Some(bytes));
            embedder.begin(Features::default(), None).unwrap();
            embedder.engines.iter().map(|((_, limit, _), _)| limit.unwrap()).collect::<Vec<_>>()
        };
        let most = MOST_ENGINES as u64;
        for number in 1..=most {
            use_with(number << 20);
        }
        // Use the first again, so that the second is the least recently used.
        use_with(1 << 20);
        let kept = use_with((most + 1) << 20);
        assert_eq!(kept.len(), MOST_ENGINES);
        assert!(kept.contains(&(1 << 20)) && !kept.contains(&(2 << 20)), "{kept:?}");
    }

    #[test]
    fn references_that_scripts_make_come_back_as_they_are() {
        let mut embedder = begun();
        let session = embedder.session().unwrap();
        for reference in [
            Reference::Extern(Some(0)),
            Reference::Extern(Some(u32::MAX)),
            Reference::Host(0),
            Reference::Host(u32::MAX),
            Reference::Null(HeapType::Extern),
            Reference::Null(HeapType::I31),
            Reference::Null(HeapType::NoExn),
            Reference::Null(HeapType::NoCont),
        ] {
            assert_eq!(there_and_back(session, reference), Value::Ref(reference));
        }
    }

    #[test]
    fn a_number_is_the_same_value_externally_and_internally() {
        let mut embedder = begun();
        let session = embedder.session().unwrap();
        let mut lowered = |reference| session.lower(Value::Ref(reference)).unwrap();
        let Val::Ref(inside) = lowered(Reference::Host(3)) else { panic!("a reference was lowered") };
        assert!(matches!(inside, Ref::Host(_)), "{inside:?}");
        let outside = lowered(Reference::Extern(Some(3)));
        assert_eq!(lowered(Reference::Extern(Some(3))), outside);
        assert_ne!(lowered(Reference::Extern(Some(4))), outside);
        assert_eq!(Val::Ref(inside.to_extern(&session.store).unwrap()), outside);
    }

    #[test]
    fn an_unboxed_integer_keeps_its_bits_and_is_external_without_a_number() {
        let mut embedder = begun();
        let session = embedder.session().unwrap();
        let minus_two = Ref::I31(I31::wrapping(-2i32 as u32));
        let external = minus_two.to_extern(&session.store).unwrap();
        let lift = |reference| session.lift(Val::Ref(reference)).unwrap();
        assert_eq!(lift(minus_two), Value::Ref(Reference::I31(0x7fff_fffe)));
        assert_eq!(lift(external), Value::Ref(Reference::Extern(None)));
    }

    #[test]
    fn a_reference_that_scripts_cannot_create_is_rejected() {
        let mut embedder = begun();
        let error = embedder.session().unwrap().lower(Value::Ref(Reference::Struct)).unwrap_err();
        assert_eq!(error.to_string(), "unsupported: `ref.struct` cannot be passed to this engine");
    }
}
