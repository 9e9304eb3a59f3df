//! The interpreter of WebAssembly test scripts (`.wast`).
//!
//! The directives are those of the reference interpreter (`interpreter/README.md` of the
//! specification, "Scripts"). A script is [parsed](parse) into [directives](model), which [run] on
//! any engine that implements the [`Embedder`] trait; the result is a
//! [`ScriptResult`](crate::verdict::ScriptResult).

mod annotations;
mod binds;
pub mod embed;
mod encode;
mod env;
mod failures;
mod grammar;
mod interpreter;
mod judges;
pub mod keys;
mod literal;
mod malformed_text;
pub mod matching;
pub mod message_table;
pub mod messages;
pub mod model;
mod options;
mod parse;
pub mod plan;
pub mod reading;
pub mod selfcheck;
pub mod shrink;
pub mod source;
pub mod spectest;
mod split;
pub mod suggest;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
pub mod type_section;
pub mod value;
pub mod verdict;
pub mod wanted;
pub mod wap;

pub use embed::Embedder;
pub use interpreter::{STACK, run, run_script};
pub use judges::Judges;
pub use options::{BadLineRange, LineRange, Observer, Options, Position};
pub use parse::{parse, parse_as, quoted};
pub use split::{lexer, split};
pub use text::Grammar;
pub use wassay_terms::{Classification, Features, Rule, UnknownFeature};

/// Runs the code of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
