//! Other engines: where their descriptions are searched, and how a word on the command line selects
//! one.
//!
//! | word | names |
//! |---|---|
//! | `NAME` | the engine of that name, in its column `default` |
//! | `NAME:COLUMN` | the same in another column |
//! | `FILE.toml`, `FILE.toml:COLUMN` | the engine that the file describes |
//! | anything else | the command of an adapter that implements wap/1 |
//!
//! A name is searched as `NAME.toml` in the folders `.wassay/engines` of the current folder and of
//! those above it up to the root of its git repository, in `wassay/engines` of the user's
//! configuration (`XDG_CONFIG_HOME`), and among the built-in descriptions. The first match is used.
//! Folders of suites are never searched, because a description contains commands that are run.
//!
//! To run scripts on such an engine in a test binary:
//!
//! ```no_run
//! use wassay::{catalogue, engines, harness};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let suite = catalogue::resolve("tests/scripts")?;
//! harness::run_with(vec![suite], engines::choose("wasmi")?.drivers(None)?);
//! # Ok(())
//! # }
//! ```

mod builtin;
mod choose;
mod error;
mod folder;
mod search;

pub use self::builtin::ADAPTERS;
pub use self::choose::{Chosen, choose};
pub use self::error::EngineError;
pub(crate) use self::search::named;
pub use self::search::{Found, Origin, PROJECT, Searched, all, by_name, user_folder};
