//! The reason why Rust code is unwinding compiled code.

use std::any::Any;

use crate::error::Error;

/// The failure of Rust code that compiled code called.
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
