//! Everything that needs `unsafe`: layouts that compiled code reads, mappings, signals, and the way
//! in and out of compiled code.
//!
//! Nothing here knows modules, instances or values: what it needs of a store is [`host::Host`], and
//! what belongs to a store at a fixed address is owned by its [`store::StoreRecord`]. A function
//! here that is not `unsafe` has no conditions that could be broken, because it checks them or
//! takes values that only this folder makes: handles with the identity of their store
//! ([`ptr::Stored`]), contexts that keep what they refer to ([`instance::NewInstance`]), code that
//! says what it is ([`code::CodeBlock`]).
//!
//! What no type can say are these rules, on which every SAFETY comment may rely:
//!
//! 1. *Code*: what the compiler makes does what its [kind](code::Code) says. It has the signature
//!    that it is installed for, accesses only what its context leads to, by the layouts here, keeps
//!    frame pointers, and faults only at its trap sites.
//! 2. *Values*: a word that is given to code, by slots, globals, tables, the heap or a host
//!    function's results, has the type that validation gave it. The collector keeps what a
//!    reference points to.
//! 3. *Borrows*: the memories, tables and heap that a store's code uses are owned by the store that
//!    [`call::enter`] borrows by `&mut` while code runs. Rust code that compiled code calls gets
//!    that borrow from the record, and gives it up before it returns.
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
