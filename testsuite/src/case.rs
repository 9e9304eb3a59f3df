//! What a suite is made of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::access::Root;
use crate::script::Script;
use crate::wasi::{Guest, Variant, has_suffix};

/// One thing that is run and judged by itself.
#[derive(Debug, Clone)]
pub enum Case {
    /// A script in the text format.
    Script(Script),
    /// A guest of WASI, with what is expected of it.
    Guest(Guest),
    /// What cannot be run, and fails instead of being passed over.
    Unreadable(Unreadable),
}

/// Something in the folder of a suite that is a case by its name, or may have cases in it, and cannot be read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl Unreadable {
    /// Its path inside its suite, with `/` between folders; what of that is not UTF-8 is shown by U+FFFD. Unique within the suite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it lies on disk.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Case {
    /// The path of the case inside its suite, with `/` between folders: `address.wast`, `c/lseek.wasm`. Unique within the suite.
    pub fn name(&self) -> &str {
        match self {
            Case::Script(script) => script.name(),
            Case::Guest(guest) => guest.name(),
            Case::Unreadable(unreadable) => unreadable.name(),
        }
    }

    /// Where its file lies on disk; `None` for an embedded one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Case::Script(script) => script.path(),
            Case::Guest(guest) => guest.path(),
            Case::Unreadable(unreadable) => Some(unreadable.path()),
        }
    }

    /// The folder of its suite, below which its name is its path; `None` where it is not read from there.
    pub fn root(&self) -> Option<&Arc<Root>> {
        match self {
            Case::Script(script) => script.root(),
            Case::Guest(guest) => guest.root(),
            Case::Unreadable(_) => None,
        }
    }

    /// The bytes of its file; 0 where they cannot be told.
    pub fn size(&self) -> u64 {
        match self {
            Case::Script(script) => script.size(),
            Case::Guest(guest) => guest.size(),
            Case::Unreadable(_) => 0,
        }
    }

    /// Under what it is run besides; a script never is.
    pub fn variant(&self) -> Option<Variant> {
        match self {
            Case::Guest(guest) => guest.variant(),
            Case::Script(_) | Case::Unreadable(_) => None,
        }
    }

    /// Puts a guest under a variant; `false` for what has none. What cannot be read may have guests in it.
    pub(crate) fn set_variant(&mut self, variant: Variant) -> bool {
        match self {
            Case::Script(_) => false,
            Case::Guest(guest) => {
                guest.set_variant(variant);
                true
            }
            Case::Unreadable(unreadable) => !has_suffix(unreadable.path(), "wast"),
        }
    }

    /// The script, where it is one.
    pub fn script(&self) -> Option<&Script> {
        match self {
            Case::Script(script) => Some(script),
            Case::Guest(_) | Case::Unreadable(_) => None,
        }
    }

    /// The script, where it is one.
    pub fn script_mut(&mut self) -> Option<&mut Script> {
        match self {
            Case::Script(script) => Some(script),
            Case::Guest(_) | Case::Unreadable(_) => None,
        }
    }
}
