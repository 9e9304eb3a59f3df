//! The heap of a store: structures, arrays and exceptions.

mod array;
mod block;
mod collect;
mod heap;
mod host;
mod layouts;
mod make;
mod mark;
mod object;
mod root;
mod space;
#[cfg(test)]
mod tests;

pub use collect::HeapStats;
pub(crate) use heap::Heap;
pub(crate) use host::{HOST, HostValues};
pub use object::{ArrayRef, I31, StructRef};
pub(crate) use root::{Root, RootList};
