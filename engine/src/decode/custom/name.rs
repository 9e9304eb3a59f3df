//! The name section (appendix, "Name Section"), with the subsections of the extended name section
//! proposal.

use wasmparser::{BinaryReader, IndirectNameMap, Name, NameMap, NameSectionReader};

use super::fault::{invalid_custom, malformed_custom};
use super::outline::Outline;
use crate::error::{Error, Result};

/// The name of the section.
pub(in crate::decode) const NAME: &str = "name";

/// Checks the contents of a name section.
pub(super) fn check(reader: BinaryReader<'_>, module: &Outline<'_>) -> Result<()> {
    let mut checker = Checker { module, invalid: None };
    for subsection in NameSectionReader::new(reader) {
        checker.subsection(subsection.map_err(malformed)?)?;
    }
    checker.invalid.map_or(Ok(()), Err)
}

struct Checker<'a> {
    module: &'a Outline<'a>,
    /// The error for the first index that is out of range.
    invalid: Option<Error>,
}

impl Checker<'_> {
    fn subsection(&mut self, subsection: Name<'_>) -> Result<()> {
        let module = self.module;
        match subsection {
            Name::Module { .. } => Ok(()),
            Name::Function(names) => self.names(names, "function", module.functions()),
            Name::Local(names) => {
                self.indirect(names, "function", module.functions(), |checker, x, names| {
                    checker.names(names, "local", module.locals(x).map_err(malformed)?)
                })
            }
            Name::Type(names) => self.names(names, "type", module.types.len()),
            Name::Field(names) => self.indirect(names, "type", module.types.len(), |checker, x, names| {
                checker.names(names, "field", module.fields(x))
            }),
            Name::Tag(names) => self.names(names, "tag", module.tags),
            Name::Table(names) => self.names(names, "table", module.tables),
            Name::Memory(names) => self.names(names, "memory", module.memories),
            Name::Global(names) => self.names(names, "global", module.globals),
            Name::Element(names) => self.names(names, "element segment", module.elements),
            Name::Data(names) => self.names(names, "data segment", module.data),
            // The numbering of these is not specified.
            Name::Label(names) => self.indirect(names, "function", module.functions(), any),
            Name::Parameter(names) => self.indirect(names, "type", module.types.len(), any),
            Name::TagParameter(names) => self.indirect(names, "tag", module.tags, any),
            Name::Unknown { ty, range, .. } => {
                Err(malformed_custom(NAME, &format!("unknown subsection id {ty}"), range.start))
            }
        }
    }

    /// Reads a name map for an index space of this size.
    fn names(&mut self, mut map: NameMap<'_>, what: &str, count: usize) -> Result<()> {
        loop {
            let at = map.names.original_position();
            let Some(name) = map.next() else { return Ok(()) };
            self.index(name.map_err(malformed)?.index, what, count, at);
        }
    }

    /// Reads an indirect name map whose primary indices refer to an index space of this size.
    fn indirect(
        &mut self,
        mut map: IndirectNameMap<'_>,
        what: &str,
        count: usize,
        each: impl Fn(&mut Self, u32, NameMap<'_>) -> Result<()>,
    ) -> Result<()> {
        loop {
            let at = map.names.original_position();
            let Some(entry) = map.next() else { return Ok(()) };
            let entry = entry.map_err(malformed)?;
            self.index(entry.index, what, count, at);
            each(self, entry.index, entry.names)?;
        }
    }

    fn index(&mut self, index: u32, what: &str, count: usize, at: u64) {
        if index as usize >= count {
            let message = format!("unknown {what} {index}");
            self.invalid.get_or_insert_with(|| invalid_custom(NAME, &message, at));
        }
    }
}

/// Reads names for indices that are not checked.
fn any(checker: &mut Checker<'_>, _: u32, names: NameMap<'_>) -> Result<()> {
    checker.names(names, "", usize::MAX)
}

fn malformed(error: wasmparser::Error) -> Error {
    malformed_custom(NAME, error.message(), error.offset())
}
