//! Faults in the immediates of instructions.

use serde::Deserialize;
use wasm_encoder::{Catch, Encode, Instruction, reencode::Reencode, reencode::RoundtripReencoder};
use wasmparser::{BinaryReader, Operator, OperatorsReader};

use crate::code::Site;

/// A fault in the immediates of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tweak {
    /// The offset of a memory argument is ignored.
    NoOffset,
    /// The offset of a memory argument is one too large.
    NextOffset,
    /// The memory of a memory argument is memory 0.
    FirstMemory,
    /// The lane is the neighbouring one: the last bit of its index is flipped.
    NeighbourLane,
    /// The first lane of a shuffle comes from the other vector.
    OtherVector,
    /// The first index, whatever it refers to, is 0.
    FirstIsZero,
    /// The second index is 0.
    SecondIsZero,
    /// The first index has its last bit flipped.
    FirstIsNeighbour,
    /// The second index has its last bit flipped.
    SecondIsNeighbour,
    /// The first index is one too large.
    FirstIsNext,
    /// The second index is one too large.
    SecondIsNext,
    /// The first two indices are exchanged.
    Exchanged,
    /// The first two labels of a `br_table` are exchanged.
    LabelsExchanged,
    /// A `br_table` lacks the last label before the default.
    LabelMissing,
    /// The clauses of a `try_table` are in the reverse order.
    ClausesReversed,
    /// A `try_table` lacks its first clause.
    FirstClauseMissing,
    /// A `try_table` lacks the clauses that catch everything.
    CatchAllMissing,
    /// The clauses of a `try_table` with a tag catch the previous tag.
    NeighbourTag,
    /// The nullability of the target of a cast is inverted.
    TargetNull,
    /// A 64-bit constant is replaced by its low half, sign-extended.
    LowHalf,
    /// A constant is one too large.
    NextNumber,
    /// A NaN is quieted.
    Quieted,
    /// A zero loses its sign.
    PositiveZero,
    /// A vector constant has its halves exchanged.
    HalvesExchanged,
    /// A vector constant has its last byte cleared.
    LastByteCleared,
}

impl Tweak {
    /// Encodes the instruction with altered immediates. Returns `None` if they would not change, or
    /// if the instruction has no immediates of that kind.
    pub(crate) fn apply(self, site: Site<'_>) -> Option<Vec<u8>> {
        let bytes = self.altered(site)?;
        (bytes != site.bytes).then_some(bytes)
    }

    fn altered(self, site: Site<'_>) -> Option<Vec<u8>> {
        match self {
            Tweak::NoOffset => access(site, |memory, _| (memory, 0)),
            Tweak::NextOffset => access(site, |memory, offset| (memory, offset.saturating_add(1))),
            Tweak::FirstMemory => access(site, |_, offset| (0, offset)),
            Tweak::NeighbourLane => last_byte(site, |lane| lane ^ 1),
            Tweak::OtherVector => byte(site, 0, |lane| lane ^ 16),
            Tweak::FirstIsZero => index(site, 0, |_| Some(0)),
            Tweak::SecondIsZero => index(site, 1, |_| Some(0)),
            Tweak::FirstIsNeighbour => index(site, 0, |index| Some(index ^ 1)),
            Tweak::SecondIsNeighbour => index(site, 1, |index| Some(index ^ 1)),
            Tweak::FirstIsNext => index(site, 0, |index| index.checked_add(1)),
            Tweak::SecondIsNext => index(site, 1, |index| index.checked_add(1)),
            Tweak::Exchanged => exchanged(site),
            Tweak::LabelsExchanged => labels(site, |labels| {
                if labels.len() > 2 {
                    labels.swap(0, 1);
                }
            }),
            Tweak::LabelMissing => labels(site, |labels| {
                if labels.len() > 1 {
                    labels.remove(labels.len() - 2);
                }
            }),
            Tweak::ClausesReversed => clauses(site, |clauses| clauses.reverse()),
            Tweak::FirstClauseMissing => clauses(site, |clauses| {
                if !clauses.is_empty() {
                    clauses.remove(0);
                }
            }),
            Tweak::CatchAllMissing => clauses(site, |clauses| {
                clauses.retain(|clause| !matches!(clause, Catch::All { .. } | Catch::AllRef { .. }));
            }),
            Tweak::NeighbourTag => clauses(site, |clauses| {
                for clause in clauses {
                    if let Catch::One { tag, .. } | Catch::OneRef { tag, .. } = clause {
                        *tag ^= 1;
                    }
                }
            }),
            Tweak::TargetNull => byte(site, 0, |flags| flags ^ 2),
            Tweak::LowHalf => number(site, |number| i64::from(i32::from_le_bytes(low(number)))),
            Tweak::NextNumber => number(site, |number| number.wrapping_add(1)),
            Tweak::Quieted => float(site, |bits, quiet, is_nan| if is_nan { bits | quiet } else { bits }),
            Tweak::PositiveZero => float(site, |bits, quiet, _| match bits.trailing_zeros() {
                31 if quiet < 1 << 31 => 0,
                63 => 0,
                _ => bits,
            }),
            Tweak::HalvesExchanged => vector(site, |bytes| bytes.rotate_left(8)),
            Tweak::LastByteCleared => vector(site, |bytes| bytes[15] = 0),
        }
    }
}

