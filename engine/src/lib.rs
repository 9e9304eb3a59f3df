//! A WebAssembly engine for conformance work.
//!
//! Modules are validated by `wasmparser`, compiled by Cranelift for the machine at hand, and run behind the interface of the
//! specification's appendix "Embedding":
//!
//! | embedding appendix | here |
//! |---|---|
//! | `store_init` | [`Store::new`] |
//! | `module_decode`, `module_validate` | [`Module::new`], [`Module::validate`], [`classify`] |
//! | `module_imports`, `module_exports` | [`Module::imports`], [`Module::exports`] |
//! | `module_instantiate`, `instance_export` | [`Instance::instantiate`], [`Linker::instantiate`], [`Instance::export`] |
//! | `func_alloc`, `func_type`, `func_invoke` | [`Func::alloc`], [`Func::ty`], [`Func::invoke`] |
//! | `table_*`, `mem_*`, `global_*`, `tag_*` | the methods of [`Table`], [`Memory`], [`Global`] and [`Tag`] |
//! | `exn_alloc`, `exn_tag`, `exn_read` | [`ExnRef::new`], [`ExnRef::tag`], [`ExnRef::fields`] |
//! | `ref_type`, `val_default` | [`Ref::ty`], [`Val::default_of`] |
//! | `match_valtype`, `match_externtype` | [`Engine::matches_val`], [`Engine::matches_extern`] |
//!
//! ```
//! use wassay_engine::{Config, Engine, Extern, Linker, Module, Store, Val};
//!
//! let engine = Engine::new(&Config::new())?;
//! // (module (func (export "double") (param i32) (result i32) local.get 0 i32.const 1 i32.shl))
//! let bytes = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\0\x07\x0a\x01\x06double\0\0\
//!     \x0a\x09\x01\x07\0\x20\0\x41\x01\x74\x0b";
//! let module = Module::new(&engine, bytes)?;
//! let mut store = Store::new(&engine);
//! let instance = Linker::new().instantiate(&mut store, &module)?;
//! let Some(Extern::Func(double)) = instance.export(&store, "double") else { panic!("the module exports it") };
//! assert_eq!(double.invoke(&mut store, &[Val::I32(21)])?, [Val::I32(42)]);
//! # Ok::<(), wassay_engine::Error>(())
//! ```

mod abi;
mod backtrace;
mod builtin;
mod compile;
mod config;
mod decode;
mod engine;
mod error;
mod grammar;
mod module;
mod runtime;
mod time;
mod translate;
mod trap;
mod types;
mod vm;

pub use backtrace::Frame;
pub use config::{Config, StoreLimits};
pub use engine::{Engine, EngineStats};
pub use error::{Backtrace, Error, ErrorKind, Result};
pub use module::{ExportType, ImportType, Module, classify};
pub use runtime::{
    ArrayRef, Caller, ExnRef, Extern, ExternRef, Func, Global, HeapStats, HostRef, I31, Instance, Linker,
    Memory, Ref, SharedMemory, Store, StoreState, StructRef, Table, Tag, Val, Words,
};
pub use time::Deadline;
pub use trap::Trap;
pub use types::{
    CompositeType, ExternType, FieldType, FuncExtern, FuncType, GlobalType, HeapType, Limits, MemoryType,
    Mutability, RefType, StorageType, SubType, TableType, TagType, TypeId, ValType,
};
pub use vm::sys::limits::save_address_space;
pub use wassay_terms::{Classification, Features, Rule, UnknownFeature};
