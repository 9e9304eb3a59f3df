//! Faults in linking: what an import is given although it does not match, and what it is refused
//! although it does (core spec, section 4.5.3, instantiation; section 3.3, matching).

mod kinds;
mod matching;
mod types;

use std::collections::HashMap;

pub use self::kinds::{Match, Mismatch};
pub(crate) use self::matching::{Fit, fits};
pub(crate) use self::types::Types;
use self::types::{Exports, Import};

/// The modules that a script registers, as far as they are known without running it.
#[derive(Debug, Default)]
pub(crate) struct Linking {
    pub(crate) types: Types,
    exports: HashMap<String, Exports>,
}

impl Linking {
    /// Registers the exports of a module under a name.
    pub(crate) fn register(&mut self, name: &str, exports: Exports) {
        self.exports.insert(name.to_owned(), exports);
    }

    /// Adds exports to those of a name.
    pub(crate) fn extend(&mut self, name: &str, exports: Exports) {
        self.exports.entry(name.to_owned()).or_default().extend(exports);
    }

    /// Matches each import of a module with the registered exports.
    pub(crate) fn fits(&self, imports: &[Import]) -> Vec<Fit> {
        let fit = |(module, name, wanted): &Import| {
            let Some(exports) = self.exports.get(module) else { return Fit::Not(Mismatch::UnknownModule) };
            match exports.get(name) {
                Some(given) => fits(given, wanted, &self.types),
                None => Fit::Not(Mismatch::UnknownName),
            }
        };
        imports.iter().map(fit).collect()
    }
}
