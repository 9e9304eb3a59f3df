//! Differential fuzzing of WebAssembly engines.
//!
//! A [`Case`] is a script without expectations: modules, and calls of what they export. A
//! [`Session`] runs it on two or more engines, which may be anything that
//! [judges scripts](wassay_script::Judges), and compares what they did. A difference is reduced and
//! becomes a script that passes on the first engine and fails on the other one.
//!
//! | module | is |
//! |---|---|
//! | [`case`](fn@case) | generates cases, each from a seed and its number |
//! | `observe`, `compare` | notes what an engine does with a script; compares that |
//! | `oracle`, `reduce`, `tree` | makes scripts smaller as long as they show a difference |
//! | `finding` | writes scripts with what was seen as assertions |
//! | `known` | known defects of published engines |
//! | `corpus` | what cases use |
//! | [`mutated_text`], [`wasi_module`] | inputs for parsers of texts, and for WASI |

mod case;
mod compare;
mod corpus;
mod finding;
mod generate;
mod known;
mod literal;
mod observe;
mod oracle;
mod random;
mod reduce;
mod session;
mod shape;
mod text;
mod traps;
mod tree;
mod wasi;

pub use case::{Case, Kind, Step};
pub use compare::{Class, Difference};
pub use corpus::Uses;
pub use generate::{case, mutate};
pub use observe::{Judge, Seen};
pub use random::Random;
pub use session::{Classify, Finding, Outcome, Screened, Session, Side, Turn};
pub use text::mutated_text;
pub use wasi::wasi_module;
