//! Machine code: where it lives, and which code a program counter belongs to.
//!
//! All code of the process lies in one reserved range ([`space`]), so that functions reach each
//! other by near calls, and so that one table with an entry for each page answers, without a lock,
//! what lies at an address ([`lookup`]). Code that is freed together is an [`arena`]: a module's, a
//! trampoline's. What calls a function reaches it through a slot ([`table`]), which leads to a
//! [`thunk`] as long as the function is not compiled.

mod arena;
mod block;
mod libcall;
pub(super) mod lookup;
mod map;
mod space;
mod table;
mod thunk;

pub(crate) use block::CodeBlock;
pub(crate) use map::{Code, Description};
pub(crate) use table::FunctionTable;
