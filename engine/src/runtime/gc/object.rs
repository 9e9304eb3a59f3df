//! Objects in the host's interface (core spec, section 4.2.1, "Values", and 4.2.9 to 4.2.11,
//! structure, array and exception instances).

use super::Root;
use crate::error::{Error, Result};
use crate::runtime::{StoreState, Val};
use crate::types::layout::{ObjectLayout, element_offset};
use crate::types::{StorageType, TypeId};
use crate::vm::layout::VmVal;

/// An unboxed 31-bit integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct I31(u32);

impl I31 {
    /// Creates an integer from the low 31 bits of a number, as `ref.i31` does.
    pub fn wrapping(value: u32) -> I31 {
        I31(value & 0x7fff_ffff)
    }

    /// The integer, zero-extended.
    pub fn get_u(self) -> u32 {
        self.0
    }

    /// The integer, sign-extended.
    pub fn get_s(self) -> i32 {
        (self.0 << 1).cast_signed() >> 1
    }

    pub(crate) fn from_word(word: u64) -> I31 {
        I31::wrapping((word >> 1) as u32)
    }

    /// The reference in compiled code: bit 0 marks an unboxed integer.
    pub(crate) fn to_word(self) -> u64 {
        u64::from(self.0) << 1 | 1
    }
}

/// A reference to a structure. It keeps the structure alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructRef(pub(crate) Root);

/// A reference to an array. It keeps the array alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayRef(pub(crate) Root);

impl StructRef {
    /// The identifier of the structure's type in the engine.
    ///
    /// # Panics
    ///
    /// All methods panic if the structure belongs to another store.
    pub fn defined_type(&self, store: &StoreState) -> TypeId {
        store.check(self.0.store());
        store.engine().types().id(store.heap.header(self.0.word()).0)
    }

    /// Returns the value of a field. Packed fields are zero-extended.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if there is no such field.
    pub fn field(&self, store: &StoreState, field: usize) -> Result<Val> {
        let ty = store.engine().types().get(self.defined_type(store));
        let ObjectLayout::Struct(layout) = &ty.layout else {
            unreachable!("the type of a structure is a structure type")
        };
        let (offset, storage) = layout.fields.get(field).ok_or_else(|| {
            Error::usage(format!(
                "field index {field} is out of bounds: the structure has {} fields",
                layout.fields.len()
            ))
        })?;
        Ok(store.unpack(store.heap.field(self.0.word(), *offset as usize, *storage), *storage))
    }
}

impl ArrayRef {
    /// The identifier of the array's type in the engine.
    ///
    /// # Panics
    ///
    /// All methods panic if the array belongs to another store.
    pub fn defined_type(&self, store: &StoreState) -> TypeId {
        store.check(self.0.store());
        store.engine().types().id(store.heap.header(self.0.word()).0)
    }

    /// The number of elements.
    pub fn size(&self, store: &StoreState) -> u32 {
        store.check(self.0.store());
        store.heap.header(self.0.word()).1
    }

    /// Returns the element at an index. Packed elements are zero-extended.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the index is out of bounds.
    pub fn element(&self, store: &StoreState, index: u32) -> Result<Val> {
        let size = self.size(store);
        if index >= size {
            return Err(Error::usage(format!(
                "element index {index} is out of bounds: the array has {size} elements"
            )));
        }
        let ty = store.engine().types().get(self.defined_type(store));
        let ObjectLayout::Array(storage) = ty.layout else {
            unreachable!("the type of an array is an array type")
        };
        let offset = element_offset(storage, index);
        Ok(store.unpack(store.heap.field(self.0.word(), offset, storage), storage))
    }
}

impl StoreState {
    /// Converts a value in the representation of objects.
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
