//! Element and data segments (core spec, sections 2.5.7 and 2.5.8).

use std::ops::Range;

use wasmparser::BinaryReader;

use super::const_expr::ConstExpr;

/// The mode of an element segment.
#[derive(Clone, Debug)]
pub(crate) enum SegmentMode {
    /// Copied to an offset in a table at instantiation.
    Active { target: u32, offset: ConstExpr },
    /// Copied by instructions.
    Passive,
    /// Only declares functions that references can point to.
    Declared,
}

/// The contents of an element segment.
#[derive(Clone, Debug)]
pub(crate) enum ElementItems {
    /// Function indices.
    Functions(Box<[u32]>),
    /// Constant expressions.
    Expressions(Box<[ConstExpr]>),
}

impl ElementItems {
    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        match self {
            ElementItems::Functions(items) => items.len(),
            ElementItems::Expressions(items) => items.len(),
        }
    }
}

/// An element segment.
#[derive(Clone, Debug)]
pub(crate) struct ElementSegment {
    pub(crate) mode: SegmentMode,
    pub(crate) items: ElementItems,
}

/// The mode of a data segment.
#[derive(Clone, Debug)]
pub(crate) enum DataMode {
    /// Copied to this offset of the first memory at instantiation, which has 32-bit addresses.
    Constant(u32),
    /// Copied to an offset in the memory with this index at instantiation.
    Active(Box<(u32, ConstExpr)>),
    /// Copied by instructions.
    Passive,
}

/// A data segment. Some modules have tens of thousands, so that their size matters.
#[derive(Clone, Debug)]
pub(crate) struct DataSegment {
    pub(crate) mode: DataMode,
    /// The offset of its bytes in the module.
    start: usize,
    length: u32,
}
const _: () = assert!(size_of::<DataSegment>() == 32);

impl DataSegment {
    /// A segment with these bytes of the module. A section, and so a segment, has less than 4 GiB.
    pub(super) fn new(mode: DataMode, bytes: Range<usize>) -> DataSegment {
        DataSegment { mode, start: bytes.start, length: bytes.len() as u32 }
    }

    /// Reads a segment in the first memory at a constant offset. For any other segment returns
    /// `None`, and leaves the reader as it is.
    pub(super) fn read_simple(reader: &mut BinaryReader<'_>) -> Option<DataSegment> {
        let mut rest = reader.clone();
        if rest.read_u8().ok()? != 0 {
            return None;
        }
        let mode = DataMode::Constant(ConstExpr::read_i32(&mut rest)?.cast_unsigned());
        let length = rest.read_var_u32().ok()? as usize;
        let start = rest.original_position() as usize;
        rest.read_bytes(length).ok()?;
        *reader = rest;
        Some(DataSegment::new(mode, start..start + length))
    }

    /// The range of its bytes in the module.
    pub(crate) fn bytes(&self) -> Range<usize> {
        self.start..self.start + self.length as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{decode, decode_again};
    use crate::engine::Engine;

    #[test]
    fn data_segments_of_each_form_are_read() {
        let text = r#"(module (memory 1) (memory i64 1) (global i32 (i32.const 3))
            (data (i32.const 1) "simple")
            (data "passive")
            (data (i32.const -2) "")
            (data (memory 1) (i64.const 5) "other memory")
            (data (i32.add (i32.const 1) (i32.const 2)) "sum")
            (data (global.get 0) "global")
            (data (i32.const 0x7fffffff) "last"))"#;
        let bytes = wat::parse_str(text).unwrap();
        let engine = Engine::new(&crate::Config::new()).unwrap();
        for decode_it in [decode, decode_again] {
            let info = decode_it(&bytes, engine.features(), engine.types(), None).unwrap().info;
            let found: Vec<_> = info
                .data
                .iter()
                .map(|segment| {
                    let mode = match &segment.mode {
                        DataMode::Active(active) => format!("{} {:?}", active.0, active.1.0),
                        mode => format!("{mode:?}"),
                    };
                    (mode, std::str::from_utf8(&bytes[segment.bytes()]).unwrap())
                })
                .collect();
            let expected = [
                ("Constant(1)", "simple"),
                ("Passive", "passive"),
                ("Constant(4294967294)", ""),
                ("1 [I64(5)]", "other memory"),
                ("0 [I32(1), I32(2), I32Add]", "sum"),
                ("0 [GlobalGet(0)]", "global"),
                ("Constant(2147483647)", "last"),
            ];
            assert_eq!(found, expected.map(|(mode, bytes)| (mode.to_owned(), bytes)));
        }
    }

    #[test]
    fn a_segment_that_is_cut_off_is_left_to_the_general_reader() {
        // Memory 0, `i32.const 300`, `end`, 2 bytes, and the next segment.
        let segment = [0, 0x41, 0xac, 0x02, 0x0b, 2, 7, 8, 0];
        for length in 0..segment.len() {
            let mut reader = BinaryReader::new(&segment[..length], 100);
            let read = DataSegment::read_simple(&mut reader);
            assert_eq!(read.is_some(), length == 8, "{length}");
            assert_eq!(reader.original_position(), if length == 8 { 108 } else { 100 });
            assert!(read.is_none_or(|segment| segment.bytes() == (106..108)));
        }
    }
}
