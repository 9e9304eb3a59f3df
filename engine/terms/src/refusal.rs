//! Maps error messages of `wasmparser` to rules.
//!
//! The library has one kind of error for every module that it rejects. Whether a module is
//! malformed or invalid is never inferred from these messages; the grammar decides that. They only
//! name the violated rule of validation, for comparison with the text in a test script.

use crate::rule::Rule;

/// Prefixes of messages about the grammar. Our own engine never reports these, but other engines
/// pass them on.
const GRAMMAR_PREFIXES: &[(&str, Rule)] = &[
    ("unexpected end-of-file", Rule::UnexpectedEnd),
    ("magic header not detected", Rule::MissingMagic),
    ("unknown binary version", Rule::UnknownVersion),
    ("malformed UTF-8 encoding", Rule::MalformedUtf8),
    ("section size mismatch", Rule::SectionSizeMismatch),
    ("trailing bytes at end of section", Rule::SectionSizeMismatch),
    ("malformed section id", Rule::MalformedSectionId),
    ("section out of order", Rule::UnexpectedContent),
    ("function and code section have inconsistent lengths", Rule::InconsistentFunctions),
    ("function section has non-zero count but code section is absent", Rule::InconsistentFunctions),
    ("function section is absent but code section has non-zero count", Rule::InconsistentFunctions),
    ("data count and data section have inconsistent lengths", Rule::InconsistentDataCount),
    ("data count is non-zero but data section is absent", Rule::InconsistentDataCount),
    ("data count section required", Rule::DataCountRequired),
    ("illegal opcode", Rule::IllegalOpcode),
    ("unknown 0x", Rule::IllegalOpcode),
    ("zero byte expected", Rule::ZeroByteExpected),
    ("invalid memory limits flags", Rule::MalformedLimits),
    ("invalid table resizable limits flags", Rule::MalformedLimits),
    ("malformed global flags", Rule::MalformedMutability),
    ("malformed mutability byte", Rule::MalformedMutability),
    ("malformed reference type", Rule::MalformedReferenceType),
    ("invalid value type", Rule::MalformedValueType),
    ("malformed memop", Rule::MalformedMemop),
    ("invalid flags byte in element segment", Rule::MalformedElementSegment),
    ("invalid flags byte in data segment", Rule::MalformedDataSegment),
    ("control frames remain at end of function body", Rule::EndExpected),
];

/// Suffixes of messages about the grammar.
const GRAMMAR_SUFFIXES: &[(&str, Rule)] = &[
    ("integer representation too long", Rule::IntegerTooLong),
    ("integer too large", Rule::IntegerTooLarge),
];

