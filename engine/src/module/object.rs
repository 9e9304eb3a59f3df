//! The machine code of a module in an object file, for later runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::code::{ModuleCode, OPTIMISED, Source};
use super::{Module, Saved, admit, explain, layout};
use crate::abi::signature::AbiSignature;
use crate::compile::parallel;
use crate::decode::bodies::Bodies;
use crate::decode::decode;
use crate::decode::symbols::Symbols;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::precompiled::{Artifact, Contents, GlueKey, HashedBytes, Key, ModuleHash, Precompiled};
use crate::vm::artifact::CompiledFunction;
use crate::vm::trusted::TrustedFile;

impl Module {
    /// Like [`Module::new`], with code of an earlier run, if there is some. Functions that `code`
    /// does not have are compiled, and kept for [`Module::object`].
    ///
    /// The module is not validated if there is code, because that was done in the earlier run.
    ///
    /// # Errors
    ///
    /// Those of [`Module::new`]; [`Unsupported`](crate::ErrorKind::Unsupported) if the code is for
    /// another engine, machine or settings; [`Usage`](crate::ErrorKind::Usage) if it is for another
    /// module.
    pub fn with_code(engine: &Engine, bytes: HashedBytes, code: Option<Precompiled>) -> Result<Module> {
        let (bytes, hash) = bytes.into_parts();
        match &code {
            Some(code) => check(engine, hash, code)?,
            None => admit(&bytes, engine.features())?,
        }
        let glue = code.as_ref().map(Precompiled::glue).unwrap_or_default();
        let stored_glue = glue.iter().map(|(key, _)| key.clone()).collect();
        engine.glue().record(glue);
        let saved = Saved { stored: code, records: Some(hash), stored_glue };
        if saved.stored.is_some() {
            return Module::compile(engine, bytes, saved, None);
        }
        let loaded = Module::compile(engine, bytes.clone(), saved, None);
        loaded.map_err(|error| explain(&bytes, engine.features(), error))
    }

    /// Checks that code can be used for a module: see [`Module::with_code`].
    ///
    /// # Errors
    ///
    /// Those of [`Module::with_code`] about the code.
    pub fn check_code(engine: &Engine, bytes: &HashedBytes, code: &Precompiled) -> Result<()> {
        check(engine, bytes.hash(), code)
    }

    /// A name for the code of a module in this engine, for example for a file. Code with another
    /// name cannot be used.
    pub fn code_name(engine: &Engine, hash: ModuleHash) -> String {
        format!("{hash}-{}", engine.fingerprint().key())
    }

    /// Creates a module from an object file of [`Module::compile_to_object`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the code is for another engine, machine or
    /// settings; [`Malformed`](crate::ErrorKind::Malformed) if the file does not contain the module
    /// or is damaged; [`Limit`](crate::ErrorKind::Limit) if there is no memory left for code.
    pub fn precompiled(engine: &Engine, code: Precompiled) -> Result<Module> {
        code.admit(&engine.fingerprint())?;
        let (bytes, _) = code.module()?.into_parts();
        let saved = Saved { stored: Some(code), ..Saved::default() };
        Module::compile(engine, bytes, saved, None)
    }

