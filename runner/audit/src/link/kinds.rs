//! The faults of linking: mismatches that are accepted, and matches that are refused.

use serde::Deserialize;

/// In which way what an import is given does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mismatch {
    /// No module of that name is registered.
    UnknownModule,
    /// The module exports nothing of that name.
    UnknownName,
    /// Something else than the function that is imported.
    NotFunction,
    /// Something else than the table that is imported.
    NotTable,
    /// Something else than the memory that is imported.
    NotMemory,
    /// Something else than the global that is imported.
    NotGlobal,
    /// Something else than the tag that is imported.
    NotTag,
    /// A function with other parameters.
    Parameters,
    /// A function with other results.
    Results,
    /// A function of a type that is the same but for its recursive group, its finality or its
    /// supertypes.
    FunctionIdentity,
    /// A function of the supertype of the one that is imported.
    FunctionSupertype,
    /// A mutable global where an immutable one is imported.
    GlobalMutable,
    /// An immutable global where a mutable one is imported.
    GlobalImmutable,
    /// An immutable global of another type.
    ConstantType,
    /// A mutable global of another type.
    VariableType,
    /// A memory that is too small.
    MemoryMinimum,
    /// A memory without a maximum where one is imported.
    MemoryUnlimited,
    /// A memory whose maximum is too large.
    MemoryMaximum,
    /// A shared memory where one is imported that is not.
    MemoryShared,
    /// A memory that is not shared where a shared one is imported.
    MemoryUnshared,
    /// A memory of the other address type.
    MemoryAddress,
    /// A memory with another page size.
    MemoryPage,
    /// A table that is too small.
    TableMinimum,
    /// A table without a maximum where one is imported.
    TableUnlimited,
    /// A table whose maximum is too large.
    TableMaximum,
    /// A table of another type of elements.
    TableElement,
    /// A table of the other address type.
    TableAddress,
    /// A tag with other parameters.
    TagParameters,
    /// A tag of a type that is the same but for its recursive group.
    TagIdentity,
}

/// In which way what an import is given matches without being the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// A function of a subtype.
    FunctionSubtype,
    /// An immutable global of a subtype.
    ConstantSubtype,
    /// A memory that is larger than it has to be.
    MemoryLarger,
    /// A memory with a maximum where none is imported.
    MemoryLimited,
    /// A memory whose maximum is smaller than it may be.
    MemoryMaximumSmaller,
    /// A table that is larger than it has to be.
    TableLarger,
    /// A table with a maximum where none is imported.
    TableLimited,
    /// A table whose maximum is smaller than it may be.
    TableMaximumSmaller,
    /// A function of the very type.
    SameFunction,
    /// A table of the very type.
    SameTable,
    /// A memory of the very type.
    SameMemory,
    /// An immutable global of the very type.
    SameConstant,
    /// A mutable global of the very type.
    SameVariable,
    /// A tag of the very type.
    SameTag,
}
