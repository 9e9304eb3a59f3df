//! The process protocol `wap/1` for adapters of engines: requests and answers.
//!
//! `docs/protocol.md` of the repository specifies it.

mod answer;
mod hello;
mod request;

pub use answer::{ALTERNATIVE, Answer, BadAnswer, Class};
pub use hello::{BadHello, Distinction, Hello, Merges};
pub use request::{PROTOCOL, Request, Requests, decoded, encoded};
