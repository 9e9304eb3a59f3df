//! The types of the specification (core spec, section 2.3), with canonical references to defined
//! types.

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
    /// `externref`: a nullable reference to any host value.
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);

    /// Whether the type has a default value: all types except references that cannot be null.
    pub fn is_defaultable(self) -> bool {
        !matches!(self, ValType::Ref(RefType { nullable: false, .. }))
    }
}

/// A reference type: a heap type and a nullability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefType {
    /// Whether null is a value of the type.
    pub nullable: bool,
    /// The heap type that the reference points to.
    pub heap: HeapType,
}

impl RefType {
    /// `(ref null func)`.
    pub const FUNCREF: RefType = RefType { nullable: true, heap: HeapType::Func };
    /// `(ref null extern)`.
    pub const EXTERNREF: RefType = RefType { nullable: true, heap: HeapType::Extern };
}

/// A heap type: the type of what a reference points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeapType {
    /// Any function.
    Func,
    /// No function: the bottom type of functions.
    NoFunc,
    /// Any host value.
    Extern,
    /// No host value: the bottom type of external references.
    NoExtern,
    /// Any internal value.
    Any,
    /// Any value that `ref.eq` can compare.
    Eq,
    /// An unboxed 31-bit integer.
    I31,
    /// Any structure.
    Struct,
    /// Any array.
    Array,
    /// No internal value: the bottom type of internal references.
    None,
    /// Any exception.
    Exn,
    /// No exception: the bottom type of exceptions.
    NoExn,
    /// Any continuation (stack-switching proposal).
    Cont,
    /// No continuation: the bottom type of continuations.
    NoCont,
    /// A defined type, by its identifier in the engine.
    Concrete(TypeId),
    /// A defined type without its proper subtypes (custom-descriptors proposal).
    Exact(TypeId),
}

/// The identifier of a defined type in an engine.
///
/// Equal types of equal recursive groups have the same identifier, even if different modules define
/// them (core spec, section 3.1.2). Comparing two types is therefore one comparison.
///
/// An engine keeps a type as long as one of its modules or stores uses it. A `TypeId` that is kept
/// longer, or that belongs to another engine, does not match any type. Functions that take it
/// return an error of kind [`Usage`](crate::ErrorKind::Usage).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId {
    /// The index in the engine's type table, which compiled code uses. It is reused after the type
    /// has been freed.
    number: u32,
    /// Distinguishes the types that have had the same number.
    serial: u32,
}

impl TypeId {
    /// The number that compiled code uses for the type.
    pub(crate) fn number(self) -> u32 {
        self.number
    }
}

/// A function type: parameter types and result types.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FuncType {
    params: Box<[ValType]>,
    results: Box<[ValType]>,
}

impl FuncType {
    /// Creates a function type.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        FuncType { params: params.into_iter().collect(), results: results.into_iter().collect() }
    }

    /// The types of the parameters, in order.
    pub fn params(&self) -> &[ValType] {
        &self.params
    }

    /// The types of the results, in order.
    pub fn results(&self) -> &[ValType] {
        &self.results
    }
}

/// A field of a structure or an element of an array: its storage type and its mutability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// The storage type of the value.
    pub storage: StorageType,
    /// Whether the value can be written.
    pub mutable: bool,
}

/// The storage type of a field or element (core spec, section 2.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// An 8-bit integer.
    I8,
    /// A 16-bit integer.
    I16,
    /// A value of this type.
    Val(ValType),
}

/// A composite type (core spec, section 2.3.8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeType {
    /// A function type.
    Func(FuncType),
    /// A structure type with these fields.
    Struct(Box<[FieldType]>),
    /// An array type with this element.
    Array(FieldType),
    /// A continuation type: the function type with this identifier is that of the rest of the
    /// computation (stack-switching proposal).
    Cont(TypeId),
}

/// A defined type with its supertype.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubType {
    /// Whether the type cannot be extended.
    pub is_final: bool,
    /// The supertype.
    pub supertype: Option<TypeId>,
    /// The type whose descriptors are the values of this type (custom-descriptors proposal).
    pub describes: Option<TypeId>,
    /// The type of the descriptors of this type's values.
    pub descriptor: Option<TypeId>,
    /// The composite type.
    pub composite: CompositeType,
}

impl SubType {
    /// Creates a final type without a supertype.
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
            HeapType::Cont => "cont",
            HeapType::NoCont => "nocont",
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
