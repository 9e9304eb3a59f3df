//! A WebAssembly engine for conformance testing.
//!
//! ```
//! use wassay_engine::{Config, Engine, Linker, Module, Store};
//!
//! let engine = Engine::new(&Config::new())?;
//! let module = Module::new(&engine, &wat::parse_str(r#"(module
//!     (import "host" "double" (func $double (param i32) (result i32)))
//!     (func (export "run") (param i32) (result i32) (call $double (local.get 0))))"#)?)?;
//! let (mut store, mut linker) = (Store::new(&engine), Linker::new());
//! linker.func_wrap(&mut store, "host", "double", |number: i32| number * 2)?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! let run = instance.get_typed_func::<i32, i32>(&mut store, "run")?;
//! assert_eq!(run.call(&mut store, 21)?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Modules are validated by `wasmparser` and compiled by Cranelift for the host machine.
//!
//! | to | see |
//! |---|---|
//! | call functions with Rust's types | [`Instance::get_typed_func`], [`Func::typed`] |
//! | make host functions of closures | [`Linker::func_wrap`], [`Func::wrap`]; with any error: [`HostResult`] |
//! | keep state for host functions | [`Store::with_data`], [`Caller::data_mut`], [`Caller::memory_and_data`] |
//! | read and write memories, globals and tables | [`Instance::get_memory`], [`Memory`], [`Global`], [`Table`] |
//! | make and change garbage-collected objects | [`StructRef::new`], [`ArrayRef::new`], [`ExternRef::new`] |
//! | limit memory, objects, the stack and time | [`Config::limits`], [`Config::max_bytes`], [`Config::max_stack`], [`StoreState::set_deadline`] |
//! | find out why a call failed | [`Error::kind`], [`Error::backtrace`] |
//! | define an interface with parameter types of its own | [`InterfaceFunc`] |
//!
//! Underneath is the interface of the specification's appendix "Embedding":
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
mod precompiled;
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
pub use precompiled::{HashedBytes, ModuleHash, Precompiled};
pub use runtime::{
    ArrayRef, AsStore, Caller, ContRef, ExnRef, Extern, ExternRef, Func, Global, HeapStats, HostRef,
    HostResult, I31, Instance, InterfaceFunc, IntoFunc, IntoResults, Linker, Memory, Param, RawValues, Ref,
    SharedMemory, Store, StoreState, StructRef, Table, Tag, TypedFunc, Val, WasmTuple, WasmTy,
};
pub use time::Deadline;
pub use trap::Trap;
pub use types::{
    CompositeType, ExternType, FieldType, FuncExtern, FuncType, GlobalType, HeapType, Limits, MemoryType,
    Mutability, RefType, StorageType, SubType, TableType, TagType, TypeId, ValType,
};
pub use vm::sys::limits::save_address_space;
pub use vm::sys::read::ModuleBytes;
pub use vm::trusted::TrustedFile;
pub use wassay_terms::{Classification, Features, Rule, UnknownFeature};

/// Runs the code of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
