//! Other engines: whatever a command starts, within limits of time and memory.
//!
//! | way | is |
//! |---|---|
//! | [`Driver`] | a process that speaks [`wap/1`](wassay_script::wap) and is sent the [plans](wassay_script::plan) of scripts |
//! | [`modules`] | a command that runs a module, and says by its exit code how that ended |
//! | [`wasi`] | a command that runs a program of WASI |
//! | [`description`] | a TOML file that says which of these an engine has |
//!
//! The process of a [`Driver`] is begun when the first script comes, and replaced when it ends,
//! takes too long, or answers what is no answer: the script is then sent again, request by request,
//! without the request on which that happened, so that one crash costs one directive.

mod child;
mod command;
pub mod description;
mod driven;
mod driver;
pub mod modules;
mod process;
pub mod quantity;
pub mod selftest;
mod template;
pub mod version;
pub mod wasi;

pub use command::{BadCommand, Command};
pub use driven::{Driven, Way};
pub use driver::{DriveError, Driver, Known, Limits, Published};
pub use process::end_all;
