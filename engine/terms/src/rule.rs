//! The rules of the specification that a module can break, by name.

use std::fmt;

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal in $section:literal;)*) => {
        /// A rule of the specification that a module breaks, of its binary grammar (chapter 5) or of its validation (chapter 3).
        ///
        /// Sections are those of the core specification 3.0.
        ///
        /// ```
        /// use wassay_terms::Rule;
        /// assert_eq!(Rule::MalformedLimits.text(), "malformed limits flags");
        /// assert!(Rule::MalformedLimits.section().starts_with("5.3"));
        /// assert_eq!(Rule::MalformedLimits.to_string(), "malformed limits flags (5.3, types: limits)");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[doc = $doc])* $name,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// The words in which the specification's test scripts name the rule.
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
    /// The bytes end within something.
    UnexpectedEnd = "unexpected end" in "5.2.1, bytes";
    /// A list or a sized part claims more bytes than follow.
    LengthOutOfBounds = "length out of bounds" in "5.1.3, lists";
    /// An integer takes more bytes than its width allows.
    IntegerTooLong = "integer representation too long" in "5.2.2, integers";
    /// The last byte of an integer sets bits beyond its width.
    IntegerTooLarge = "integer too large" in "5.2.2, integers";
    /// A name is not encoded in UTF-8.
    MalformedUtf8 = "malformed UTF-8 encoding" in "5.2.4, names";
    /// A byte that begins no value type.
    MalformedValueType = "malformed value type" in "5.3, types: value types";
    /// A byte that begins no reference type.
    MalformedReferenceType = "malformed reference type" in "5.3, types: reference types";
    /// A number that is not a heap type.
    MalformedHeapType = "malformed heap type" in "5.3, types: heap types";
    /// A byte that begins no storage type.
    MalformedStorageType = "malformed storage type" in "5.3, types: composite types";
    /// A byte that begins no type of the type section.
    MalformedDefinitionType = "malformed definition type" in "5.3, types: recursive types";
    /// A mutability other than 0 and 1.
    MalformedMutability = "malformed mutability" in "5.3, types: global types";
    /// Flags of limits that the grammar does not have.
    MalformedLimits = "malformed limits flags" in "5.3, types: limits";
    /// A page size that the grammar of the proposal `custom-page-sizes` does not have.
    MalformedPageSize = "invalid custom page size" in "5.3, types: memory types";
    /// A tag with an attribute other than 0.
    MalformedTagAttribute = "malformed tag attribute" in "5.3, types: tag types";
    /// A block type that is none.
    MalformedBlockType = "malformed block type" in "5.4, instructions: block types";
    /// An opcode that the grammar does not have.
    IllegalOpcode = "illegal opcode" in "5.4, instructions";
    /// Something else where an expression or a block has to end: an `else` outside `if`, or bytes of what follows.
    EndExpected = "END opcode expected" in "5.4, instructions: expressions";
    /// A clause of a legacy `try` outside of one.
    MisplacedClause = "misplaced clause of try" in "proposal exception-handling, legacy, binary format";
    /// A memory argument with bits that the grammar does not have.
    MalformedMemop = "malformed memop flags" in "5.4, instructions: memory instructions";
    /// A byte that has to be 0.
    ZeroByteExpected = "zero byte expected" in "5.4, instructions";
    /// Flags of a cast that the grammar does not have.
    MalformedCastFlags = "malformed br_on_cast flags" in "5.4, instructions: control instructions";
    /// A clause of `try_table` that the grammar does not have.
    MalformedCatch = "malformed catch clause" in "5.4, instructions: control instructions";
    /// A clause of `resume` that the grammar does not have.
    MalformedHandler = "malformed on clause" in "proposal stack-switching, binary format";
    /// The first four bytes are not `\0asm`.
    MissingMagic = "magic header not detected" in "5.5, modules";
    /// A version other than 1, which the binary of a component has too.
    UnknownVersion = "unknown binary version" in "5.5, modules";
    /// A section id that the grammar does not have.
    MalformedSectionId = "malformed section id" in "5.5.2, sections";
    /// A section, or the code of a function, does not have the size that it states.
    SectionSizeMismatch = "section size mismatch" in "5.5.2, sections";
    /// A section out of order or for a second time.
    UnexpectedContent = "unexpected content after last section" in "5.5.2, sections";
    /// An import of no kind.
    MalformedImportKind = "malformed import kind" in "5.5, modules: import section";
    /// An export of no kind.
    MalformedExportKind = "malformed export kind" in "5.5, modules: export section";
    /// An element segment of no kind.
    MalformedElementSegment = "malformed elements segment kind" in "5.5, modules: element section";
    /// Elements of no kind.
    MalformedElementKind = "malformed element kind" in "5.5, modules: element section";
    /// A data segment of no kind.
    MalformedDataSegment = "malformed data segment kind" in "5.5, modules: data section";
    /// A table with an initial value whose second byte is not 0.
    MalformedTable = "malformed table" in "5.5, modules: table section";
    /// A function with 2^32 locals or more.
    TooManyLocals = "too many locals" in "5.5, modules: code section";
    /// The function section and the code section differ in length.
    InconsistentFunctions = "function and code section have inconsistent lengths" in "5.5, modules";
    /// The data count section and the data section differ.
    InconsistentDataCount = "data count and data section have inconsistent lengths" in "5.5, modules";
    /// Code names a data segment, but the data count section is missing.
    DataCountRequired = "data count section required" in "5.5, modules";

    /// A type index that is not defined.
    UnknownType = "unknown type" in "3.1.1, contexts: types";
    /// A function index that is not defined.
    UnknownFunction = "unknown function" in "3.1.1, contexts: functions";
    /// A table index that is not defined.
    UnknownTable = "unknown table" in "3.1.1, contexts: tables";
    /// A memory index that is not defined.
    UnknownMemory = "unknown memory" in "3.1.1, contexts: memories";
    /// A global index that is not defined, or not yet.
    UnknownGlobal = "unknown global" in "3.1.1, contexts: globals";
    /// A tag index that is not defined.
    UnknownTag = "unknown tag" in "3.1.1, contexts: tags";
    /// A local index that is not defined.
    UnknownLocal = "unknown local" in "3.1.1, contexts: locals";
    /// A label index that is not defined.
    UnknownLabel = "unknown label" in "3.1.1, contexts: labels";
    /// A data index that is not defined.
    UnknownData = "unknown data segment" in "3.1.1, contexts: data segments";
    /// An element index that is not defined.
    UnknownElement = "unknown elem segment" in "3.1.1, contexts: element segments";
    /// A field index that the type does not have.
    UnknownField = "unknown field" in "3.4, instructions: aggregate reference instructions";
    /// A `ref.func` of a function that the module mentions nowhere else.
    UndeclaredReference = "undeclared function reference" in "3.5, modules";
    /// A local without a default value is read before it is set.
    UninitializedLocal = "uninitialized local" in "3.4, instructions: variable instructions";
    /// Operands, results, fields or elements of another type than required.
    TypeMismatch = "type mismatch" in "3.4, instructions";
    /// A result list that is too long for its place.
    ResultArity = "invalid result arity" in "3.2, types: function types";
    /// A type that does not match its supertype, or whose supertype is final.
    SubType = "sub type" in "3.2, types: sub types";
    /// A supertype that is not defined yet.
    ForwardSupertype = "forward use of type" in "3.2, types: sub types";
    /// A type index that is not that of a function type.
    NotFunction = "non-function type" in "3.4, instructions";
    /// A type index that is not that of a structure type.
    NotStruct = "non-structure type" in "3.4, instructions: aggregate reference instructions";
    /// A type index that is not that of an array type.
    NotArray = "non-array type" in "3.4, instructions: aggregate reference instructions";
    /// Two array types whose elements do not match.
    ArrayTypes = "array types do not match" in "3.4, instructions: aggregate reference instructions";
    /// A packed field that is read without an extension.
    PackedField = "field is packed" in "3.4, instructions: aggregate reference instructions";
    /// A field that is not packed and is read with an extension.
    UnpackedField = "field is unpacked" in "3.4, instructions: aggregate reference instructions";
    /// An array of packed elements that is read without an extension.
    PackedArray = "array is packed" in "3.4, instructions: aggregate reference instructions";
    /// An array of elements that are not packed and that is read with an extension.
    UnpackedArray = "array is unpacked" in "3.4, instructions: aggregate reference instructions";
    /// An object with fields without default values that is made with them.
    NotDefaultable = "field type is not defaultable" in "3.4, instructions: aggregate reference instructions";
    /// An array that is to be filled from a data segment and holds references.
    ArrayNotNumeric = "array type is not numeric or vector" in "3.4, instructions: aggregate reference instructions";
    /// A write into an immutable array.
    ImmutableArray = "immutable array" in "3.4, instructions: aggregate reference instructions";
    /// A write into an immutable field.
    ImmutableField = "immutable field" in "3.4, instructions: aggregate reference instructions";
    /// A write into an immutable global.
    ImmutableGlobal = "immutable global" in "3.4, instructions: variable instructions";
    /// A mutable global that is imported or exported, before the proposal `mutable-global`.
    MutableGlobal = "mutable globals cannot be imported or exported" in "proposal mutable-global";
    /// An instruction that a constant expression may not have.
    ConstantRequired = "constant expression required" in "3.4, instructions: constant expressions";
    /// An alignment that is larger than the access.
    AlignmentTooLarge = "alignment must not be larger than natural" in "3.4, instructions: memory instructions";
    /// An alignment of an atomic access that is not its width.
    AtomicAlignment = "atomic alignment must be natural" in "proposal threads, validation";
    /// An offset that the memory's address type does not have.
    OffsetOutOfRange = "offset out of range" in "3.4, instructions: memory instructions";
    /// A lane that the shape does not have.
    LaneIndex = "invalid lane index" in "3.4, instructions: vector instructions";
    /// A `rethrow` to a label that is not that of a legacy `catch`.
    RethrowLabel = "invalid rethrow label" in "proposal exception-handling, legacy, validation";
    /// A tag whose type has results.
    TagResult = "non-empty tag result type" in "3.2, types: tag types";
    /// A minimum that is greater than the maximum.
    MinimumAboveMaximum = "size minimum must not be greater than maximum" in "3.2, types: limits";
    /// A memory that is larger than its addresses.
    MemorySize = "memory size" in "3.2, types: memory types";
    /// A table that is larger than its indices.
    TableSize = "table size" in "3.2, types: table types";
    /// A page size that a memory may not have.
    PageSize = "invalid custom page size" in "proposal custom-page-sizes, validation";
    /// A shared memory without a maximum.
    SharedWithoutMaximum = "shared memory must have maximum" in "proposal threads, validation";
    /// A second memory, before the proposal `multi-memory`.
    MultipleMemories = "multiple memories" in "3.5, modules (before 3.0)";
    /// A second table, before the proposal `reference-types`.
    MultipleTables = "multiple tables" in "3.5, modules (before 2.0)";
    /// A start function with parameters or results.
    StartFunction = "start function" in "3.5, modules: start function";
    /// Two exports of one name.
    DuplicateExport = "duplicate export name" in "3.5, modules";
    /// A descriptor whose supertype does not describe the supertype of what it describes.
    DescribedSupertype = "described type does not match" in "proposal custom-descriptors, validation";
    /// A type whose supertype has a descriptor that its own descriptor does not extend.
    DescriptorSupertype = "descriptor type does not match" in "proposal custom-descriptors, validation";
    /// A type that describes one which has another descriptor, or none.
    DescribedUnmatched = "described type is not described by descriptor" in "proposal custom-descriptors, validation";
    /// A type whose descriptor describes another one, or none.
    DescriptorUnmatched = "type is not described by its descriptor" in "proposal custom-descriptors, validation";
    /// A described type that is not in the group of its descriptor.
    DescribedOutside = "described type is outside rec group" in "proposal custom-descriptors, validation";
    /// A descriptor that is not in the group of what it describes.
    DescriptorOutside = "descriptor type is outside rec group" in "proposal custom-descriptors, validation";
    /// A descriptor before what it describes.
    ForwardDescribed = "forward use of described type" in "proposal custom-descriptors, validation";
    /// A described type that is not a structure.
    DescribedNotStruct = "described type must be a struct" in "proposal custom-descriptors, validation";
    /// A descriptor that is not a structure.
    DescriptorNotStruct = "descriptor type must be a struct" in "proposal custom-descriptors, validation";
    /// A cast by descriptor to a type without one.
    CastWithoutDescriptor = "type does not have a descriptor" in "proposal custom-descriptors, validation";
    /// A cast by descriptor to an abstract type, which has none.
    CastToAbstract = "abstract type does not have a descriptor" in "proposal custom-descriptors, validation";
    /// A descriptor asked of a type without one.
    WithoutDescriptor = "type without descriptor" in "proposal custom-descriptors, validation";
    /// A structure with a descriptor that is made without it.
    DescriptorAllocation = "type with descriptor requires descriptor allocation" in "proposal custom-descriptors, validation";
    /// A structure without a descriptor that is made with one.
    PlainAllocation = "type without descriptor requires non-descriptor allocation" in "proposal custom-descriptors, validation";
    /// A rule of validation that has no name here.
    Other = "validation" in "3, validation";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text(), self.section())
    }
}