fn low(number: i64) -> [u8; 4] {
    let [a, b, c, d, ..] = number.to_le_bytes();
    [a, b, c, d]
}

/// Encodes the opcode of an instruction without its immediates.
fn head(site: Site<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    site.opcode.write(&mut out);
    out
}

/// Encodes a memory access with another memory and offset.
fn access(site: Site<'_>, alter: impl FnOnce(u32, u64) -> (u32, u64)) -> Option<Vec<u8>> {
    if !site.opcode.is_access() {
        return None;
    }
    let immediates = site.immediates();
    let mut reader = BinaryReader::new(immediates, 0);
    let flags = reader.read_var_u32().ok()?;
    let memory = if flags & 0x40 == 0 { 0 } else { reader.read_var_u32().ok()? };
    let (memory, offset) = alter(memory, reader.read_var_u64().ok()?);
    let rest = immediates.get(reader.current_position()..)?;
    let mut out = head(site);
    match memory {
        0 => (flags & !0x40).encode(&mut out),
        memory => {
            (flags | 0x40).encode(&mut out);
            memory.encode(&mut out);
        }
    }
    offset.encode(&mut out);
    out.extend_from_slice(rest);
    Some(out)
}

/// Encodes an instruction with another index. All immediates before it must be indices.
fn index(site: Site<'_>, number: usize, alter: impl FnOnce(u32) -> Option<u32>) -> Option<Vec<u8>> {
    let immediates = site.immediates();
    let mut reader = BinaryReader::new(immediates, 0);
    let mut out = head(site);
    for _ in 0..number {
        reader.read_var_u32().ok()?.encode(&mut out);
    }
    alter(reader.read_var_u32().ok()?)?.encode(&mut out);
    out.extend_from_slice(immediates.get(reader.current_position()..)?);
    Some(out)
}

fn exchanged(site: Site<'_>) -> Option<Vec<u8>> {
    let immediates = site.immediates();
    let mut reader = BinaryReader::new(immediates, 0);
    let (first, second) = (reader.read_var_u32().ok()?, reader.read_var_u32().ok()?);
    let mut out = head(site);
    second.encode(&mut out);
    first.encode(&mut out);
    out.extend_from_slice(immediates.get(reader.current_position()..)?);
    Some(out)
}

/// Encodes an instruction with another byte at a position of its immediates.
fn byte(site: Site<'_>, at: usize, alter: impl FnOnce(u8) -> u8) -> Option<Vec<u8>> {
    let mut out = head(site);
    let start = out.len();
    out.extend_from_slice(site.immediates());
    let byte = out.get_mut(start + at)?;
    *byte = alter(*byte);
    Some(out)
}

fn last_byte(site: Site<'_>, alter: impl FnOnce(u8) -> u8) -> Option<Vec<u8>> {
    byte(site, site.immediates().len().checked_sub(1)?, alter)
}

/// Encodes a `br_table` with other labels; the last one is the default.
fn labels(site: Site<'_>, alter: impl FnOnce(&mut Vec<u32>)) -> Option<Vec<u8>> {
    let mut reader = BinaryReader::new(site.immediates(), 0);
    let count = reader.read_var_u32().ok()?;
    let mut labels = (0..=count).map(|_| reader.read_var_u32()).collect::<Result<Vec<u32>, _>>().ok()?;
    alter(&mut labels);
    let mut out = head(site);
    labels.len().checked_sub(1)?.encode(&mut out);
    labels.iter().for_each(|label| label.encode(&mut out));
    Some(out)
}

/// Encodes a `try_table` with other clauses.
fn clauses(site: Site<'_>, alter: impl FnOnce(&mut Vec<Catch>)) -> Option<Vec<u8>> {
    let mut reader = OperatorsReader::new(BinaryReader::new(site.bytes, 0));
    let Operator::TryTable { try_table } = reader.read().ok()? else { return None };
    let mut encoder = RoundtripReencoder;
    let ty = encoder.block_type(try_table.ty).ok()?;
    let mut clauses = try_table
        .catches
        .into_iter()
        .map(|clause| encoder.catch(clause))
        .collect::<Result<Vec<_>, _>>()
        .ok()?;
    alter(&mut clauses);
    let mut out = Vec::new();
    Instruction::TryTable(ty, clauses.into()).encode(&mut out);
    Some(out)
}

