//! Helpers for the engine's tests.

#![allow(clippy::unwrap_used, dead_code)]

pub(crate) mod numbered;

use wassay_engine::{Config, Engine, Extern, Func, Instance, Linker, Module, Store, StoreState, Tag};

/// A store of an engine with the default settings.
pub(crate) fn store() -> Store {
    Store::new(&Engine::new(&Config::new()).unwrap())
}

/// An instance of a module in the text format.
pub(crate) fn instantiate(store: &mut Store, linker: &Linker, text: &str) -> Instance {
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    linker.instantiate(store, &module).unwrap()
}

/// The exported function with this name.
pub(crate) fn func(store: &StoreState, instance: Instance, name: &str) -> Func {
    match instance.export(store, name) {
        Some(Extern::Func(func)) => func,
        other => panic!("`{name}` is not a function: {other:?}"),
    }
}

/// The exported tag with this name.
pub(crate) fn tag(store: &StoreState, instance: Instance, name: &str) -> Tag {
    match instance.export(store, name) {
        Some(Extern::Tag(tag)) => tag,
        other => panic!("`{name}` is not a tag: {other:?}"),
    }
}
