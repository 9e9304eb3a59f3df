//! The layout of objects on the heap: structures, arrays, exceptions and continuations.
//!
//! Every object begins with a header of 8 bytes: the number of its type, followed for arrays by the
//! length. A field has the same offset in a type and in all its subtypes, since its offset depends
//! only on the fields before it.

use super::{CompositeType, FieldType, FuncType, StorageType, ValType};

/// The size of an object's header, and the alignment of objects.
pub(crate) const HEADER: u32 = 8;

/// The offset of the type's number, and of an array's length.
pub(crate) const OBJECT_TYPE: i32 = 0;
pub(crate) const OBJECT_LENGTH: i32 = 4;

/// The offset of an array's first element or a structure's first field.
pub(crate) const PAYLOAD: u32 = HEADER;

/// The size of an array with `length` elements in bytes, including the header.
pub(crate) fn array_size(storage: StorageType, length: u32) -> u64 {
    (u64::from(PAYLOAD) + (u64::from(length) << storage.size_log2())).next_multiple_of(8)
}

/// The offset of an element in its array.
pub(crate) fn element_offset(storage: StorageType, index: u32) -> usize {
    PAYLOAD as usize + ((index as usize) << storage.size_log2())
}

/// The offset of the address that identifies an exception's tag. The fields follow.
pub(crate) const EXCEPTION_TAG: u32 = HEADER;

/// The offset in a continuation of the address of its suspended stack, whose next values are the
/// arguments of `resume`. Otherwise null: see [`CONTINUATION_START`].
pub(crate) const CONTINUATION_STACK: u32 = HEADER;

/// The offset in a continuation without a stack at [`CONTINUATION_STACK`] of the reference to the
/// function that it starts with; or of the address of its suspended stack plus 1, if values are
/// bound that the stack does not have yet; or null, if the continuation is consumed.
pub(crate) const CONTINUATION_START: u32 = HEADER + 8;

/// The offset of the values that are bound to a continuation.
pub(crate) const CONTINUATION_BOUND: u32 = HEADER + 16;

/// The size of a bound value: as large as any value, whatever its type.
pub(crate) const BOUND_VALUE: u32 = 16;

/// The size in bytes of a continuation with this number of bound values.
pub(crate) fn continuation_size(bound: u32) -> u64 {
    u64::from(CONTINUATION_BOUND) + u64::from(bound) * u64::from(BOUND_VALUE)
}

/// The layout of the objects of a defined type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ObjectLayout {
    /// A structure, with the layout of its fields.
    Struct(FieldsLayout),
    /// An array, with the storage type of its elements.
    Array(StorageType),
    /// An exception whose tag has this function type, with the layout of its fields.
    Exception(FieldsLayout),
    /// A continuation, whose header has the number of its bound values.
    Continuation,
}

/// Consecutive fields, each aligned to its size, but to at most 8 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldsLayout {
    /// The size of the whole object in bytes, a multiple of 8.
    pub(crate) size: u32,
    /// The offset and the storage type of each field.
    pub(crate) fields: Box<[(u32, StorageType)]>,
    /// The offsets of the references that the collector traces.
    pub(crate) references: Box<[u32]>,
    /// The reference to a structure's descriptor, if its type has one.
    pub(crate) descriptor: Option<DescriptorLocation>,
}

/// The location of the reference to the descriptor in the structures of a type. It follows the
/// fields of the most derived supertype without a descriptor, so that it has the same offset in all
/// subtypes, as fields do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DescriptorLocation {
    /// The number of fields before it.
    fields_before: usize,
    /// The offset from the start of the object.
    pub(crate) offset: u32,
}

impl ObjectLayout {
    /// The layout of a type's objects; for a function type, that of the exceptions whose tag has
    /// the type. `parent` is the layout of the supertype, and `described` says whether the type has
    /// a descriptor.
    pub(crate) fn of(ty: &CompositeType, described: bool, parent: Option<&ObjectLayout>) -> ObjectLayout {
        match ty {
            CompositeType::Struct(fields) => {
                let descriptor = described.then(|| match parent {
                    Some(ObjectLayout::Struct(parent)) => {
                        parent.descriptor.map_or(parent.fields.len(), |location| location.fields_before)
                    }
                    _ => 0,
                });
                let storages = fields.iter().map(|field| field.storage);
                ObjectLayout::Struct(FieldsLayout::new(PAYLOAD, storages, descriptor))
            }
            CompositeType::Array(FieldType { storage, .. }) => ObjectLayout::Array(*storage),
            CompositeType::Func(ty) => ObjectLayout::Exception(FieldsLayout::of_exception(ty)),
            CompositeType::Cont(_) => ObjectLayout::Continuation,
        }
    }
}

