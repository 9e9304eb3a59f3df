//! All output to standard output and standard error.
//!
//! Messages are [`Text`]s, in which data is escaped: they are the same on a terminal, in a pipe and
//! in a log. Machine-readable output (reports, scripts) is written unchanged by [`document`].
//! Nothing else in this crate writes to the standard streams: `clippy.toml` forbids the macros and
//! functions that could.
//!
//! Errors on writing to standard error are ignored, since they cannot be reported. For standard
//! output see [`show`].

mod command;
mod panics;
mod relay;
mod stream;

pub(crate) use self::command::Annotation;
pub(crate) use self::panics::{panic_message, report_panics};
pub(crate) use self::relay::Relay;
pub(crate) use self::stream::{Log, Stream, columns, document, error, note, show, tell, warning};
