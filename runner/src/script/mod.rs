//! The interpreter of WebAssembly test scripts (`.wast`).
//!
//! The directives are those of the reference interpreter (`interpreter/README.md` of the specification, "Scripts"). A script is
//! [parsed](parse) into [directives](model), which [run] on any engine behind the [`Embedder`] trait; what becomes of them is a
//! [`ScriptResult`](crate::verdict::ScriptResult).

mod annotations;
mod asked;
mod assert;
mod assert_custom;
mod binds;
pub mod embed;
mod encode;
mod engine_embed;
mod env;
mod grammar;
mod literal;
pub mod matching;
mod message_table;
pub mod messages;
pub mod model;
pub(crate) mod options;
mod parse;
pub(crate) mod reading;
mod run;
pub mod source;
pub mod spectest;
pub(crate) mod split;
#[cfg(test)]
mod tests;
mod text;
mod text_fault;
mod thread;
mod tokens;
pub mod value;
pub(crate) mod wanted;

pub use embed::Embedder;
pub use engine_embed::EngineEmbedder;
pub(crate) use engine_embed::limits;
pub(crate) use options::Position;
pub use options::{BadLineRange, LineRange, Observer, Options};
pub(crate) use parse::quoted;
pub use parse::{parse, parse_as};
pub(crate) use run::run_parts;
pub use run::{run, run_script};
pub(crate) use split::lexer;
pub use text::Grammar;
pub use thread::STACK;
