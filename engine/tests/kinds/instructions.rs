//! Instructions (core spec, section 5.4).

use wassay_engine::Rule;

use super::rows::{
    Bytes::F, Kind, Kind::Invalid as I, Kind::Malformed as M, Kind::Valid as V, MEMORY, OPCODE, Row, TABLE,
    zeros,
};

const ZERO: Kind = M(Rule::ZeroByteExpected);

pub(crate) const ROWS: &[Row] = &[
    ("a block of no type", F(&[], "02 40 0b"), [V; 3]),
    ("a block of a type index", F(&[], "02 00 0b"), [M(Rule::MalformedBlockType), V, V]),
    ("a block of an overlong negative number", F(&[], "02 c0 7f 0b"), [M(Rule::MalformedBlockType); 3]),
    ("sign extension", F(&[], "41 00 c0 1a"), [OPCODE, V, V]),
    ("saturating truncation", F(&[], "43 00 00 00 00 fc 00 1a"), [OPCODE, V, V]),
    ("memory.copy", F(&[MEMORY], "41 00 41 00 41 00 fc 0a 00 00"), [OPCODE, V, V]),
    ("memory.fill", F(&[MEMORY], "41 00 41 00 41 00 fc 0b 00"), [OPCODE, V, V]),
    ("table.copy", F(&[TABLE], "41 00 41 00 41 00 fc 0e 00 00"), [OPCODE, V, V]),
    ("table.size", F(&[TABLE], "fc 10 00 1a"), [OPCODE, V, V]),
    ("table.get", F(&[TABLE], "41 00 25 00 1a"), [OPCODE, V, V]),
    ("select with a type", F(&[], "41 00 41 00 41 00 1c 01 7f 1a"), [OPCODE, V, V]),
    ("ref.null", F(&[], "d0 70 1a"), [OPCODE, V, V]),
    ("ref.null of any", F(&[], "d0 6e 1a"), [OPCODE, M(Rule::MalformedHeapType), V]),
    ("ref.null of a type index", F(&[], "d0 00 1a"), [OPCODE, M(Rule::MalformedHeapType), V]),
    ("ref.eq", F(&[], "d0 6d d0 6d d3 1a"), [OPCODE, M(Rule::MalformedHeapType), V]),
    ("ref.as_non_null", F(&[], "d0 70 d4 1a"), [OPCODE, OPCODE, V]),
    ("a vector", F(&[], concat!("fd 0c ", zeros!(), " 1a")), [OPCODE, V, V]),
    (
        "a relaxed vector instruction",
        F(&[], concat!("fd 0c ", zeros!(), " fd 0c ", zeros!(), " fd 80 02 1a")),
        [OPCODE, OPCODE, V],
    ),
    ("return_call", F(&[], "12 00"), [OPCODE, OPCODE, V]),
    ("call_ref", F(&[], "d0 00 14 00"), [OPCODE, M(Rule::MalformedHeapType), V]),
    ("throw_ref", F(&[], "d0 69 0a"), [OPCODE, M(Rule::MalformedHeapType), V]),
    ("try_table", F(&[], "1f 40 00 0b"), [OPCODE, OPCODE, V]),
    ("a legacy try", F(&[], "06 40 0b"), [OPCODE; 3]),
    ("a legacy catch_all", F(&[], "19"), [OPCODE; 3]),
    ("struct.new", F(&[], "fb 00 00"), [OPCODE, OPCODE, I(Rule::NotStruct)]),
    ("ref.i31", F(&[], "41 00 fb 1c 1a"), [OPCODE, OPCODE, V]),
    ("an atomic fence", F(&[], "fe 03 00"), [OPCODE; 3]),
    ("wide arithmetic", F(&[], "42 00 42 00 42 00 42 00 fc 13 1a 1a"), [OPCODE; 3]),
    ("a continuation", F(&[], "e0 00"), [OPCODE; 3]),
    ("the index of a memory in memory.size", F(&[MEMORY], "3f 01 1a"), [ZERO, ZERO, I(Rule::UnknownMemory)]),
    ("the same of two bytes", F(&[MEMORY], "3f 80 00 1a"), [ZERO, ZERO, V]),
    (
        "indices of two bytes in memory.copy",
        F(&[MEMORY], "41 00 41 00 41 00 fc 0a 80 00 00"),
        [OPCODE, ZERO, V],
    ),
    (
        "the index of a table in call_indirect",
        F(&[TABLE], "41 00 11 00 01"),
        [ZERO, I(Rule::UnknownTable), I(Rule::UnknownTable)],
    ),
    ("the same of two bytes", F(&[TABLE], "41 00 11 00 80 00"), [ZERO, V, V]),
    (
        "a memory argument with an index",
        F(&[MEMORY], "41 00 28 42 00 00 1a"),
        // Without the flag, the second byte is the offset and the third an instruction.
        [I(Rule::AlignmentTooLarge), M(Rule::MalformedMemop), V],
    ),
    (
        "an alignment of 2^32",
        F(&[MEMORY], "41 00 28 20 00 1a"),
        [I(Rule::AlignmentTooLarge), M(Rule::MalformedMemop), I(Rule::AlignmentTooLarge)],
    ),
    (
        "an offset of 33 bits",
        F(&[MEMORY], "41 00 28 02 80 80 80 80 10 1a"),
        [M(Rule::IntegerTooLarge), M(Rule::IntegerTooLarge), I(Rule::OffsetOutOfRange)],
    ),
    ("an opcode of no version", F(&[], "ff"), [OPCODE; 3]),
    ("an else outside if", F(&[], "02 40 05 0b"), [M(Rule::EndExpected); 3]),
];
