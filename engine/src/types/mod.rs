//! The types of the specification (core spec, section 2.3), with references to defined types made
//! canonical.

pub(crate) mod canon;
mod convert;
mod external;
mod held;
pub(crate) mod layout;
mod matching;

use std::fmt;

pub(crate) use canon::{TypeRegistry, TypeTable};
pub(crate) use convert::TypeConverter;
pub use external::{ExternType, FuncExtern, GlobalType, Limits, MemoryType, Mutability, TableType, TagType};
pub(crate) use held::HeldTypes;

/// A value type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integers.
    I32,
    /// 64-bit integers.
    I64,
    /// 32-bit IEEE 754 floats.
    F32,
    /// 64-bit IEEE 754 floats.
    F64,
    /// 128-bit vectors.
    V128,
    /// References.
    Ref(RefType),
}

impl ValType {
    /// `funcref`: a nullable reference to any function.
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// `externref`: a nullable reference to anything of the host's.
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);

    /// Whether the type has a default value: all but references that cannot be null.
    pub fn is_defaultable(self) -> bool {
        !matches!(self, ValType::Ref(RefType { nullable: false, .. }))
    }
}

/// A reference type: what it points to, and whether it may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefType {
    /// Whether null is a value of the type.
    pub nullable: bool,
    /// What the reference points to.
    pub heap: HeapType,
}

impl RefType {
    /// `(ref null func)`.
    pub const FUNCREF: RefType = RefType { nullable: true, heap: HeapType::Func };
    /// `(ref null extern)`.
    pub const EXTERNREF: RefType = RefType { nullable: true, heap: HeapType::Extern };
}

/// What a reference points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeapType {
    /// Any function.
    Func,
    /// No function: the type of a null function.
    NoFunc,
    /// Anything of the host's.
    Extern,
    /// Nothing of the host's: the type of a null external reference.
    NoExtern,
    /// Anything internal.
    Any,
    /// Anything that `ref.eq` compares.
    Eq,
    /// An unboxed 31-bit integer.
    I31,
    /// Any structure.
    Struct,
    /// Any array.
    Array,
    /// Nothing internal: the type of a null internal reference.
    None,
    /// Any exception.
    Exn,
    /// No exception: the type of a null exception.
    NoExn,
    /// A defined type, by its number in the engine.
    Concrete(TypeId),
    /// A defined type without those that extend it (custom-descriptors proposal).
    Exact(TypeId),
}

/// A defined type, by the number under which an engine has it.
///
/// Equal types of equal recursive groups have the same number, whichever module they come from
/// (core spec, section 3.1.2), so that telling types apart is one comparison.
///
/// An engine has a type as long as a module or a store of it does. A `TypeId` that is kept beyond
/// that is equal to no other, and whatever takes a type refuses it with an error of kind
/// [`Usage`](crate::ErrorKind::Usage); so it is with one of another engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId {
    /// The place of its row in the engine's table, by which compiled code knows it. It is used
    /// again when the type is gone.
    number: u32,
    /// Which of the types that had the number it is.
    serial: u32,
}

impl TypeId {
    /// The number by which compiled code knows the type.
    pub(crate) fn number(self) -> u32 {
        self.number
    }
}

/// The type of a function: what it takes and what it gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FuncType {
    params: Box<[ValType]>,
    results: Box<[ValType]>,
}

impl FuncType {
    /// A function type from its parameters and results.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        FuncType { params: params.into_iter().collect(), results: results.into_iter().collect() }
    }

    /// The types of the parameters, first to last.
    pub fn params(&self) -> &[ValType] {
        &self.params
    }

    /// The types of the results, first to last.
    pub fn results(&self) -> &[ValType] {
        &self.results
    }
}

/// A field of a structure or an element of an array: its storage, and whether it can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// How the value lies in the object.
    pub storage: StorageType,
    /// Whether the value can be written.
    pub mutable: bool,
}

/// How a value lies in a structure or an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// An 8-bit integer.
    I8,
    /// A 16-bit integer.
    I16,
    /// A whole value.
    Val(ValType),
}

/// The shape of a defined type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeType {
    /// Functions.
    Func(FuncType),
    /// Structures, by their fields.
    Struct(Box<[FieldType]>),
    /// Arrays, by their element.
    Array(FieldType),
}

/// A defined type with its place in the hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubType {
    /// Whether nothing may extend the type.
    pub is_final: bool,
    /// The type that it extends.
    pub supertype: Option<TypeId>,
    /// The type whose values its values are descriptors of (custom-descriptors proposal).
    pub describes: Option<TypeId>,
    /// The type of its values' descriptors.
    pub descriptor: Option<TypeId>,
    /// Its shape.
    pub composite: CompositeType,
}

impl SubType {
    /// A final type that extends nothing.
    pub fn plain(composite: CompositeType) -> SubType {
        SubType { is_final: true, supertype: None, describes: None, descriptor: None, composite }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(ty) => ty.fmt(f),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.nullable, self.heap) {
            (true, HeapType::Func) => f.write_str("funcref"),
            (true, HeapType::Extern) => f.write_str("externref"),
            (nullable, heap) => write!(f, "(ref {}{heap})", if nullable { "null " } else { "" }),
        }
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeapType::Func => "func",
            HeapType::NoFunc => "nofunc",
            HeapType::Extern => "extern",
            HeapType::NoExtern => "noextern",
            HeapType::Any => "any",
            HeapType::Eq => "eq",
            HeapType::I31 => "i31",
            HeapType::Struct => "struct",
            HeapType::Array => "array",
            HeapType::None => "none",
            HeapType::Exn => "exn",
            HeapType::NoExn => "noexn",
            HeapType::Concrete(id) => return write!(f, "type#{}", id.number),
            HeapType::Exact(id) => return write!(f, "(exact type#{})", id.number),
        })
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("[")?;
            for (index, ty) in types.iter().enumerate() {
                write!(f, "{}{ty}", if index == 0 { "" } else { " " })?;
            }
            f.write_str("]")
        };
        list(f, &self.params)?;
        f.write_str(" -> ")?;
        list(f, &self.results)
    }
}
