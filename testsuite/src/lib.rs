//! What can be run: the suites, where each comes from, and the features each script is judged under.
//!
//! - [`access`] opens every file of a suite, as what a stranger may have written.
//! - [`catalogue`] lists the embedded suites: the official scripts and our own.
//! - [`fetched`] lists the official suites that have to be fetched first.
//! - [`directory`] opens any folder of scripts and guests, or one of them, as a suite.
//! - [`wasi`] knows guests of WASI and what is expected of them.
//! - [`expectation`] knows which directives are expected to fail, or are not run, and why.
//! - [`naming`] knows what folders are called.
//! - [`header`] reads the `;;!` lines a script may begin with.
//! - [`text`] knows how the text of a script falls into lines.
//! - [`features`] knows what the folder of a script says about its features.
//!
//! Nothing here parses or runs a script, and no other crate of the workspace is imported: features are *expressions*, whose
//! grammar stands in [`features`], and the caller turns them into a feature set.

pub mod access;
pub mod catalogue;
pub mod directory;
pub mod expectation;
pub mod features;
pub mod fetched;
pub mod header;
pub mod naming;
pub mod text;
pub mod wasi;

mod case;
mod embedded;
mod script;
mod suite;

pub use case::{Case, Unreadable};
pub use script::{ReadError, Script};
pub use suite::{Pin, PinError, Suite};
