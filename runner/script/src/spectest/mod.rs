//! The host module `spectest` that scripts may import from, as data.
//!
//! It is described in the reference interpreter's README ("Spectest host module"); `table64` and
//! `shared_memory` came with the scripts of 64-bit tables and of threads. The `print` functions
//! take their arguments and print nothing: nothing in a script depends on it.

pub(crate) mod binary;
mod items;

pub use self::binary::module;
pub use self::items::{Item, NAME, Param, items};
