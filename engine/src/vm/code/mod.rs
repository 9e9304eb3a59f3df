//! Memory for machine code, and the lookup of code by program counter.
//!
//! All code of the process is in one reserved range ([`space`]), so that functions can reach each
//! other by near calls. A table with an entry for each page maps addresses to code without a lock
//! ([`lookup`]). Code that is freed together is in one [`arena`]: the functions of a module, or a
//! trampoline. Functions are called through slots ([`table`]). The slot of a function that is not
//! compiled yet refers to a [`thunk`].

mod arena;
mod block;
mod libcall;
pub(super) mod lookup;
mod map;
mod space;
mod table;
mod thunk;

use crate::error::Result;
pub(crate) use block::CodeBlock;
pub(crate) use map::{Code, Description};
pub(crate) use table::FunctionTable;

/// Reserves address space for the code of the process, unless that was done.
///
/// # Errors
///
/// The address space cannot be reserved.
pub(crate) fn reserve() -> Result<()> {
    space::space().map(drop)
}
