//! Why compiled code is being left on purpose.

use std::any::Any;

use crate::error::Error;

/// How Rust code that compiled code called has failed.
pub(super) enum Pending {
    Error(Error),
    Panic(Box<dyn Any + Send>),
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Pending::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Pending::Panic(_) => f.write_str("Panic"),
        }
    }
}
