//! Static plans: a script as the requests that an engine's adapter is sent, and what each answer
//! has to be.
//!
//! Assertions are compiled into wrappers: wasm modules that call, compare and say by a number
//! whether all is as expected. So an adapter only compiles bytes, instantiates, calls functions
//! without parameters, and tells errors apart; and since no answer changes what is asked next, a
//! plan can be written to a file, run anywhere, and its answers judged later.
//!
//! | | |
//! |---|---|
//! | [`compile`] | a script's plan |
//! | [`judge`](ScriptPlan::judge) | what became of its directives, by the answers |
//! | [`file`](mod@file) | plans as files |

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
