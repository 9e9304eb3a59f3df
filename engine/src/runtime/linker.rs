//! Resolution of imports by name.

use std::collections::HashMap;

use super::func::Func;
use super::instance::{Extern, Instance};
use super::store::StoreState;
use super::wrap::{IntoFunc, WasmTuple};
use crate::error::{Error, Result};
use crate::module::Module;

/// Resolves imports by their module name and name.
#[derive(Clone, Debug, Default)]
pub struct Linker {
    names: HashMap<Box<str>, HashMap<Box<str>, Extern>>,
}

impl Linker {
    /// Creates an empty linker.
    pub fn new() -> Linker {
        Linker::default()
    }

    /// Defines an external value under a module name and a name that are not defined yet.
    ///
    /// ```
    /// use wassay_engine::{Config, Engine, ErrorKind, Func, Linker, Module, Store};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let (mut store, mut linker) = (Store::new(&engine), Linker::new());
    /// let one = Func::wrap(&mut store, || 1_i32)?;
    /// linker.add("host", "number", one)?;
    /// let again = linker.add("host", "number", one).unwrap_err();
    /// assert_eq!(again.message(), "`host` `number` is already defined");
    /// // Replacing a definition is explicit.
    /// let two = Func::wrap(&mut store, || 2_i32)?;
    /// linker.define("host", "number", two.into());
    /// assert_eq!(linker.iter().count(), 1);
    ///
    /// let text = r#"(module (func (export "number") (import "host" "number") (result i32)))"#;
    /// let module = Module::new(&engine, &wat::parse_str(text)?)?;
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// let number = instance.get_typed_func::<(), i32>(&mut store, "number")?;
    /// assert_eq!(number.call(&mut store, ())?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the two names are already defined.
    pub fn add(&mut self, module: &str, name: &str, item: impl Into<Extern>) -> Result<()> {
        if self.get(module, name).is_some() {
            return Err(Error::usage(format!("`{module}` `{name}` is already defined")));
        }
        self.define(module, name, item.into());
        Ok(())
    }

    /// Creates a host function from a closure, as [`Func::wrap`] does, and [adds](Linker::add) it.
    ///
    /// ```
    /// use wassay_engine::{Caller, Config, Engine, Linker, Module, Store};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let (mut store, mut linker) = (Store::new(&engine), Linker::new());
    /// store.set_data(Vec::<i32>::new());
    /// linker.func_wrap(&mut store, "log", "number", |mut caller: Caller<'_>, number: i32| {
    ///     caller.data_mut::<Vec<i32>>().expect("set above").push(number);
    /// })?;
    /// let text = r#"(module (import "log" "number" (func $log (param i32)))
    ///     (func (export "run") (call $log (i32.const 1)) (call $log (i32.const 2))))"#;
    /// let module = Module::new(&engine, &wat::parse_str(text)?)?;
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
    /// assert_eq!(store.data(), Some(&vec![1, 2]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Func::wrap`] and [`Linker::add`].
    pub fn func_wrap<Params, Results: WasmTuple>(
        &mut self,
        store: &mut StoreState,
        module: &str,
        name: &str,
        body: impl IntoFunc<Params, Results>,
    ) -> Result<()> {
        let func = Func::wrap(store, body)?;
        self.add(module, name, func)
    }

    /// All definitions with their two names, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, Extern)> {
        self.names
            .iter()
            .flat_map(|(module, names)| names.iter().map(|(name, item)| (&**module, &**name, *item)))
    }

    /// Defines an external value, replacing an existing definition, which [`Linker::add`] does not
    /// allow.
    pub fn define(&mut self, module: &str, name: &str, item: Extern) {
        self.names.entry(module.into()).or_default().insert(name.into(), item);
    }

    /// Defines all exports of an instance under a module name, replacing all definitions under that
    /// name.
    pub fn define_instance(&mut self, store: &StoreState, module: &str, instance: Instance) {
        let exports = instance.exports(store).map(|(name, item)| (name.into(), item)).collect();
        self.names.insert(module.into(), exports);
    }

    /// Removes all definitions under a module name.
    pub fn undefine(&mut self, module: &str) {
        self.names.remove(module);
    }

    /// The definition under these two names.
    pub fn get(&self, module: &str, name: &str) -> Option<Extern> {
        self.names.get(module)?.get(name).copied()
    }

    /// Instantiates a module with imports resolved by name. Errors are those of
    /// [`Instance::instantiate`].
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
