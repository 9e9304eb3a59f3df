//! What a suite is made of.

use std::path::Path;

use crate::script::Script;
use crate::wasi::{Guest, Variant};

/// One thing that is run and judged by itself.
#[derive(Debug, Clone)]
pub enum Case {
    /// A script in the text format.
    Script(Script),
    /// A guest of WASI, with what is expected of it.
    Guest(Guest),
}

impl Case {
    /// The path of the case inside its suite, with `/` between folders: `address.wast`, `c/lseek.wasm`. Unique within the suite.
    pub fn name(&self) -> &str {
        match self {
            Case::Script(script) => script.name(),
            Case::Guest(guest) => guest.name(),
        }
    }

    /// Where its file lies on disk; `None` for an embedded one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Case::Script(script) => script.path(),
            Case::Guest(guest) => guest.path(),
        }
    }

    /// Under what it is run besides; a script never is.
    pub fn variant(&self) -> Option<Variant> {
        match self {
            Case::Script(_) => None,
            Case::Guest(guest) => guest.variant(),
        }
    }

    /// Puts a guest under a variant; `false` for what has none.
    pub(crate) fn set_variant(&mut self, variant: Variant) -> bool {
        match self {
            Case::Script(_) => false,
            Case::Guest(guest) => {
                guest.set_variant(variant);
                true
            }
        }
    }

    /// The script, where it is one.
    pub fn script(&self) -> Option<&Script> {
        match self {
            Case::Script(script) => Some(script),
            Case::Guest(_) => None,
        }
    }

    /// The script, where it is one.
    pub fn script_mut(&mut self) -> Option<&mut Script> {
        match self {
            Case::Script(script) => Some(script),
            Case::Guest(_) => None,
        }
    }
}
