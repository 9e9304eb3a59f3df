//! The types of imports and exports (core spec, sections 2.3.11 to 2.3.16).

use std::fmt;
use std::sync::Arc;

use super::{FuncType, RefType, TypeId, ValType};

/// The limits of a memory in pages, or of a table in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The initial size.
    pub min: u64,
    /// The maximum size, if there is one.
    pub max: Option<u64>,
}

/// Whether a global can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// The value cannot change.
    Const,
    /// The value can be written.
    Var,
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// The type of the value.
    pub content: ValType,
    /// Whether the value can be written.
    pub mutability: Mutability,
}

/// The type of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType {
    /// The limits in pages.
    pub limits: Limits,
    /// Whether addresses have 64 bits instead of 32.
    pub memory64: bool,
    /// Whether threads can share the memory.
    pub shared: bool,
    /// The binary logarithm of the page size in bytes: 16, except with custom page sizes.
    pub page_size_log2: u32,
}

impl MemoryType {
    /// Creates the type of an unshared memory with 32-bit addresses and pages of 64 KiB.
    pub fn new(min: u64, max: Option<u64>) -> MemoryType {
        MemoryType { limits: Limits { min, max }, memory64: false, shared: false, page_size_log2: 16 }
    }
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableType {
    /// The type of the elements.
    pub element: RefType,
    /// The limits in elements.
    pub limits: Limits,
    /// Whether indices have 64 bits instead of 32.
    pub table64: bool,
}

impl TableType {
    /// Creates the type of a table with 32-bit indices.
    pub fn new(element: RefType, min: u64, max: Option<u64>) -> TableType {
        TableType { element, limits: Limits { min, max }, table64: false }
    }
}

/// The type of an exception tag: the identifier of a function type without results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TagType {
    /// The function type whose parameters are the types of an exception's fields.
    pub ty: TypeId,
}

/// The type of an imported or exported function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncExtern {
    /// The type's identifier in the engine.
    pub id: TypeId,
    /// The type.
    pub ty: Arc<FuncType>,
    /// Whether functions of a proper subtype do not match (custom-descriptors proposal). Every
    /// function in a store has exactly the type with which it was created.
    pub exact: bool,
}

/// The type of an import or an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Func(FuncExtern),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag.
    Tag(TagType),
}

impl ExternType {
    /// The kind of the import or export: `function`, `table`, `memory`, `global` or `tag`.
    pub fn sort(&self) -> &'static str {
        match self {
            ExternType::Func(..) => "function",
            ExternType::Table(_) => "table",
            ExternType::Memory(_) => "memory",
            ExternType::Global(_) => "global",
            ExternType::Tag(_) => "tag",
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.min)?;
        self.max.map_or(Ok(()), |max| write!(f, " {max}"))
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(FuncExtern { ty, .. }) => write!(f, "function {ty}"),
            ExternType::Table(ty) => {
                write!(f, "table {}{} {}", if ty.table64 { "i64 " } else { "" }, ty.limits, ty.element)
            }
            ExternType::Memory(ty) => {
                write!(f, "memory {}{}", if ty.memory64 { "i64 " } else { "" }, ty.limits)?;
                f.write_str(if ty.shared { " shared" } else { "" })?;
                if ty.page_size_log2 == 16 {
                    Ok(())
                } else {
                    write!(f, " (pagesize {})", 1u64 << ty.page_size_log2)
                }
            }
            ExternType::Global(GlobalType { content, mutability: Mutability::Const }) => {
                write!(f, "global {content}")
            }
            ExternType::Global(GlobalType { content, mutability: Mutability::Var }) => {
                write!(f, "global (mut {content})")
            }
            ExternType::Tag(ty) => write!(f, "tag type#{}", ty.ty.number()),
        }
    }
}
