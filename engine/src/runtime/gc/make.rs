//! Structures and arrays that the host makes and changes (core spec, section 4.6.10, "Aggregate
//! Instructions").

use std::sync::Arc;

use super::{ArrayRef, StructRef};
use crate::error::{Error, Result};
use crate::runtime::{StoreState, Val};
use crate::types::canon::CanonType;
use crate::types::layout::{ObjectLayout, PAYLOAD, element_offset};
use crate::types::{CompositeType, FieldType, StorageType, TypeId, ValType};
use crate::vm::layout::VmVal;

impl StructRef {
    /// Makes a structure of a type with these fields, as `struct.new` does. A packed field takes
    /// the low bits of an `i32`.
    ///
    /// The type comes from [`Engine::struct_type_id`](crate::Engine::struct_type_id) or from a
    /// module, by the types of its imports and exports.
    ///
    /// ```
    /// use wassay_engine::{Config, Engine, FieldType, Store, StorageType, StructRef, Val, ValType};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine);
    /// let number = FieldType { storage: StorageType::Val(ValType::I64), mutable: true };
    /// let byte = FieldType { storage: StorageType::I8, mutable: false };
    /// let ty = engine.struct_type_id([number, byte])?;
    /// let object = StructRef::new(&mut store, ty, &[Val::I64(7), Val::I32(0x1ff)])?;
    /// assert_eq!(object.field(&store, 1)?, Val::I32(0xff));
    /// object.set_field(&mut store, 0, Val::I64(8))?;
    /// assert_eq!(object.field(&store, 0)?, Val::I64(8));
    /// # Ok::<(), wassay_engine::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the type is not a structure's or has a descriptor, or
    /// the values do not match its fields; [`Limit`](crate::ErrorKind::Limit) if the store has no
    /// room; [`Interrupted`](crate::ErrorKind::Interrupted) if the store was interrupted.
    ///
    /// # Panics
    ///
    /// If a value belongs to another store.
    pub fn new(store: &mut StoreState, ty: TypeId, fields: &[Val]) -> Result<StructRef> {
        let canon = store.hold_type(ty)?;
        let (ObjectLayout::Struct(layout), CompositeType::Struct(types)) =
            (&canon.layout, &canon.sub.composite)
        else {
            return Err(Error::usage(format!("type#{} is not a structure type", ty.number())));
        };
        if canon.sub.descriptor.is_some() {
            let message = format!("structures of type#{} are made with a descriptor", ty.number());
            return Err(Error::usage(message));
        }
        if types.len() != fields.len() {
            let (expected, found) = (types.len(), fields.len());
            return Err(Error::usage(format!("type mismatch: expected {expected} fields, found {found}")));
        }
        let values = fields.iter().zip(types).map(|(value, ty)| value.pack(ty.storage, store));
        // The host's handles keep what the values refer to while memory is found for the object.
        let values = values.collect::<Result<Vec<_>>>()?;
        let object = store.allocate_object(ty.number(), 0, u64::from(layout.size))?;
        for ((offset, storage), value) in layout.fields.iter().zip(values) {
            store.heap.set_field(object, *offset as usize, *storage, value);
        }
        Ok(StructRef(store.hold(object)))
    }

    /// Sets a field, as `struct.set` does. A packed field takes the low bits of an `i32`.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if there is no such field, it is immutable or the value
    /// has another type.
    ///
    /// # Panics
    ///
    /// If the structure or the value belongs to another store.
    pub fn set_field(&self, store: &mut StoreState, field: usize, value: Val) -> Result<()> {
        let (offset, ty) = self.place(store, field)?;
        check_mutable(ty, || format!("field {field}"))?;
        let packed = value.pack(ty.storage, store)?;
        store.heap.set_field(self.0.word(), offset, ty.storage, packed);
        Ok(())
    }
}

