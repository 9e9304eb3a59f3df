//! Active segments as code of a start function.

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{DataCountSection, DataSection, ElementSection, ElementSegment, Encode, Instruction};
use wasmparser::{
    BinaryReader, ConstExpr, Data, DataKind, DataSectionReader, Element, ElementItems, ElementKind,
    ElementSectionReader, MemorySectionReader, TableSectionReader, TypeRef,
};

use crate::module::{DATA, DATA_COUNT, ELEMENT, MEMORY, Sections, TABLE};

/// When and how active segments are copied by code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// As the specification says.
    Natively,
    /// Not at all.
    Never,
    /// Before those of the other kind.
    First,
    /// Before the start function.
    BeforeStart,
    /// After the start function.
    AfterStart,
    /// In reverse order.
    Reversed,
    /// Without dropping them.
    Kept,
    /// After checking all of them.
    Checked,
    /// Up to the end of the memory.
    Truncated,
}

/// The segments of a module, of both kinds.
pub(super) struct Segments {
    pub(super) data: Segmented,
    pub(super) elements: Segmented,
}

/// The segments of one kind.
pub(super) struct Segmented {
    is_data: bool,
    segments: Vec<Segment>,
    applied: Applied,
    keeps_declared: bool,
}

/// A segment.
struct Segment {
    active: Option<Active>,
    is_declared: bool,
    /// The number of bytes or elements.
    length: u32,
    contents: Contents,
}

/// The destination of an active segment.
#[derive(Clone)]
struct Active {
    target: u32,
    is_64: bool,
    offset: Vec<u8>,
    expression: wasm_encoder::ConstExpr,
}

enum Contents {
    Bytes(Vec<u8>),
    Functions(Vec<u32>),
    Expressions(wasm_encoder::RefType, Vec<wasm_encoder::ConstExpr>),
}

impl Segments {
    /// Reads the segments of a module.
    pub(super) fn read(sections: &Sections<'_>) -> Option<Segments> {
        let (memories, tables) = (address_types(sections, MEMORY)?, address_types(sections, TABLE)?);
        let mut data = Vec::new();
        if let Some(contents) = sections.get(DATA) {
            for segment in DataSectionReader::new(BinaryReader::new(contents, 0)).ok()? {
                data.push(data_segment(segment.ok()?, &memories)?);
            }
        }
        let mut elements = Vec::new();
        if let Some(contents) = sections.get(ELEMENT) {
            for segment in ElementSectionReader::new(BinaryReader::new(contents, 0)).ok()? {
                elements.push(element_segment(segment.ok()?, &tables)?);
            }
        }
        let kind = |is_data, segments| Segmented {
            is_data,
            segments,
            applied: Applied::Natively,
            keeps_declared: false,
        };
        Some(Segments { data: kind(true, data), elements: kind(false, elements) })
    }

    pub(super) fn is_changed(&self) -> bool {
        [&self.data, &self.elements]
            .iter()
            .any(|kind| kind.applied != Applied::Natively || kind.keeps_declared)
    }

    /// Encodes the code that copies the segments: the parts before and after the start function.
    pub(super) fn code(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let kinds = match self.data.applied {
            Applied::First => [&self.data, &self.elements],
            _ => [&self.elements, &self.data],
        };
        for kind in kinds {
            let code = if kind.applied == Applied::AfterStart { &mut after } else { &mut before };
            code.extend(kind.code());
        }
        (before, after)
    }

    /// Writes the segments that are now passive.
    pub(super) fn write(&self, sections: &mut Sections<'_>) {
        if !self.data.segments.is_empty() {
            let mut section = DataSection::new();
            for Segment { active, contents, .. } in &self.data.segments {
                let Contents::Bytes(bytes) = contents else { continue };
                match active.as_ref().filter(|_| self.data.applied == Applied::Natively) {
                    Some(active) => section.active(active.target, &active.expression, bytes.iter().copied()),
                    None => section.passive(bytes.iter().copied()),
                };
            }
            if !self.data.code().is_empty() {
                sections.set_encoded(DATA_COUNT, &DataCountSection { count: section.len() });
            }
            sections.set_encoded(DATA, &section);
        }
        if !self.elements.segments.is_empty() {
            let mut section = ElementSection::new();
            for segment in &self.elements.segments {
                section.segment(self.elements.encoded(segment));
            }
            sections.set_encoded(ELEMENT, &section);
        }
    }
}

