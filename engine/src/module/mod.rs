//! Modules: decoded and validated, with their code (embedding appendix: `module_decode`,
//! `module_validate`, `module_imports`, `module_exports`).

mod classify;
mod code;
#[cfg(test)]
mod hints;
mod object;
#[cfg(test)]
mod switches;
mod tiers;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use crate::compile::parallel;
use crate::decode::bodies::Bodies;
use crate::decode::info::ModuleInfo;
use crate::decode::symbols::Symbols;
use crate::decode::{custom, decode, decode_again};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::grammar;
use crate::precompiled::{GlueKey, ModuleHash, Precompiled};
use crate::time::Deadline;
use crate::translate::Goal;
use crate::types::{ExternType, HeldTypes};
use crate::vm::layout::{VmCtxCounts, VmCtxLayout};
use crate::vm::sys::read::ModuleBytes;
pub use classify::classify;
use classify::{admit, explain};
use code::{ModuleCode, Source};

/// A validated module, which can be instantiated any number of times, on any thread. Its functions
/// are compiled when it is created or when they are called for the first time: see
/// [`Compilation`](crate::Compilation).
///
/// Clones share the code. It is unmapped when the last clone and the last store with an instance of
/// it have been dropped.
#[derive(Clone, Debug)]
pub struct Module(Arc<ModuleInner>);

struct ModuleInner {
    engine: Engine,
    info: ModuleInfo,
    bytes: ModuleBytes,
    bodies: Bodies,
    layout: VmCtxLayout,
    /// The canonical number of each type, read by compiled code.
    type_ids: Arc<[u32]>,
    _held: HeldTypes,
    /// Code that relies on guard pages, and code that checks every access. Each is created when
    /// the first instance needs it.
    guarded: OnceLock<ModuleCode>,
    checked: OnceLock<ModuleCode>,
    symbols: OnceLock<Symbols>,
    saved: Saved,
}

/// What a module has to do with earlier and later runs.
#[derive(Debug, Default)]
struct Saved {
    /// Code from an earlier run, for these bytes and this engine.
    stored: Option<Precompiled>,
    /// Whether to keep what is compiled for a later run, and the hash of the bytes.
    records: Option<ModuleHash>,
    /// The stubs and trampolines that came with the code.
    stored_glue: HashSet<GlueKey>,
}

/// A module that may have been dropped.
#[derive(Clone, Debug)]
struct WeakModule(Weak<ModuleInner>);

impl WeakModule {
    fn upgrade(&self) -> Option<Module> {
        self.0.upgrade().map(Module)
    }
}

impl fmt::Debug for ModuleInner {
    /// Leaves out the bytes and the code, which can be megabytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("bytes", &self.bytes.len())
            .field("functions", &self.info.functions.len())
            .finish_non_exhaustive()
    }
}

/// An import of a module: two names and a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportType<'a> {
    /// The name of the module to import from.
    pub module: &'a str,
    /// The name of the imported item.
    pub name: &'a str,
    /// The type that the imported item must match.
    pub ty: &'a ExternType,
}

/// An export of a module: a name and a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportType<'a> {
    /// The name.
    pub name: &'a str,
    /// The type.
    pub ty: ExternType,
}

