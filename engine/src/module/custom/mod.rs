//! The custom sections that the specification gives a meaning to (appendix "Custom Sections and Annotations").
//!
//! They say nothing of what a module does. One that is broken is reported apart and never makes its module malformed or invalid
//! (core spec, section 5.5.3); to the engine it is as if it were not there.

pub(super) mod branch_hint;
pub(super) mod name;
mod outline;

use wasmparser::{CustomSectionReader, Parser, Payload};

use self::outline::Outline;
use super::Module;
use super::decode::malformed;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::grammar;

impl Module {
    /// Checks the custom sections `name` and `metadata.code.branch_hint` of a module; no other has rules.
    ///
    /// A section is malformed where its grammar does not derive it, where it is there for a second time or on the wrong side of the
    /// code, and where the offset of a hint is not that of an instruction. It is invalid where it is about what the module does not
    /// have, and where a hint is not on an `if` or a `br_if`. What is malformed is reported before what is invalid.
    ///
    /// The module itself has to be well-formed under the features of the engine; whether it is valid is not looked at.
    ///
    /// # Errors
    ///
    /// [`MalformedCustom`](ErrorKind::MalformedCustom) or [`InvalidCustom`](ErrorKind::InvalidCustom) with the offset of the fault;
    /// [`Malformed`](ErrorKind::Malformed) where the module itself is.
    pub fn check_custom_sections(engine: &Engine, bytes: &[u8]) -> Result<()> {
        let features = engine.features();
        grammar::recognise(bytes, features).map_err(Error::ungrammatical)?;
        let mut parser = Parser::new(0);
        parser.set_features(features.library_flags());
        let (mut outline, mut sections) = (Outline::default(), Vec::new());
        for payload in parser.parse_all(bytes) {
            match payload.map_err(malformed)? {
                Payload::CustomSection(section) => sections.push(section),
                payload => outline.read(payload).map_err(malformed)?,
            }
        }
        let mut invalid = None;
        for (at, section) in sections.iter().enumerate() {
            let before = sections.get(..at).unwrap_or_default();
            match check(section, before, &outline) {
                Err(error) if error.kind() == ErrorKind::InvalidCustom => {
                    invalid.get_or_insert(error);
                }
                checked => checked?,
            }
        }
        invalid.map_or(Ok(()), Err)
    }
}

fn check(
    section: &CustomSectionReader<'_>,
    before: &[CustomSectionReader<'_>],
    module: &Outline<'_>,
) -> Result<()> {
    let (name, start) = (section.name(), section.range().start);
    let misplaced = match name {
        name::NAME => module.data_start.is_some_and(|data| start < data),
        branch_hint::NAME => module.code_start.is_some_and(|code| start > code),
        _ => return Ok(()),
    };
    if before.iter().any(|other| other.name() == name) {
        return Err(malformed_custom(name, "there is another one before", start));
    }
    if misplaced {
        let place = if name == name::NAME { "behind the data section" } else { "before the code section" };
        return Err(malformed_custom(name, &format!("it belongs {place}"), start));
    }
    let reader = section.data_reader();
    if name == name::NAME { name::check(reader, module) } else { branch_hint::check(reader, module) }
}

/// What breaks the grammar of a section.
fn malformed_custom(section: &str, message: &str, offset: u64) -> Error {
    Error::new(ErrorKind::MalformedCustom, format!("{section} section: {message}")).at(offset)
}

/// What breaks a rule of a section that its grammar derives.
fn invalid_custom(section: &str, message: &str, offset: u64) -> Error {
    Error::new(ErrorKind::InvalidCustom, format!("{section} section: {message}")).at(offset)
}