impl ArrayRef {
    /// Makes an array of a type whose elements all have one value, as `array.new` does. Packed
    /// elements take the low bits of an `i32`.
    ///
    /// The type comes from [`Engine::array_type_id`](crate::Engine::array_type_id) or from a
    /// module, by the types of its imports and exports.
    ///
    /// ```
    /// use wassay_engine::{ArrayRef, Config, Engine, FieldType, Store, StorageType, Val, ValType};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine);
    /// let element = FieldType { storage: StorageType::Val(ValType::I32), mutable: true };
    /// let ty = engine.array_type_id(element)?;
    /// let array = ArrayRef::new(&mut store, ty, 3, Val::I32(7))?;
    /// array.set_element(&mut store, 1, Val::I32(8))?;
    /// assert_eq!(array.element(&store, 1)?, Val::I32(8));
    /// assert_eq!((array.size(&store), array.element(&store, 2)?), (3, Val::I32(7)));
    /// # Ok::<(), wassay_engine::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the type is not an array's, or the value does not have
    /// the type of its elements; [`Limit`](crate::ErrorKind::Limit) if the store has no room, or a
    /// trap if no store could have; [`Interrupted`](crate::ErrorKind::Interrupted) if the store's
    /// deadline has passed.
    ///
    /// # Panics
    ///
    /// If the value belongs to another store.
    pub fn new(store: &mut StoreState, ty: TypeId, length: u32, value: Val) -> Result<ArrayRef> {
        let storage = store.hold_array_type(ty)?;
        let packed = value.pack(storage, store)?;
        let array = store.allocate_array(ty.number(), length)?;
        let (elements, size) = (array + u64::from(PAYLOAD), (length as usize) << storage.size_log2());
        store.heap.fill(elements, size, storage.size() as usize, packed, store.vm.alarm())?;
        Ok(ArrayRef(store.hold(array)))
    }

    /// Makes an array of a type with these elements, as `array.new_fixed` does.
    ///
    /// # Errors
    ///
    /// As for [`ArrayRef::new`].
    ///
    /// # Panics
    ///
    /// If a value belongs to another store.
    pub fn new_fixed(store: &mut StoreState, ty: TypeId, elements: &[Val]) -> Result<ArrayRef> {
        let storage = store.hold_array_type(ty)?;
        let length = u32::try_from(elements.len())
            .map_err(|error| Error::usage("an array has at most 2^32-1 elements").caused_by(error))?;
        let values = elements.iter().map(|value| value.pack(storage, store));
        // The host's handles keep what the values refer to while memory is found for the array.
        let values = values.collect::<Result<Vec<_>>>()?;
        let array = store.allocate_array(ty.number(), length)?;
        for (index, value) in (0..).zip(values) {
            store.heap.set_field(array, element_offset(storage, index), storage, value);
        }
        Ok(ArrayRef(store.hold(array)))
    }

    /// Sets an element, as `array.set` does. A packed element takes the low bits of an `i32`.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if there is no such element, elements are immutable or
    /// the value has another type.
    ///
    /// # Panics
    ///
    /// If the array or the value belongs to another store.
    pub fn set_element(&self, store: &mut StoreState, index: u32, value: Val) -> Result<()> {
        let (offset, ty) = self.place(store, index)?;
        check_mutable(ty, || "an element".to_owned())?;
        let packed = value.pack(ty.storage, store)?;
        store.heap.set_field(self.0.word(), offset, ty.storage, packed);
        Ok(())
    }
}

fn check_mutable(ty: FieldType, what: impl FnOnce() -> String) -> Result<()> {
    if ty.mutable { Ok(()) } else { Err(Error::usage(format!("cannot set {}: it is immutable", what()))) }
}

impl Val {
    /// The value as an object holds it. Of a packed one only the low bits are stored.
    fn pack(&self, storage: StorageType, store: &StoreState) -> Result<VmVal> {
        match storage {
            StorageType::I8 | StorageType::I16 => self.to_vm(ValType::I32, store),
            StorageType::Val(ty) => self.to_vm(ty, store),
        }
    }
}

impl StoreState {
    /// Holds a type for the store's objects, and gives it.
    fn hold_type(&mut self, ty: TypeId) -> Result<Arc<CanonType>> {
        self.types.hold(ty)?;
        Ok(self.engine().types().get(ty))
    }

    /// [`StoreState::hold_type`] of an array type: how its elements are stored.
    fn hold_array_type(&mut self, ty: TypeId) -> Result<StorageType> {
        match self.hold_type(ty)?.sub.composite {
            CompositeType::Array(element) => Ok(element.storage),
            _ => Err(Error::usage(format!("type#{} is not an array type", ty.number()))),
        }
    }
}
