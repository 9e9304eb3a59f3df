//! Objects on the heap: allocation, and the numbers of their types.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};

use super::memory::Extend;
use super::{TRUSTED, Translator, constant};
use crate::abi::builtin::Builtin;
use crate::abi::signature::{POINTER, ir_type};
use crate::types::layout::{OBJECT_LENGTH, OBJECT_TYPE, PAYLOAD};
use crate::types::{StorageType, ValType};
use crate::vm::layout::offsets;

/// The size up to which an object is made zero in place.
const SMALL: i64 = 512;

impl Translator<'_, '_> {
    /// The canonical number of one of the module's types.
    pub(super) fn type_number(&mut self, type_index: u32) -> Value {
        let types = self.context_pointer(offsets::CTX_TYPES);
        self.b.ins().load(types::I32, constant(), types, type_index as i32 * 4)
    }

    /// Makes an object of `size` bytes, header included, a multiple of 8, with its header filled
    /// in. What follows the header is left as it was: the caller fills it in before anything that
    /// may collect.
    pub(super) fn allocate(&mut self, type_number: Value, length: u32, size: u32) -> Value {
        let length = self.b.ins().iconst(types::I32, i64::from(length));
        let size = self.immediate(size);
        self.allocate_with(type_number, length, size, None, |_, _, _| {})
    }

    /// [`Translator::allocate`] for a length that is known when the code runs.
    pub(super) fn allocate_array(
        &mut self,
        type_number: Value,
        length: Value,
        storage: StorageType,
    ) -> Value {
        let size = self.array_size(length, storage);
        self.allocate_with(type_number, length, size, None, |_, _, _| {})
    }

    /// [`Translator::allocate_array`] with everything after the header zero.
    pub(super) fn allocate_zeroed_array(
        &mut self,
        type_number: Value,
        length: Value,
        storage: StorageType,
    ) -> Value {
        let size = self.array_size(length, storage);
        self.allocate_with(type_number, length, size, Some(SMALL), |this, object, end| {
            let start = this.b.ins().iadd_imm_u(object, i64::from(PAYLOAD));
            let zero = this.b.ins().iconst(types::I64, 0);
            this.store_up_to(start, end, TRUSTED, zero);
        })
    }

    /// The size of an array in bytes, as [`array_size`](crate::types::layout::array_size) has it.
    fn array_size(&mut self, length: Value, storage: StorageType) -> Value {
        let length = self.widen(length);
        let elements = self.b.ins().ishl_imm_u(length, i64::from(storage.size_log2()));
        if storage.size() >= 8 {
            return self.b.ins().iadd_imm_u(elements, i64::from(PAYLOAD));
        }
        let padded = self.b.ins().iadd_imm_u(elements, i64::from(PAYLOAD + 7));
        self.b.ins().band_imm_s(padded, -8)
    }

    /// Makes an object in free memory, where `prepare` gets it and its end; where it does not fit,
    /// or is larger than `most`, by the builtin, which gives it with zeros.
    fn allocate_with(
        &mut self,
        type_number: Value,
        length: Value,
        size: Value,
        most: Option<i64>,
        prepare: impl FnOnce(&mut Self, Value, Value),
    ) -> Value {
        let [fast, slow, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(slow);
        let object = self.b.append_block_param(done, POINTER);
        if let Some(most) = most {
            let small = self.b.create_block();
            let large = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, size, most);
            self.b.ins().brif(large, slow, &[], small, &[]);
            self.b.seal_block(small);
            self.b.switch_to_block(small);
        }
        let store = self.context_pointer(offsets::CTX_STORE);
        let next = self.b.ins().load(POINTER, TRUSTED, store, offsets::STORE_FREE_NEXT);
        let end = self.b.ins().load(POINTER, TRUSTED, store, offsets::STORE_FREE_END);
        let behind = self.b.ins().iadd(next, size);
        let fits = self.icmp(IntCC::UnsignedLessThanOrEqual, behind, end);
        self.b.ins().brif(fits, fast, &[], slow, &[]);

        self.b.seal_block(slow);
        self.b.switch_to_block(slow);
        let made = self.call_builtin(Builtin::Allocate, &[type_number, length, size]);
        self.b.ins().jump(done, &[made.into()]);

        self.b.seal_block(fast);
        self.b.switch_to_block(fast);
        self.b.ins().store(TRUSTED, behind, store, offsets::STORE_FREE_NEXT);
        self.b.ins().store(TRUSTED, type_number, next, OBJECT_TYPE);
        self.b.ins().store(TRUSTED, length, next, OBJECT_LENGTH);
        prepare(self, next, behind);
        self.b.ins().jump(done, &[next.into()]);

        self.b.seal_block(done);
        self.b.switch_to_block(done);
        object
    }

    /// Stores a value again and again from an address up to another.
    pub(super) fn store_up_to(&mut self, start: Value, end: Value, flags: MemFlagsData, value: Value) {
        let [body, done] = [(); 2].map(|()| self.b.create_block());
        let at = self.b.append_block_param(body, POINTER);
        let any = self.icmp(IntCC::NotEqual, start, end);
        self.b.ins().brif(any, body, &[start.into()], done, &[]);
        self.b.switch_to_block(body);
        self.b.ins().store(flags, value, at, 0);
        let step = i64::from(self.b.func.dfg.value_type(value).bytes());
        let next = self.b.ins().iadd_imm_u(at, step);
        let more = self.icmp(IntCC::NotEqual, next, end);
        self.b.ins().brif(more, body, &[next.into()], done, &[]);
        self.b.seal_block(body);
        self.b.seal_block(done);
        self.b.switch_to_block(done);
    }

    /// Reads what lies in an object: a narrow value is extended.
    pub(super) fn load_value(
        &mut self,
        storage: StorageType,
        extend: Extend,
        flags: MemFlagsData,
        address: Value,
        offset: i32,
    ) -> Value {
        let value = self.b.ins().load(ir_type_of(storage), flags, address, offset);
        match (storage, extend) {
            (StorageType::Val(_), _) => value,
            (_, Extend::Sign) => self.b.ins().sextend(types::I32, value),
            (_, Extend::Zero) => self.b.ins().uextend(types::I32, value),
        }
    }

    /// Writes what lies in an object.
    pub(super) fn store_value(
        &mut self,
        storage: StorageType,
        flags: MemFlagsData,
        value: Value,
        address: Value,
        offset: i32,
    ) {
        let value = self.narrow(storage, value);
        self.b.ins().store(flags, value, address, offset);
    }

    /// A value as it lies in an object.
    pub(super) fn narrow(&mut self, storage: StorageType, value: Value) -> Value {
        match storage {
            StorageType::Val(_) => value,
            _ => self.b.ins().ireduce(ir_type_of(storage), value),
        }
    }
}

/// The type of what lies in an object.
fn ir_type_of(storage: StorageType) -> Type {
    match storage {
        StorageType::I8 => types::I8,
        StorageType::I16 => types::I16,
        StorageType::Val(ty) => ir_type(ty),
    }
}

/// How a value in an object is accessed: vectors are aligned to half their size only.
pub(super) fn flags_of(storage: StorageType) -> MemFlagsData {
    match storage {
        StorageType::Val(ValType::V128) => MemFlagsData::new().with_notrap(),
        _ => TRUSTED,
    }
}
