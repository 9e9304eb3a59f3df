//! The one table of error texts: the specification's rules, each with the texts that say it is broken.
//!
//! `spec` are the texts of scripts (the reference interpreter's, over the years), `ours` those of `wast` (text), `wasmparser` (binary and
//! validation) and the engine (linking and execution). `#` stands for a number, `*` for anything. A text may stand under several
//! rules: scripts write `out of bounds` for three traps.
//!
//! An entry is one rule. Those under "Another rule first" join two: the module breaks both, and the libraries used here tell of
//! the other one than the reference interpreter does; each says how that comes.

/// A rule and the texts that stand for it.
pub(crate) struct Rule {
    /// As scripts write it.
    pub(crate) spec: &'static [&'static str],
    /// As the libraries write it.
    pub(crate) ours: &'static [&'static str],
}

const fn rule(spec: &'static [&'static str], ours: &'static [&'static str]) -> Rule {
    Rule { spec, ours }
}

/// The rules.
pub(crate) const RULES: &[Rule] = &[
    // Characters and tokens of the text format (core spec, section 6.2 and 6.3).
    rule(&["illegal character"], &["unexpected character *"]),
    rule(
        &["malformed UTF-8 encoding", "malformed UTF-8", "invalid UTF-8 encoding"],
        &["malformed UTF-8 encoding*"],
    ),
    rule(&["empty identifier"], &["empty identifier"]),
    rule(&["empty annotation id"], &["empty annotation id"]),
    rule(&["unclosed string"], &["unexpected end-of-file"]),
    rule(&["unclosed annotation"], &["unclosed annotation"]),
    rule(
        &[
            "constant out of range",
            "i8 constant out of range",
            "i32 constant out of range",
            "i32 constant",
            "i64 constant out of range",
        ],
        &[
            "invalid * number: constant out of range",
            "invalid float value: constant out of range",
            "u64 constant out of range",
        ],
    ),
    // The grammar of the text format. The interpreter's lexer knows all keywords and calls any other an unknown operator; `wast` tells in
    // both cases what it expected.
    rule(&["unexpected token", "unknown operator", "unknown operator *"], SYNTAX),
    rule(&["result before parameter"], &["result before parameter*"]),
    rule(
        &["wrong number of lane literals", "invalid lane length", "wrong number of lane indices"],
        LANE_COUNT,
    ),
    rule(
        &["malformed lane index", "i8 constant out of range"],
        &["malformed lane index", "invalid u8 number: constant out of range"],
    ),
    rule(&["alignment", "alignment must be a power of two"], &["alignment must be a power of two"]),
    rule(&["mismatching label"], &["mismatching labels between end and block"]),
    rule(&["inline function type"], &["inline function type doesn't match type reference"]),
    rule(&["import after function"], &["import after function"]),
    rule(&["import after global"], &["import after global"]),
    rule(&["import after memory"], &["import after memory"]),
    rule(&["import after table"], &["import after table"]),
    rule(&["import after tag"], &["import after tag"]),
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
    rule(&["multiple start sections"], &["multiple start sections*"]),
    rule(&["invalid custom page size"], &["invalid custom page size*"]),
    // Annotations (appendix "Custom Sections and Annotations").
    rule(&["@custom annotation: malformed UTF-8 encoding"], &["malformed UTF-8 encoding"]),
    rule(&["@custom annotation: malformed placement"], &["unexpected token, expected `before` or `after`"]),
    rule(&["@custom annotation: malformed section kind"], &["expected a valid section name"]),
    rule(
        &["@custom annotation: missing section name", "@custom annotation: unexpected token"],
        &["expected a string"],
    ),
    rule(&["misplaced @custom annotation"], SYNTAX),
    rule(
        &["@name annotation: multiple module", "@metadata.code.branch_hint annotation: not in a function"],
        SYNTAX,
    ),
    rule(&["misplaced @name annotation", "@name annotation: misplaced annotation"], SYNTAX),
    rule(
        &["@name annotation: string expected", "@metadata.code.branch_hint annotation: unexpected token"],
        &["expected a string"],
    ),
    rule(&["@name annotation: unexpected token"], SYNTAX),
    rule(
        &["@metadata.code.branch_hint annotation: duplicate annotation"],
        &["@metadata.code.branch_hint annotation: duplicate annotation"],
    ),
    rule(
        &["@metadata.code.branch_hint annotation: invalid placement"],
        &["@metadata.code.branch_hint annotation: must precede an instruction"],
    ),
    rule(&["@metadata.code.branch_hint annotation: invalid hint value"], &["invalid value for branch hint"]),
    // Custom sections (the same appendix). The interpreter names the annotation where the section is invalid, in the binary format too.
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
    rule(&["custom @name: invalid function index #"], &["name section: there is no function # here"]),
    rule(&["custom @name: invalid type index #"], &["name section: there is no type # here"]),
    rule(
        &["custom @name: invalid local index # for function #"],
        &["name section: there is no local # here"],
    ),
    rule(
        &["custom @name: invalid field index # for type #", "custom @name: non-struct type #"],
        &["name section: there is no field # here"],
    ),
    // The binary format (core spec, section 5).
    rule(&["magic header not detected"], &["magic header not detected*"]),
    rule(&["unknown binary version"], &["unknown binary version*"]),
    rule(
        &["unexpected end", "unexpected end of section or function", "length out of bounds"],
        &["unexpected end-of-file"],
    ),
    rule(&["END opcode expected"], &["control frames remain at end of function body or expression"]),
    rule(&["section size mismatch"], &["section size mismatch*", "trailing bytes at end of section"]),
    rule(&["malformed section id", "invalid section id"], &["malformed section id*"]),
    rule(&["unexpected content after last section", "junk after last section"], &["section out of order"]),
    rule(
        &["function and code section have inconsistent lengths"],
        &[
            "function and code section have inconsistent lengths",
            "function section has non-zero count but code section is absent",
            "function section is absent but code section has non-zero count",
        ],
    ),
    rule(
        &["data count and data section have inconsistent lengths"],
        &[
            "data count and data section have inconsistent lengths",
            "data count is non-zero but data section is absent",
        ],
    ),
    rule(&["data count section required"], &["data count section required"]),
    rule(&["integer representation too long"], &["invalid *: integer representation too long"]),
    rule(&["integer too large"], &["invalid *: integer too large"]),
    rule(&["too many locals"], &["too many locals*"]),
    rule(&["illegal opcode", "illegal opcode #"], &["illegal opcode: #"]),
    rule(&["zero byte expected", "zero flag expected"], &["zero byte expected"]),
    rule(&["malformed import kind"], &["invalid leading byte (#) for external kind"]),
    rule(
        &["malformed export kind"],
        &["invalid leading byte (#) for external kind", "Exact type is not allowed in the exports"],
    ),
    rule(
        &["malformed limits flags"],
        &["invalid memory limits flags", "invalid table resizable limits flags"],
    ),
    rule(
        &["malformed mutability", "invalid mutability"],
        &["malformed global flags", "malformed mutability byte for field type"],
    ),
    rule(&["malformed reference type"], &["malformed reference type"]),
    rule(&["malformed definition type", "invalid value type"], &["invalid leading byte (#) for type"]),
    rule(&["malformed storage type"], &["unexpected exact type"]),
    rule(&["malformed memop flags"], &["malformed memop: reserved flags bits set"]),
    rule(&["malformed elements segment kind"], &["invalid flags byte in element segment"]),
    // Validation: indices (core spec, section 3.1).
    rule(&["unknown type", "unknown type #"], &["unknown type*"]),
    rule(&["unknown function", "unknown function #"], &["unknown function*"]),
    rule(&["unknown table", "unknown table #"], &["unknown table*"]),
    rule(&["unknown memory", "unknown memory #"], &["unknown memory*"]),
    rule(&["unknown global", "unknown global #"], &["unknown global*"]),
    rule(&["unknown tag", "unknown tag #"], &["unknown tag*"]),
    rule(&["unknown local", "unknown local #"], &["unknown local*"]),
    rule(&["unknown label", "unknown label #"], &["unknown label*"]),
    rule(&["unknown data segment", "unknown data segment #"], &["unknown data segment*"]),
    rule(&["unknown elem segment", "unknown elem segment #"], &["unknown elem segment*"]),
    rule(&["undeclared function reference"], &["undeclared function reference"]),
    rule(&["uninitialized local"], &["uninitialized local*"]),
    // Validation: types (sections 3.2 to 3.4).
    rule(&["type mismatch*"], TYPE_MISMATCH),
    rule(&["invalid result arity"], &["invalid result arity"]),
    rule(&["sub type", "sub type # does not match super type #"], SUBTYPE),
    rule(&["array types do not match"], &["array types do not match*"]),
    rule(
        &["array type is not numeric or vector"],
        &["invalid array.init_data: array type is not numeric or vector"],
    ),
    rule(&["immutable array"], &["invalid array modification: array is immutable"]),
    rule(&["immutable field"], &["invalid struct modification: struct field is immutable"]),
    rule(&["global is immutable", "immutable global"], &["global is immutable*"]),
    rule(&["constant expression required"], &["constant expression required*"]),
    rule(&["alignment must not be larger than natural"], &["*alignment must not be larger than natural"]),
    rule(&["offset out of range"], &["offset out of range*"]),
    rule(&["invalid lane index"], &["SIMD index out of bounds"]),
    rule(&["invalid rethrow label"], &["invalid rethrow label*"]),
    rule(&["non-empty tag result type"], &["invalid exception type: non-empty tag result type"]),
    // Validation: modules (section 3.5).
    rule(
        &["size minimum must not be greater than maximum"],
        &["size minimum must not be greater than maximum"],
    ),
    rule(
        &["memory size", "memory size must be at most", "memory size must be at most 65536 pages (4GiB)"],
        &["memory size must be at most # #-byte pages"],
    ),
    rule(&["table size", "table size must be at most 2^32-1"], &["table size must be at most # entries"]),
    rule(&["shared memory must have maximum"], &["shared memory must have maximum size"]),
    rule(&["multiple memories"], &["multiple memories"]),
    rule(&["multiple tables"], &["multiple tables"]),
    rule(&["start function"], &["invalid start function type"]),
    rule(&["duplicate export name"], &["duplicate export name*"]),
    // Validation: custom descriptors (the proposal's overview).
    rule(&["described type # does not match"], &["supertype of descriptor does not match"]),
    rule(
        &["descriptor type # does not match"],
        &["supertype of described type must be described by supertype of descriptor"],
    ),
    rule(
        &["described type is not described by descriptor", "described type is outside rec group"],
        &["describes with no matching descriptor"],
    ),
    rule(
        &["type is not described by its descriptor", "descriptor type is outside rec group"],
        &["descriptor with no matching describes"],
    ),
    rule(
        &["forward use of described type", "described type is outside rec group"],
        &["forward describes reference"],
    ),
    rule(&["described type must be a struct"], &["describes clause on non-struct type"]),
    rule(&["descriptor type must be a struct"], &["descriptor clause on non-struct type"]),
    rule(
        &[
            "type # does not have a descriptor",
            "type any does not have a descriptor",
            "type none does not have a descriptor",
        ],
        &["cast target must have descriptor", "unexpected heap type"],
    ),
    rule(&["type without descriptor"], &["expected type with descriptor"]),
    rule(
        &["type with descriptor requires descriptor allocation"],
        &["type with descriptor requires descriptor allocation*"],
    ),
    rule(
        &["type without descriptor requires non-descriptor allocation"],
        &[
            "invalid `struct.new_desc`: type # is not described",
            "invalid `struct.new_default_desc`: type # is not described",
        ],
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
    // No trap of the specification's: engines write it each in their own way.
    rule(&["allocation size too large", "requested new array is too large"], &["allocation size too large"]),
    rule(&["null i31 reference"], &["null i31 reference"]),
    rule(&["null exception reference"], &["null exception reference"]),
    rule(&["null descriptor reference"], &["null descriptor reference"]),
    rule(&["cast failure"], &["cast failure"]),
    rule(&["descriptor cast failure"], &["descriptor cast failure"]),
    rule(&["unaligned atomic"], &["unaligned atomic"]),
    rule(&["expected shared memory"], &["expected shared memory"]),
    rule(&["call stack exhausted"], &["call stack exhausted"]),
    //
    // Another rule first.
    //
    // `$"` and `@"` before a string with a control character: the interpreter takes the `$` for the whole identifier, `wast` reads the
    // string and rejects the character in it.
    rule(&["empty identifier", "empty annotation id"], &["invalid character in string *"]),
    // A lane index or literal that does not fit, or is none: `wast` names what it expected, or the range it left.
    rule(&["i8 constant out of range", "malformed lane index"], &["expected a u8"]),
    rule(
        &["unexpected token", "wrong number of lane literals"],
        &["invalid * number: constant out of range"],
    ),
    // `offset=-1`: the interpreter's lexer has no such token, `wast` reads the number and finds it out of range.
    rule(&["unknown operator"], &["u64 constant out of range"]),
    // A legacy `catch` outside `try`, or without legacy exceptions: `wast` parses it anywhere, the decoder finds it out of place.
    rule(
        &["unexpected token"],
        &["`*` found outside `LegacyTry` block", "legacy_exceptions feature required for * instruction"],
    ),
    // Text limits and offsets are 32-bit numbers where there is no 64-bit memory; `wast` reads 64 bits and leaves the rest to the decoder.
    rule(
        &["i32 constant", "i32 constant out of range"],
        &["invalid var_u32: integer too large", "table size must be at most # entries"],
    ),
    // Two start fields: `wast` writes two start sections.
    rule(&["multiple start sections"], &["section out of order"]),
    // A vector instruction beyond 255: the interpreter splits the text, `wast` its own way.
    rule(&["invalid lane length", "wrong number of lane indices"], &["expected an instruction"]),
    // `wasmparser` reads no byte beyond the section, function or module it is in, and says that it ends; the interpreter reads on and
    // judges the bytes it finds there.
    rule(
        &[
            "integer representation too long",
            "integer too large",
            "malformed limits flags",
            "malformed section id",
            "invalid section id",
            "malformed import kind",
            "malformed mutability",
            "invalid mutability",
            "malformed elements segment kind",
            "invalid value type",
            "illegal opcode",
        ],
        &["unexpected end-of-file"],
    ),
    // A body without its `end`: the interpreter takes the next section's byte for one and then counts wrong, or runs into the end;
    // `wasmparser` misses the `end`.
    rule(
        &["section size mismatch", "unexpected end", "unexpected end of section or function"],
        &["control frames remain at end of function body or expression"],
    ),
    // Two modules in one: the interpreter takes the second magic number for a section's length.
    rule(&["length out of bounds"], &["expected section, got wasm magic number"]),
    // A section twice, with other counts: `wasmparser` compares the counts first.
    rule(
        &["unexpected content after last section"],
        &["function and code section have inconsistent lengths"],
    ),
    // A single-byte field written as a longer number: the interpreter reads a number, `wasmparser` a byte that it does not know.
    rule(
        &["integer representation too long", "integer too large"],
        &[
            "invalid leading byte (#) for type",
            "invalid memory limits flags",
            "invalid table resizable limits flags",
        ],
    ),
    // An exact type where none may stand leaves bytes over.
    rule(&["malformed storage type"], &["section size mismatch*"]),
    // An alignment of 2^32 and more: the interpreter for 2.0 rejects the field, `wasmparser` the alignment.
    rule(&["malformed memop flags"], &["*alignment must not be larger than natural"]),
    // The wrong type in an element segment's expression, which is no constant one either.
    rule(&["constant expression required"], &["type mismatch: expected funcref, found i32"]),
    // A descriptor that is not defined yet.
    rule(&["descriptor type is outside rec group"], &["unknown type #: type index out of bounds"]),
    LATER_CONSTANT,
    // Without the feature the grammar has no such opcode, type or flag.
    rule(
        &[
            "unexpected token",
            "unknown operator",
            "unknown operator *",
            "illegal opcode",
            "illegal opcode #",
            "malformed mutability",
            "invalid mutability",
            "malformed limits flags",
            "malformed reference type",
            "malformed definition type",
            "malformed section id",
        ],
        WANT_OF_A_FEATURE,
    ),
];

/// What `wast` says of tokens that the grammar does not derive.
const SYNTAX: &[&str] = &[
    "expected `*`",
    "expected a *",
    "expected an *",
    "expected valid module field",
    "unexpected token",
    "unexpected token, expected *",
    "unknown operator or unexpected token",
    "result before parameter (or unexpected token): *",
    "extra tokens remaining after parse",
];

/// What `wast` says where a lane is missing or one too many.
const LANE_COUNT: &[&str] = &[
    "expected a u8",
    "expected a i8",
    "expected a i16",
    "expected a i32",
    "expected a i64",
    "expected a float",
    "expected an instruction",
];

const TYPE_MISMATCH: &[&str] =
    &["type mismatch*", "invalid array.init_elem instruction: element segment # type mismatch: *"];

const SUBTYPE: &[&str] = &[
    "sub type must match super type",
    "sub type cannot have a final super type",
    "sub type with descriptor must have super type with descriptor",
    "supertype of descriptor must be a descriptor",
    "supertype of non-descriptor type cannot be a descriptor",
    "supertype of type without descriptor cannot have descriptor",
];

/// Texts that say that a module uses a feature which is switched off.
pub(crate) const WANT_OF_A_FEATURE: &[&str] = &[
    "* support is not enabled",
    "* proposal not enabled",
    "* feature is not enabled",
    "* require the * proposal",
    "* requires the * proposal",
    "* requires `*` proposal to be enabled",
    "* feature required for * instruction",
    "* not supported without the * feature",
    "function references required for index reference types",
    "heap types not supported without the gc feature",
];

/// Rules of the grammar, by which scripts call a module malformed, that the validator holds here.
pub(crate) const HELD_BY_VALIDATOR: &[Rule] = &[
    rule(&["malformed section id", "invalid section id"], &["malformed section id*"]),
    rule(&["data count section required"], &["data count section required"]),
    rule(&["malformed memop flags"], &["*alignment must not be larger than natural"]),
    rule(&["multiple start sections"], &["multiple start sections*"]),
    rule(&["i32 constant", "i32 constant out of range"], &["table size must be at most # entries"]),
    LATER_CONSTANT,
];

/// An opcode of 3.0 in a constant expression of 2.0: `wasmparser` decodes every instruction that it knows and leaves features to the
/// validator, which says of these expressions only that the instruction is none of theirs.
const LATER_CONSTANT: Rule = rule(
    &["illegal opcode", "illegal opcode #"],
    &["constant expression required: non-constant operator: visit_ref_eq"],
);
