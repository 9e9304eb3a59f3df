//! Names for what modules import.

use std::collections::HashMap;

use super::instance::{Extern, Instance};
use super::store::StoreState;
use crate::error::{Error, Result};
use crate::module::Module;

/// Finds imports by their two names.
#[derive(Clone, Debug, Default)]
pub struct Linker {
    names: HashMap<Box<str>, HashMap<Box<str>, Extern>>,
}

impl Linker {
    /// A linker that knows nothing.
    pub fn new() -> Linker {
        Linker::default()
    }

    /// Gives a thing two names; whatever had them before is forgotten.
    pub fn define(&mut self, module: &str, name: &str, thing: Extern) {
        self.names.entry(module.into()).or_default().insert(name.into(), thing);
    }

    /// Names everything that an instance exports; whatever was known of that module name before is forgotten.
    pub fn define_instance(&mut self, store: &StoreState, module: &str, instance: Instance) {
        let exports = instance.exports(store).map(|(name, thing)| (name.into(), thing)).collect();
        self.names.insert(module.into(), exports);
    }

    /// Forgets whatever is known of a module name.
    pub fn undefine(&mut self, module: &str) {
        self.names.remove(module);
    }

    /// What has those two names.
    pub fn get(&self, module: &str, name: &str) -> Option<Extern> {
        self.names.get(module)?.get(name).copied()
    }

    /// Makes an instance of a module with imports found by their names. Errors are those of [`Instance::instantiate`].
    pub fn instantiate(&self, store: &mut StoreState, module: &Module) -> Result<Instance> {
        let find = |import: crate::module::ImportType<'_>| {
            self.get(import.module, import.name).ok_or_else(|| {
                let message = format!(
                    "unknown import `{}` `{}`: no {} has that name",
                    import.module,
                    import.name,
                    import.ty.sort()
                );
                Error::unlinkable(message)
            })
        };
        let imports = module.imports().map(find).collect::<Result<Vec<_>>>()?;
        Instance::instantiate(store, module, &imports)
    }
}
