//! All code that needs `unsafe`: data structures that compiled code reads, mappings, signals, and
//! the transitions between Rust and compiled code.
//!
//! This folder does not depend on modules, instances or values. What it requires of a store is the
//! trait [`host::Host`], and everything at a fixed address that belongs to a store is owned by its
//! [`store::StoreRecord`]. A function here that is not `unsafe` has no unchecked preconditions: it
//! checks them, or takes values that only this folder creates, which are handles with the identity
//! of their store ([`ptr::Stored`]), contexts that keep what they refer to
//! ([`instance::NewInstance`]), and code with its kind ([`code::CodeBlock`]).
//!
//! The following rules cannot be expressed by types. Every SAFETY comment can rely on them:
//!
//! 1. *Code*: compiled code behaves as its [kind](code::Code) says. It has the signature for which
//!    it is installed, accesses only what is reachable from its context, by the layouts defined
//!    here, maintains frame pointers, and faults only at its trap sites.
//! 2. *Values*: a word that is passed to code, through slots, globals, tables, the heap or a host
//!    function's results, has the type that validation assigned to it. The collector keeps what a
//!    reference points to.
//! 3. *Borrows*: the memories, tables and heap that a store's code uses are owned by the store that
//!    [`call::enter`] borrows mutably while code runs. Rust code that compiled code calls gets that
//!    borrow from the record, and ends it before it returns.
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
pub(crate) mod ptr;
pub(crate) mod roots;
pub(crate) mod rows;
pub(crate) mod shared;
pub(crate) mod signal;
pub(crate) mod source_map;
pub(crate) mod stack;
pub(crate) mod store;
pub(crate) mod sys;
pub(crate) mod tag;
#[cfg(test)]
mod tests;
pub(crate) mod trace;
pub(crate) mod trusted;
mod unwind;
mod watchdog;