impl Module {
    /// Decodes and validates a module from the binary format, and compiles it as the engine's
    /// [`Compilation`](crate::Compilation) has it.
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed) or [`Invalid`](crate::ErrorKind::Invalid) with
    /// the offset at which a rule is violated, [`Unsupported`](crate::ErrorKind::Unsupported) if
    /// the module uses a feature that the engine does not implement,
    /// [`Limit`](crate::ErrorKind::Limit) if there is no memory left for code.
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<Module> {
        Module::new_until(engine, bytes, None)
    }

    /// Like [`Module::new`], with a deadline, which is checked before each function.
    ///
    /// # Errors
    ///
    /// Those of [`Module::new`], and [`Interrupted`](crate::ErrorKind::Interrupted) if the deadline
    /// has passed.
    pub fn new_until(engine: &Engine, bytes: &[u8], deadline: Option<Deadline>) -> Result<Module> {
        if engine.config().through_objects {
            return Module::through_object(engine, bytes);
        }
        admit(bytes, engine.features())?;
        let compiled = Module::compile(engine, bytes.into(), Saved::default(), deadline);
        compiled.map_err(|error| match error.kind() {
            ErrorKind::Interrupted => error,
            _ => explain(bytes, engine.features(), error),
        })
    }

    /// Decodes and validates a module without compiling it. Errors are those of [`Module::new`].
    pub fn validate(engine: &Engine, bytes: &[u8]) -> Result<()> {
        admit(bytes, engine.features())?;
        let check = || {
            let decoded = decode(bytes, engine.features(), engine.types(), None)?;
            parallel::validate_all(decoded.bodies, None)
        };
        check().map_err(|error| explain(bytes, engine.features(), error))
    }

    /// Checks the custom sections `name` and `metadata.code.branch_hint` of a module. Other custom
    /// sections have no rules.
    ///
    /// A section is malformed if it violates its grammar, if it is repeated or on the wrong side of
    /// the code section, or if the offset of a hint is not that of an instruction. It is invalid if
    /// it refers to something that the module does not have, or if a hint is not on an `if` or a
    /// `br_if`. Malformed sections are reported before invalid ones.
    ///
    /// The module itself must be well-formed under the features of the engine. It is not validated.
    ///
    /// # Errors
    ///
    /// [`MalformedCustom`](ErrorKind::MalformedCustom) or
    /// [`InvalidCustom`](ErrorKind::InvalidCustom) with the offset of the error;
    /// [`Malformed`](ErrorKind::Malformed) if the module itself is malformed.
    pub fn check_custom_sections(engine: &Engine, bytes: &[u8]) -> Result<()> {
        let features = engine.features();
        grammar::recognise(bytes, features).map_err(Error::ungrammatical)?;
        custom::check_sections(bytes, features)
    }

    /// The imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        self.0.info.imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: &import.ty,
        })
    }

    /// The exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let info = &self.0.info;
        info.exports.iter().map(|export| ExportType { name: &export.name, ty: info.export_type(export) })
    }

    /// The engine that the module was made for.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The bytes from which the module was compiled.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The module's name from the name section (appendix "Name Section").
    pub fn name(&self) -> Option<&str> {
        self.text(self.symbols().module.clone()?)
    }

    /// The name of a function: from the name section, otherwise the name of its first export.
    pub fn function_name(&self, index: u32) -> Option<&str> {
        let exported = || self.0.info.export_name(index);
        self.symbols().function(index).and_then(|name| self.text(name)).or_else(exported)
    }

    /// Whether the two are clones of the same module.
    pub fn is(&self, other: &Module) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether an address is in the module's code.
    pub(crate) fn has_code_at(&self, address: usize) -> bool {
        [&self.0.guarded, &self.0.checked]
            .iter()
            .any(|code| code.get().is_some_and(|code| code.functions().contains(address)))
    }

    /// Returns the function whose code contains an address, by its index, with the offset of the
    /// instruction from the start of the function's body, and the offset of the body in the
    /// module's bytes.
    pub(crate) fn locate(&self, address: usize) -> Option<(u32, u64, u64)> {
        let codes = [&self.0.guarded, &self.0.checked];
        let (index, offset) = codes.iter().find_map(|code| code.get()?.functions().locate(address))?;
        let body = self.0.bodies.range(index as usize - self.0.info.imported.functions)?;
        // The prologue does not belong to an instruction.
        Some((index, u64::from(offset.unwrap_or(0)), body.start as u64))
    }

    fn symbols(&self) -> &Symbols {
        self.0.symbols.get_or_init(|| Symbols::read(&self.0.bytes))
    }

    fn text(&self, range: Range<usize>) -> Option<&str> {
        std::str::from_utf8(self.0.bytes.get(range)?).ok()
    }

    pub(crate) fn info(&self) -> &ModuleInfo {
        &self.0.info
    }

    pub(crate) fn layout(&self) -> VmCtxLayout {
        self.0.layout
    }

    pub(crate) fn type_ids(&self) -> &Arc<[u32]> {
        &self.0.type_ids
    }

    /// The bytes of a data segment.
    pub(crate) fn data(&self, segment: usize) -> &[u8] {
        &self.0.bytes[self.0.info.data[segment].bytes()]
    }

    /// The code for instances whose memories all have guard pages, or for other instances.
    pub(crate) fn code(&self, guarded: bool, deadline: Option<Deadline>) -> Result<&ModuleCode> {
        let slot = if guarded { &self.0.guarded } else { &self.0.checked };
        if let Some(code) = slot.get() {
            return Ok(code);
        }
        let code = self.source().make(guarded, deadline)?;
        Ok(slot.get_or_init(|| code))
    }

    /// The address of the code of a function, by its position among those that the module defines,
    /// for instances whose memories are all guarded, or for the others. If the caller has used most
    /// of its stack, the function is optimised at once, since frames of the first tier are large.
    pub(crate) fn compile_function(
        &self,
        guarded: bool,
        position: usize,
        is_deep: bool,
        deadline: Option<Deadline>,
    ) -> Result<usize> {
        let code = self.code(guarded, deadline)?;
        // What a stored function calls was compiled ahead in the run that stored it.
        if !self.source().is_stored(guarded, position) {
            self.speculate(guarded, position);
        }
        let source = self.source();
        let goal = if is_deep { Goal::Optimized } else { source.goal() };
        code.compile(&source, position, goal, deadline)
    }

    /// The code for instances whose memories are all guarded, or for the others, if there is some.
    fn existing_code(&self, guarded: bool) -> Option<&ModuleCode> {
        if guarded { &self.0.guarded } else { &self.0.checked }.get()
    }

    fn weak(&self) -> WeakModule {
        WeakModule(Arc::downgrade(&self.0))
    }

    fn source(&self) -> Source<'_> {
        let ModuleInner { engine, info, layout, bytes, bodies, saved, .. } = &*self.0;
        let (stored, records) = (saved.stored.as_ref(), saved.records.is_some());
        Source { engine, info, layout: *layout, bytes, bodies, stored, records }
    }

    fn compile(
        engine: &Engine,
        bytes: ModuleBytes,
        mut saved: Saved,
        deadline: Option<Deadline>,
    ) -> Result<Module> {
        let begun = Instant::now();
        // Code in the cache was stored after validation. Object files can have other origins.
        let is_cached = saved.stored.is_some() && saved.records.is_some();
        let decode_it = if is_cached { decode_again } else { decode };
        let mut decoded = decode_it(&bytes, engine.features(), engine.types(), deadline)?;
        // A file can claim anything.
        if saved.stored.as_ref().is_some_and(|stored| stored.count() as usize != decoded.bodies.len()) {
            saved.stored = None;
            decoded = decode(&bytes, engine.features(), engine.types(), deadline)?;
        }
        let (info, bodies) = (decoded.info, Bodies::of(&decoded.bodies));
        let (layout, config) = (layout(&info)?, engine.config());
        let guard_pages = config.guard_pages;
        let (stored, records) = (saved.stored.as_ref(), saved.records.is_some());
        let source = Source { engine, info: &info, layout, bytes: &bytes, bodies: &bodies, stored, records };
        let code = if config.compilation.is_lazy() {
            // Code was stored after validation.
            if stored.is_none() {
                parallel::validate_all(decoded.bodies, deadline)?;
            }
            source.lazy(guard_pages)?
        } else {
            source.eager(decoded.bodies, guard_pages, deadline)?
        };
        tracing::debug!(
            bytes = bytes.len(),
            functions = bodies.len(),
            compilation = ?config.compilation,
            stored = stored.is_some(),
            took = ?begun.elapsed(),
            "loaded a module"
        );
        let (guarded, checked) = (OnceLock::new(), OnceLock::new());
        let _ = if guard_pages { &guarded } else { &checked }.set(code);
        let type_ids = info.types.iter().map(|id| id.number()).collect();
        let (symbols, _held, engine) = (OnceLock::new(), decoded.held, engine.clone());
        Ok(Module(Arc::new(ModuleInner {
            engine,
            info,
            bytes,
            bodies,
            layout,
            type_ids,
            _held,
            guarded,
            checked,
            symbols,
            saved,
        })))
    }
}

fn layout(info: &ModuleInfo) -> Result<VmCtxLayout> {
    let counts = VmCtxCounts {
        imported_functions: info.imported.functions,
        escaping_functions: info.escaping.len(),
        memories: info.memories.len(),
        tables: info.tables.len(),
        imported_globals: info.imported.globals,
        defined_globals: info.globals.len() - info.imported.globals,
        tags: info.tags.len(),
    };
    VmCtxLayout::new(&counts)
        .ok_or_else(|| Error::limit("the module has too many functions, tables or globals"))
}
