//! Faults of linking: mismatches that are accepted, and matches that are rejected.

use serde::Deserialize;

/// Why the external value given for an import does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mismatch {
    /// No module of that name is registered.
    UnknownModule,
    /// The module exports nothing of that name.
    UnknownName,
    /// The import is a function, and the value is not.
    NotFunction,
    /// The import is a table, and the value is not.
    NotTable,
    /// The import is a memory, and the value is not.
    NotMemory,
    /// The import is a global, and the value is not.
    NotGlobal,
    /// The import is a tag, and the value is not.
    NotTag,
    /// A function with other parameters.
    Parameters,
    /// A function with other results.
    Results,
    /// A function with the same parameters and results, whose type differs in its recursive group,
    /// its finality or its supertypes.
    FunctionIdentity,
    /// A function of a supertype of the imported type.
    FunctionSupertype,
    /// A mutable global for an immutable import.
    GlobalMutable,
    /// An immutable global for a mutable import.
    GlobalImmutable,
    /// An immutable global of another type.
    ConstantType,
    /// A mutable global of another type.
    VariableType,
    /// A memory that is too small.
    MemoryMinimum,
    /// A memory without a maximum for an import with one.
    MemoryUnlimited,
    /// A memory whose maximum is too large.
    MemoryMaximum,
    /// A shared memory for an import that is not shared.
    MemoryShared,
    /// A memory that is not shared for a shared import.
    MemoryUnshared,
    /// A memory of the other address type.
    MemoryAddress,
    /// A memory with another page size.
    MemoryPage,
    /// A table that is too small.
    TableMinimum,
    /// A table without a maximum for an import with one.
    TableUnlimited,
    /// A table whose maximum is too large.
    TableMaximum,
    /// A table with another element type.
    TableElement,
    /// A table of the other address type.
    TableAddress,
    /// A tag with other parameters.
    TagParameters,
    /// A tag with the same parameters, whose type differs in its recursive group.
    TagIdentity,
}

/// How the external value given for an import matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// A function of a subtype.
    FunctionSubtype,
    /// An immutable global of a subtype.
    ConstantSubtype,
    /// A memory larger than the imported minimum.
    MemoryLarger,
    /// A memory with a maximum for an import without one.
    MemoryLimited,
    /// A memory whose maximum is below the imported maximum.
    MemoryMaximumSmaller,
    /// A table larger than the imported minimum.
    TableLarger,
    /// A table with a maximum for an import without one.
    TableLimited,
    /// A table whose maximum is below the imported maximum.
    TableMaximumSmaller,
    /// A function of the same type.
    SameFunction,
    /// A table of the same type.
    SameTable,
    /// A memory of the same type.
    SameMemory,
    /// An immutable global of the same type.
    SameConstant,
    /// A mutable global of the same type.
    SameVariable,
    /// A tag of the same type.
    SameTag,
}
