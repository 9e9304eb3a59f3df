//! The terms that an engine and those who judge it have in common: sets of [features](Features), the [rules](Rule) of the
//! specification by name, what the bytes of a module [are](Classification), and [deadlines](Deadline).
//!
//! It decides nothing and runs nothing, so that scripts can be judged on any engine without the one of this project.

mod classification;
mod features;
mod refusal;
mod rule;
pub mod time;

pub use classification::Classification;
pub use features::{Features, UnknownFeature};
pub use rule::Rule;
pub use time::Deadline;
