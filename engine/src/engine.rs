//! The engine: settings, types and trampolines that modules and stores share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use cranelift_codegen::isa::OwnedTargetIsa;
use smallvec::SmallVec;

use crate::abi::signature::AbiSignature;
use crate::compile::function::Compiler;
use crate::compile::parallel::with_compiler;
use crate::compile::{isa, trampoline};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::precompiled::{Fingerprint, Glue, GlueKey, GlueKind};
use crate::types::{
    CompositeType, ExternType, FieldType, FuncType, HeldTypes, SubType, TypeId, TypeRegistry, TypeTable,
    ValType,
};
use crate::vm::artifact::CompiledFunction;
use crate::vm::code::{self, Code, CodeBlock};
use crate::vm::memory::may_guard;
use crate::vm::rows::TypeRows;
use crate::vm::signal;
use wassay_terms::Features;

/// The state that modules and stores share: settings, the type registry and the code generator.
/// Cloning an engine is cheap and shares this state.
///
/// Modules, stores and types of different engines cannot be used together.
#[derive(Clone, Debug)]
pub struct Engine(Arc<EngineInner>);

struct EngineInner {
    config: Config,
    isa: OwnedTargetIsa,
    fast_isa: OwnedTargetIsa,
    types: Arc<TypeRegistry>,
    /// The supertype displays and signatures that compiled code reads.
    rows: Arc<TypeRows>,
    /// The types that the host has registered.
    host_types: Mutex<HeldTypes>,
    /// The stubs for builtins, followed by those for exceptions, from the first instance on.
    stubs: OnceLock<Arc<CodeBlock>>,
    /// Stubs and trampolines of earlier runs, and for later ones.
    glue: Mutex<Glue>,
    trampolines: Mutex<Trampolines>,
    /// The number of functions of modules that have been compiled.
    compiled: AtomicUsize,
    /// The number of stubs and trampolines that have been compiled.
    compiled_glue: AtomicUsize,
    /// The number of times that code of the first tier was compiled again.
    optimized: AtomicUsize,
    /// The number of calls that were continued from a loop.
    continued: AtomicUsize,
}

/// Trampolines by the signature at the level of registers: those in use, and some that are no
/// longer used.
#[derive(Default)]
struct Trampolines {
    entries: TrampolineCache,
    hosts: TrampolineCache,
    continuations: TrampolineCache,
}

/// Trampolines of one kind.
#[derive(Default)]
struct TrampolineCache {
    made: HashMap<AbiSignature, Arc<CodeBlock>>,
    /// The number of trampolines above which unused ones are searched for.
    threshold: usize,
}

/// The lower bound of [`TrampolineCache::threshold`]. Each trampoline takes a page of memory.
const MIN_THRESHOLD: usize = 128;

/// The number of types and trampolines that an engine holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineStats {
    /// The number of defined types that modules and stores hold.
    pub types: usize,
    /// The number of trampolines, the code between the host and wasm: one of each kind for each
    /// signature in use, and at most a few hundred unused ones.
    pub trampolines: usize,
    /// The number of functions of modules that have been compiled so far.
    pub compiled: usize,
    /// The number of trampolines, and of stubs that all modules share, that have been compiled so
    /// far, as opposed to those that came with the code of a module.
    pub compiled_trampolines: usize,
    /// The number of times that a function was compiled again, optimised, because it has run often.
    pub optimized: usize,
    /// The number of calls that were continued in optimised code from a loop.
    pub continued: usize,
}

impl std::fmt::Debug for EngineInner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Engine {
    /// Creates an engine with these settings.
    ///
    /// # Errors
    ///
    /// Returns an error if Cranelift does not support the machine, or if address space for code
    /// cannot be reserved. The first engine of a process also installs handlers for the signals by
    /// which the processor reports faults. Signals that compiled code did not cause are forwarded
    /// to the previous handlers.
    pub fn new(config: &Config) -> Result<Engine> {
        signal::install().map_err(|error| Error::limit("cannot install signal handlers").caused_by(error))?;
        let (isa, fast_isa) = (isa::host(config, false)?, isa::host(config, true)?);
        code::reserve()?;
        let rows = TypeRows::new().map_err(|error| {
            Error::limit("cannot reserve address space for the type table").caused_by(error)
        })?;
        let rows = Arc::new(rows);
        let types = Arc::new(TypeRegistry::new(Arc::clone(&rows) as Arc<dyn TypeTable>));
        let host_types = Mutex::new(HeldTypes::new(&types));
        let (stubs, glue, trampolines) = (OnceLock::new(), Mutex::default(), Mutex::default());
        let [compiled, compiled_glue, optimized, continued] = [const { AtomicUsize::new(0) }; 4];
        let mut config = config.clone();
        // Bounds checks cannot be left out if guard pages cannot be used.
        config.guard_pages &= may_guard();
        Ok(Engine(Arc::new(EngineInner {
            config,
            isa,
            fast_isa,
            types,
            rows,
            host_types,
            stubs,
            glue,
            trampolines,
            compiled,
            compiled_glue,
            optimized,
            continued,
        })))
    }

