//! The store and what lives in it (core spec, section 4.2, "Runtime Structure").

mod func;
mod global;
mod instance;
mod instantiate;
mod linker;
mod memory;
mod store;
mod table;
mod tag;
mod typed;
mod value;

pub use func::{Caller, Func};
pub use global::Global;
pub use instance::{Extern, Instance};
pub use linker::Linker;
pub use memory::Memory;
pub use store::{Store, StoreState};
pub use table::Table;
pub use tag::Tag;
pub use typed::Words;
pub use value::{ExternRef, Ref, Val};
