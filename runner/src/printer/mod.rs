//! The one way to standard output and standard error.
//!
//! Lines for people are [`Text`]s, in which data is escaped: they are the same on a terminal, in a
//! pipe and in a log. What other programs read (reports, scripts) goes out as it is by
//! [`document`]. Nothing else in this crate writes to the streams of the process: `clippy.toml`
//! forbids the macros and functions that could.
//!
//! A line that cannot be written to standard error is lost, since there is nowhere to say so. For
//! standard output see [`show`].

mod command;
mod panics;
mod relay;
mod stream;

pub(crate) use self::command::Annotation;
pub(crate) use self::panics::{panic_message, report_panics};
pub(crate) use self::relay::Relay;
pub(crate) use self::stream::{Log, Stream, columns, document, error, note, show, tell, warning};