impl FieldsLayout {
    /// The layout of exceptions whose tag has this type.
    pub(crate) fn of_exception(tag: &FuncType) -> FieldsLayout {
        FieldsLayout::new(EXCEPTION_TAG + 8, tag.params().iter().copied().map(StorageType::Val), None)
    }

    /// Lays out fields from an offset on, with a reference to a descriptor after the first
    /// `fields_before` of them.
    fn new(
        start: u32,
        storages: impl Iterator<Item = StorageType>,
        descriptor_after: Option<usize>,
    ) -> FieldsLayout {
        let mut at = start;
        let mut allocate = |size: u32| {
            let offset = at.next_multiple_of(size.min(8));
            at = offset + size;
            offset
        };
        let (mut fields, mut descriptor) = (Vec::new(), None);
        let mut describe = |fields_before: usize, allocate: &mut dyn FnMut(u32) -> u32| {
            if descriptor_after == Some(fields_before) {
                descriptor = Some(DescriptorLocation { fields_before, offset: allocate(8) });
            }
        };
        for storage in storages {
            describe(fields.len(), &mut allocate);
            fields.push((allocate(storage.size()), storage));
        }
        describe(fields.len(), &mut allocate);
        let traced = fields.iter().filter(|(_, storage)| storage.is_traced()).map(|(offset, _)| *offset);
        let references = traced.chain(descriptor.map(|location| location.offset)).collect();
        FieldsLayout { size: at.next_multiple_of(8), references, fields: fields.into(), descriptor }
    }
}

impl StorageType {
    /// The size of a value on the heap in bytes.
    pub(crate) fn size(self) -> u32 {
        1 << self.size_log2()
    }

    /// The binary logarithm of [`StorageType::size`].
    pub(crate) fn size_log2(self) -> u32 {
        match self {
            StorageType::I8 => 0,
            StorageType::I16 => 1,
            StorageType::Val(ValType::I32 | ValType::F32) => 2,
            StorageType::Val(ValType::I64 | ValType::F64 | ValType::Ref(_)) => 3,
            StorageType::Val(ValType::V128) => 4,
        }
    }

    /// Whether the collector traces values of the type. It reads references to functions as well,
    /// and ignores them because they do not point to its objects.
    pub(crate) fn is_traced(self) -> bool {
        matches!(self, StorageType::Val(ValType::Ref(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(storages: &[StorageType]) -> CompositeType {
        let field = |storage: &StorageType| FieldType { storage: *storage, mutable: true };
        CompositeType::Struct(storages.iter().map(field).collect())
    }

    #[test]
    fn fields_are_aligned_and_have_the_same_offsets_in_a_subtype() {
        use StorageType::{I8, I16, Val};
        let parent = [I8, I16, Val(ValType::I32), Val(ValType::EXTERNREF)];
        let child = [I8, I16, Val(ValType::I32), Val(ValType::EXTERNREF), I8, Val(ValType::V128)];
        let (ObjectLayout::Struct(parent), ObjectLayout::Struct(child)) =
            (ObjectLayout::of(&fields(&parent), false, None), ObjectLayout::of(&fields(&child), false, None))
        else {
            panic!("structures")
        };
        let offsets = |layout: &FieldsLayout| layout.fields.iter().map(|field| field.0).collect::<Vec<_>>();
        assert_eq!(offsets(&parent), [8, 10, 12, 16]);
        assert_eq!(offsets(&child), [8, 10, 12, 16, 24, 32]);
        assert_eq!((parent.size, child.size), (24, 48));
        assert_eq!(*child.references, [16]);
    }

    #[test]
    fn a_descriptor_follows_the_fields_of_supertypes_without_one() {
        use StorageType::{I8, Val};
        let plain = ObjectLayout::of(&fields(&[I8]), false, None);
        let described = ObjectLayout::of(&fields(&[I8, Val(ValType::I32)]), true, Some(&plain));
        let child = fields(&[I8, Val(ValType::I32), Val(ValType::EXTERNREF)]);
        let child = ObjectLayout::of(&child, true, Some(&described));
        let (ObjectLayout::Struct(described), ObjectLayout::Struct(child)) = (described, child) else {
            panic!("structures")
        };
        for layout in [&described, &child] {
            assert_eq!(layout.descriptor.map(|location| location.offset), Some(16));
            assert_eq!((layout.fields[0].0, layout.fields[1].0), (8, 24));
        }
        assert_eq!((child.fields[2].0, &*child.references), (32, &[32, 16][..]));
    }

    #[test]
    fn an_exception_has_its_tag_before_its_values() {
        let ty = CompositeType::Func(FuncType::new([ValType::I32, ValType::FUNCREF], []));
        let ObjectLayout::Exception(layout) = ObjectLayout::of(&ty, false, None) else {
            panic!("an exception")
        };
        assert_eq!(layout.fields.iter().map(|field| field.0).collect::<Vec<_>>(), [16, 24]);
        assert_eq!(layout.size, 32);
    }
}
