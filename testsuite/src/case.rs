//! What a suite is made of.

use std::path::Path;

use crate::script::Script;
use crate::wasi::Guest;

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
