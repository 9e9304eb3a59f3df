//! A recogniser for the binary grammar (core spec, chapter 5) of every feature set.
//!
//! Whether a module is malformed or invalid depends on the version of the grammar. The encodings
//! that a proposal adds are not in the grammar without it. Other constructs that a proposal allows
//! were in the grammar before, but rejected by validation, such as a second memory. `wasmparser`
//! has one kind of error for both. Therefore modules that it rejects are parsed again here.
//!
//! Modules are parsed in the order of the specification's reference interpreter, so that the first
//! error is the one that the test scripts expect.

mod fault;
mod instructions;
mod opcodes;
mod reader;
mod sections;
mod types;

pub(crate) use fault::Fault;

use reader::Reader;
use sections::Sections;

use wassay_terms::Features;

/// Parses a module by the grammar of a feature set. If parsing finds a violation of a validation
/// rule that `wasmparser` does not report or reports as another one, returns it.
///
/// # Errors
///
/// Returns the first violation of the grammar.
pub(crate) fn recognise(bytes: &[u8], features: Features) -> Result<Option<Fault>, Fault> {
    let mut reader = Reader::new(bytes, features.flags());
    Sections::default().read(&mut reader)?;
    Ok(reader.noted())
}
