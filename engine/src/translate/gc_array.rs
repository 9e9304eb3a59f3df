//! Arrays (core spec, section 4.6.10, "Aggregate Instructions").

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::bounds::HeapLocation;
use super::memory::Extend;
use super::object::flags_of;
use super::{TRUSTED, Translator, little_endian};
use crate::abi::builtin::Builtin;
use crate::trap::Trap;
use crate::types::StorageType;
use crate::types::layout::{OBJECT_LENGTH, PAYLOAD, array_size, element_offset};

/// The maximum number of elements of an array that is filled inline.
const FEW: i64 = 64;

impl Translator<'_, '_> {
    pub(super) fn array_new(&mut self, type_index: u32) {
        let (value, length) = self.pop2();
        let storage = self.env.info.element_storage(type_index);
        let number = self.type_number(type_index);
        let array = self.allocate_array(number, length, storage);
        let first = self.b.ins().iadd_imm_u(array, i64::from(PAYLOAD));
        self.fill_elements(first, length, storage, value);
        self.push(array);
    }

    pub(super) fn array_new_default(&mut self, type_index: u32) {
        let length = self.pop();
        let number = self.type_number(type_index);
        let array = self.allocate_zeroed_array(number, length, self.env.info.element_storage(type_index));
        self.push(array);
    }

    pub(super) fn array_new_fixed(&mut self, type_index: u32, length: u32) {
        let storage = self.env.info.element_storage(type_index);
        let values = self.pop_many(length as usize);
        let number = self.type_number(type_index);
        // A function body has too few instructions for an array whose size does not fit in 31 bits.
        let array = self.allocate(number, length, array_size(storage, length) as u32);
        for (index, value) in (0..).zip(values) {
            let offset = element_offset(storage, index) as i32;
            self.store_value(storage, flags_of(storage), value, array, offset);
        }
        self.push(array);
    }

    /// Allocates an array from a range of a segment.
    pub(super) fn array_new_segment(&mut self, builtin: Builtin, type_index: u32, segment: u32) {
        let (source, length) = self.pop2();
        let (number, segment) = (self.type_number(type_index), self.immediate(segment));
        let array = self.call_builtin(builtin, &[number, segment, source, length]);
        self.push(array);
    }

    /// Sets elements from a range of a segment.
    pub(super) fn array_init_segment(&mut self, builtin: Builtin, segment: u32) {
        let (target, source, length) = self.pop3();
        let (array, segment) = (self.pop(), self.immediate(segment));
        self.call_builtin(builtin, &[segment, array, target, source, length]);
    }

    pub(super) fn array_get(&mut self, type_index: u32, extend: Extend) {
        let (array, index) = self.pop2();
        let storage = self.env.info.element_storage(type_index);
        let element = self.checked_element(array, index, storage);
        let value = self.load_value(storage, extend, flags_of(storage), element, PAYLOAD as i32);
        self.push(value);
    }

    pub(super) fn array_set(&mut self, type_index: u32) {
        let (array, index, value) = self.pop3();
        let storage = self.env.info.element_storage(type_index);
        let element = self.checked_element(array, index, storage);
        self.store_value(storage, flags_of(storage), value, element, PAYLOAD as i32);
    }

    /// The location of an access to bytes of an array, of which the index is the first (multibyte
    /// array access proposal). Traps if the array is null, or the bytes are out of bounds.
    pub(super) fn location_in_array(
        &mut self,
        (array, index): (Value, Value),
        type_index: u32,
        offset: u64,
        size: u32,
    ) -> HeapLocation {
        let length = self.length(array);
        let bytes = self.size_of(length, self.env.info.element_storage(type_index));
        let index = self.widen(index);
        // The index and the offset have 32 bits each.
        let start = self.b.ins().iadd_imm_s(index, offset as i64);
        let end = self.b.ins().iadd_imm_s(start, i64::from(size));
        let outside = self.icmp(IntCC::UnsignedGreaterThan, end, bytes);
        self.trap_if(outside, Trap::ArrayOutOfBounds);
        HeapLocation { address: self.b.ins().iadd(array, start), offset: PAYLOAD as i32 }
    }

    pub(super) fn array_len(&mut self) {
        let array = self.pop();
        let length = self.length(array);
        self.push(length);
    }

