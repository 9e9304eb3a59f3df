//! The table of error texts: the specification's rules, each with the texts for breaking it.
//!
//! `spec` has the texts of scripts (those of all versions of the reference interpreter), `ours`
//! those of `wast` (text), `wasmparser` (binary and validation) and the engine (linking and
//! execution). `#` matches a number, `*` matches anything. A text may occur under several rules:
//! scripts use `out of bounds` for three traps.
//!
//! Rules of the binary format and of validation are identified by [`Rule`]; `NAMES` has further
//! texts for them.

use wassay_terms::Rule;

/// The texts for a rule.
#[derive(Debug)]
pub struct Texts {
    /// The texts in scripts.
    pub spec: &'static [&'static str],
    /// The texts of the libraries.
    pub ours: &'static [&'static str],
}

const fn rule(spec: &'static [&'static str], ours: &'static [&'static str]) -> Texts {
    Texts { spec, ours }
}

/// The rules.
pub const TEXTS: &[Texts] = &[
    // Characters and tokens of the text format (core spec, section 6.2 and 6.3).
    rule(&["illegal character"], &["unexpected character *"]),
    rule(
        &["malformed UTF-8 encoding", "malformed UTF-8", "invalid UTF-8 encoding"],
        &["malformed UTF-8 encoding*"],
    ),
    rule(&["empty identifier"], &["empty identifier*"]),
    rule(&["empty annotation id"], &["empty annotation id*"]),
    rule(&["unclosed string"], &["unclosed string*"]),
    rule(&["unclosed comment"], &["unclosed comment*"]),
    rule(&["illegal escape"], &["illegal escape*", "invalid unicode scalar value *"]),
    rule(
        &["illegal control character in string literal", "illegal control character"],
        &["illegal control character in string literal*"],
    ),
    rule(&["unclosed annotation"], &["unclosed annotation"]),
    // Numbers by width, which scripts may omit.
    rule(
        &["constant out of range", "i8 constant out of range"],
        &["invalid i8 number: constant out of range", "invalid u8 number: constant out of range"],
    ),
    rule(
        &["constant out of range", "i16 constant out of range"],
        &["invalid i16 number: constant out of range", "invalid u16 number: constant out of range"],
    ),
    rule(
        &["constant out of range", "i32 constant out of range", "i32 constant"],
        &["invalid i32 number: constant out of range", "invalid u32 number: constant out of range"],
    ),
    rule(
        &["constant out of range", "i64 constant out of range"],
        &["invalid i64 number: constant out of range", "invalid u64 number: constant out of range"],
    ),
    rule(&["constant out of range"], &["invalid float value: constant out of range"]),
    // The grammar of the text format: an unknown keyword, and a misplaced one (see
    // `malformed_text`). A script may name the keyword.
    rule(&["unknown operator"], &["unknown operator *"]),
    rule(&["unknown operator *"], &[]),
    rule(&["unexpected token"], &["unexpected token*"]),
    rule(&["result before parameter", "unexpected token"], &["result before parameter*"]),
    rule(&["wrong number of lane literals"], &["wrong number of lane literals*"]),
    rule(&["invalid lane length", "wrong number of lane indices"], &["invalid lane length*"]),
    rule(&["malformed lane index", "i8 constant out of range"], &["malformed lane index*"]),
    // Older versions first parse any number as a lane index, then check it.
    rule(
        &["unexpected token", "malformed lane index", "i8 constant out of range"],
        &["unexpected lane index*"],
    ),
    rule(&["alignment", "alignment must be a power of two"], &["alignment must be a power of two"]),
    rule(&["mismatching label"], &["mismatching labels between end and block"]),
    rule(&["inline function type"], &["inline function type doesn't match type reference"]),
    rule(&["import after function"], &["import after function"]),
    rule(&["import after global"], &["import after global"]),
    rule(&["import after memory"], &["import after memory"]),
    rule(&["import after table"], &["import after table"]),
    rule(&["import after tag"], &["import after tag"]),
    // Unbound identifiers, where `wast` uses its own names of index spaces.
    rule(&["unknown function", "unknown function $*"], &["unknown func: failed to find name *"]),
    rule(&["unknown data segment", "unknown data segment $*"], &["unknown data: failed to find name *"]),
    rule(&["unknown elem segment", "unknown elem segment $*"], &["unknown elem: failed to find name *"]),
    rule(
        &["unknown field", "unknown field $*"],
        &["unknown field: failed to find name *", "accessing a named field * without named fields*"],
    ),
    rule(&["multiple start sections"], &["multiple start sections"]),
    rule(&["duplicate func"], &["duplicate func identifier"]),
    rule(&["duplicate global"], &["duplicate global identifier"]),
    rule(&["duplicate local"], &["duplicate local identifier"]),
    rule(&["duplicate memory"], &["duplicate memory identifier"]),
    rule(&["duplicate table"], &["duplicate table identifier"]),
    rule(&["duplicate tag"], &["duplicate tag identifier"]),
    rule(&["duplicate type"], &["duplicate type identifier"]),
    rule(&["duplicate elem segment"], &["duplicate elem identifier"]),
    rule(&["duplicate data segment"], &["duplicate data identifier"]),
    rule(&["duplicate field"], &["duplicate identifier: duplicate field named *"]),
    rule(&["invalid custom page size"], &["invalid custom page size*"]),
    // Annotations (appendix "Custom Sections and Annotations").
    rule(
        &["@custom annotation: malformed UTF-8 encoding"],
        &["@custom annotation: malformed UTF-8 encoding"],
    ),
    rule(
        &["@custom annotation: malformed placement"],
        &["@custom annotation: unexpected token, expected `before` or `after`"],
    ),
    rule(
        &["@custom annotation: malformed section kind"],
        &["@custom annotation: expected a valid section name"],
    ),
    rule(&["@custom annotation: missing section name"], &["@custom annotation: expected a string"]),
    rule(&["@custom annotation: unexpected token"], &["@custom annotation: unexpected token*"]),
    rule(&["misplaced @custom annotation"], &["misplaced @custom annotation*"]),
    rule(&["@name annotation: multiple module"], &["@name annotation: multiple module*"]),
    rule(
        &["@metadata.code.branch_hint annotation: not in a function"],
        &["@metadata.code.branch_hint annotation: not in a function*"],
    ),
    rule(
        &["misplaced @name annotation", "@name annotation: misplaced annotation"],
        &["misplaced @name annotation*"],
    ),
    rule(&["@name annotation: string expected"], &["@name annotation: expected a string"]),
    rule(
        &["@metadata.code.branch_hint annotation: unexpected token"],
        &["@metadata.code.branch_hint annotation: expected a string"],
    ),
    rule(&["@name annotation: unexpected token"], &["@name annotation: unexpected token*"]),
    rule(
        &["@metadata.code.branch_hint annotation: duplicate annotation"],
        &["@metadata.code.branch_hint annotation: duplicate annotation"],
    ),
    rule(
        &["@metadata.code.branch_hint annotation: invalid placement"],
        &["@metadata.code.branch_hint annotation: must precede an instruction"],
    ),
    rule(
        &["@metadata.code.branch_hint annotation: invalid hint value"],
        &["@metadata.code.branch_hint annotation: invalid value for branch hint"],
    ),
    // Custom sections (the same appendix). The interpreter names the annotation if the section is
    // invalid, even in the binary format.
    rule(
        &["@metadata.code.branch_hint annotation: invalid target"],
        &["metadata.code.branch_hint section: invalid target*"],
    ),
    rule(
        &["@metadata.code.branch_hint annotation: invalid order"],
        &["metadata.code.branch_hint section: invalid order*"],
    ),
    rule(
        &["@metadata.code.branch_hint section: invalid offset"],
        &["metadata.code.branch_hint section: no instruction begins at offset # of the function"],
    ),
    rule(
        &["@metadata.code.branch_hint section: missing reserved byte"],
        &["metadata.code.branch_hint section: invalid leading byte (#) for invalid branch hint byte"],
    ),
    rule(
        &["@metadata.code.branch_hint section: invalid hint value"],
        &["metadata.code.branch_hint section: invalid leading byte (#) for invalid branch hint taken byte"],
    ),
    rule(&["malformed UTF-8 encoding"], &["name section: malformed UTF-8 encoding*"]),
    rule(&["unexpected end of name section"], &["* section: unexpected end-of-file"]),
    rule(
        &["invalid name subsection id"],
        &["name section: unknown subsection id #", "name section: name subsection out of order"],
    ),
    rule(
        &["name subsection size mismatch"],
        &["name section: trailing data at the end of a name", "name section: section size mismatch*"],
    ),
    rule(
        &["custom @name: multiple function or local names", "custom @name: multiple function names"],
        &["name section: names out of order", "name section: indirect names out of order"],
    ),
    rule(&["custom @name: invalid function index #"], &["name section: unknown function #"]),
    rule(&["custom @name: invalid type index #"], &["name section: unknown type #"]),
    rule(&["custom @name: invalid local index # for function #"], &["name section: unknown local #"]),
    rule(
        &["custom @name: invalid field index # for type #", "custom @name: non-struct type #"],
        &["name section: unknown field #"],
    ),
    // Linking (section 4.7.3).
    rule(&["unknown import"], &["unknown import*"]),
    rule(&["incompatible import type"], &["incompatible import type*"]),
    // Execution (section 4.6 and appendix "Implementation Limitations").
    rule(&["unreachable"], &["unreachable"]),
    rule(&["integer divide by zero"], &["integer divide by zero"]),
    rule(&["integer overflow"], &["integer overflow"]),
    rule(&["invalid conversion to integer"], &["invalid conversion to integer"]),
    rule(&["out of bounds memory access", "out of bounds"], &["out of bounds memory access"]),
    rule(&["out of bounds table access", "out of bounds"], &["out of bounds table access"]),
    rule(&["out of bounds array access", "out of bounds"], &["out of bounds array access"]),
    rule(
        &["undefined element", "undefined element #", "undefined"],
        &["undefined element", "undefined element #"],
    ),
    rule(
        &["uninitialized element", "uninitialized element #", "uninitialized"],
        &["uninitialized element", "uninitialized element #"],
    ),
    rule(&["indirect call type mismatch", "indirect call"], &["indirect call type mismatch"]),
    rule(&["null reference"], &["null reference"]),
    rule(&["null function reference"], &["null function reference"]),
    rule(&["null structure reference"], &["null structure reference"]),
    rule(&["null array reference"], &["null array reference"]),
    // Not a trap of the specification: each engine has its own text.
    rule(&["allocation size too large", "requested new array is too large"], &["allocation size too large"]),
    rule(&["null i31 reference"], &["null i31 reference"]),
    rule(&["null exception reference"], &["null exception reference"]),
    rule(&["null descriptor reference"], &["null descriptor reference"]),
    rule(&["cast failure"], &["cast failure"]),
    rule(&["descriptor cast failure"], &["descriptor cast failure"]),
    rule(&["unaligned atomic"], &["unaligned atomic"]),
    rule(&["expected shared memory"], &["expected shared memory"]),
    rule(&["call stack exhausted"], &["call stack exhausted"]),
];

