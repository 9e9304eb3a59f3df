//! Opcodes, read from bytes and from names of the text format.

use std::collections::BTreeSet;

use wasm_encoder::Encode;
use wasmparser::{BinaryReader, CodeSectionReader};
use wassay_script::quoted;

use crate::module::{CODE, Sections, each_operator};

/// The opcode of an instruction: its first byte and, after a prefix, the number that follows (core
/// spec, section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opcode {
    /// The first byte.
    pub first: u8,
    /// The number after one of the prefixes 0xfb to 0xfe, else 0.
    pub number: u32,
}

/// The first prefix byte.
const FIRST_PREFIX: u8 = 0xfb;

/// The last prefix byte.
const LAST_PREFIX: u8 = 0xfe;

/// Immediates that complete an instruction in the text format; the first that parses is used.
const IMMEDIATES: [&str; 13] = [
    "",
    " 0",
    " 0 0",
    " 0 0 0",
    " (type 0)",
    " any",
    " 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
    " i64x2 0 0",
    " 0 (ref null any) (ref null any)",
    " 0 anyref",
    " (ref null any)",
    " (result i32)",
    " end",
];

impl Opcode {
    /// Reads the opcode of an instruction and returns its length in bytes.
    pub fn read(bytes: &[u8]) -> Option<(Opcode, usize)> {
        let first = *bytes.first()?;
        if !(FIRST_PREFIX..=LAST_PREFIX).contains(&first) {
            return Some((Opcode { first, number: 0 }, 1));
        }
        let mut reader = BinaryReader::new(bytes.get(1..)?, 0);
        let number = reader.read_var_u32().ok()?;
        Some((Opcode { first, number }, 1 + reader.current_position()))
    }

    /// Appends the encoded opcode.
    pub fn write(self, out: &mut Vec<u8>) {
        out.push(self.first);
        if (FIRST_PREFIX..=LAST_PREFIX).contains(&self.first) {
            self.number.encode(out);
        }
    }

    /// Looks up the opcode of an instruction in the text format, with or without immediates.
    pub fn named(text: &str) -> Option<Opcode> {
        let bytes = instruction(text)?;
        Opcode::read(&bytes).map(|(opcode, _)| opcode)
    }

    /// Returns the binary logarithm of the width of a memory access, or `None` for other
    /// instructions. In the text format the default alignment is the width.
    pub fn width(text: &str) -> Option<u32> {
        let bytes = instruction(text)?;
        let (opcode, length) = Opcode::read(&bytes)?;
        opcode.is_access().then(|| bytes.get(length).map(|flags| u32::from(flags & 0x3f)))?
    }

    /// Whether the immediates of the instruction begin with a memory argument (core spec, section
    /// 5.4, memory instructions).
    pub fn is_access(self) -> bool {
        match (self.first, self.number) {
            (0x28..=0x3e, _) => true,
            (0xfd, 0..=11 | 84..=93) => true,
            (0xfe, number) => number != 3,
            _ => false,
        }
    }
}

/// Encodes an instruction of the text format, completed by default immediates if necessary.
fn instruction(text: &str) -> Option<Vec<u8>> {
    IMMEDIATES.iter().find_map(|immediates| {
        let module = format!(
            "(module (type (func)) (memory 1) (table 1 funcref) (tag) (func (param i32) (drop (block (result anyref) {text}{immediates} unreachable)) unreachable))"
        );
        let bytes = quoted(module.as_bytes()).ok()?;
        let body = first_body(&bytes)?;
        // The surrounding block, a label to branch to; its type takes two bytes.
        let inner = body.strip_prefix(&[0, 0x02, 0x6e])?;
        inner.strip_suffix(&[0x00, 0x0b, 0x1a, 0x00, 0x0b]).map(<[u8]>::to_vec)
    })
}

/// Returns the first function body of a module, including locals.
pub(crate) fn first_body(module: &[u8]) -> Option<Vec<u8>> {
    let sections = Sections::read(module)?;
    let code = CodeSectionReader::new(BinaryReader::new(sections.get(CODE)?, 0)).ok()?;
    let body = code.into_iter().next()?.ok()?;
    Some(body.as_bytes().to_vec())
}

/// Returns the opcodes that occur in function bodies and constant expressions of a module.
pub(crate) fn opcodes(module: &[u8]) -> Option<BTreeSet<Opcode>> {
    let sections = Sections::read(module)?;
    let mut found = BTreeSet::new();
    for (id, range) in sections.constant_operators()? {
        found.extend(sections.get(id)?.get(range).and_then(Opcode::read).map(|(opcode, _)| opcode));
    }
    if let Some(code) = sections.get(CODE) {
        for body in CodeSectionReader::new(BinaryReader::new(code, 0)).ok()? {
            let mut reader = body.ok()?.get_operators_reader().ok()?;
            each_operator(&mut reader, |range| {
                found.extend(code.get(range).and_then(Opcode::read).map(|(opcode, _)| opcode));
            })?;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_known_by_their_names() {
        for (name, first, number) in [
            ("i32.add", 0x6a, 0),
            ("i32.load8_s", 0x2c, 0),
            ("br_if", 0x0d, 0),
            ("br_table", 0x0e, 0),
            ("call_indirect", 0x11, 0),
            ("select", 0x1b, 0),
            ("i32.trunc_sat_f32_s", 0xfc, 0),
            ("memory.init", 0xfc, 8),
            ("table.init", 0xfc, 12),
            ("struct.get_s", 0xfb, 3),
            ("array.copy", 0xfb, 17),
            ("ref.test (ref any)", 0xfb, 20),
            ("ref.test (ref null any)", 0xfb, 21),
            ("br_on_cast", 0xfb, 24),
            ("i8x16.shuffle", 0xfd, 13),
            ("v128.const", 0xfd, 12),
            ("i8x16.extract_lane_s", 0xfd, 21),
            ("v128.load8_lane", 0xfd, 84),
            ("i32.atomic.rmw8.add_u", 0xfe, 0x20),
            ("throw", 0x08, 0),
            ("try_table", 0x1f, 0),
        ] {
            assert_eq!(Opcode::named(name), Some(Opcode { first, number }), "{name}");
        }
        assert_eq!(Opcode::named("i32.sum"), None);
        assert_eq!(Opcode::named(""), None);
    }

    #[test]
    fn accesses_have_a_width() {
        for (name, width) in
            [("i32.load8_u", 0), ("i64.store", 3), ("v128.load", 4), ("i64.atomic.rmw16.xchg_u", 1)]
        {
            assert_eq!(Opcode::width(name), Some(width), "{name}");
        }
        assert_eq!(Opcode::width("i32.add"), None);
    }

    #[test]
    fn opcodes_are_read_as_they_are_written() {
        for opcode in [Opcode { first: 0x6a, number: 0 }, Opcode { first: 0xfd, number: 0x113 }] {
            let mut bytes = Vec::new();
            opcode.write(&mut bytes);
            assert_eq!(Opcode::read(&bytes), Some((opcode, bytes.len())));
        }
        assert_eq!(Opcode::read(&[]), None);
        assert_eq!(Opcode::read(&[0xfd, 0x80]), None);
    }
}
