//! A conformance harness for WebAssembly: it runs test scripts (`.wast`) on an engine and judges
//! every assertion.
//!
//! The command line is one use of this library. Another is a test binary that runs scripts under
//! `cargo test`, in any crate: see [`harness`].
//!
//! | module | is |
//! |---|---|
//! | [`script`] | the script interpreter, for any engine that implements [`script::Embedder`] |
//! | [`verdict`] | results of scripts, and how failures are shown |
//! | [`catalogue`] | suites by name or path, and the features of a script |
//! | [`expectations`] | files of expected failures |
//! | [`wasi_case`] | runs WASI guests and judges them |
//! | [`batch`] | many scripts and guests on several threads |
//! | [`engines`] | other engines, by name, description or command |
//! | [`repro`] | reduces a script to one failing directive |
//! | [`fetch`] | downloads official suites that are not embedded |
//! | [`keys`] | keys of directives, independent of their lines |
//! | [`harness`] | scripts and guests as tests of `cargo test` |
//! | [`cli`] | the command line |
//!
//! # Features
//!
//! `engine`, on by default: wassay's own engine with WASI, which [`cli::main`] and [`harness::run`]
//! use. Without it the crate only drives other engines and renders reports, and does not build
//! Cranelift: see [`cli::main_with`], [`harness::run_with`] and the option `--engine`.

pub mod batch;
mod cache;
pub mod catalogue;
pub mod cli;
mod commands;
mod config;
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

/// The script interpreter [for any engine](wassay_script), with the
/// [`Embedder`](wassay_script::Embedder) implementation of wassay's own engine.
pub mod script {
    pub use wassay_script::*;

    #[cfg(feature = "engine")]
    pub use crate::own::EngineEmbedder;
}

#[cfg(feature = "engine")]
pub use wassay_engine::classify;
pub use wassay_terms::{Classification, Features, Rule};

/// Runs the code of the crate's README.
#[cfg(all(doctest, feature = "engine"))]
#[doc = include_str!("../README.md")]
struct Readme;