/// Further texts in scripts for the rules of the binary format and of validation, from other
/// versions.
pub const NAMES: &[(Rule, &[&str])] = &[
    (Rule::UnexpectedEnd, &["unexpected end of section or function"]),
    (Rule::MalformedUtf8, &["malformed UTF-8", "invalid UTF-8 encoding"]),
    (Rule::MalformedValueType, &["invalid value type"]),
    (Rule::MalformedDefinitionType, &["malformed function type"]),
    (Rule::MalformedMutability, &["invalid mutability"]),
    (Rule::IllegalOpcode, &["illegal opcode #"]),
    (Rule::MalformedMemop, &["invalid memop flags"]),
    (Rule::ZeroByteExpected, &["zero flag expected"]),
    (Rule::MalformedSectionId, &["invalid section id"]),
    (Rule::UnexpectedContent, &["junk after last section"]),
    (Rule::UnknownType, &["unknown type #"]),
    (Rule::UnknownFunction, &["unknown function #"]),
    (Rule::UnknownTable, &["unknown table #"]),
    (Rule::UnknownMemory, &["unknown memory #"]),
    (Rule::UnknownGlobal, &["unknown global #"]),
    (Rule::UnknownTag, &["unknown tag #"]),
    (Rule::UnknownLocal, &["unknown local #"]),
    (Rule::UnknownLabel, &["unknown label #"]),
    (Rule::UnknownData, &["unknown data segment #"]),
    (Rule::UnknownElement, &["unknown elem segment #"]),
    (Rule::TypeMismatch, &["type mismatch*"]),
    (Rule::SubType, &["sub type # does not match super type #"]),
    (Rule::ImmutableGlobal, &["global is immutable"]),
    (Rule::MutableGlobal, &["mutable globals cannot be imported", "mutable globals cannot be exported"]),
    (Rule::MemorySize, &["memory size must be at most", "memory size must be at most 65536 pages (4GiB)"]),
    (Rule::TableSize, &["table size must be at most 2^32-1"]),
    (Rule::NotDefaultable, &["array type is not defaultable", "field type is not defaultable"]),
    (Rule::NotFunction, &["non-function type #"]),
    (Rule::NotStruct, &["non-structure type #"]),
    (Rule::NotArray, &["non-array type #"]),
    (Rule::ForwardSupertype, &["forward use of type #"]),
    (Rule::DescribedSupertype, &["described type # does not match"]),
    (Rule::DescriptorSupertype, &["descriptor type # does not match"]),
    (Rule::CastWithoutDescriptor, &["type # does not have a descriptor"]),
    (Rule::CastToAbstract, &["type any does not have a descriptor", "type none does not have a descriptor"]),
];

