//! Other engines: processes that speak the protocol [`wap/1`](wassay_script::wap) and are sent the [plans](wassay_script::plan) of
//! scripts.
//!
//! An engine is a command. Its process is begun when the first script comes, has limits of time and memory, and is replaced when it ends,
//! takes too long, or answers what is no answer: the script is then sent again, request by request, without the request on which that
//! happened, so that one crash costs one directive.

mod child;
mod command;
pub mod description;
mod driver;
pub mod quantity;
pub mod selftest;
pub mod version;

pub use child::end_all;
pub use command::{BadCommand, Command};
pub use driver::{DriveError, Driver, Known, Limits, Published};
