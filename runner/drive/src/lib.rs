//! Drives other engines as processes, with limits on time and memory.
//!
//! | way | is |
//! |---|---|
//! | [`Driver`] | a process that implements [`wap/1`](wassay_script::wap) and receives the [plans](wassay_script::plan) of scripts |
//! | [`modules`] | a command that runs a module, with the result as exit code |
//! | [`wasi`] | a command that runs a WASI program |
//! | [`description`] | a TOML file that describes an engine |
//!
//! The process of a [`Driver`] is started with the first script, and replaced when it ends, times
//! out, or sends an invalid answer: the script is then sent again, request by request, without the
//! failing request, so that a crash affects only one directive.

mod child;
mod command;
mod deadline;
pub mod description;
mod diagnosis;
mod driven;
mod driver;
pub mod modules;
mod process;
pub mod program;
pub mod quantity;
pub mod selftest;
mod template;
pub mod version;
pub mod wasi;

pub use command::{BadCommand, Command};
pub use driven::{Driven, Way};
pub use driver::{DriveError, Driver, Known, Limits, Published};
pub use process::end_all;

/// Runs the code of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
