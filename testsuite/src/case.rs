//! Cases, the parts of a suite.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::access::Root;
use crate::conditions::Conditions;
use crate::expectation::Expectation;
use crate::script::Script;
use crate::wasi::{Guest, Variant, has_suffix};

/// A case: the unit that is run and reported.
#[derive(Debug, Clone)]
pub enum Case {
    /// A script in the text format.
    Script(Script),
    /// A WASI guest with its expected results.
    Guest(Guest),
    /// A case that cannot be run. It fails, so that it is not silently ignored.
    Unreadable(Unreadable),
}

/// An unreadable file or folder of a suite that is a case by its name, or may contain cases.
#[derive(Debug, Clone)]
pub struct Unreadable {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl Unreadable {
    /// The path inside the suite, with `/` between folders, as valid UTF-8 (U+FFFD for anything
    /// else). Unique within the suite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path on disk.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why it cannot be read.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Case {
    /// The path of the case inside its suite, with `/` between folders: `address.wast`,
    /// `c/lseek.wasm`. Unique within the suite.
    pub fn name(&self) -> &str {
        match self {
            Case::Script(script) => script.name(),
            Case::Guest(guest) => guest.name(),
            Case::Unreadable(unreadable) => unreadable.name(),
        }
    }

    /// The path of the file on disk; `None` for an embedded case.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Case::Script(script) => script.path(),
            Case::Guest(guest) => guest.path(),
            Case::Unreadable(unreadable) => Some(unreadable.path()),
        }
    }

    /// The folder of the suite, to which the name is relative; `None` if the case is not from the
    /// folder of a suite.
    pub fn root(&self) -> Option<&Arc<Root>> {
        match self {
            Case::Script(script) => script.root(),
            Case::Guest(guest) => guest.root(),
            Case::Unreadable(_) => None,
        }
    }

    /// The size of the file in bytes, or 0 if it is unknown.
    pub fn size(&self) -> u64 {
        match self {
            Case::Script(script) => script.size(),
            Case::Guest(guest) => guest.size(),
            Case::Unreadable(_) => 0,
        }
    }

    /// The variant that a guest is run under. Scripts have none.
    pub fn variant(&self) -> Option<Variant> {
        match self {
            Case::Guest(guest) => guest.variant(),
            Case::Script(_) | Case::Unreadable(_) => None,
        }
    }

    /// Sets the variant of a guest. Returns `false` for a script, which has no variants. An
    /// unreadable case may contain guests, unless it is a script by its name.
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

    /// The script, if the case is one.
    pub fn script(&self) -> Option<&Script> {
        match self {
            Case::Script(script) => Some(script),
            Case::Guest(_) | Case::Unreadable(_) => None,
        }
    }

    /// The conditions that a script is judged under; `None` for other cases.
    pub fn conditions(&self) -> Option<&Conditions> {
        self.script().map(Script::conditions)
    }

    /// Sets the conditions of a script; other cases have none.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        if let Case::Script(script) = self {
            script.set_conditions(conditions);
        }
    }

    /// The expectations for its directives, or for a guest as a whole.
    pub fn expectations(&self) -> &[Expectation] {
        match self {
            Case::Script(script) => script.expectations(),
            Case::Guest(guest) => guest.expectations(),
            Case::Unreadable(_) => &[],
        }
    }

    /// Adds expectations that override those so far.
    pub(crate) fn expect(&mut self, expectations: Vec<Expectation>) {
        match self {
            Case::Script(script) => script.expect(expectations),
            Case::Guest(guest) => guest.expect(expectations),
            Case::Unreadable(_) => {}
        }
    }
}
