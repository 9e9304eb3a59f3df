//! Sections and modules (core spec, section 5.5).

use wasmparser::WasmFeatures as F;

use super::fault::{Fault, Parsed};
use super::reader::Reader;
use wassay_terms::Rule;

/// The ids of sections in their order in a module: tags precede globals, and the data count
/// precedes code.
const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/// The properties of sections that must be consistent (section 5.5, "Modules").
#[derive(Default)]
pub(super) struct Sections {
    functions: usize,
    codes: usize,
    data_count: Option<usize>,
    data: usize,
    /// The offset at which code refers to a data segment.
    names_data: Option<usize>,
}

impl Sections {
    /// Parses a whole module.
    pub(super) fn read(mut self, reader: &mut Reader<'_>) -> Parsed<()> {
        header(reader)?;
        let mut next = 0;
        while let Some(id) = reader.peek() {
            if !has_section(reader, id) {
                return Err(reader.fault(Rule::MalformedSectionId));
            }
            if id != 0 {
                let position = ORDER.iter().skip(next).position(|known| *known == id);
                let Some(position) = position else { return Err(reader.fault(Rule::UnexpectedContent)) };
                next += position + 1;
            }
            reader.byte()?;
            reader.sized(|reader, end| self.section(reader, id, end))?;
        }
        self.agree(reader)
    }

    fn section(&mut self, reader: &mut Reader<'_>, id: u8, end: usize) -> Parsed<()> {
        match id {
            0 => return custom(reader, end),
            1 => reader.list(Reader::recursive_type),
            2 => reader.list(import),
            3 => {
                self.functions = reader.list(|reader| reader.u32().map(drop))?;
                Ok(0)
            }
            4 => reader.list(table),
            5 => reader.list(Reader::memory_type),
            6 => reader.list(|reader| {
                reader.global_type()?;
                reader.expression().map(drop)
            }),
            7 => reader.list(export),
            8 => reader.u32().map(|_| 0),
            9 => reader.list(element),
            10 => {
                self.codes = reader.list(|reader| {
                    let named = reader.sized(|reader, _| code(reader))?;
                    self.names_data = self.names_data.or(named);
                    Ok(())
                })?;
                Ok(0)
            }
            11 => {
                self.data = reader.list(data)?;
                Ok(0)
            }
            12 => {
                self.data_count = Some(reader.u32()? as usize);
                Ok(0)
            }
            _ => reader.list(Reader::tag_type),
        }
        .map(drop)
    }

    fn agree(&self, reader: &Reader<'_>) -> Parsed<()> {
        if self.functions != self.codes {
            return Err(reader.fault(Rule::InconsistentFunctions));
        }
        if self.data_count.is_some_and(|count| count != self.data) {
            return Err(reader.fault(Rule::InconsistentDataCount));
        }
        match self.names_data {
            Some(at) if self.data_count.is_none() => Err(Fault::new(Rule::DataCountRequired, at)),
            _ => Ok(()),
        }
    }
}

fn header(reader: &mut Reader<'_>) -> Parsed<()> {
    if reader.take(4)? != b"\0asm" {
        return Err(Fault::new(Rule::MissingMagic, 0));
    }
    if reader.take(4)? != [1, 0, 0, 0] {
        return Err(Fault::new(Rule::UnknownVersion, 4));
    }
    Ok(())
}

/// Whether the grammar has the section.
fn has_section(reader: &Reader<'_>, id: u8) -> bool {
    match id {
        0..=11 => true,
        12 => reader.has(F::BULK_MEMORY),
        13 => has_tags(reader),
        _ => false,
    }
}

fn has_tags(reader: &Reader<'_>) -> bool {
    reader.has_any(F::EXCEPTIONS.union(F::LEGACY_EXCEPTIONS).union(F::STACK_SWITCHING))
}

/// Parses a custom section: a name, followed by any bytes.
fn custom(reader: &mut Reader<'_>, end: usize) -> Parsed<()> {
    reader.name()?;
    match end.checked_sub(reader.at()) {
        Some(rest) => reader.take(rest).map(drop),
        None => Err(Fault::new(Rule::UnexpectedEnd, end)),
    }
}

fn import(reader: &mut Reader<'_>) -> Parsed<()> {
    reader.name()?;
    let at = reader.at();
    reader.name()?;
    // Compact import section proposal: after an empty name, items with a type each, or a type and
    // the names of all items. The name has one byte, its length, or more where that is longer.
    let is_empty = reader.has(F::COMPACT_IMPORTS) && reader.is_zero_from(at);
    match reader.peek() {
        Some(0x7f) if is_empty => {
            reader.byte()?;
            reader.list(|reader| {
                reader.name()?;
                extern_type(reader)
            })?;
            Ok(())
        }
        Some(0x7e) if is_empty => {
            reader.byte()?;
            extern_type(reader)?;
            reader.list(Reader::name).map(drop)
        }
        _ => extern_type(reader),
    }
}

