//! Names for the rules of the specification that a module can violate.

use std::fmt;

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal in $section:literal;)*) => {
        /// A rule that a module violates, from the binary grammar (chapter 5) or from validation
        /// (chapter 3).
        ///
        /// Sections are those of the core specification 3.0.
        ///
        /// ```
        /// use wassay_terms::Rule;
        /// assert_eq!(Rule::MalformedLimits.text(), "malformed limits flags");
        /// assert!(Rule::MalformedLimits.section().starts_with("5.3"));
        /// let text = Rule::MalformedLimits.to_string();
        /// assert_eq!(text, "malformed limits flags (5.3, types: limits)");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[doc = $doc])* $name,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// The text that the specification's test scripts use for the rule.
            pub fn text(self) -> &'static str {
                match self {
                    $(Rule::$name => $text,)*
                }
            }

            /// The section of the core specification that states the rule.
            pub fn section(self) -> &'static str {
                match self {
                    $(Rule::$name => $section,)*
                }
            }
        }
    };
}

rules! {
    /// The bytes end in the middle of a construct.
    UnexpectedEnd = "unexpected end" in "5.2.1, bytes";
    /// A list or a sized part is longer than the bytes that follow.
    LengthOutOfBounds = "length out of bounds" in "5.1.3, lists";
    /// An integer takes more bytes than its width allows.
    IntegerTooLong = "integer representation too long" in "5.2.2, integers";
    /// The last byte of an integer sets bits beyond its width.
    IntegerTooLarge = "integer too large" in "5.2.2, integers";
    /// A name is not encoded in UTF-8.
    MalformedUtf8 = "malformed UTF-8 encoding" in "5.2.4, names";
    /// An invalid byte for a value type.
    MalformedValueType = "malformed value type" in "5.3, types: value types";
    /// An invalid byte for a reference type.
    MalformedReferenceType = "malformed reference type" in "5.3, types: reference types";
    /// An invalid heap type.
    MalformedHeapType = "malformed heap type" in "5.3, types: heap types";
    /// An invalid byte for a storage type.
    MalformedStorageType = "malformed storage type" in "5.3, types: composite types";
    /// An invalid byte for a type in the type section.
    MalformedDefinitionType = "malformed definition type" in "5.3, types: recursive types";
    /// A mutability other than 0 and 1.
    MalformedMutability = "malformed mutability" in "5.3, types: global types";
    /// Limits flags that the grammar does not define.
    MalformedLimits = "malformed limits flags" in "5.3, types: limits";
    /// A page size that the grammar of the proposal `custom-page-sizes` does not define.
    MalformedPageSize = "invalid custom page size" in "5.3, types: memory types";
    /// A tag with an attribute other than 0.
    MalformedTagAttribute = "malformed tag attribute" in "5.3, types: tag types";
    /// An invalid block type.
    MalformedBlockType = "malformed block type" in "5.4, instructions: block types";
    /// An opcode that the grammar does not define.
    IllegalOpcode = "illegal opcode" in "5.4, instructions";
    /// An expression or block that does not end where it has to: an `else` outside of an `if`, or
    /// bytes after the end.
    EndExpected = "END opcode expected" in "5.4, instructions: expressions";
    /// A clause of a legacy `try` outside of one.
    MisplacedClause = "misplaced clause of try" in "proposal exception-handling, legacy, binary format";
    /// Bits in a memory argument that the grammar does not define.
    MalformedMemop = "malformed memop flags" in "5.4, instructions: memory instructions";
    /// A nonzero byte where the grammar has zero.
    ZeroByteExpected = "zero byte expected" in "5.4, instructions";
    /// Cast flags that the grammar does not define.
    MalformedCastFlags = "malformed br_on_cast flags" in "5.4, instructions: control instructions";
    /// A clause of `try_table` that the grammar does not define.
    MalformedCatch = "malformed catch clause" in "5.4, instructions: control instructions";
    /// A clause of `resume` that the grammar does not define.
    MalformedHandler = "malformed on clause" in "proposal stack-switching, binary format";
    /// The first four bytes are not `\0asm`.
    MissingMagic = "magic header not detected" in "5.5, modules";
    /// A version other than 1, which includes the binary format of components.
    UnknownVersion = "unknown binary version" in "5.5, modules";
    /// A section id that the grammar does not define.
    MalformedSectionId = "malformed section id" in "5.5.2, sections";
    /// A section or function body whose size differs from the declared size.
    SectionSizeMismatch = "section size mismatch" in "5.5.2, sections";
    /// A section that is out of order or repeated.
    UnexpectedContent = "unexpected content after last section" in "5.5.2, sections";
    /// An import of an undefined kind.
    MalformedImportKind = "malformed import kind" in "5.5, modules: import section";
    /// An export of an undefined kind.
    MalformedExportKind = "malformed export kind" in "5.5, modules: export section";
    /// An element segment of an undefined kind.
    MalformedElementSegment = "malformed elements segment kind" in "5.5, modules: element section";
    /// Elements of an undefined kind.
    MalformedElementKind = "malformed element kind" in "5.5, modules: element section";
    /// A data segment of an undefined kind.
    MalformedDataSegment = "malformed data segment kind" in "5.5, modules: data section";
    /// A table with an initial value whose second byte is not 0.
    MalformedTable = "malformed table" in "5.5, modules: table section";
    /// A function with 2^32 or more locals.
    TooManyLocals = "too many locals" in "5.5, modules: code section";
    /// A function section and a code section of different lengths.
    InconsistentFunctions = "function and code section have inconsistent lengths" in "5.5, modules";
    /// A data count section and a data section that differ.
    InconsistentDataCount = "data count and data section have inconsistent lengths" in "5.5, modules";
    /// Code that refers to a data segment without a data count section.
    DataCountRequired = "data count section required" in "5.5, modules";

    /// An undefined type index.
    UnknownType = "unknown type" in "3.1.1, contexts: types";
    /// An undefined function index.
    UnknownFunction = "unknown function" in "3.1.1, contexts: functions";
    /// An undefined table index.
    UnknownTable = "unknown table" in "3.1.1, contexts: tables";
    /// An undefined memory index.
    UnknownMemory = "unknown memory" in "3.1.1, contexts: memories";
    /// An undefined global index, or one that is defined later.
    UnknownGlobal = "unknown global" in "3.1.1, contexts: globals";
    /// An undefined tag index.
    UnknownTag = "unknown tag" in "3.1.1, contexts: tags";
    /// An undefined local index.
    UnknownLocal = "unknown local" in "3.1.1, contexts: locals";
    /// An undefined label index.
    UnknownLabel = "unknown label" in "3.1.1, contexts: labels";
    /// An undefined data index.
    UnknownData = "unknown data segment" in "3.1.1, contexts: data segments";
    /// An undefined element index.
    UnknownElement = "unknown elem segment" in "3.1.1, contexts: element segments";
    /// An undefined field index.
    UnknownField = "unknown field" in "3.4, instructions: aggregate reference instructions";
    /// A `ref.func` of a function that does not occur in the module outside of function bodies.
    UndeclaredReference = "undeclared function reference" in "3.5, modules";
    /// A read of a local without a default value before it is set.
    UninitializedLocal = "uninitialized local" in "3.4, instructions: variable instructions";
    /// Operands, results, fields or elements of the wrong type.
    TypeMismatch = "type mismatch" in "3.4, instructions";
    /// A result list that is too long for its context.
    ResultArity = "invalid result arity" in "3.2, types: function types";
    /// A type that does not match its supertype, or whose supertype is final.
    SubType = "sub type" in "3.2, types: sub types";
    /// A supertype that is defined later.
    ForwardSupertype = "forward use of type" in "3.2, types: sub types";
    /// A type index that does not refer to a function type.
    NotFunction = "non-function type" in "3.4, instructions";
    /// A type index that does not refer to a structure type.
    NotStruct = "non-structure type" in "3.4, instructions: aggregate reference instructions";
    /// A type index that does not refer to an array type.
    NotArray = "non-array type" in "3.4, instructions: aggregate reference instructions";
    /// Two array types whose elements do not match.
    ArrayTypes = "array types do not match" in "3.4, instructions: aggregate reference instructions";
    /// A packed field that is read without extension.
    PackedField = "field is packed" in "3.4, instructions: aggregate reference instructions";
    /// An unpacked field that is read with extension.
    UnpackedField = "field is unpacked" in "3.4, instructions: aggregate reference instructions";
    /// An array of packed elements that is read without extension.
    PackedArray = "array is packed" in "3.4, instructions: aggregate reference instructions";
    /// An array of unpacked elements that is read with extension.
    UnpackedArray = "array is unpacked" in "3.4, instructions: aggregate reference instructions";
    /// The allocation of an object with default values that a field does not have.
    NotDefaultable = "field type is not defaultable" in "3.4, instructions: aggregate reference instructions";
    /// The initialisation of an array of references from a data segment.
    ArrayNotNumeric = "array type is not numeric or vector" in "3.4, instructions: aggregate reference instructions";
    /// A write to an immutable array.
    ImmutableArray = "immutable array" in "3.4, instructions: aggregate reference instructions";
    /// A write to an immutable field.
    ImmutableField = "immutable field" in "3.4, instructions: aggregate reference instructions";
    /// A write to an immutable global.
    ImmutableGlobal = "immutable global" in "3.4, instructions: variable instructions";
    /// A mutable global that is imported or exported, without the proposal `mutable-global`.
    MutableGlobal = "mutable globals cannot be imported or exported" in "proposal mutable-global";
    /// An instruction that is not allowed in a constant expression.
    ConstantRequired = "constant expression required" in "3.4, instructions: constant expressions";
    /// An alignment that is larger than the width of the access.
    AlignmentTooLarge = "alignment must not be larger than natural" in "3.4, instructions: memory instructions";
    /// An alignment of an atomic access that differs from its width.
    AtomicAlignment = "atomic alignment must be natural" in "proposal threads, validation";
    /// An offset outside of the memory's address type.
    OffsetOutOfRange = "offset out of range" in "3.4, instructions: memory instructions";
    /// A lane index outside of the shape.
    LaneIndex = "invalid lane index" in "3.4, instructions: vector instructions";
    /// A `rethrow` to a label that does not refer to a legacy `catch`.
    RethrowLabel = "invalid rethrow label" in "proposal exception-handling, legacy, validation";
    /// A tag whose type has results.
    TagResult = "non-empty tag result type" in "3.2, types: tag types";
    /// A minimum that is greater than the maximum.
    MinimumAboveMaximum = "size minimum must not be greater than maximum" in "3.2, types: limits";
    /// A memory limit beyond the range of addresses.
    MemorySize = "memory size" in "3.2, types: memory types";
    /// A table limit beyond the range of indices.
    TableSize = "table size" in "3.2, types: table types";
    /// An invalid page size.
    PageSize = "invalid custom page size" in "proposal custom-page-sizes, validation";
    /// A shared memory without a maximum.
    SharedWithoutMaximum = "shared memory must have maximum" in "proposal threads, validation";
    /// A second memory, without the proposal `multi-memory`.
    MultipleMemories = "multiple memories" in "3.5, modules (before 3.0)";
    /// A second table, without the proposal `reference-types`.
    MultipleTables = "multiple tables" in "3.5, modules (before 2.0)";
    /// A start function with parameters or results.
    StartFunction = "start function" in "3.5, modules: start function";
    /// Two exports with the same name.
    DuplicateExport = "duplicate export name" in "3.5, modules";
    /// A descriptor whose supertype does not describe the supertype of the type it describes.
    DescribedSupertype = "described type does not match" in "proposal custom-descriptors, validation";
    /// A type whose supertype has a descriptor that the type's own descriptor does not extend.
    DescriptorSupertype = "descriptor type does not match" in "proposal custom-descriptors, validation";
    /// A type that describes a type with another descriptor or none.
    DescribedUnmatched = "described type is not described by descriptor" in "proposal custom-descriptors, validation";
    /// A type whose descriptor describes another type or none.
    DescriptorUnmatched = "type is not described by its descriptor" in "proposal custom-descriptors, validation";
    /// A described type outside of the group of its descriptor.
    DescribedOutside = "described type is outside rec group" in "proposal custom-descriptors, validation";
    /// A descriptor outside of the group of the type it describes.
    DescriptorOutside = "descriptor type is outside rec group" in "proposal custom-descriptors, validation";
    /// A descriptor that is defined before the type it describes.
    ForwardDescribed = "forward use of described type" in "proposal custom-descriptors, validation";
    /// A described type that is not a structure.
    DescribedNotStruct = "described type must be a struct" in "proposal custom-descriptors, validation";
    /// A descriptor that is not a structure.
    DescriptorNotStruct = "descriptor type must be a struct" in "proposal custom-descriptors, validation";
    /// A cast by descriptor to a type without one.
    CastWithoutDescriptor = "type does not have a descriptor" in "proposal custom-descriptors, validation";
    /// A cast by descriptor to an abstract type, which has none.
    CastToAbstract = "abstract type does not have a descriptor" in "proposal custom-descriptors, validation";
    /// A request for the descriptor of a type without one.
    WithoutDescriptor = "type without descriptor" in "proposal custom-descriptors, validation";
    /// The allocation of a structure with a descriptor type, without the descriptor.
    DescriptorAllocation = "type with descriptor requires descriptor allocation" in "proposal custom-descriptors, validation";
    /// The allocation of a structure without a descriptor type, with a descriptor.
    PlainAllocation = "type without descriptor requires non-descriptor allocation" in "proposal custom-descriptors, validation";
    /// Any other rule of validation.
    Other = "validation" in "3, validation";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text(), self.section())
    }
}
