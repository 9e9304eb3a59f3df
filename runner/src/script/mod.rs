//! The interpreter of WebAssembly test scripts (`.wast`).

mod grammar;
mod literal;
pub mod matching;
pub mod model;
mod parse;
pub mod source;
mod split;
pub mod value;

pub use parse::parse;
