//! Static plans: a script as requests to an engine's adapter, with the expected answers.
//!
//! Assertions are compiled into wrappers: wasm modules that call functions, compare the results and
//! return a number. So an adapter only has to compile, instantiate, call functions without
//! parameters, and distinguish errors. Since requests do not depend on answers, a plan can be
//! written to a file, run anywhere, and its answers judged later.
//!
//! | | |
//! |---|---|
//! | [`compile`] | compiles a script to a plan |
//! | [`judge`](ScriptPlan::judge) | judges directives by the answers |
//! | [`file`](mod@file) | reads and writes plan files |

mod alter;
mod calls;
mod check;
mod compile;
pub mod file;
mod judge;
mod model;
mod module;
mod planner;
mod taint;
#[cfg(test)]
mod tests;
mod wrapper;

pub use alter::Alter;
pub use compile::{compile, compile_parts};
pub use judge::{Engine, Noted};
pub use model::{Planned, Reply, ResultType, ScriptPlan, Want, Wrapped};
pub(crate) use wrapper::HOST;
