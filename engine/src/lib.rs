//! A WebAssembly engine for conformance testing.
//!
//! Modules are validated by `wasmparser` and compiled by Cranelift for the host machine. The
//! interface follows the specification's appendix "Embedding", with typed calls and closures as
//! host functions on top of it ([`Func::wrap`], [`Func::typed`], [`Linker::func_wrap`]):
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
//! use wassay_engine::{Config, Engine, Linker, Module, Store};
//!
//! let engine = Engine::new(&Config::new())?;
//! let text = r#"(module
//!     (import "host" "double" (func $double (param i32) (result i32)))
//!     (func (export "run") (param i32) (result i32) (call $double (local.get 0))))"#;
//! let module = Module::new(&engine, &wat::parse_str(text)?)?;
//! let (mut store, mut linker) = (Store::new(&engine), Linker::new());
//! linker.func_wrap(&mut store, "host", "double", |number: i32| number * 2)?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! let run = instance.get_typed_func::<i32, i32>(&mut store, "run")?;
//! assert_eq!(run.call(&mut store, 21)?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
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
pub use config::{Compilation, Config, StoreLimits};
pub use engine::{Engine, EngineStats};
pub use error::{Backtrace, Error, ErrorKind, Result};
pub use module::{ExportType, ImportType, Module, classify};
pub use runtime::{
    ArrayRef, Caller, ExnRef, Extern, ExternRef, Func, Global, HeapStats, HostRef, HostResult, I31, Instance,
    IntoFunc, IntoResults, Linker, Memory, Ref, SharedMemory, Store, StoreState, StructRef, Table, Tag,
    TypedFunc, Val, WasmTuple, WasmTy, Words,
};
pub use time::Deadline;
pub use trap::Trap;
pub use types::{
    CompositeType, ExternType, FieldType, FuncExtern, FuncType, GlobalType, HeapType, Limits, MemoryType,
    Mutability, RefType, StorageType, SubType, TableType, TagType, TypeId, ValType,
};
pub use vm::sys::limits::save_address_space;
pub use wassay_terms::{Classification, Features, Rule, UnknownFeature};
