//! A conformance harness for WebAssembly: it runs test scripts (`.wast`) on an engine and judges
//! every assertion.
//!
//! The command line is one use of this library. Another is a test binary of your own, in a crate
//! that has scripts and wants them under `cargo test`: see [`harness`].
//!
//! | module | is |
//! |---|---|
//! | [`script`] | the interpreter of scripts, for any engine behind [`script::Embedder`] |
//! | [`verdict`] | what became of a script, and how a failure is shown |
//! | [`catalogue`] | suites by name or path, and the features of a script |
//! | [`expectations`] | what is expected to fail, from a file |
//! | [`wasi_case`] | what runs guests of WASI and judges them |
//! | [`batch`] | many scripts and guests on several threads |
//! | [`engines`] | other engines, by name, description or command |
//! | [`repro`] | a small script that fails as one directive of a larger one does |
//! | [`fetch`] | official suites that are no part of the binary |
//! | [`keys`] | what tells the directives of a script apart, whatever line they stand on |
//! | [`harness`] | scripts and guests as trials of `cargo test` |
//! | [`cli`] | the command line |
//!
//! # Features
//!
//! `engine`, on by default, is wassay's own engine, with WASI: what [`cli::main`] and
//! [`harness::run`] run on. Without it the crate drives other engines, renders reports and does not
//! build Cranelift: see [`cli::main_with`], [`harness::run_with`] and the option `--engine`.

pub mod batch;
pub mod catalogue;
pub mod cli;
mod commands;
mod console;
pub mod engines;
mod exit;
pub mod expectations;
pub mod fetch;
mod finished;
pub mod harness;
mod interrupt;
#[cfg_attr(not(feature = "engine"), path = "absent/own.rs")]
mod own;
mod printer;
pub mod repro;
mod scratch;
mod settings;
#[cfg(all(test, feature = "engine"))]
mod tests;
mod threads;
pub mod verdict;
pub mod wasi_case;

pub use wassay_script::keys;

/// The interpreter of scripts, [for any engine](wassay_script), with wassay's own engine behind
/// [`Embedder`](wassay_script::Embedder).
pub mod script {
    pub use wassay_script::*;

    #[cfg(feature = "engine")]
    pub use crate::own::EngineEmbedder;
}

#[cfg(feature = "engine")]
pub use wassay_engine::classify;
pub use wassay_terms::{Classification, Features, Rule};