/// Encodes an integer constant with another value.
fn number(site: Site<'_>, alter: impl FnOnce(i64) -> i64) -> Option<Vec<u8>> {
    let mut reader = BinaryReader::new(site.immediates(), 0);
    let mut out = Vec::new();
    match site.opcode.first {
        0x41 => {
            let altered = alter(i64::from(reader.read_var_i32().ok()?));
            Instruction::I32Const(i32::from_le_bytes(low(altered))).encode(&mut out);
        }
        0x42 => Instruction::I64Const(alter(reader.read_var_i64().ok()?)).encode(&mut out),
        _ => return None,
    }
    Some(out)
}

/// Encodes a float constant with other bits. The function gets the bits, the quiet bit, and whether
/// the value is a NaN.
fn float(site: Site<'_>, alter: impl FnOnce(u64, u64, bool) -> u64) -> Option<Vec<u8>> {
    let immediates = site.immediates();
    let mut out = head(site);
    match site.opcode.first {
        0x43 => {
            let bits = u32::from_le_bytes(immediates.try_into().ok()?);
            let altered = alter(u64::from(bits), 1 << 22, f32::from_bits(bits).is_nan());
            out.extend_from_slice(altered.to_le_bytes().get(..4)?);
        }
        0x44 => {
            let bits = u64::from_le_bytes(immediates.try_into().ok()?);
            out.extend_from_slice(&alter(bits, 1 << 51, f64::from_bits(bits).is_nan()).to_le_bytes());
        }
        _ => return None,
    }
    Some(out)
}

fn vector(site: Site<'_>, alter: impl FnOnce(&mut [u8; 16])) -> Option<Vec<u8>> {
    let mut bytes: [u8; 16] = site.immediates().try_into().ok()?;
    alter(&mut bytes);
    let mut out = head(site);
    out.extend_from_slice(&bytes);
    Some(out)
}

#[cfg(test)]
mod tests {
    use wassay_script::quoted;

    use super::*;
    use crate::code::rewrite;

    /// Asserts that a tweak of all instructions except `local.get` changes one body to another.
    fn becomes(tweak: Tweak, body: &str, expected: &str) {
        let module = |body: &str| {
            let text = format!(
                "(module (type (func)) (memory 1) (memory 1) (tag) (tag) (global i32 (i32.const 0)) (global i32 (i32.const 0)) (func (local i32 v128) {body}))"
            );
            quoted(text.as_bytes()).unwrap()
        };
        let of_local = |site: Site<'_>| site.opcode.first == 0x20;
        let rewritten =
            rewrite(&module(body), &|site, _| if of_local(site) { None } else { tweak.apply(site) });
        assert_eq!(rewritten, Some(module(expected)), "{tweak:?}");
    }

    #[test]
    fn immediates_are_altered_and_the_rest_stays() {
        becomes(
            Tweak::NoOffset,
            "(drop (i32.load 1 offset=300 align=2 (i32.const 0)))",
            "(drop (i32.load 1 align=2 (i32.const 0)))",
        );
        becomes(
            Tweak::FirstMemory,
            "(drop (i32.load 1 offset=3 (i32.const 0)))",
            "(drop (i32.load offset=3 (i32.const 0)))",
        );
        becomes(
            Tweak::NeighbourLane,
            "(drop (i8x16.extract_lane_s 3 (local.get 1)))",
            "(drop (i8x16.extract_lane_s 2 (local.get 1)))",
        );
        becomes(
            Tweak::LabelMissing,
            "block block (br_table 0 1 1 0 (local.get 0)) end end",
            "block block (br_table 0 1 0 (local.get 0)) end end",
        );
        becomes(
            Tweak::ClausesReversed,
            "(block (try_table (catch 0 0) (catch_all 0)))",
            "(block (try_table (catch_all 0) (catch 0 0)))",
        );
        becomes(
            Tweak::CatchAllMissing,
            "(block (try_table (catch 0 0) (catch_all 0)))",
            "(block (try_table (catch 0 0)))",
        );
        becomes(Tweak::LowHalf, "(drop (i64.const 0x1_8000_0000))", "(drop (i64.const -0x8000_0000))");
        becomes(Tweak::Quieted, "(drop (f32.const nan:0x1))", "(drop (f32.const nan:0x400001))");
        becomes(Tweak::PositiveZero, "(drop (f64.const -0))", "(drop (f64.const 0))");
        becomes(Tweak::PositiveZero, "(drop (f32.const -0))", "(drop (f32.const 0))");
        becomes(Tweak::FirstIsNeighbour, "(drop (global.get 1))", "(drop (global.get 0))");
    }

    #[test]
    fn tweaks_without_effect_return_none() {
        let module = quoted(b"(module (memory 1) (func (drop (i32.load (i32.const 0)))))").unwrap();
        for tweak in [Tweak::NoOffset, Tweak::FirstMemory, Tweak::Quieted, Tweak::LabelMissing] {
            assert_eq!(rewrite(&module, &|site, _| tweak.apply(site)), None, "{tweak:?}");
        }
    }
}
