//! Sections (core spec, section 5.5).

use wassay_engine::Rule;

use super::rows::{
    Bytes::{B, F, S},
    Kind,
    Kind::Invalid as I,
    Kind::Malformed as M,
    Kind::Valid as V,
    MEMORY, Row, TABLE,
};

const SECTION: Kind = M(Rule::MalformedSectionId);
const IMPORT: Kind = M(Rule::MalformedImportKind);

pub(crate) const ROWS: &[Row] = &[
    ("a data count", S(&[(12, "00")]), [SECTION, V, V]),
    ("a tag section", S(&[(1, "01 60 00 00"), (13, "01 00 00")]), [SECTION, SECTION, V]),
    ("a section of no version", S(&[(14, "00")]), [SECTION; 3]),
    ("an imported tag", S(&[(1, "01 60 00 00"), (2, "01 00 00 04 00 00")]), [IMPORT, IMPORT, V]),
    ("an exact import", S(&[(1, "01 60 00 00"), (2, "01 00 00 20 00")]), [IMPORT; 3]),
    ("a compact import", S(&[(2, "01 00 00 7f 00")]), [IMPORT; 3]),
    (
        "an exported tag",
        S(&[(1, "01 60 00 00"), (13, "01 00 00"), (7, "01 00 04 00")]),
        [SECTION, SECTION, V],
    ),
    (
        "an export of kind 4",
        S(&[(7, "01 00 04 00")]),
        [M(Rule::MalformedExportKind), M(Rule::MalformedExportKind), I(Rule::UnknownTag)],
    ),
    ("two memories", S(&[(5, "02 00 00 00 00")]), [I(Rule::MultipleMemories), I(Rule::MultipleMemories), V]),
    ("two tables", S(&[(4, "02 70 00 00 70 00 00")]), [I(Rule::MultipleTables), V, V]),
    ("an active element segment", S(&[TABLE, (9, "01 00 41 00 0b 00")]), [V; 3]),
    // In 1.0 the flags are a table index, and an expression follows.
    ("a passive element segment", S(&[(9, "01 01 00 00")]), [M(Rule::UnexpectedEnd), V, V]),
    (
        "an element segment of table 1",
        S(&[TABLE, (9, "01 01 41 00 0b 00")]),
        [I(Rule::UnknownTable), M(Rule::MalformedElementKind), M(Rule::MalformedElementKind)],
    ),
    (
        "an element segment with a table",
        S(&[TABLE, (9, "01 02 00 41 00 0b 00 00")]),
        [M(Rule::SectionSizeMismatch), V, V],
    ),
    (
        "an element segment of kind 8",
        S(&[TABLE, (9, "01 08 41 00 0b 00")]),
        [I(Rule::UnknownTable), M(Rule::MalformedElementSegment), M(Rule::MalformedElementSegment)],
    ),
    ("a passive data segment", S(&[(11, "01 01 00")]), [M(Rule::UnexpectedEnd), V, V]),
    (
        "a data segment of memory 1",
        S(&[MEMORY, (11, "01 01 41 00 0b 00")]),
        [I(Rule::UnknownMemory), M(Rule::LengthOutOfBounds), M(Rule::LengthOutOfBounds)],
    ),
    (
        "a data segment with a memory",
        S(&[MEMORY, (11, "01 02 00 41 00 0b 00")]),
        [I(Rule::UnknownMemory), V, V],
    ),
    (
        "an addition in a constant expression",
        S(&[(6, "01 7f 00 41 00 41 00 6a 0b")]),
        [I(Rule::ConstantRequired), I(Rule::ConstantRequired), V],
    ),
    (
        "ref.eq in a constant expression",
        S(&[(6, "01 7f 00 d0 6d d0 6d d3 0b")]),
        [M(Rule::IllegalOpcode), M(Rule::MalformedHeapType), I(Rule::ConstantRequired)],
    ),
    (
        "data.drop without a data count",
        F(&[(11, "01 01 00")], "fc 09 00"),
        [M(Rule::IllegalOpcode), M(Rule::DataCountRequired), M(Rule::DataCountRequired)],
    ),
    ("a component", B(b"\0asm\x0d\0\x01\0"), [M(Rule::UnknownVersion); 3]),
    ("another version of components", B(b"\0asm\x0e\0\x01\0"), [M(Rule::UnknownVersion); 3]),
    ("nothing", B(b""), [M(Rule::UnexpectedEnd); 3]),
    ("text", B(b"(module)"), [M(Rule::MissingMagic); 3]),
];
