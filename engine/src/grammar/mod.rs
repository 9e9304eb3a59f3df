//! The binary grammar (core spec, chapter 5) of every feature set, as a recogniser.
//!
//! Whether a module is malformed or invalid is a question of grammar, and its answer depends on the
//! version: what a proposal adds to the binary format is not in the grammar without it, while other
//! things that it allows were derived before and refused by validation, such as a second memory.
//! `wasmparser` answers both with one kind of error. So a module that it refuses is read here.
//!
//! The order of reading is that of the specification's reference interpreter, so that the first
//! fault has the name that the test scripts give it.

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

/// Reads a module by the grammar of a feature set. Gives a rule of validation that the reading
/// shows to be broken, where there is one that `wasmparser` does not see or names as another one.
///
/// # Errors
///
/// The first place that the grammar does not derive.
pub(crate) fn recognise(bytes: &[u8], features: Features) -> Result<Option<Fault>, Fault> {
    let mut reader = Reader::new(bytes, features.flags());
    Sections::default().read(&mut reader)?;
    Ok(reader.noted())
}
