//! The interpreter of WebAssembly test scripts (`.wast`).
//!
//! The directives are those of the reference interpreter (`interpreter/README.md` of the
//! specification, "Scripts"). A script is [parsed](parse) into [directives](model), which [run] on
//! any engine behind the [`Embedder`] trait; what becomes of them is a
//! [`ScriptResult`](crate::verdict::ScriptResult).

mod annotations;
mod apart;
mod aside;
mod asked;
mod assert;
mod assert_custom;
mod binds;
pub mod embed;
mod encode;
mod env;
mod grammar;
mod judges;
pub mod keys;
mod literal;
pub mod matching;
pub mod message_table;
pub mod messages;
pub mod model;
mod options;
mod parse;
pub mod plan;
pub mod reading;
mod run;
pub mod selfcheck;
pub mod source;
pub mod spectest;
mod split;
pub mod suggest;
#[cfg(test)]
mod tests;
mod text;
mod text_fault;
mod thread;
mod tokens;
pub mod value;
pub mod verdict;
pub mod wanted;
pub mod wap;

pub use embed::Embedder;
pub use judges::Judges;
pub use options::{BadLineRange, LineRange, Observer, Options, Position};
pub use parse::{parse, parse_as, quoted};
pub use run::{run, run_script};
pub use split::{lexer, split};
pub use text::Grammar;
pub use thread::STACK;
pub use wassay_terms::{Classification, Features, Rule, UnknownFeature};

/// Runs the code of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
