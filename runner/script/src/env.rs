//! The bindings of names while a script runs.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::binds::Names;
use super::model::Name;
use super::spectest;

/// The definitions, instances and registrations of a script.
///
/// Failed ones are recorded too, so that a directive that needs one does not silently get an older
/// one of the same name.
#[derive(Debug)]
pub(crate) struct Env<Module, Instance> {
    modules: Bound<Rc<Module>>,
    instances: Bound<Instance>,
    /// The registered names.
    registered: HashSet<Name>,
    /// The names that could not be registered, with the line of the directive that failed.
    unregistered: HashMap<Name, usize>,
}

/// Why a name is unbound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No directive defined it.
    Undefined,
    /// The directive on this line defines it and failed.
    Failed(usize),
    /// The directive on this line defines it and was skipped.
    Skipped(usize),
    /// The directive on this line failed and may define it.
    Unclear(usize),
}

/// The bindings of names of one kind.
#[derive(Debug)]
pub(super) struct Bound<T> {
    current: Result<T, Missing>,
    named: HashMap<Name, Result<T, Missing>>,
    /// Why other names are unbound.
    others: Missing,
}

impl Missing {
    fn unclear(self) -> Missing {
        match self {
            Missing::Failed(line) | Missing::Skipped(line) => Missing::Unclear(line),
            Missing::Undefined | Missing::Unclear(_) => self,
        }
    }
}

impl<Module, Instance: Clone> Env<Module, Instance> {
    pub(crate) fn new() -> Self {
        let (registered, unregistered) = (HashSet::new(), HashMap::new());
        Env { modules: Bound::new(), instances: Bound::new(), registered, unregistered }
    }

    /// Binds a definition, or records the line on which it failed.
    pub(crate) fn bind_module(&mut self, name: Option<&str>, module: Result<Rc<Module>, usize>) {
        self.modules.bind(name, module);
    }

    /// Binds an instance, or records the line on which it failed.
    pub(crate) fn bind_instance(&mut self, name: Option<&str>, instance: Result<Instance, usize>) {
        self.instances.bind(name, instance);
    }

    /// The definition with a name, or the last one.
    pub(crate) fn module(&self, name: Option<&str>) -> Result<Rc<Module>, Missing> {
        self.modules.get(name)
    }

    /// The instance with a name, or the current one.
    pub(crate) fn instance(&self, name: Option<&str>) -> Result<Instance, Missing> {
        self.instances.get(name)
    }

    /// Records that an instance was registered under this name.
    pub(crate) fn bind_registration(&mut self, name: &str) {
        self.registered.insert(name.into());
        self.unregistered.remove(name);
    }

    /// Records that the directive on this line failed to register an instance under this name.
    pub(super) fn fail_registration(&mut self, name: &str, line: usize) {
        self.unregistered.insert(name.into(), line);
    }

    /// The names that could not be registered, with the line of the directive that failed.
    pub(super) fn unregistered(&self) -> &HashMap<Name, usize> {
        &self.unregistered
    }

    /// Unbinds definitions and instances, for this reason.
    pub(super) fn unbind(&mut self, definitions: &Names, instances: &Names, why: Missing) {
        self.modules.unbind(definitions, why);
        self.instances.unbind(instances, why);
    }

    /// Removes registered names and returns them; all names include that of the host module.
    pub(super) fn unbind_registrations(&mut self, names: Names) -> Vec<Name> {
        match names {
            Names::Nothing => Vec::new(),
            Names::These(names) => names,
            Names::All => self.registered.drain().chain([spectest::NAME.into()]).collect(),
        }
    }
}

impl<T: Clone> Bound<T> {
    pub(super) fn new() -> Self {
        Bound { current: Err(Missing::Undefined), named: HashMap::new(), others: Missing::Undefined }
    }

    /// Unbinds names.
    pub(super) fn unbind(&mut self, names: &Names, why: Missing) {
        match names {
            Names::Nothing => return,
            Names::These(names) => self.named.extend(names.iter().map(|name| (name.clone(), Err(why)))),
            Names::All => {
                self.named.clear();
                self.others = why.unclear();
            }
        }
        self.current = Err(why);
    }

    pub(super) fn bind(&mut self, name: Option<&str>, bound: Result<T, usize>) {
        let bound = bound.map_err(Missing::Failed);
        if let Some(name) = name {
            self.named.insert(name.into(), bound.clone());
        }
        self.current = bound;
    }

    pub(super) fn get(&self, name: Option<&str>) -> Result<T, Missing> {
        match name {
            None => self.current.clone(),
            Some(name) => self.named.get(name).cloned().unwrap_or(Err(self.others)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_definition_hides_the_previous_one() {
        let mut env: Env<(), u32> = Env::new();
        assert_eq!(env.instance(None), Err(Missing::Undefined));
        env.bind_instance(Some("a"), Ok(1));
        env.bind_instance(None, Ok(2));
        assert_eq!((env.instance(None), env.instance(Some("a"))), (Ok(2), Ok(1)));
        env.bind_instance(Some("a"), Err(7));
        assert_eq!(
            (env.instance(None), env.instance(Some("a"))),
            (Err(Missing::Failed(7)), Err(Missing::Failed(7)))
        );
        assert_eq!(env.instance(Some("b")), Err(Missing::Undefined));
    }

    #[test]
    fn ambiguous_names_are_unbound_until_they_are_bound_again() {
        let mut env: Env<(), u32> = Env::new();
        env.bind_instance(Some("a"), Ok(1));
        env.unbind(&Names::Nothing, &Names::Nothing, Missing::Failed(2));
        assert_eq!(env.instance(Some("a")), Ok(1));
        env.unbind(&Names::Nothing, &Names::These(Vec::new()), Missing::Skipped(3));
        assert_eq!((env.instance(None), env.instance(Some("a"))), (Err(Missing::Skipped(3)), Ok(1)));
        env.unbind(&Names::Nothing, &Names::All, Missing::Failed(4));
        assert_eq!(env.instance(Some("a")), Err(Missing::Unclear(4)));
        assert_eq!(env.instance(Some("b")), Err(Missing::Unclear(4)));
        env.bind_instance(Some("a"), Ok(2));
        assert_eq!((env.instance(None), env.instance(Some("a"))), (Ok(2), Ok(2)));
    }
}
