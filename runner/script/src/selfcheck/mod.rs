//! Self-checking modules, for engines that only have a command that runs a module.
//!
//! A module of a script and the [wrappers](crate::plan) of its calls are combined into one module.
//! Its imports from `spectest` are replaced by definitions, and its entry, `_start` or the start
//! section, makes calls and compares the returned numbers. It returns if all are as expected, and
//! executes `unreachable` otherwise, which the exit code of the process shows.
//!
//! A nonzero exit code may have any cause, such as a wrong option. So one alone proves nothing: the
//! same engine must run a reduced [`Form`] of the module, without the parts that may fail.
//!
//! | file | is |
//! |---|---|
//! | `sections` | modules as lists of raw sections |
//! | `subject` | the module under test, with definitions instead of imports |
//! | `effects` | which functions may change the state of the instance |
//! | `wrapper` | wrappers merged into the module that they import from |
//! | `build` | the combined module |

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

/// Whether a module, or its parsable part, has imports.
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

/// The names of the modules that a module imports from, as far as it can be parsed.
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

/// Whether a module has an error that the self-checking module built from it does not have: the
/// additions may fix it, such as a function for an index that is one too large.
pub fn hides_fault(module: &[u8], made: &[u8], features: Features) -> bool {
    let hides = |features| !is_valid_with(module, features) && is_valid_with(made, features);
    hides(flags(features)) || hides(WasmFeatures::all())
}

/// A module with only an entry function that does nothing.
pub fn trivial(entry: &Entry) -> Vec<u8> {
    build::minimal(entry, false)
}

/// A module with only an entry function that traps.
pub fn trapping(entry: &Entry) -> Vec<u8> {
    build::minimal(entry, true)
}

/// The empty module, which has no entry function.
pub fn empty() -> Vec<u8> {
    sections::PREAMBLE.to_vec()
}
