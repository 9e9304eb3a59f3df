//! Tables (core spec, section 4.6.7, "Table Instructions").

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::{TRUSTED, Translator};
use crate::abi::builtin::Builtin;
use crate::abi::signature::POINTER;
use crate::trap::Trap;
use crate::vm::layout::offsets;

impl Translator<'_, '_> {
    pub(super) fn table_get(&mut self, table: u32) {
        let index = self.pop();
        let value = self.table_element(table, index, Trap::TableOutOfBounds);
        self.push(value);
    }

    pub(super) fn table_set(&mut self, table: u32) {
        let (index, value) = self.pop2();
        let address = self.element_address(table, index, Trap::TableOutOfBounds);
        self.b.ins().store(TRUSTED, value, address, 0);
    }

    pub(super) fn table_size(&mut self, table: u32) {
        let record = self.context_pointer(self.env.layout.table(table));
        let length = self.b.ins().load(types::I64, TRUSTED, record, offsets::TABLE_LENGTH);
        self.push_address(length, self.env.info.tables[table as usize].table64);
    }

    pub(super) fn table_grow(&mut self, table: u32) {
        let (value, delta) = self.pop2();
        let index = self.immediate(table);
        let old = self.call_builtin(Builtin::TableGrow, &[index, value, delta]);
        self.push_address(old, self.env.info.tables[table as usize].table64);
    }

    /// The address of the element at an index. Traps if it is out of bounds.
    pub(super) fn table_element(&mut self, table: u32, index: Value, past_end: Trap) -> Value {
        let address = self.element_address(table, index, past_end);
        self.b.ins().load(POINTER, TRUSTED, address, 0)
    }

    fn element_address(&mut self, table: u32, index: Value, past_end: Trap) -> Value {
        let record = self.context_pointer(self.env.layout.table(table));
        let length = self.b.ins().load(types::I64, TRUSTED, record, offsets::TABLE_LENGTH);
        let index = self.widen(index);
        let outside = self.icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
        self.trap_if(outside, past_end);
        let elements = self.b.ins().load(POINTER, TRUSTED, record, offsets::TABLE_ELEMENTS);
        let offset = self.b.ins().ishl_imm_u(index, 3);
        self.b.ins().iadd(elements, offset)
    }
}
