//! The custom sections that the specification defines (appendix "Custom Sections and Annotations").
//!
//! They do not affect the semantics of a module. An error in a custom section is reported
//! separately and does not make the module malformed or invalid (core spec, section 5.5.3);
//! otherwise the engine ignores the section.

pub(in crate::decode) mod branch_hint;
mod fault;
pub(in crate::decode) mod name;
mod outline;

use wasmparser::{CustomSectionReader, Parser, Payload};
use wassay_terms::Features;

use self::fault::malformed_custom;
use self::outline::Outline;
use super::refused::malformed;
use crate::error::{ErrorKind, Result};

/// Checks the custom sections that have rules. The module must be well-formed under the features.
///
/// # Errors
///
/// [`MalformedCustom`](ErrorKind::MalformedCustom) or [`InvalidCustom`](ErrorKind::InvalidCustom)
/// with the offset of the error.
pub(crate) fn check_sections(bytes: &[u8], features: Features) -> Result<()> {
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
        return Err(malformed_custom(name, "duplicate section", start));
    }
    if misplaced {
        let position = if name == name::NAME { "after the data section" } else { "before the code section" };
        return Err(malformed_custom(name, &format!("wrong position: it must be {position}"), start));
    }
    let reader = section.data_reader();
    if name == name::NAME { name::check(reader, module) } else { branch_hint::check(reader, module) }
}
