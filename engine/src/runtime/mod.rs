//! The store and its contents (core spec, section 4.2, "Runtime Structure").

mod budget;
mod convert;
mod evaluate;
mod exception;
mod exports;
mod func;
mod gc;
mod global;
mod instance;
mod instantiate;
mod linker;
mod memory;
pub(crate) mod ranges;
mod shared;
mod store;
mod table;
mod tag;
mod typed;
mod value;
mod waiters;
mod wrap;

pub use exception::ExnRef;
pub use func::{Caller, Func};
pub use gc::{ArrayRef, HeapStats, I31, StructRef};
pub use global::Global;
pub use instance::{Extern, Instance};
pub use linker::Linker;
pub use memory::Memory;
pub use shared::SharedMemory;
pub use store::{Store, StoreState};
pub use table::Table;
pub use tag::Tag;
pub use typed::Words;
pub use value::{ExternRef, HostRef, Ref, Val};
pub(crate) use waiters::Waited;
pub use wrap::{HostResult, IntoFunc, IntoResults, TypedFunc, WasmTuple, WasmTy};
