//! The state of a script, and the replies to its requests.

use std::collections::HashMap;

use crate::request::{Handle, Request};
use crate::{About, Class, Engine, Failure, Import};

/// The module name under which a wrapper imports the exports of the instance under test.
const UNDER_TEST: &str = "m";
/// The module name under which a wrapper imports the functions that create and compare host
/// references.
const HOST: &str = "$h";

pub(crate) struct Session<E: Engine> {
    engine: E,
    modules: HashMap<Handle, E::Module>,
    instances: HashMap<Handle, E::Instance>,
    /// The instances registered under each name. Exports of later ones shadow those of earlier
    /// ones.
    registered: HashMap<String, Vec<E::Instance>>,
}

impl<E: Engine> Session<E> {
    pub(crate) fn new(engine: E) -> Self {
        let (modules, instances, registered) = Default::default();
        Self { engine, modules, instances, registered }
    }

    /// Carries out the request in `line`.
    pub(crate) fn answer(&mut self, line: &[u8]) -> Result<String, Failure> {
        match Request::parse(line)? {
            Request::Hello => return Ok(greeting(&self.engine.about())),
            Request::Begin { script, features } => {
                self.forget();
                self.engine.begin(features.as_ref())?;
                return Ok(format!("ok {script}"));
            }
            Request::Compile { module, wasm } => {
                self.modules.remove(&module);
                let compiled = self.engine.compile(&wasm)?;
                self.modules.insert(module, compiled);
            }
            Request::Instantiate { instance, module } => {
                self.instances.remove(&instance);
                let module = self.modules.get(&module).ok_or_else(|| no_handle(module))?.clone();
                let made = self.instantiate(&module, None)?;
                self.instances.insert(instance, made);
            }
            Request::Register { instance, name } => {
                let instance = self.instance(instance)?;
                self.registered.insert(name, vec![instance]);
            }
            Request::Extend { instance, name } => {
                let instance = self.instance(instance)?;
                self.registered.entry(name).or_default().push(instance);
            }
            Request::Unregister { name } => {
                self.registered.remove(&name);
            }
            Request::Wrap { wrapper, instance, wasm } => {
                self.instances.remove(&wrapper);
                let under_test = self.instance(instance)?;
                let module = self.engine.compile(&wasm)?;
                let made = self.instantiate(&module, Some(under_test))?;
                self.instances.insert(wrapper, made);
            }
            Request::Call { instance, export } => {
                let instance = self.instance(instance)?;
                return Ok(format!("v {}", self.engine.call(instance, &export)?));
            }
            Request::End { script } => {
                self.forget();
                return Ok(format!("ok {script}"));
            }
        }
        Ok("ok".to_owned())
    }

    fn forget(&mut self) {
        self.modules.clear();
        self.instances.clear();
        self.registered.clear();
    }

    fn instance(&self, handle: Handle) -> Result<E::Instance, Failure> {
        self.instances.get(&handle).copied().ok_or_else(|| no_handle(handle))
    }

    /// Instantiates `module` with imports from the registered names or, if it is a wrapper, from
    /// the instance under test.
    fn instantiate(
        &mut self,
        module: &E::Module,
        under_test: Option<E::Instance>,
    ) -> Result<E::Instance, Failure> {
        let mut imports = Vec::new();
        for (module, name) in self.engine.imports(module) {
            imports.push(match (under_test, &*module, &*name) {
                (Some(_), HOST, "host") => Import::Host,
                (Some(_), HOST, "eq") => Import::Eq,
                (Some(instance), UNDER_TEST, _) => self.export(&[instance], &module, name)?,
                (Some(_), ..) => return Err(unknown_import(&module, &name)),
                (None, ..) => {
                    let instances = self.registered.get(&module).cloned().unwrap_or_default();
                    self.export(&instances, &module, name)?
                }
            });
        }
        self.engine.instantiate(module, &imports)
    }

    /// Finds the export `name` in the last of `instances` that has one; `module` is the module name
    /// of the import.
    fn export(
        &mut self,
        instances: &[E::Instance],
        module: &str,
        name: String,
    ) -> Result<Import<E::Instance>, Failure> {
        let found = instances.iter().rev().find(|instance| self.engine.has_export(**instance, &name));
        found
            .map(|instance| Import::Export(*instance, name.clone()))
            .ok_or_else(|| unknown_import(module, &name))
    }
}

fn greeting(about: &About) -> String {
    let merges = about.merges.join(",");
    let features = if about.switches_features { ",features" } else { "" };
    let About { engine, version, .. } = about;
    format!("ok engine={engine} version={version} merges={merges} caps=host{features}")
}

fn no_handle(handle: Handle) -> Failure {
    Failure::new(Class::NoHandle, handle)
}

fn unknown_import(module: &str, name: &str) -> Failure {
    Failure::new(Class::Link, format_args!("unknown import {module:?} {name:?}"))
}
