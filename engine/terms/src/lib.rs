//! Terms shared by the engine and the crates that test engines: sets of [features](Features), the
//! [rules](Rule) of the specification, the [classification](Classification) of a module's bytes,
//! [deadlines](Deadline), and [streams](Stream) that are waited for until one.
//!
//! The crate does not depend on an engine, so that scripts can be judged on any engine.

mod classification;
mod features;
mod refusal;
mod rule;
mod stream;
pub mod time;

pub use classification::Classification;
pub use features::{Features, UnknownFeature};
pub use rule::Rule;
pub use stream::Stream;
pub use time::Deadline;