    /// Compiles all functions of a module, on all processors, to an object file.
    ///
    /// `progress` is called with the number of functions that are compiled, and of all functions.
    ///
    /// # Errors
    ///
    /// Those of [`Module::new`].
    pub fn compile_to_object(
        engine: &Engine,
        bytes: &HashedBytes,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<u8>> {
        let (hash, bytes) = (bytes.hash(), bytes.bytes());
        admit(bytes, engine.features())?;
        compile_to_object(engine, bytes, hash, progress)
            .map_err(|error| explain(bytes, engine.features(), error))
    }

    /// Creates a module by way of an object file: see
    /// [`Config::through_objects`](crate::Config::through_objects).
    pub(super) fn through_object(engine: &Engine, bytes: &[u8]) -> Result<Module> {
        let object = Module::compile_to_object(engine, &HashedBytes::new(bytes.to_vec()), &|_, _| ())?;
        let file = TrustedFile::of_this_process(&object)
            .map_err(|error| Error::limit("cannot create an object file").caused_by(error))?;
        Module::precompiled(engine, Precompiled::open(file)?)
    }

    /// Whether code was compiled since the module was created by [`Module::with_code`].
    pub fn has_new_code(&self) -> bool {
        self.codes().any(ModuleCode::has_recorded) || self.has_new_glue()
    }

    /// Whether there are stubs or trampolines for the module that its code did not come with.
    fn has_new_glue(&self) -> bool {
        self.glue().iter().any(|(key, _)| !self.0.saved.stored_glue.contains(key))
    }

    /// The stubs, and the trampolines for the types of the module.
    fn glue(&self) -> Vec<(GlueKey, CompiledFunction)> {
        let types = self.0.info.func_types.iter().flatten();
        self.0.engine.glue().of(&types.map(|ty| AbiSignature::of(ty)).collect())
    }

    /// The code that the module has so far.
    fn codes(&self) -> impl Iterator<Item = &ModuleCode> {
        [&self.0.guarded, &self.0.checked].into_iter().filter_map(|code| code.get())
    }

    /// An object file with the code of `older`, and what was compiled since the module was created
    /// by [`Module::with_code`]. `None` if nothing was.
    ///
    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) if the file would be too large.
    pub fn object(&self, older: Option<&Precompiled>) -> Result<Option<Vec<u8>>> {
        let Some(hash) = self.0.saved.records else { return Ok(None) };
        let mut functions = BTreeMap::new();
        for code in self.codes() {
            code.add_recorded(&mut functions);
        }
        let older = older.filter(|older| check(&self.0.engine, hash, older).is_ok());
        let mut new = functions.len();
        for (key, tier) in older.into_iter().flat_map(Precompiled::keys) {
            if functions.get(&key).is_some_and(|recorded| recorded.tier > tier) {
                continue;
            }
            let Some(function) = older.and_then(|older| older.function(key)) else { continue };
            new -= usize::from(functions.insert(key, Artifact { tier, function }).is_some());
        }
        let mut glue: HashMap<_, _> = older.map(Precompiled::glue).unwrap_or_default().into_iter().collect();
        let own = self.glue();
        let is_known = |key| glue.contains_key(key) || self.0.saved.stored_glue.contains(key);
        if new == 0 && own.iter().all(|(key, _)| is_known(key)) {
            return Ok(None);
        }
        glue.extend(own);
        let mut glue: Vec<_> = glue.into_iter().collect();
        glue.sort_by_cached_key(|(key, _)| format!("{key:?}"));
        let (fingerprint, count) = (self.0.engine.fingerprint(), self.0.bodies.len() as u32);
        let contents = Contents { fingerprint, hash, module: None, count, functions, glue, names: None };
        contents.write().map(Some)
    }
}

fn check(engine: &Engine, hash: ModuleHash, code: &Precompiled) -> Result<()> {
    code.admit(&engine.fingerprint())?;
    if code.hash() == hash { Ok(()) } else { Err(Error::usage("the machine code is for another module")) }
}

fn compile_to_object(
    engine: &Engine,
    bytes: &[u8],
    hash: ModuleHash,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<u8>> {
    let decoded = decode(bytes, engine.features(), engine.types(), None)?;
    let (info, bodies) = (decoded.info, Bodies::of(&decoded.bodies));
    let (guard_pages, count) = (engine.config().guard_pages, bodies.len());
    let (info, bodies, layout) = (&info, &bodies, layout(&info)?);
    let source = Source { engine, info, layout, bytes, bodies, stored: None, records: false };
    let compiled = AtomicUsize::new(0);
    let done = || progress(compiled.fetch_add(1, Ordering::Relaxed) + 1, count);
    let functions = parallel::compile_all(&source.env(guard_pages, None, None), decoded.bodies, &done)?;
    let artifact =
        |(position, function)| (Key { guard_pages, position }, Artifact { tier: OPTIMISED, function });
    let functions = (0..).zip(functions).map(artifact).collect();
    let symbols = Symbols::read(bytes);
    let name = |position: u32| {
        let index = position + info.imported.functions as u32;
        let range = symbols.function(index).and_then(|range| bytes.get(range));
        let name = range.and_then(|name| std::str::from_utf8(name).ok()).or_else(|| info.export_name(index));
        match name {
            // A string of ELF ends at a zero, and tools print it as it is.
            Some(name) => name.replace(char::is_control, "?"),
            None => format!("function[{index}]"),
        }
    };
    let (fingerprint, count) = (engine.fingerprint(), count as u32);
    let glue = Vec::new();
    Contents { fingerprint, hash, module: Some(bytes), count, functions, glue, names: Some(&name) }.write()
}