    /// The features that modules of this engine can use.
    pub fn features(&self) -> Features {
        self.0.config.features
    }

    /// Returns the identifier of a function type in this engine, which keeps the type from then on.
    ///
    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) if the engine holds the maximum number of types, or the
    /// type has more than 1000 parameters or results; [`Usage`](crate::ErrorKind::Usage) if the
    /// type refers to a type that the engine does not hold.
    pub fn func_type_id(&self, ty: &FuncType) -> Result<TypeId> {
        self.0.host_types.lock().unwrap_or_else(PoisonError::into_inner).intern_func(ty)
    }

    /// The number of the structure type with these fields, final and without a supertype, in this
    /// engine, which keeps the type from then on. A module that defines the same type by itself,
    /// as `(type (struct ...))`, has the same number for it.
    ///
    /// # Errors
    ///
    /// As for [`Engine::func_type_id`]; [`Limit`](crate::ErrorKind::Limit) for more than 10000
    /// fields.
    pub fn struct_type_id(&self, fields: impl IntoIterator<Item = FieldType>) -> Result<TypeId> {
        self.intern_plain(CompositeType::Struct(fields.into_iter().collect()))
    }

    /// The number of the array type with this element, final and without a supertype, in this
    /// engine, which keeps the type from then on.
    ///
    /// # Errors
    ///
    /// As for [`Engine::func_type_id`].
    pub fn array_type_id(&self, element: FieldType) -> Result<TypeId> {
        self.intern_plain(CompositeType::Array(element))
    }

    /// The defined type with this number; `None` if this engine does not have it, or no longer.
    pub fn defined_type(&self, id: TypeId) -> Option<SubType> {
        self.0.types.find(id).map(|ty| ty.sub.clone())
    }

    fn intern_plain(&self, ty: CompositeType) -> Result<TypeId> {
        self.0.host_types.lock().unwrap_or_else(PoisonError::into_inner).intern_plain(ty)
    }

    /// Returns the number of types and trampolines that the engine holds.
    pub fn stats(&self) -> EngineStats {
        let made = self.0.trampolines.lock().unwrap_or_else(PoisonError::into_inner);
        let trampolines = made.entries.made.len() + made.hosts.made.len() + made.continuations.made.len();
        let compiled = self.0.compiled.load(Ordering::Relaxed);
        let optimized = self.0.optimized.load(Ordering::Relaxed);
        let continued = self.0.continued.load(Ordering::Relaxed);
        let compiled_trampolines = self.0.compiled_glue.load(Ordering::Relaxed);
        let types = self.0.types.len();
        EngineStats { types, trampolines, compiled, compiled_trampolines, optimized, continued }
    }

    /// Whether the first type matches the second (embedding appendix: `match_valtype`).
    pub fn matches_val(&self, sub: ValType, sup: ValType) -> bool {
        self.0.types.matches_val(sub, sup)
    }

    /// Whether an external value of the first type can be imported with the second (embedding
    /// appendix: `match_externtype`).
    pub fn matches_extern(&self, sub: &ExternType, sup: &ExternType) -> bool {
        self.0.types.matches_extern(sub, sup)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn isa(&self) -> &OwnedTargetIsa {
        &self.0.isa
    }

    pub(crate) fn fast_isa(&self) -> &OwnedTargetIsa {
        &self.0.fast_isa
    }

    pub(crate) fn types(&self) -> &Arc<TypeRegistry> {
        &self.0.types
    }

    pub(crate) fn rows(&self) -> &Arc<TypeRows> {
        &self.0.rows
    }

    /// The stubs, which are compiled when they are first needed.
    pub(crate) fn stubs(&self) -> Result<&Arc<CodeBlock>> {
        if let Some(stubs) = self.0.stubs.get() {
            return Ok(stubs);
        }
        let none = || AbiSignature { params: SmallVec::new(), results: SmallVec::new() };
        let isa = &*self.0.isa;
        let builtin =
            self.compile_glue((GlueKind::Builtin, none()), |compiler, _| trampoline::builtin(compiler, isa))?;
        let throw =
            self.compile_glue((GlueKind::Throw, none()), |compiler, _| trampoline::throw(compiler, isa))?;
        let stubs = Arc::new(CodeBlock::install(&[builtin, throw], Code::Stubs)?);
        Ok(self.0.stubs.get_or_init(|| stubs))
    }

    /// The stubs and trampolines for a later run.
    pub(crate) fn glue(&self) -> MutexGuard<'_, Glue> {
        self.0.glue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compiles a stub or a trampoline, unless it was kept, perhaps by an earlier run.
    fn compile_glue(
        &self,
        key: GlueKey,
        compile: impl FnOnce(&mut Compiler, &AbiSignature) -> Result<CompiledFunction>,
    ) -> Result<CompiledFunction> {
        if let Some(found) = self.glue().find(&key) {
            return Ok(found);
        }
        let function = with_compiler(|compiler| compile(compiler, &key.1))?;
        self.0.compiled_glue.fetch_add(1, Ordering::Relaxed);
        self.glue().add(key, &function);
        Ok(function)
    }

    /// The entry trampoline for a signature, in a code block of its own.
    pub(crate) fn entry_trampoline(&self, signature: AbiSignature) -> Result<Arc<CodeBlock>> {
        self.trampoline(
            |made| &mut made.entries,
            GlueKind::Entry,
            Code::Entry { slots: signature.slots() },
            signature,
            |compiler, signature| trampoline::entry(compiler, &*self.0.isa, signature),
        )
    }

    /// The host trampoline for a signature, in a code block of its own.
    pub(crate) fn host_trampoline(&self, signature: AbiSignature) -> Result<Arc<CodeBlock>> {
        self.trampoline(
            |made| &mut made.hosts,
            GlueKind::Host,
            Code::Host { slots: signature.slots() },
            signature,
            |compiler, signature| trampoline::host(compiler, &*self.0.isa, signature),
        )
    }

    /// The continuation trampoline for a signature, in a code block of its own.
    pub(crate) fn continuation_trampoline(&self, signature: AbiSignature) -> Result<Arc<CodeBlock>> {
        self.trampoline(
            |made| &mut made.continuations,
            GlueKind::Continuation,
            Code::Continuation { slots: signature.slots() },
            signature,
            |compiler, signature| trampoline::continuation(compiler, &*self.0.isa, signature),
        )
    }

    fn trampoline(
        &self,
        select: impl FnOnce(&mut Trampolines) -> &mut TrampolineCache,
        kind: GlueKind,
        code: Code,
        signature: AbiSignature,
        compile: impl FnOnce(&mut Compiler, &AbiSignature) -> Result<CompiledFunction>,
    ) -> Result<Arc<CodeBlock>> {
        let mut made = self.0.trampolines.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = select(&mut made);
        if let Some(block) = cache.made.get(&signature) {
            return Ok(Arc::clone(block));
        }
        let function = self.compile_glue((kind, signature.clone()), compile)?;
        let block = Arc::new(CodeBlock::install(&[function], code)?);
        cache.insert(signature, Arc::clone(&block));
        Ok(block)
    }

    /// What the machine code of this engine depends on, apart from the module.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let (build, machine, code) = isa::describe(&[&self.0.isa, &self.0.fast_isa]);
        let settings = format!("features {}, code generator {code}", self.features());
        Fingerprint { build, machine, settings }
    }

    /// Adds to the number of compiled functions.
    pub(crate) fn count_compiled(&self, functions: usize) {
        self.0.compiled.fetch_add(functions, Ordering::Relaxed);
    }

    /// Adds to the number of functions that were compiled again.
    pub(crate) fn count_optimized(&self, functions: usize) {
        self.0.optimized.fetch_add(functions, Ordering::Relaxed);
    }

    /// Notes that a call is continued from a loop.
    pub(crate) fn count_continued(&self) {
        self.0.continued.fetch_add(1, Ordering::Relaxed);
    }

    /// How often code of the first tier can run before it asks to be optimised.
    pub(crate) fn tier_up_count(&self) -> i32 {
        /// Some thousand runs of short code take as long as optimising it. Processor time is the
        /// same within noise from 1000 to 8000, and more below (docs/performance.md).
        const COUNT: i32 = 2000;
        if self.config().tier_up_always { 0 } else { COUNT }
    }

    /// How often code of the first tier with frames of this size runs before it looks whether there
    /// is enough of the stack left: for as long as it can use a small part of the stack.
    pub(crate) fn runs_per_look(&self, frame: u32) -> i32 {
        /// With 16 functions that call each other, at most half of the stack is used between looks.
        const PARTS: usize = 32;
        let runs = self.config().max_stack / PARTS / frame.max(1) as usize;
        i32::try_from(runs.max(1)).unwrap_or(i32::MAX).min(self.tier_up_count())
    }

    pub(crate) fn is(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl TrampolineCache {
    /// Adds a trampoline. If there are many, removes those that no type or store uses.
    fn insert(&mut self, signature: AbiSignature, block: Arc<CodeBlock>) {
        if self.made.len() >= self.threshold.max(MIN_THRESHOLD) {
            self.made.retain(|_, block| Arc::strong_count(block) > 1);
            self.threshold = self.made.len() * 2;
        }
        self.made.insert(signature, block);
    }
}
