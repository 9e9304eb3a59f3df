//! Structures (core spec, section 4.6.10, "Aggregate Instructions").

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};

use super::memory::Extend;
use super::object::flags_of;
use super::{TRUSTED, Translator};
use crate::abi::builtin::Builtin;
use crate::abi::signature::ir_type;
use crate::trap::Trap;
use crate::types::StorageType;
use crate::vm::layout::NULL_PAGE;

/// The maximum number of fields of a structure with default values that is allocated inline.
const FEW: usize = 64;

/// The location of a field, reached by a reference that can be null.
struct FieldLocation {
    object: Value,
    offset: i32,
    storage: StorageType,
    flags: MemFlagsData,
}

impl Translator<'_, '_> {
    pub(super) fn struct_new(&mut self, type_index: u32) {
        let layout = self.env.info.struct_layout(type_index);
        let descriptor = layout.descriptor.map(|location| (location.offset, self.pop_descriptor()));
        let values = self.pop_many(layout.fields.len());
        let number = self.type_number(type_index);
        let object = self.allocate(number, 0, layout.size);
        if let Some((offset, descriptor)) = descriptor {
            self.b.ins().store(TRUSTED, descriptor, object, offset as i32);
        }
        for ((offset, storage), value) in layout.fields.iter().zip(values) {
            self.store_value(*storage, flags_of(*storage), value, object, *offset as i32);
        }
        self.push(object);
    }

    pub(super) fn struct_new_default(&mut self, type_index: u32) {
        let layout = self.env.info.struct_layout(type_index);
        let descriptor = layout.descriptor.map(|location| (location.offset, self.pop()));
        if layout.fields.len() <= FEW {
            for (_, storage) in &layout.fields {
                let zero = match storage {
                    StorageType::Val(ty) => self.zero(ir_type(*ty)),
                    StorageType::I8 | StorageType::I16 => self.b.ins().iconst(types::I32, 0),
                };
                self.push(zero);
            }
            self.stack.extend(descriptor.map(|(_, descriptor)| descriptor));
            return self.struct_new(type_index);
        }
        if let Some((_, descriptor)) = descriptor {
            self.trap_if_null(descriptor, Trap::NullDescriptor);
        }
        let number = self.type_number(type_index);
        let (length, size) = (self.immediate(0), self.immediate(layout.size));
        let object = self.call_builtin(Builtin::Allocate, &[number, length, size]);
        if let Some((offset, descriptor)) = descriptor {
            self.b.ins().store(TRUSTED, descriptor, object, offset as i32);
        }
        self.push(object);
    }

    pub(super) fn struct_get(&mut self, type_index: u32, field: u32, extend: Extend) {
        let object = self.pop();
        let location = self.field_location(object, type_index, field);
        let value =
            self.load_value(location.storage, extend, location.flags, location.object, location.offset);
        self.push(value);
    }

    pub(super) fn struct_set(&mut self, type_index: u32, field: u32) {
        let (object, value) = self.pop2();
        let location = self.field_location(object, type_index, field);
        self.store_value(location.storage, location.flags, value, location.object, location.offset);
    }

    /// The location of a field. An access to a field near the start of its structure faults by
    /// itself if the reference is null.
    fn field_location(&mut self, object: Value, type_index: u32, field: u32) -> FieldLocation {
        let (offset, storage) = self.env.info.struct_layout(type_index).fields[field as usize];
        let flags = if offset + storage.size() <= NULL_PAGE {
            self.or_trap(flags_of(storage), Trap::NullStructureReference)
        } else {
            self.trap_if_null(object, Trap::NullStructureReference);
            flags_of(storage)
        };
        FieldLocation { object, offset: offset as i32, storage, flags }
    }
}
