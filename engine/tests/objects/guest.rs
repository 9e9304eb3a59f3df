//! Helpers of these tests: a module in a store.

use wassay_engine::{
    Config, Engine, ErrorKind, Extern, Func, Instance, Linker, Module, Result, Store, Trap, Val,
};

/// Different ways to generate and run code for the same module.
pub(crate) fn configs() -> [Config; 3] {
    [Config::new(), Config::new().optimize(false), Config::new().collect_always(true)]
}

pub(crate) fn instantiate(store: &mut Store, linker: &Linker, text: &str) -> Instance {
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    linker.instantiate(store, &module).unwrap()
}

pub(crate) fn func(store: &Store, instance: Instance, name: &str) -> Func {
    match instance.export(store, name) {
        Some(Extern::Func(func)) => func,
        other => panic!("`{name}` is not a function: {other:?}"),
    }
}

/// An instance in a store of its own.
pub(crate) struct Guest {
    pub(crate) store: Store,
    pub(crate) instance: Instance,
}

impl Guest {
    pub(crate) fn new(config: &Config, text: &str) -> Guest {
        let mut store = Store::new(&Engine::new(config).unwrap());
        let instance = instantiate(&mut store, &Linker::new(), text);
        Guest { store, instance }
    }

    pub(crate) fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>> {
        func(&self.store, self.instance, name).invoke(&mut self.store, args)
    }

    #[track_caller]
    pub(crate) fn i32(&mut self, name: &str, args: &[i32]) -> i32 {
        let args: Vec<Val> = args.iter().copied().map(Val::I32).collect();
        match self.call(name, &args).unwrap()[..] {
            [Val::I32(value)] => value,
            ref other => panic!("{name} returned {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn trap(&mut self, name: &str, args: &[i32]) -> Trap {
        let args: Vec<Val> = args.iter().copied().map(Val::I32).collect();
        match self.call(name, &args).unwrap_err().kind() {
            ErrorKind::Trap(trap) => trap,
            other => panic!("{name} did not trap: {other:?}"),
        }
    }
}
