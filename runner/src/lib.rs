//! runner
pub mod script;
pub mod verdict;
