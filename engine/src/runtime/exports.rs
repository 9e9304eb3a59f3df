//! Access to the exports of an instance by kind.

use super::func::Func;
use super::global::Global;
use super::instance::{Extern, Instance};
use super::memory::Memory;
use super::store::StoreState;
use super::table::Table;
use super::tag::Tag;
use super::wrap::{TypedFunc, WasmTuple};
use crate::error::{Error, Result};

impl Instance {
    /// The exported function with this name.
    ///
    /// # Panics
    ///
    /// All methods panic if the instance belongs to another store.
    pub fn get_func(self, store: &StoreState, name: &str) -> Option<Func> {
        self.export(store, name)?.func()
    }

    /// The exported function with this name, typed with Rust's types.
    ///
    /// ```
    /// use wassay_engine::{Config, Engine, Instance, Module, Store};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let text = r#"(module (func (export "next") (param i64) (result i64)
    ///     (i64.add (local.get 0) (i64.const 1))))"#;
    /// let module = Module::new(&engine, &wat::parse_str(text)?)?;
    /// let mut store = Store::new(&engine);
    /// let instance = Instance::instantiate(&mut store, &module, &[])?;
    /// let next = instance.get_typed_func::<u64, u64>(&mut store, "next")?;
    /// assert_eq!(next.call(&mut store, 41)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if there is no exported function with this name, or if it
    /// has other parameters or results.
    pub fn get_typed_func<P: WasmTuple, R: WasmTuple>(
        self,
        store: &mut StoreState,
        name: &str,
    ) -> Result<TypedFunc<P, R>> {
        let func = self.get_func(store, name);
        let func = func.ok_or_else(|| Error::usage(format!("no exported function `{name}`")))?;
        func.typed(store)
    }

    /// The exported memory with this name.
    ///
    /// ```
    /// use wassay_engine::{Config, Engine, Instance, Module, Store};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let text = r#"(module (memory (export "memory") 1) (data (i32.const 3) "hello")
    ///     (global (export "length") i32 (i32.const 5)) (table (export "table") 2 funcref))"#;
    /// let module = Module::new(&engine, &wat::parse_str(text)?)?;
    /// let mut store = Store::new(&engine);
    /// let instance = Instance::instantiate(&mut store, &module, &[])?;
    /// let memory = instance.get_memory(&store, "memory").expect("an exported memory");
    /// let length = instance.get_global(&store, "length").expect("an exported global");
    /// let mut text = vec![0; u32::try_from(length.read(&store))? as usize];
    /// memory.read(&store, 3, &mut text)?;
    /// assert_eq!(text, b"hello");
    /// assert_eq!(instance.get_table(&store, "table").map(|table| table.size(&store)), Some(2));
    /// assert!(instance.get_func(&store, "memory").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_memory(self, store: &StoreState, name: &str) -> Option<Memory> {
        self.export(store, name)?.memory()
    }

    /// The exported global with this name.
    pub fn get_global(self, store: &StoreState, name: &str) -> Option<Global> {
        self.export(store, name)?.global()
    }

    /// The exported table with this name.
    pub fn get_table(self, store: &StoreState, name: &str) -> Option<Table> {
        self.export(store, name)?.table()
    }
}

/// Implements the conversions between [`Extern`] and each of its kinds.
macro_rules! kinds {
    ($($method:ident, $ty:ident, $text:literal;)*) => {
        impl Extern {
            $(
                #[doc = concat!("The ", $text, ", if it is one.")]
                pub fn $method(self) -> Option<$ty> {
                    match self {
                        Extern::$ty(item) => Some(item),
                        _ => None,
                    }
                }
            )*
        }

        $(impl From<$ty> for Extern {
            fn from(item: $ty) -> Extern {
                Extern::$ty(item)
            }
        })*
    };
}

kinds! {
    func, Func, "function";
    table, Table, "table";
    memory, Memory, "memory";
    global, Global, "global";
    tag, Tag, "tag";
}
