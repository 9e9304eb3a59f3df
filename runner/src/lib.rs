//! runner
pub mod script;