/// The texts in scripts for the rules of the binary format if the module is written as text: a text
/// that the grammar of an older version does not derive has an encoding that its binary grammar
/// does not derive.
pub const NAMES_IN_TEXT: &[(Rule, &[&str])] = &[
    // Limits, offsets and alignments are 32-bit numbers without memory64.
    (Rule::IntegerTooLarge, &["constant out of range", "i32 constant out of range", "i32 constant"]),
    // A keyword that the version does not have: its lexer reports an unknown operator.
    (Rule::IllegalOpcode, UNKNOWN_WORD),
    (Rule::MalformedValueType, UNKNOWN_WORD),
    (Rule::MalformedReferenceType, UNKNOWN_WORD),
    (Rule::MalformedHeapType, UNKNOWN_WORD),
    (Rule::MalformedBlockType, UNKNOWN_WORD),
    (Rule::MalformedDefinitionType, UNKNOWN_WORD),
    (Rule::MalformedLimits, UNKNOWN_WORD),
    (Rule::MalformedSectionId, UNKNOWN_WORD),
    (Rule::MalformedImportKind, UNKNOWN_WORD),
    (Rule::MalformedExportKind, UNKNOWN_WORD),
    (Rule::MalformedElementSegment, UNKNOWN_WORD),
    (Rule::MalformedDataSegment, UNKNOWN_WORD),
    // An existing keyword in a position that only a later version allows, whose encoding the
    // version interprets differently.
    (Rule::UnexpectedEnd, &["unexpected token"]),
    (Rule::LengthOutOfBounds, &["unexpected token"]),
    (Rule::SectionSizeMismatch, &["unexpected token"]),
    (Rule::ZeroByteExpected, &["unexpected token"]),
    (Rule::MalformedMemop, &["unexpected token"]),
    (Rule::EndExpected, &["unexpected token"]),
    (Rule::MisplacedClause, &["unexpected token"]),
    // The encoder orders all sections: only a start section can occur twice.
    (Rule::UnexpectedContent, &["multiple start sections"]),
    (Rule::MalformedPageSize, &["invalid custom page size"]),
];

const UNKNOWN_WORD: &[&str] = &["unknown operator", "unknown operator *", "unexpected token"];

/// The text of `wasmparser` for breaking one of these rules: it does not read beyond the end of a
/// section, function or module, and reports that end.
pub const VAGUE: &[(&str, &[Rule])] = &[(
    "unexpected end-of-file",
    &[
        Rule::IntegerTooLong,
        Rule::IntegerTooLarge,
        Rule::LengthOutOfBounds,
        Rule::SectionSizeMismatch,
        Rule::EndExpected,
        Rule::MalformedLimits,
        Rule::MalformedSectionId,
        Rule::MalformedImportKind,
        Rule::MalformedMutability,
        Rule::MalformedElementSegment,
        Rule::MalformedValueType,
        Rule::IllegalOpcode,
    ],
)];
