//! Converts wasmparser's types, with indices of a module, to the engine's types, with canonical
//! references.

use wasmparser::{AbstractHeapType, CompositeInnerType, UnpackedIndex};

use super::canon::{GroupIds, rec_reference};
use super::{
    CompositeType, FieldType, FuncType, GlobalType, HeapType, HeldTypes, Limits, MemoryType, Mutability,
    RefType, StorageType, SubType, TableType, TypeId, ValType,
};
use crate::error::{Error, Result};

/// Converts types of one module. It has the identifiers of the types that the module has defined so
/// far.
#[derive(Clone, Copy)]
pub(crate) struct TypeConverter<'a> {
    types: &'a [TypeId],
}

impl<'a> TypeConverter<'a> {
    /// Creates a converter for a module whose first types have these identifiers.
    pub(crate) fn new(types: &'a [TypeId]) -> Self {
        TypeConverter { types }
    }

    /// Interns a recursive group that follows the types defined so far, and returns its types.
    pub(crate) fn intern(self, group: &wasmparser::RecGroup, held: &mut HeldTypes) -> Result<GroupIds> {
        held.intern(group.types().map(|ty| self.sub_type(ty)).collect::<Result<_>>()?)
    }

    pub(crate) fn val_type(self, ty: wasmparser::ValType) -> Result<ValType> {
        Ok(match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(ty) => ValType::Ref(self.ref_type(ty)?),
        })
    }

    pub(crate) fn ref_type(self, ty: wasmparser::RefType) -> Result<RefType> {
        Ok(RefType { nullable: ty.is_nullable(), heap: self.heap_type(ty.heap_type())? })
    }

    pub(crate) fn heap_type(self, ty: wasmparser::HeapType) -> Result<HeapType> {
        use wasmparser::HeapType as W;
        match ty {
            W::Concrete(index) => Ok(HeapType::Concrete(self.index(index)?)),
            W::Abstract { shared: false, ty } => Ok(abstract_heap(ty)),
            W::Abstract { shared: true, .. } => Err(Error::unsupported("references to shared objects")),
            W::Exact(index) => Ok(HeapType::Exact(self.index(index)?)),
        }
    }

    pub(crate) fn table_type(self, ty: wasmparser::TableType) -> Result<TableType> {
        if ty.shared {
            return Err(Error::unsupported("shared tables"));
        }
        let limits = Limits { min: ty.initial, max: ty.maximum };
        Ok(TableType { element: self.ref_type(ty.element_type)?, limits, table64: ty.table64 })
    }

    pub(crate) fn global_type(self, ty: wasmparser::GlobalType) -> Result<GlobalType> {
        if ty.shared {
            return Err(Error::unsupported("shared globals"));
        }
        let mutability = if ty.mutable { Mutability::Var } else { Mutability::Const };
        Ok(GlobalType { content: self.val_type(ty.content_type)?, mutability })
    }

    fn sub_type(self, ty: &wasmparser::SubType) -> Result<SubType> {
        let composite = &ty.composite_type;
        if composite.shared {
            return Err(Error::unsupported("shared composite types"));
        }
        let shape = match &composite.inner {
            CompositeInnerType::Func(func) => {
                let list = |types: &[wasmparser::ValType]| {
                    types.iter().map(|ty| self.val_type(*ty)).collect::<Result<Vec<_>>>()
                };
                CompositeType::Func(FuncType::new(list(func.params())?, list(func.results())?))
            }
            CompositeInnerType::Struct(fields) => CompositeType::Struct(
                fields.fields.iter().map(|field| self.field(field)).collect::<Result<_>>()?,
            ),
            CompositeInnerType::Array(array) => CompositeType::Array(self.field(&array.0)?),
            CompositeInnerType::Cont(cont) => CompositeType::Cont(self.index(cont.0.unpack())?),
        };
        let index = |index: Option<&wasmparser::PackedIndex>| {
            index.map(|index| self.index(index.unpack())).transpose()
        };
        Ok(SubType {
            is_final: ty.is_final,
            supertype: index(ty.supertype_idxs.first())?,
            describes: index(composite.describes_idx.as_ref())?,
            descriptor: index(composite.descriptor_idx.as_ref())?,
            composite: shape,
        })
    }

    fn field(self, field: &wasmparser::FieldType) -> Result<FieldType> {
        let storage = match field.element_type {
            wasmparser::StorageType::I8 => StorageType::I8,
            wasmparser::StorageType::I16 => StorageType::I16,
            wasmparser::StorageType::Val(ty) => StorageType::Val(self.val_type(ty)?),
        };
        Ok(FieldType { storage, mutable: field.mutable })
    }

    /// The identifier of a type index. An index beyond the types defined so far refers to the
    /// current group.
    fn index(self, index: UnpackedIndex) -> Result<TypeId> {
        match index {
            UnpackedIndex::Module(index) => Ok(match self.types.get(index as usize) {
                Some(id) => *id,
                None => rec_reference(index - self.types.len() as u32),
            }),
            UnpackedIndex::RecGroup(position) => Ok(rec_reference(position)),
            _ => Err(Error::unsupported("type indices of a validator")),
        }
    }
}

impl From<wasmparser::MemoryType> for MemoryType {
    fn from(ty: wasmparser::MemoryType) -> MemoryType {
        MemoryType {
            limits: Limits { min: ty.initial, max: ty.maximum },
            memory64: ty.memory64,
            shared: ty.shared,
            page_size_log2: ty.page_size_log2(),
        }
    }
}

fn abstract_heap(ty: AbstractHeapType) -> HeapType {
    match ty {
        AbstractHeapType::Func => HeapType::Func,
        AbstractHeapType::Extern => HeapType::Extern,
        AbstractHeapType::Any => HeapType::Any,
        AbstractHeapType::None => HeapType::None,
        AbstractHeapType::NoExtern => HeapType::NoExtern,
        AbstractHeapType::NoFunc => HeapType::NoFunc,
        AbstractHeapType::Eq => HeapType::Eq,
        AbstractHeapType::Struct => HeapType::Struct,
        AbstractHeapType::Array => HeapType::Array,
        AbstractHeapType::I31 => HeapType::I31,
        AbstractHeapType::Exn => HeapType::Exn,
        AbstractHeapType::NoExn => HeapType::NoExn,
        AbstractHeapType::Cont => HeapType::Cont,
        AbstractHeapType::NoCont => HeapType::NoCont,
    }
}