fn extern_type(reader: &mut Reader<'_>) -> Parsed<()> {
    match reader.byte()? {
        0x00 => reader.u32().map(drop),
        0x01 => reader.table_type(),
        0x02 => reader.memory_type(),
        0x03 => reader.global_type(),
        0x04 if has_tags(reader) => reader.tag_type(),
        // A function import with an exact type.
        0x20 if reader.has(F::CUSTOM_DESCRIPTORS) => reader.u32().map(drop),
        byte => Err(reader.fault_before(Rule::MalformedImportKind).or(super::reader::as_integer(byte, 7))),
    }
}

fn export(reader: &mut Reader<'_>) -> Parsed<()> {
    reader.name()?;
    match reader.byte()? {
        0x00..=0x03 => reader.u32().map(drop),
        0x04 if has_tags(reader) => reader.u32().map(drop),
        byte => Err(reader.fault_before(Rule::MalformedExportKind).or(super::reader::as_integer(byte, 7))),
    }
}

/// Parses a table: its type, or with function references `0x40 0x00`, its type, and an expression
/// for the initial value.
fn table(reader: &mut Reader<'_>) -> Parsed<()> {
    if reader.peek() != Some(0x40) || !reader.has(F::FUNCTION_REFERENCES) {
        return reader.table_type();
    }
    reader.byte()?;
    if reader.byte()? != 0 {
        return Err(reader.fault_before(Rule::MalformedTable));
    }
    reader.table_type()?;
    reader.expression().map(drop)
}

/// Parses an element segment (section 5.5, "Element Section").
fn element(reader: &mut Reader<'_>) -> Parsed<()> {
    let at = reader.at();
    let flags = reader.u32()?;
    if !reader.has_any(F::BULK_MEMORY.union(F::REFERENCE_TYPES)) {
        // In 1.0 the flags are a table index, and there is only one table.
        if flags != 0 {
            reader.note(Rule::UnknownTable, at);
        }
        reader.expression()?;
        return reader.list(|reader| reader.u32().map(drop)).map(drop);
    }
    // Segments without a table were introduced with bulk memory operations.
    if flags > 7 || (flags & 1 != 0 && !reader.has(F::BULK_MEMORY)) {
        return Err(Fault::new(Rule::MalformedElementSegment, at));
    }
    let (active, explicit, expressions) = (flags & 1 == 0, flags & 2 != 0, flags & 4 != 0);
    if active {
        if explicit {
            reader.u32()?;
        }
        reader.expression()?;
    }
    if explicit || !active {
        if expressions {
            reader.reference_type()?;
        } else if reader.byte()? != 0 {
            return Err(reader.fault_before(Rule::MalformedElementKind));
        }
    }
    let items = if expressions {
        reader.list(|reader| reader.expression().map(drop))
    } else {
        reader.list(|reader| reader.u32().map(drop))
    };
    items.map(drop)
}

/// Parses a data segment (section 5.5, "Data Section").
fn data(reader: &mut Reader<'_>) -> Parsed<()> {
    let at = reader.at();
    let flags = reader.u32()?;
    if !reader.has_any(F::BULK_MEMORY.union(F::MULTI_MEMORY)) {
        // In 1.0 the flags are a memory index, and there is only one memory.
        if flags != 0 {
            reader.note(Rule::UnknownMemory, at);
        }
        reader.expression()?;
    } else {
        match flags {
            0 => drop(reader.expression()?),
            1 if reader.has(F::BULK_MEMORY) => {}
            2 => {
                reader.u32()?;
                reader.expression()?;
            }
            _ => return Err(Fault::new(Rule::MalformedDataSegment, at)),
        }
    }
    let length = reader.length()?;
    reader.take(length).map(drop)
}

/// Parses the locals and the body of a function. Returns the offset at which it refers to a data
/// segment.
fn code(reader: &mut Reader<'_>) -> Parsed<Option<usize>> {
    let at = reader.at();
    let mut locals = 0u64;
    reader.list(|reader| {
        locals = locals.saturating_add(u64::from(reader.u32()?));
        reader.value_type()
    })?;
    if locals > u64::from(u32::MAX) {
        return Err(Fault::new(Rule::TooManyLocals, at));
    }
    reader.expression()
}
