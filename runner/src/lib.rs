//! The `wassay` command as a library: the interpreter of test scripts, and the verdicts it comes to.

pub mod script;
pub mod verdict;
