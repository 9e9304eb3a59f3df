//! Machine code of earlier runs: from the code cache, and from object files.

use std::fs::File;

use wassay_engine::{Engine, HashedBytes, Module, ModuleBytes, Precompiled, Result, TrustedFile};

use crate::cache::CodeCache;
use crate::config::{self, CacheConfig};
use crate::exit::Error;
use crate::printer;

/// The code cache during a run.
pub(super) struct Cached {
    cache: Option<CodeCache>,
    /// The modules that the cache can have code for, with the names of their code.
    loaded: Vec<(Module, String)>,
}

impl Cached {
    /// Opens the cache, unless settings or `--no-cache` turn it off. If it cannot be used, prints a
    /// warning.
    pub(super) fn open(no_cache: bool) -> std::result::Result<Cached, Error> {
        let off = Cached { cache: None, loaded: Vec::new() };
        if no_cache {
            return Ok(off);
        }
        let (config, _) = config::load().map_err(|error| Error::Usage(error.to_string()))?;
        let CacheConfig { enabled: true, max_size, .. } = config.cache else { return Ok(off) };
        let Some(folder) = config.cache.folder() else {
            tracing::debug!("the code cache is not used: there is no home folder");
            return Ok(off);
        };
        let cache = CodeCache::open(&folder, max_size).inspect_err(warn).ok();
        Ok(Cached { cache, ..off })
    }

    /// Creates a module, with code from the cache if it has some.
    pub(super) fn module(&mut self, engine: &Engine, bytes: ModuleBytes) -> Result<Module> {
        let Some(cache) = &self.cache else { return Module::new(engine, &bytes) };
        let bytes = HashedBytes::new(bytes);
        let name = Module::code_name(engine, bytes.hash());
        let code = stored(cache, &name).filter(|code| Module::check_code(engine, &bytes, code).is_ok());
        let module = Module::with_code(engine, bytes, code)?;
        self.loaded.push((module.clone(), name));
        Ok(module)
    }

    /// Adds what was compiled to the cache. If that fails, prints a warning.
    pub(super) fn store(self) {
        let Some(cache) = self.cache else { return };
        for (module, name) in self.loaded.into_iter().filter(|(module, _)| module.has_new_code()) {
            // Another process may have stored code since the start.
            let object = match module.object(stored(&cache, &name).as_ref()) {
                Ok(Some(object)) => object,
                Ok(None) => continue,
                Err(error) => {
                    tracing::debug!(%error, "the code of a module is not stored");
                    continue;
                }
            };
            if let Err(error) = cache.store(&name, &object) {
                return warn(&error);
            }
            tracing::debug!(name, bytes = object.len(), "stored the code of a module");
        }
    }
}

fn warn(error: &crate::cache::CacheError) {
    printer::warning(&format!("the code cache is not used: {error}; --no-cache turns it off"));
}

/// The code of this name in the cache. Code that is damaged, or for another version, is replaced
/// after the run.
fn stored(cache: &CodeCache, name: &str) -> Option<Precompiled> {
    let file = cache.file(name)?;
    #[allow(unsafe_code)]
    // SAFETY: `CodeCache` has checked that this user owns the folder and the file, and that no
    // other user can write to them. The user can run any code in this process.
    let file = unsafe { TrustedFile::new(file) };
    Precompiled::open(file).inspect_err(|error| tracing::debug!(%error, name, "unusable code")).ok()
}

/// Creates a module from an object file of `wassay compile`, which the user trusts by
/// `--allow-precompiled`.
pub(in crate::own) fn precompiled(engine: &Engine, file: File) -> Result<Module> {
    #[allow(unsafe_code)]
    // SAFETY: the user has allowed to run the machine code in this file, by an option that says
    // that it is not sandboxed.
    let file = unsafe { TrustedFile::new(file) };
    Module::precompiled(engine, Precompiled::open(file)?)
}
