//! Suites of test cases: which there are, where each comes from, and the features that each script
//! is run with.
//!
//! - A *suite* is a set of cases that is run and reported together: embedded in the binary,
//!   fetched, or a folder on disk.
//! - A *case* is a script or a guest.
//! - A *script* is a `.wast` file, made of *directives* such as `(assert_return …)`.
//! - A *guest* is a program that runs on WASI, with files that describe its expected results. Those
//!   that the runner compares and can rewrite (*bless*) are *golden* files.
//! - A *feature expression* says which proposals are enabled.
//! - An *expectation* says that a directive fails (`xfail`) or is not run (`skip`), and why.
//! - A *pin* is the expected size of a suite.
//! - A *variant* is a change of the environment that guests are run under, such as a system without
//!   `openat2`.
//!
//! The modules:
//!
//! - [`access`] opens all files of a suite, which may come from an untrusted source.
//! - [`catalogue`] lists the embedded suites: the official scripts and our own.
//! - [`conditions`] has what a script is judged under.
//! - [`fetched`] lists the official suites that have to be fetched first.
//! - [`directory`] opens a folder of scripts and guests, or a single one, as a suite.
//! - [`wasi`] reads WASI guests and their expected results.
//! - [`expectation`] reads which directives are expected to fail or not run.
//! - [`naming`] names suites on disk.
//! - [`header`] reads the `;;!` lines at the start of a script.
//! - [`manifest`] reads `wassay.toml`, which says how the scripts below a folder are judged.
//! - [`text`] splits the text of a script into lines.
//! - [`features`] explains feature expressions.
//! - [`folders`] has the features that a script gets from its folder.
//!
//! This crate neither parses nor runs scripts, and imports no other crate of the workspace. Callers
//! turn feature expressions into feature sets.

pub mod access;
pub mod catalogue;
pub mod conditions;
pub mod directory;
pub mod expectation;
pub mod features;
pub mod fetched;
pub mod folders;
pub mod header;
pub mod manifest;
pub mod naming;
pub mod text;
pub mod wasi;

mod case;
mod cases;
mod clone;
mod embedded;
mod paths;
mod script;
mod suite;

pub use case::{Case, Unreadable};
pub use script::{ReadError, Script};
pub use suite::{Pin, PinError, Suite};

/// Runs the code of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