impl Segmented {
    /// Changes how active segments are copied. Returns `None` if there is none that it would
    /// affect.
    pub(super) fn retire(&mut self, applied: Applied) -> Option<()> {
        let active = self.segments.iter().filter(|segment| segment.active.is_some()).count();
        let needed = match applied {
            Applied::Reversed | Applied::Checked => 2,
            _ => 1,
        };
        self.applied = applied;
        (active >= needed).then_some(())
    }

    /// Makes declarative segments passive. Returns `None` if there is none.
    pub(super) fn keep_declared(&mut self) -> Option<()> {
        self.keeps_declared = true;
        self.segments.iter().any(|segment| segment.is_declared).then_some(())
    }

    fn code(&self) -> Vec<u8> {
        if matches!(self.applied, Applied::Natively | Applied::Never) {
            return Vec::new();
        }
        let mut code = Vec::new();
        let active = self.segments.iter().zip(0..).filter_map(|(segment, index)| {
            segment.active.as_ref().map(|active| (active, segment.length, index))
        });
        let mut active: Vec<(&Active, u32, u32)> = active.collect();
        if self.applied == Applied::Reversed {
            active.reverse();
        }
        if self.applied == Applied::Checked {
            active.iter().for_each(|(active, length, _)| code.extend(self.check(active, *length)));
        }
        for (active, length, index) in active {
            if self.applied == Applied::Truncated {
                code.extend(truncated(active, length, index));
            } else {
                code.extend(self.copy(active, length, index));
            }
        }
        code
    }

    /// Copies a segment and drops it.
    fn copy(&self, active: &Active, length: u32, index: u32) -> Vec<u8> {
        let mut code = active.offset.clone();
        let target = active.target;
        let (init, drop) = match self.is_data {
            true => {
                (Instruction::MemoryInit { mem: target, data_index: index }, Instruction::DataDrop(index))
            }
            false => {
                (Instruction::TableInit { elem_index: index, table: target }, Instruction::ElemDrop(index))
            }
        };
        Instruction::I32Const(0).encode(&mut code);
        Instruction::I32Const(length.cast_signed()).encode(&mut code);
        init.encode(&mut code);
        if self.applied != Applied::Kept {
            drop.encode(&mut code);
        }
        code
    }

    /// Traps if copying the segment would trap: copies the destination onto itself.
    fn check(&self, active: &Active, length: u32) -> Vec<u8> {
        let mut code = [active.offset.clone(), active.offset.clone()].concat();
        match active.is_64 {
            true => Instruction::I64Const(i64::from(length)).encode(&mut code),
            false => Instruction::I32Const(length.cast_signed()).encode(&mut code),
        }
        let target = active.target;
        match self.is_data {
            true => Instruction::MemoryCopy { src_mem: target, dst_mem: target },
            false => Instruction::TableCopy { src_table: target, dst_table: target },
        }
        .encode(&mut code);
        code
    }

    fn encoded<'a>(&self, segment: &'a Segment) -> ElementSegment<'a> {
        let elements = match &segment.contents {
            Contents::Functions(functions) => wasm_encoder::Elements::Functions(functions.into()),
            Contents::Expressions(ty, expressions) => {
                wasm_encoder::Elements::Expressions(*ty, expressions.into())
            }
            Contents::Bytes(_) => wasm_encoder::Elements::Functions(Vec::new().into()),
        };
        let mode = match &segment.active {
            Some(active) if self.applied == Applied::Natively => wasm_encoder::ElementMode::Active {
                table: (active.target > 0).then_some(active.target),
                offset: &active.expression,
            },
            None if segment.is_declared && !self.keeps_declared => wasm_encoder::ElementMode::Declared,
            _ => wasm_encoder::ElementMode::Passive,
        };
        ElementSegment { mode, elements }
    }
}

