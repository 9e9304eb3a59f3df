//! A description of the host module `spectest` that scripts may import from.
//!
//! It is described in the reference interpreter's README ("Spectest host module"); `table64` and
//! `shared_memory` were added for 64-bit tables and for threads. The `print` functions print
//! nothing, since no script depends on it.

pub(crate) mod binary;
mod items;

pub use self::binary::module;
pub use self::items::{Item, NAME, Param, items};
