//! Types (core spec, section 5.3).

use wassay_engine::Rule;

use super::rows::{
    Bytes::S, DEFINITION, Kind, Kind::Invalid as I, Kind::Malformed as M, Kind::Valid as V, LIMITS, Row,
    VALUE,
};

const REFERENCE: Kind = M(Rule::MalformedReferenceType);

pub(crate) const ROWS: &[Row] = &[
    ("two results", S(&[(1, "01 60 00 02 7f 7f")]), [I(Rule::ResultArity), V, V]),
    ("v128", S(&[(1, "01 60 01 7b 00")]), [VALUE, V, V]),
    ("funcref", S(&[(1, "01 60 01 70 00")]), [VALUE, V, V]),
    ("externref", S(&[(1, "01 60 01 6f 00")]), [VALUE, V, V]),
    ("anyref", S(&[(1, "01 60 01 6e 00")]), [VALUE, VALUE, V]),
    ("exnref", S(&[(1, "01 60 01 69 00")]), [VALUE, VALUE, V]),
    ("(ref null func)", S(&[(1, "01 60 01 63 70 00")]), [VALUE, VALUE, V]),
    ("(ref func)", S(&[(1, "01 60 01 64 70 00")]), [VALUE, VALUE, V]),
    ("i8 as a value type", S(&[(1, "01 60 01 78 00")]), [VALUE, VALUE, VALUE]),
    ("contref", S(&[(1, "01 60 01 68 00")]), [VALUE, VALUE, VALUE]),
    ("a structure type", S(&[(1, "01 5f 00")]), [DEFINITION, DEFINITION, V]),
    ("an array type", S(&[(1, "01 5e 7f 00")]), [DEFINITION, DEFINITION, V]),
    ("a sub type", S(&[(1, "01 50 00 60 00 00")]), [DEFINITION, DEFINITION, V]),
    ("a final sub type", S(&[(1, "01 4f 00 60 00 00")]), [DEFINITION, DEFINITION, V]),
    ("a recursive group", S(&[(1, "01 4e 01 60 00 00")]), [DEFINITION, DEFINITION, V]),
    ("a continuation type", S(&[(1, "02 60 00 00 5d 00")]), [DEFINITION; 3]),
    ("a described type", S(&[(1, "01 4d 00 5f 00")]), [DEFINITION; 3]),
    ("a table of externref", S(&[(4, "01 6f 00 00")]), [REFERENCE, V, V]),
    ("a table of i32", S(&[(4, "01 7f 00 00")]), [REFERENCE; 3]),
    ("a table of (ref null func)", S(&[(4, "01 63 70 00 00")]), [REFERENCE, REFERENCE, V]),
    ("a table with an element", S(&[(4, "01 40 00 70 00 00 d0 70 0b")]), [REFERENCE, REFERENCE, V]),
    ("a 64-bit table", S(&[(4, "01 70 04 00")]), [LIMITS, LIMITS, V]),
    ("a 64-bit memory", S(&[(5, "01 04 00")]), [LIMITS, LIMITS, V]),
    ("a 64-bit memory with a maximum", S(&[(5, "01 05 00 00")]), [LIMITS, LIMITS, V]),
    ("a shared memory", S(&[(5, "01 03 00 01")]), [LIMITS; 3]),
    ("a shared memory without a maximum", S(&[(5, "01 02 00")]), [LIMITS; 3]),
    ("a page size", S(&[(5, "01 08 00 00")]), [LIMITS; 3]),
    ("a shared table", S(&[(4, "01 70 03 00 01")]), [LIMITS; 3]),
    ("flags of more than a byte", S(&[(5, "01 80 00 00")]), [LIMITS; 3]),
    (
        "a minimum of 33 bits",
        S(&[(5, "01 00 80 80 80 80 10")]),
        [M(Rule::IntegerTooLarge), M(Rule::IntegerTooLarge), I(Rule::MemorySize)],
    ),
    ("a shared global", S(&[(6, "01 7f 02 41 00 0b")]), [M(Rule::MalformedMutability); 3]),
    ("a mutable global that is imported", S(&[(2, "01 00 00 03 7f 01")]), [V; 3]),
];