/// Prefixes of messages about validation.
const VALIDATION_PREFIXES: &[(&str, Rule)] = &[
    ("unknown type", Rule::UnknownType),
    ("unknown function", Rule::UnknownFunction),
    ("unknown table", Rule::UnknownTable),
    ("unknown memory", Rule::UnknownMemory),
    ("unknown global", Rule::UnknownGlobal),
    ("unknown tag", Rule::UnknownTag),
    ("unknown local", Rule::UnknownLocal),
    ("unknown label", Rule::UnknownLabel),
    ("unknown data segment", Rule::UnknownData),
    ("unknown elem segment", Rule::UnknownElement),
    ("unknown field", Rule::UnknownField),
    ("undeclared function reference", Rule::UndeclaredReference),
    ("uninitialized local", Rule::UninitializedLocal),
    ("type mismatch: array.new_data can only create arrays with numeric and vector", Rule::ArrayNotNumeric),
    ("type mismatch", Rule::TypeMismatch),
    ("invalid result arity", Rule::ResultArity),
    ("func type returns multiple values", Rule::ResultArity),
    ("control frames remain at end of expression", Rule::ConstantRequired),
    ("multiple supertypes", Rule::SubType),
    ("supertypes must be defined before subtypes", Rule::ForwardSupertype),
    ("expected func type at index", Rule::NotFunction),
    ("type index ", Rule::NotFunction),
    ("non-function type", Rule::NotFunction),
    ("expected struct type at index", Rule::NotStruct),
    ("expected array type at index", Rule::NotArray),
    ("can only use struct `get` with non-packed", Rule::PackedField),
    ("cannot use struct.get_s with non-packed", Rule::UnpackedField),
    ("cannot use struct.get_u with non-packed", Rule::UnpackedField),
    ("cannot use array.get with packed", Rule::PackedArray),
    ("cannot use array.get_s with non-packed", Rule::UnpackedArray),
    ("cannot use array.get_u with non-packed", Rule::UnpackedArray),
    ("invalid `struct.new_default`: ", Rule::NotDefaultable),
    ("invalid `array.new_default`: ", Rule::NotDefaultable),
    ("atomic instructions must always specify maximum alignment", Rule::AtomicAlignment),
    ("array types do not match", Rule::ArrayTypes),
    ("invalid array.init_data: array type is not numeric or vector", Rule::ArrayNotNumeric),
    ("invalid array modification: array is immutable", Rule::ImmutableArray),
    ("invalid struct modification: struct field is immutable", Rule::ImmutableField),
    ("global is immutable", Rule::ImmutableGlobal),
    ("mutable global support is not enabled", Rule::MutableGlobal),
    ("constant expression required", Rule::ConstantRequired),
    ("offset out of range", Rule::OffsetOutOfRange),
    ("SIMD index out of bounds", Rule::LaneIndex),
    ("invalid rethrow label", Rule::RethrowLabel),
    ("invalid exception type: non-empty tag result type", Rule::TagResult),
    ("size minimum must not be greater than maximum", Rule::MinimumAboveMaximum),
    ("memory size must be at most", Rule::MemorySize),
    ("table size must be at most", Rule::TableSize),
    ("invalid custom page size", Rule::PageSize),
    ("shared memory must have maximum size", Rule::SharedWithoutMaximum),
    ("multiple memories", Rule::MultipleMemories),
    ("multiple tables", Rule::MultipleTables),
    ("invalid start function type", Rule::StartFunction),
    ("duplicate export name", Rule::DuplicateExport),
    ("sub type must match super type", Rule::SubType),
    ("sub type cannot have a final super type", Rule::SubType),
    ("sub type with descriptor must have super type with descriptor", Rule::SubType),
    ("supertype of descriptor must be a descriptor", Rule::SubType),
    ("supertype of non-descriptor type cannot be a descriptor", Rule::SubType),
    ("supertype of type without descriptor cannot have descriptor", Rule::SubType),
    ("supertype of descriptor does not match", Rule::DescribedSupertype),
    ("supertype of described type must be described by supertype of descriptor", Rule::DescriptorSupertype),
    ("describes with no matching descriptor", Rule::DescribedUnmatched),
    ("descriptor with no matching describes", Rule::DescriptorUnmatched),
    ("forward describes reference", Rule::ForwardDescribed),
    ("describes clause on non-struct type", Rule::DescribedNotStruct),
    ("descriptor clause on non-struct type", Rule::DescriptorNotStruct),
    ("cast target must have descriptor", Rule::CastWithoutDescriptor),
    ("unexpected heap type", Rule::CastToAbstract),
    ("expected type with descriptor", Rule::WithoutDescriptor),
    ("type with descriptor requires descriptor allocation", Rule::DescriptorAllocation),
    ("invalid `struct.new_desc`: type", Rule::PlainAllocation),
    ("invalid `struct.new_default_desc`: type", Rule::PlainAllocation),
];

/// Suffixes of messages that begin with the name of an instruction or segment.
const VALIDATION_SUFFIXES: &[(&str, Rule)] =
    &[("alignment must not be larger than natural", Rule::AlignmentTooLarge)];

impl Rule {
    /// The rule that a message of `wasmparser` names, if there is one.
    ///
    /// ```
    /// use wassay_terms::Rule;
    /// let message = "unknown global 7: global index out of bounds";
    /// assert_eq!(Rule::of_message(message), Some(Rule::UnknownGlobal));
    /// assert_eq!(Rule::of_message("something else"), None);
    /// ```
    pub fn of_message(message: &str) -> Option<Rule> {
        Rule::of_refusal(message).or_else(|| find(message, GRAMMAR_PREFIXES, GRAMMAR_SUFFIXES))
    }

    /// The rule of validation that a message of `wasmparser` names, if there is one.
    pub fn of_refusal(message: &str) -> Option<Rule> {
        let element_type = message.starts_with("invalid array.init_elem instruction: element segment")
            && message.contains("type mismatch");
        if element_type {
            Some(Rule::TypeMismatch)
        } else {
            find(message, VALIDATION_PREFIXES, VALIDATION_SUFFIXES)
        }
    }
}

fn find(message: &str, prefixes: &[(&str, Rule)], suffixes: &[(&str, Rule)]) -> Option<Rule> {
    let by_prefix = prefixes.iter().find(|(text, _)| message.starts_with(text));
    by_prefix.or_else(|| suffixes.iter().find(|(text, _)| message.ends_with(text))).map(|(_, rule)| *rule)
}
