//! What the names of a script stand for while it runs.

use std::collections::HashMap;
use std::rc::Rc;

/// The definitions and instances that later directives can name.
///
/// What failed is kept too: a directive that needs it must not silently get what had the name before.
#[derive(Debug)]
pub(crate) struct Env<Module, Instance> {
    modules: Names<Rc<Module>>,
    instances: Names<Instance>,
}

/// Why a name stands for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No directive defined it.
    Undefined,
    /// The directive on this line was to define it and failed.
    Failed(usize),
}

#[derive(Debug)]
struct Names<T> {
    current: Result<T, Missing>,
    named: HashMap<Box<str>, Result<T, Missing>>,
}

impl<Module, Instance: Clone> Env<Module, Instance> {
    pub(crate) fn new() -> Self {
        Env { modules: Names::new(), instances: Names::new() }
    }

    /// Binds a definition, or notes the line on which it failed.
    pub(crate) fn bind_module(&mut self, name: Option<&str>, module: Result<Rc<Module>, usize>) {
        self.modules.bind(name, module);
    }

    /// Binds an instance, or notes the line on which it failed.
    pub(crate) fn bind_instance(&mut self, name: Option<&str>, instance: Result<Instance, usize>) {
        self.instances.bind(name, instance);
    }

    /// The definition of a name, or the last one.
    pub(crate) fn module(&self, name: Option<&str>) -> Result<Rc<Module>, Missing> {
        self.modules.get(name)
    }

    /// The instance of a name, or the current one.
    pub(crate) fn instance(&self, name: Option<&str>) -> Result<Instance, Missing> {
        self.instances.get(name)
    }
}

impl<T: Clone> Names<T> {
    fn new() -> Self {
        Names { current: Err(Missing::Undefined), named: HashMap::new() }
    }

    fn bind(&mut self, name: Option<&str>, bound: Result<T, usize>) {
        let bound = bound.map_err(Missing::Failed);
        if let Some(name) = name {
            self.named.insert(name.into(), bound.clone());
        }
        self.current = bound;
    }

    fn get(&self, name: Option<&str>) -> Result<T, Missing> {
        match name {
            None => self.current.clone(),
            Some(name) => self.named.get(name).cloned().unwrap_or(Err(Missing::Undefined)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_hides_what_was_there_before() {
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
}
