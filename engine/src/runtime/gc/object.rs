//! Objects as the host sees them (core spec, section 4.2.1, "Values", and 4.2.9 to 4.2.11,
//! structure, array and exception instances).

use super::Root;
use crate::error::{Error, Result};
use crate::runtime::{StoreState, Val};
use crate::types::layout::{ObjectLayout, element_offset};
use crate::types::{CompositeType, FieldType, StorageType, TypeId};
use crate::vm::layout::VmVal;

/// An unboxed integer of 31 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct I31(u32);

impl I31 {
    /// The low 31 bits of a number, as `ref.i31` takes them.
    pub fn wrapping(value: u32) -> I31 {
        I31(value & 0x7fff_ffff)
    }

    /// The integer without sign.
    pub fn get_u(self) -> u32 {
        self.0
    }

    /// The integer with sign.
    pub fn get_s(self) -> i32 {
        (self.0 << 1).cast_signed() >> 1
    }

    pub(crate) fn from_word(word: u64) -> I31 {
        I31::wrapping((word >> 1) as u32)
    }

    /// The reference as compiled code holds it: bit 0 marks an unboxed integer.
    pub(crate) fn to_word(self) -> u64 {
        u64::from(self.0) << 1 | 1
    }
}

/// A reference to a structure, which keeps it alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructRef(pub(crate) Root);

/// A reference to an array, which keeps it alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayRef(pub(crate) Root);

impl StructRef {
    /// The number of the structure's type in the engine.
    ///
    /// # Panics
    ///
    /// As all methods here: where the structure belongs to another store.
    pub fn defined_type(&self, store: &StoreState) -> TypeId {
        store.check(self.0.store());
        store.engine().types().id(store.heap.header(self.0.word()).0)
    }

    /// The value of a field; of a packed one, without sign.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) where there is no such field.
    pub fn field(&self, store: &StoreState, field: usize) -> Result<Val> {
        let (offset, ty) = self.place(store, field)?;
        Ok(store.unpack(store.heap.field(self.0.word(), offset, ty.storage), ty.storage))
    }

    /// The offset and the type of a field.
    pub(super) fn place(&self, store: &StoreState, field: usize) -> Result<(usize, FieldType)> {
        let ty = store.engine().types().get(self.defined_type(store));
        let (ObjectLayout::Struct(layout), CompositeType::Struct(types)) = (&ty.layout, &ty.sub.composite)
        else {
            unreachable!("a structure has a structure's type")
        };
        let (offset, _) = layout.fields.get(field).ok_or_else(|| {
            Error::usage(format!("a structure of {} fields has no field {field}", layout.fields.len()))
        })?;
        Ok((*offset as usize, types[field]))
    }
}

impl ArrayRef {
    /// The number of the array's type in the engine.
    ///
    /// # Panics
    ///
    /// As all methods here: where the array belongs to another store.
    pub fn defined_type(&self, store: &StoreState) -> TypeId {
        store.check(self.0.store());
        store.engine().types().id(store.heap.header(self.0.word()).0)
    }

    /// How many elements there are.
    pub fn size(&self, store: &StoreState) -> u32 {
        store.check(self.0.store());
        store.heap.header(self.0.word()).1
    }

    /// The element at an index; a packed one without sign.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) where there is none.
    pub fn element(&self, store: &StoreState, index: u32) -> Result<Val> {
        let (offset, ty) = self.place(store, index)?;
        Ok(store.unpack(store.heap.field(self.0.word(), offset, ty.storage), ty.storage))
    }

    /// The offset and the type of an element.
    pub(super) fn place(&self, store: &StoreState, index: u32) -> Result<(usize, FieldType)> {
        let size = self.size(store);
        if index >= size {
            return Err(Error::usage(format!("an array of {size} elements has no element {index}")));
        }
        let ty = store.engine().types().get(self.defined_type(store));
        let CompositeType::Array(element) = ty.sub.composite else {
            unreachable!("an array has an array's type")
        };
        Ok((element_offset(element.storage, index), element))
    }
}

impl StoreState {
    /// The value that lies in an object as `value`.
    pub(crate) fn unpack(&self, value: VmVal, storage: StorageType) -> Val {
        match storage {
            StorageType::I8 | StorageType::I16 => Val::I32(value.0 as i32),
            StorageType::Val(ty) => Val::from_vm(value, ty, self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_i31_wraps_and_keeps_its_sign() {
        let minus_one = I31::wrapping(u32::MAX);
        assert_eq!((minus_one.get_s(), minus_one.get_u()), (-1, 0x7fff_ffff));
        assert_eq!(I31::wrapping(0x4000_0000).get_s(), -0x4000_0000);
        assert_eq!(I31::from_word(minus_one.to_word()), minus_one);
    }
}
