//! Scalar loads and stores, and the sizes of memories (core spec, section 4.6.8, "Memory
//! Instructions").

use cranelift_codegen::ir::{InstBuilder, Type, types};
use wasmparser::MemArg;

use super::Translator;
use super::bounds::heap_flags;
use crate::abi::builtin::Builtin;

/// How a narrow value is extended.
#[derive(Clone, Copy)]
pub(super) enum Extend {
    Sign,
    Zero,
}

impl Translator<'_, '_> {
    pub(super) fn load(&mut self, ty: Type, memarg: &MemArg) {
        let location = self.pop_location(memarg, ty.bytes());
        let value = self.b.ins().load(ty, heap_flags(), location.address, location.offset);
        self.push(value);
    }

    pub(super) fn load_extend(&mut self, narrow: Type, extend: Extend, wide: Type, memarg: &MemArg) {
        let location = self.pop_location(memarg, narrow.bytes());
        let value = self.b.ins().load(narrow, heap_flags(), location.address, location.offset);
        let value = match extend {
            Extend::Sign => self.b.ins().sextend(wide, value),
            Extend::Zero => self.b.ins().uextend(wide, value),
        };
        self.push(value);
    }

    pub(super) fn store(&mut self, memarg: &MemArg) {
        let value = self.pop();
        let size = self.b.func.dfg.value_type(value).bytes();
        let location = self.pop_location(memarg, size);
        self.b.ins().store(heap_flags(), value, location.address, location.offset);
    }

    pub(super) fn store_low(&mut self, narrow: Type, memarg: &MemArg) {
        let value = self.pop();
        let location = self.pop_location(memarg, narrow.bytes());
        let value = self.b.ins().ireduce(narrow, value);
        self.b.ins().store(heap_flags(), value, location.address, location.offset);
    }

    pub(super) fn memory_size(&mut self, memory: u32) {
        let ty = self.env.info.memories[memory as usize];
        let length = self.memory_length(memory);
        let pages = self.b.ins().ushr_imm_u(length, i64::from(ty.page_size_log2));
        self.push_address(pages, ty.memory64);
    }

    pub(super) fn memory_grow(&mut self, memory: u32) {
        let delta = self.pop();
        let index = self.immediate(memory);
        let old = self.call_builtin(Builtin::MemoryGrow, &[index, delta]);
        self.push_address(old, self.env.info.memories[memory as usize].memory64);
    }

    /// Pushes a 64-bit value as an address of a memory or table: narrowed to 32 bits unless `wide`.
    pub(super) fn push_address(&mut self, value: cranelift_codegen::ir::Value, wide: bool) {
        let value = if wide { value } else { self.b.ins().ireduce(types::I32, value) };
        self.push(value);
    }
}