/// Copies a segment byte by byte up to the end of the memory.
fn truncated(active: &Active, length: u32, index: u32) -> Vec<u8> {
    let mut code = Vec::new();
    // Segments in scripts are short; longer ones are copied as a whole.
    if active.is_64 || length > 64 {
        return Segmented {
            is_data: true,
            segments: Vec::new(),
            applied: Applied::First,
            keeps_declared: false,
        }
        .copy(active, length, index);
    }
    for byte in 0..length {
        code.extend_from_slice(&active.offset);
        for instruction in [
            Instruction::I32Const(byte.cast_signed()),
            Instruction::I32Add,
            Instruction::I64ExtendI32U,
            Instruction::MemorySize(active.target),
            Instruction::I64ExtendI32U,
            Instruction::I64Const(65536),
            Instruction::I64Mul,
            Instruction::I64LtU,
            Instruction::If(wasm_encoder::BlockType::Empty),
        ] {
            instruction.encode(&mut code);
        }
        code.extend_from_slice(&active.offset);
        for instruction in [
            Instruction::I32Const(byte.cast_signed()),
            Instruction::I32Add,
            Instruction::I32Const(byte.cast_signed()),
            Instruction::I32Const(1),
            Instruction::MemoryInit { mem: active.target, data_index: index },
            Instruction::End,
        ] {
            instruction.encode(&mut code);
        }
    }
    Instruction::DataDrop(index).encode(&mut code);
    code
}

/// Whether each memory or table of a module has 64-bit addresses.
fn address_types(sections: &Sections<'_>, id: u8) -> Option<Vec<bool>> {
    let mut types = Vec::new();
    for (_, _, ty) in sections.imports()? {
        match ty {
            TypeRef::Memory(ty) if id == MEMORY => types.push(ty.memory64),
            TypeRef::Table(ty) if id == TABLE => types.push(ty.table64),
            _ => {}
        }
    }
    let Some(contents) = sections.get(id) else { return Some(types) };
    let reader = BinaryReader::new(contents, 0);
    if id == MEMORY {
        for ty in MemorySectionReader::new(reader).ok()? {
            types.push(ty.ok()?.memory64);
        }
    } else {
        for table in TableSectionReader::new(reader).ok()? {
            types.push(table.ok()?.ty.table64);
        }
    }
    Some(types)
}

fn active(target: u32, offset: &ConstExpr<'_>, types: &[bool]) -> Option<Active> {
    let mut reader = offset.get_binary_reader();
    let bytes = reader.read_bytes(reader.bytes_remaining()).ok()?;
    Some(Active {
        target,
        is_64: *types.get(target as usize)?,
        offset: bytes.strip_suffix(&[0x0b])?.to_vec(),
        expression: RoundtripReencoder.const_expr(offset.clone()).ok()?,
    })
}

fn data_segment(segment: Data<'_>, memories: &[bool]) -> Option<Segment> {
    let active = match &segment.kind {
        DataKind::Passive => None,
        DataKind::Active { memory_index, offset_expr } => Some(active(*memory_index, offset_expr, memories)?),
    };
    let length = u32::try_from(segment.data.len()).ok()?;
    Some(Segment { active, is_declared: false, length, contents: Contents::Bytes(segment.data.to_vec()) })
}

fn element_segment(segment: Element<'_>, tables: &[bool]) -> Option<Segment> {
    let active = match &segment.kind {
        ElementKind::Passive | ElementKind::Declared => None,
        ElementKind::Active { table_index, offset_expr } => {
            Some(active(table_index.unwrap_or(0), offset_expr, tables)?)
        }
    };
    let is_declared = matches!(segment.kind, ElementKind::Declared);
    let mut encoder = RoundtripReencoder;
    let (length, contents) = match segment.items {
        ElementItems::Functions(functions) => {
            let functions = functions.into_iter().collect::<Result<Vec<u32>, _>>().ok()?;
            (functions.len(), Contents::Functions(functions))
        }
        ElementItems::Expressions(ty, items) => {
            let mut expressions = Vec::new();
            for item in items {
                expressions.push(encoder.const_expr(item.ok()?).ok()?);
            }
            (expressions.len(), Contents::Expressions(encoder.ref_type(ty).ok()?, expressions))
        }
    };
    Some(Segment { active, is_declared, length: u32::try_from(length).ok()?, contents })
}
