//! Self-checking modules: what an engine is asked that has nothing but a command which runs a
//! module.
//!
//! A module of a script and the [wrappers](crate::plan) of its calls become one module. What it
//! imports from `spectest` is defined in it, and its entry, `_start` or the start section, makes
//! calls and compares the numbers that they give. It ends as usual where all are as asked, and by
//! `unreachable` else: the exit code of the process says which.
//!
//! An exit code that is not 0 may mean anything, a wrong option included. So nothing follows from
//! one alone: [`Form`] has what of a module is left without that for which it may fail, and the
//! same engine has to run that.
//!
//! | file | is |
//! |---|---|
//! | `sections` | modules as lists of sections, whose bytes are kept |
//! | `subject` | what is known of a module under test, and its definitions in the place of imports |
//! | `effects` | which functions may change the state of the instance |
//! | `wrapper` | wrappers moved into the module that they import from |
//! | `build` | all of it as one module |

mod build;
mod effects;
mod sections;
mod subject;
#[cfg(test)]
mod tests;
mod wrapper;

pub use build::{Call, Check, Form, build};
pub use subject::{Entry, Subject, Unfit};
pub use wrapper::{Foreign, Wrapper};

use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wassay_terms::Features;

use crate::wanted::flags;

/// Whether a module, or as much of it as can be told apart, imports something.
pub fn imports_something(module: &[u8]) -> bool {
    let Some(mut rest) = module.get(sections::PREAMBLE.len()..) else { return false };
    while let Some((id, tail)) = rest.split_first() {
        let Some((size, tail)) = sections::number(tail) else { return *id == sections::id::IMPORT };
        if *id == sections::id::IMPORT && size > 0 && tail.first() != Some(&0) {
            return true;
        }
        rest = usize::try_from(size).ok().and_then(|size| tail.get(size..)).unwrap_or_default();
    }
    false
}

/// The names of the modules that a module imports from, as far as it can be read.
pub fn imported_modules(module: &[u8]) -> Vec<String> {
    let mut parser = Parser::new(0);
    parser.set_features(WasmFeatures::all());
    let payloads = parser.parse_all(module).map_while(Result::ok);
    let sections = payloads.filter_map(|payload| match payload {
        Payload::ImportSection(section) => Some(section),
        _ => None,
    });
    sections
        .flat_map(|section| section.into_imports().map_while(Result::ok))
        .map(|import| import.module.to_owned())
        .collect()
}

/// Whether a module is valid under these features.
pub fn is_valid(module: &[u8], features: Features) -> bool {
    is_valid_with(module, flags(features))
}

fn is_valid_with(module: &[u8], features: WasmFeatures) -> bool {
    Validator::new_with_features(features).validate_all(module).is_ok()
}

/// Whether a module has a fault that the self-checking module made of it does not have: what is
/// added may be just what it lacks, such as a function for an index that is one too large.
pub fn hides_fault(module: &[u8], made: &[u8], features: Features) -> bool {
    let hides = |features| !is_valid_with(module, features) && is_valid_with(made, features);
    hides(flags(features)) || hides(WasmFeatures::all())
}

/// A module with nothing in it but an entry that does nothing.
pub fn trivial(entry: &Entry) -> Vec<u8> {
    build::minimal(entry, false)
}

/// A module with nothing in it but an entry that traps.
pub fn trapping(entry: &Entry) -> Vec<u8> {
    build::minimal(entry, true)
}

/// The shortest module. It has no entry.
pub fn empty() -> Vec<u8> {
    sections::PREAMBLE.to_vec()
}
