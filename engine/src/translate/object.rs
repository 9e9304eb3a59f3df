//! Objects on the heap: allocation, accesses, and the numbers of their types.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};

use super::memory::Extend;
use super::{TRUSTED, Translator, constant};
use crate::abi::builtin::Builtin;
use crate::abi::signature::{POINTER, ir_type};
use crate::types::layout::{OBJECT_LENGTH, OBJECT_TYPE, PAYLOAD};
use crate::types::{StorageType, ValType};
use crate::vm::layout::offsets;

/// The maximum size of an object that is zeroed inline.
const SMALL: i64 = 512;

impl Translator<'_, '_> {
    /// The canonical number of a type of the module.
    pub(super) fn type_number(&mut self, type_index: u32) -> Value {
        let types = self.context_pointer(offsets::CTX_TYPES);
        self.b.ins().load(types::I32, constant(), types, type_index as i32 * 4)
    }

    /// Allocates an object of `size` bytes including its header, a multiple of 8, and initialises
    /// its header. The rest is uninitialised: the caller must initialise it before anything that
    /// can run a collection.
    pub(super) fn allocate(&mut self, type_number: Value, length: u32, size: u32) -> Value {
        let length = self.b.ins().iconst(types::I32, i64::from(length));
        let size = self.immediate(size);
        self.allocate_with(type_number, length, size, None, |_, _, _| {})
    }

    /// Like [`Translator::allocate`], for a length that is known at run time.
    pub(super) fn allocate_array(
        &mut self,
        type_number: Value,
        length: Value,
        storage: StorageType,
    ) -> Value {
        let size = self.array_size(length, storage);
        self.allocate_with(type_number, length, size, None, |_, _, _| {})
    }

    /// Like [`Translator::allocate_array`], with everything after the header zeroed.
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

    /// The size of an array in bytes, computed like
    /// [`array_size`](crate::types::layout::array_size).
    fn array_size(&mut self, length: Value, storage: StorageType) -> Value {
        let length = self.widen(length);
        let elements = self.b.ins().ishl_imm_u(length, i64::from(storage.size_log2()));
        if storage.size() >= 8 {
            return self.b.ins().iadd_imm_u(elements, i64::from(PAYLOAD));
        }
        let padded = self.b.ins().iadd_imm_u(elements, i64::from(PAYLOAD + 7));
        self.b.ins().band_imm_s(padded, -8)
    }

    /// Allocates an object in the current hole, where `prepare` gets its address and its end. If
    /// the object does not fit or is larger than `most`, calls the builtin, which returns a zeroed
    /// object.
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

    /// Stores a value repeatedly from one address up to another.
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

    /// Loads a value from an object. Narrow values are extended.
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

    /// Stores a value in an object.
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

    /// Converts a value to its representation in an object.
    pub(super) fn narrow(&mut self, storage: StorageType, value: Value) -> Value {
        match storage {
            StorageType::Val(_) => value,
            _ => self.b.ins().ireduce(ir_type_of(storage), value),
        }
    }
}

/// The IR type of a value in an object.
fn ir_type_of(storage: StorageType) -> Type {
    match storage {
        StorageType::I8 => types::I8,
        StorageType::I16 => types::I16,
        StorageType::Val(ty) => ir_type(ty),
    }
}

/// The flags of an access to a value in an object: vectors are only aligned to half their size.
pub(super) fn flags_of(storage: StorageType) -> MemFlagsData {
    match storage {
        StorageType::Val(ValType::V128) => MemFlagsData::new().with_notrap(),
        _ => TRUSTED,
    }
}
