//! The heap of a store: structures, arrays and exceptions.

mod array;
mod heap;
mod object;
mod root;

pub(crate) use heap::Heap;
pub use object::{ArrayRef, I31, StructRef};
pub(crate) use root::{Root, RootList};
