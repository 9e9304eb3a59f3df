//! The process protocol `wap/1`, in which an engine's adapter is asked to compile, instantiate and
//! call: its lines, read and written.
//!
//! `docs/protocol.md` of the repository specifies it.

mod answer;
mod hello;
mod request;

pub use answer::{Answer, BadAnswer, Class};
pub use hello::{BadHello, Hello, Merges, Told};
pub use request::{Request, Requests, decoded, encoded};

/// What stands between the texts of an error that has several.
pub const ALTERNATIVE: &str = " | ";

/// The name and version of the protocol.
pub const PROTOCOL: &str = "wap/1";
