//! Everything that needs `unsafe`: layouts that compiled code reads, mappings, signals, and the way in and out of compiled code.
//!
//! What leaves this folder is safe to use as documented. The rules that the rest relies on:
//!
//! 1. A [`VmStore`](layout::VmStore) and all that it points to live as long as their store, at fixed addresses.
//! 2. Compiled code runs only inside [`call::enter`], which holds the store by `&mut`; Rust code that compiled code calls gets that
//!    borrow back from the `VmStore`, and gives it up before it returns.
//! 3. Code is unmapped only when no store can run it any more: an instance keeps its module alive.
#![allow(unsafe_code)]

pub(crate) mod alarm;
pub(crate) mod artifact;
pub(crate) mod call;
mod cause;
#[cfg(test)]
mod child;
pub(crate) mod code;
mod current;
mod fault;
pub(crate) mod func;
pub(crate) mod heap;
pub(crate) mod host;
pub(crate) mod instance;
pub(crate) mod layout;
pub(crate) mod memory;
mod pending;
pub(crate) mod places;
pub(crate) mod ptr;
pub(crate) mod roots;
pub(crate) mod rows;
pub(crate) mod shared;
pub(crate) mod signal;
pub(crate) mod store;
pub(crate) mod sys;
pub(crate) mod tag;
#[cfg(test)]
mod tests;
pub(crate) mod trace;
mod unwind;
mod watchdog;
