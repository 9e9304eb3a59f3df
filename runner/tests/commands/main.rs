//! The program `wassay` as a process: its commands, and what machines, suites and guests do to it.

#![allow(clippy::unwrap_used)]

mod abi;
mod backtrace;
mod cli;
#[cfg(target_os = "linux")]
mod code_cache;
#[path = "../common/mod.rs"]
mod common;
#[cfg(target_os = "linux")]
mod deadlines;
mod early_proposals;
mod exit_codes;
mod expectations;
#[cfg(target_os = "linux")]
mod few_resources;
mod folder_settings;
#[cfg(target_os = "linux")]
mod machine_limits;
mod matrix;
#[cfg(target_os = "linux")]
mod memory_limits;
#[cfg(target_os = "linux")]
mod nothing_left;
mod precompiled;
mod printed;
mod report;
mod repro;
mod run;
mod selections;
mod shard;
mod untrusted_suite;
#[cfg(target_os = "linux")]
mod very_many;
mod wasi_cases;
mod wast;
mod written;