    pub(super) fn array_fill(&mut self, type_index: u32) {
        let (start, value, count) = self.pop3();
        let array = self.pop();
        let storage = self.env.info.element_storage(type_index);
        let length = self.length(array);
        let first = self.checked_elements((array, length), start, count, storage);
        self.fill_elements(first, count, storage, value);
    }

    pub(super) fn array_copy(&mut self, type_index: u32) {
        let (from, source, count) = self.pop3();
        let (to, target) = self.pop2();
        // The elements of the source have the same size, because their type matches.
        let storage = self.env.info.element_storage(type_index);
        // Null checks precede bounds checks.
        let (to_length, from_length) = (self.length(to), self.length(from));
        let target = self.checked_elements((to, to_length), target, count, storage);
        let source = self.checked_elements((from, from_length), source, count, storage);
        let size = self.size_of(count, storage);
        self.call_builtin(Builtin::ElementsCopy, &[target, source, size]);
    }

    /// The length of an array. Faults if the reference is null.
    fn length(&mut self, array: Value) -> Value {
        let flags = self.or_trap(TRUSTED, Trap::NullArrayReference);
        self.b.ins().load(types::I32, flags, array, OBJECT_LENGTH)
    }

    /// Like [`Translator::element`], for an array that can be null and an index that can be out of
    /// bounds.
    fn checked_element(&mut self, array: Value, index: Value, storage: StorageType) -> Value {
        let length = self.length(array);
        let outside = self.icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
        self.trap_if(outside, Trap::ArrayOutOfBounds);
        self.element(array, index, storage)
    }

    /// The address of the first of `count` elements of an array of this length. Traps if the range
    /// is out of bounds.
    fn checked_elements(
        &mut self,
        (array, length): (Value, Value),
        start: Value,
        count: Value,
        storage: StorageType,
    ) -> Value {
        let (length, from, count) = (self.widen(length), self.widen(start), self.widen(count));
        let end = self.b.ins().iadd(from, count);
        let outside = self.icmp(IntCC::UnsignedGreaterThan, end, length);
        self.trap_if(outside, Trap::ArrayOutOfBounds);
        let element = self.element(array, start, storage);
        self.b.ins().iadd_imm_u(element, i64::from(PAYLOAD))
    }

    /// The address of an element minus [`PAYLOAD`].
    fn element(&mut self, array: Value, index: Value, storage: StorageType) -> Value {
        let offset = self.size_of(index, storage);
        self.b.ins().iadd(array, offset)
    }

    /// The size of `count` elements in bytes.
    fn size_of(&mut self, count: Value, storage: StorageType) -> Value {
        let count = self.widen(count);
        self.b.ins().ishl_imm_u(count, i64::from(storage.size_log2()))
    }

    /// Fills elements from an address on, which are inside an array. No collection can happen
    /// meanwhile.
    fn fill_elements(&mut self, first: Value, count: Value, storage: StorageType, value: Value) {
        let [few, many, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(many);
        let size = self.size_of(count, storage);
        let is_many = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, count, FEW);
        self.b.ins().brif(is_many, many, &[], few, &[]);

        self.b.seal_block(many);
        self.b.switch_to_block(many);
        let (step, (low, high)) = (self.immediate(storage.size()), self.halves(value));
        self.call_builtin(Builtin::ElementsFill, &[first, size, step, low, high]);
        self.b.ins().jump(done, &[]);

        self.b.seal_block(few);
        self.b.switch_to_block(few);
        let end = self.b.ins().iadd(first, size);
        let value = self.narrow(storage, value);
        self.store_up_to(first, end, flags_of(storage), value);
        self.b.ins().jump(done, &[]);

        self.b.seal_block(done);
        self.b.switch_to_block(done);
    }

    /// The low and the high 64 bits of a value.
    fn halves(&mut self, value: Value) -> (Value, Value) {
        let zero = self.immediate(0);
        match self.b.func.dfg.value_type(value) {
            types::F32 => (self.b.ins().bitcast(types::I32, little_endian(), value), zero),
            types::F64 => (self.b.ins().bitcast(types::I64, little_endian(), value), zero),
            ty if ty.is_vector() => {
                let lanes = self.reshape(value, types::I64X2);
                (self.b.ins().extractlane(lanes, 0), self.b.ins().extractlane(lanes, 1))
            }
            _ => (value, zero),
        }
    }
}
