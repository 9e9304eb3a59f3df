//! Descriptions of engines: TOML files that say how to run them.
//!
//! ```toml
//! name = "my-engine"                    # what it is called on the command line and in reports
//! homepage = "https://example.org/"
//! notes = "built with the interpreter"  # for people
//! install = "cargo install my-engine"   # how to get it; shown where it is not there
//! package = "Debian my-engine"          # who packaged it, where that was not its makers
//! program = ["my-engine", "{dir}/target/release/my-engine"]   # {program}
//! version = ["{program}", "--version"]  # prints the version
//! timeout = "20s"                       # for a script, as --timeout
//! max-memory = "2GiB"                   # for the process, as --max-memory
//! expectations = "my-engine.toml"       # known failures, as for --expectations
//!
//! [protocol]                            # an adapter that speaks wap/1
//! command = ["{program}", "{flags}", "adapter"]
//! env = { MY_ENGINE_LOG = "0" }
//!
//! [columns.default]                     # a configuration to test
//! features = ["2.0", "threads"]
//!
//! [columns.all]
//! flags = ["--enable-all"]
//! features = ["3.0", "threads"]
//! expectations = "my-engine-all.toml"
//! ```
//!
//! Engines without an adapter have a table `[module]` or `[wasi]` (`ways`).
//!
//! `name` is required, and so is a way to drive the engine, such as `[protocol]`. Without
//! `[columns.NAME]` there is one column, `default`, without flags. Commands are lists of words,
//! which no shell reads; [`Template`] says what placeholders in them are. A program is looked for
//! in the folders of `PATH`, or is an absolute path.

mod model;
mod read;
mod start;
mod start_ways;
#[cfg(test)]
mod tests;
mod ways;
mod words;

pub use self::model::{
    BadDescription, Column, DEFAULT_COLUMN, Description, DescriptionError, Modules, Protocol, Wasi, WasiWay,
};
pub use self::start::{Places, Unstartable, find};
pub use self::start_ways::NoRuntime;
pub use crate::template::{Placeholder, Template, Word};
