//! The engine: settings, types and trampolines that modules and stores share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cranelift_codegen::isa::OwnedTargetIsa;

use crate::abi::signature::AbiSignature;
use crate::compile::function::Compiler;
use crate::compile::parallel::with_compiler;
use crate::compile::{isa, trampoline};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::types::{ExternType, FuncType, HeldTypes, TypeId, TypeRegistry, TypeTable, ValType};
use crate::vm::artifact::CompiledFunction;
use crate::vm::code::{Code, CodeBlock};
use crate::vm::memory::may_guard;
use crate::vm::rows::TypeRows;
use crate::vm::signal;
use wassay_terms::Features;

/// What modules and stores have in common: settings, the registry of types and the code generator.
/// Copies share it.
///
/// Modules, stores and types of different engines do not mix.
#[derive(Clone, Debug)]
pub struct Engine(Arc<EngineInner>);

struct EngineInner {
    config: Config,
    isa: OwnedTargetIsa,
    tangled_isa: OwnedTargetIsa,
    types: Arc<TypeRegistry>,
    /// The types as compiled code looks them up.
    rows: Arc<TypeRows>,
    /// The types that the host asked the engine for.
    host_types: Mutex<HeldTypes>,
    /// The stubs: for builtins, then for exceptions.
    stubs: Arc<CodeBlock>,
    trampolines: Mutex<Trampolines>,
    /// How many functions of modules were compiled.
    compiled: AtomicUsize,
}

/// The trampolines that are in use, and some that were, by signature as registers see it.
#[derive(Default)]
struct Trampolines {
    entries: TrampolineCache,
    hosts: TrampolineCache,
}

/// Trampolines of one sort.
#[derive(Default)]
struct TrampolineCache {
    made: HashMap<AbiSignature, Arc<CodeBlock>>,
    /// How many there may be before those that no store uses are looked for.
    enough: usize,
}

/// The least number of trampolines for which looking for unused ones is worth it. Each takes a page
/// of memory.
const ENOUGH: usize = 128;

/// What an engine has at present for its modules and stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineStats {
    /// How many defined types modules and stores hold.
    pub types: usize,
    /// How many trampolines there are, the code between the host and wasm: one of each sort for
    /// each signature in use, and at most some hundred more.
    pub trampolines: usize,
    /// How many functions of modules have been compiled so far.
    pub compiled: usize,
}

