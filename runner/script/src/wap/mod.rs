//! The process protocol `wap/1` for adapters of engines: requests and answers.
//!
//! `docs/protocol.md` of the repository specifies it.

mod answer;
mod hello;
mod request;

pub use answer::{Answer, BadAnswer, Class};
pub use hello::{BadHello, Hello, Merges, Told};
pub use request::{Request, Requests, decoded, encoded};

/// The separator between several texts of an error.
pub const ALTERNATIVE: &str = " | ";

/// The name and version of the protocol.
pub const PROTOCOL: &str = "wap/1";
