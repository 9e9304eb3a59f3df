//! Element and data segments (core spec, sections 2.5.7 and 2.5.8).

use std::ops::Range;

use wasmparser::BinaryReader;

use super::const_expr::ConstExpr;

/// The mode of a segment.
#[derive(Clone, Debug)]
pub(crate) enum SegmentMode {
    /// Copied to an offset in a table or memory at instantiation.
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

/// A data segment, by the range of its bytes in the module.
#[derive(Clone, Debug)]
pub(crate) struct DataSegment {
    pub(crate) mode: SegmentMode,
    pub(crate) bytes: Range<usize>,
}

impl DataSegment {
    /// Reads a segment in the first memory at a constant offset. Some modules have tens of
    /// thousands of them. For any other segment returns `None`, and leaves the reader as it is.
    pub(super) fn read_simple(reader: &mut BinaryReader<'_>) -> Option<DataSegment> {
        let mut rest = reader.clone();
        if rest.read_u8().ok()? != 0 {
            return None;
        }
        let mode = SegmentMode::Active { target: 0, offset: ConstExpr::read_constant(&mut rest)? };
        let length = rest.read_var_u32().ok()? as usize;
        let start = rest.original_position() as usize;
        rest.read_bytes(length).ok()?;
        *reader = rest;
        Some(DataSegment { mode, bytes: start..start + length })
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
                        SegmentMode::Active { target, offset } => format!("{target} {:?}", offset.0),
                        mode => format!("{mode:?}"),
                    };
                    (mode, std::str::from_utf8(&bytes[segment.bytes.clone()]).unwrap())
                })
                .collect();
            let expected = [
                ("0 [I32(1)]", "simple"),
                ("Passive", "passive"),
                ("0 [I32(-2)]", ""),
                ("1 [I64(5)]", "other memory"),
                ("0 [I32(1), I32(2), I32Add]", "sum"),
                ("0 [GlobalGet(0)]", "global"),
                ("0 [I32(2147483647)]", "last"),
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
            assert!(read.is_none_or(|segment| segment.bytes == (106..108)));
        }
    }
}