impl std::fmt::Debug for EngineInner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with these settings.
    ///
    /// # Errors
    ///
    /// Where the machine is not one that code can be generated for, or gives no address space for
    /// code. The first engine of a process also takes over the signals by which the processor
    /// reports faults; those that compiled code did not cause go to the handlers that were there
    /// before.
    pub fn new(config: &Config) -> Result<Engine> {
        signal::install().map_err(|error| Error::limit("no signal handlers").caused_by(error))?;
        let (isa, tangled_isa) = (isa::host(config, false)?, isa::host(config, true)?);
        let builtin = with_compiler(|compiler| trampoline::builtin(compiler, &*isa))?;
        let throw = with_compiler(|compiler| trampoline::throw(compiler, &*isa))?;
        let stubs = Arc::new(CodeBlock::install(&[builtin, throw], Code::Stubs)?);
        let rows = TypeRows::new()
            .map_err(|error| Error::limit("no address space for the table of types").caused_by(error))?;
        let rows = Arc::new(rows);
        let types = Arc::new(TypeRegistry::new(Arc::clone(&rows) as Arc<dyn TypeTable>));
        let host_types = Mutex::new(HeldTypes::new(&types));
        let (trampolines, compiled) = (Mutex::default(), AtomicUsize::new(0));
        let mut config = config.clone();
        // Code that relies on guard pages would be of no use.
        config.guard_pages &= may_guard();
        let inner =
            EngineInner { config, isa, tangled_isa, types, rows, host_types, stubs, trampolines, compiled };
        Ok(Engine(Arc::new(inner)))
    }

    /// What modules of this engine may use.
    pub fn features(&self) -> Features {
        self.0.config.features
    }

    /// The number of a function type in this engine, which keeps the type from then on.
    ///
    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) where the engine has as many types as it can, or the type
    /// has more than 1000 parameters or results; [`Usage`](crate::ErrorKind::Usage) where it refers
    /// to a type that the engine does not have, or no more.
    pub fn func_type_id(&self, ty: &FuncType) -> Result<TypeId> {
        self.0.host_types.lock().unwrap_or_else(PoisonError::into_inner).intern_func(ty)
    }

    /// What the engine has at present.
    pub fn stats(&self) -> EngineStats {
        let made = self.0.trampolines.lock().unwrap_or_else(PoisonError::into_inner);
        let trampolines = made.entries.made.len() + made.hosts.made.len();
        let compiled = self.0.compiled.load(Ordering::Relaxed);
        EngineStats { types: self.0.types.len(), trampolines, compiled }
    }

    /// Whether values of the first type are values of the second (embedding appendix:
    /// `match_valtype`).
    pub fn matches_val(&self, sub: ValType, sup: ValType) -> bool {
        self.0.types.matches_val(sub, sup)
    }

    /// Whether what has the first type can be imported as the second (embedding appendix:
    /// `match_externtype`).
    pub fn matches_extern(&self, sub: &ExternType, sup: &ExternType) -> bool {
        self.0.types.matches_extern(sub, sup)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn isa(&self) -> &OwnedTargetIsa {
        &self.0.isa
    }

    pub(crate) fn tangled_isa(&self) -> &OwnedTargetIsa {
        &self.0.tangled_isa
    }

    pub(crate) fn types(&self) -> &Arc<TypeRegistry> {
        &self.0.types
    }

    pub(crate) fn rows(&self) -> &Arc<TypeRows> {
        &self.0.rows
    }

    pub(crate) fn stubs(&self) -> &Arc<CodeBlock> {
        &self.0.stubs
    }

    /// The entry trampoline for a signature, alone in its block.
    pub(crate) fn entry_trampoline(&self, signature: AbiSignature) -> Result<Arc<CodeBlock>> {
        self.trampoline(
            |made| &mut made.entries,
            Code::Entry { slots: signature.slots() },
            signature,
            |compiler, signature| trampoline::entry(compiler, &*self.0.isa, signature),
        )
    }

    /// The host trampoline for a signature, alone in its block.
    pub(crate) fn host_trampoline(&self, signature: AbiSignature) -> Result<Arc<CodeBlock>> {
        self.trampoline(
            |made| &mut made.hosts,
            Code::Host { slots: signature.slots() },
            signature,
            |compiler, signature| trampoline::host(compiler, &*self.0.isa, signature),
        )
    }

    fn trampoline(
        &self,
        select: impl FnOnce(&mut Trampolines) -> &mut TrampolineCache,
        kind: Code,
        signature: AbiSignature,
        compile: impl FnOnce(&mut Compiler, &AbiSignature) -> Result<CompiledFunction>,
    ) -> Result<Arc<CodeBlock>> {
        let mut made = self.0.trampolines.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = select(&mut made);
        if let Some(block) = cache.made.get(&signature) {
            return Ok(Arc::clone(block));
        }
        let code = with_compiler(|compiler| compile(compiler, &signature))?;
        let block = Arc::new(CodeBlock::install(&[code], kind)?);
        cache.insert(signature, Arc::clone(&block));
        Ok(block)
    }

    /// Counts functions of modules that were compiled.
    pub(crate) fn count_compiled(&self, functions: usize) {
        self.0.compiled.fetch_add(functions, Ordering::Relaxed);
    }

    pub(crate) fn is(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl TrampolineCache {
    /// Adds a trampoline; forgets those that no store uses where they have become many.
    fn insert(&mut self, signature: AbiSignature, block: Arc<CodeBlock>) {
        if self.made.len() >= self.enough.max(ENOUGH) {
            self.made.retain(|_, block| Arc::strong_count(block) > 1);
            self.enough = self.made.len() * 2;
        }
        self.made.insert(signature, block);
    }
}
