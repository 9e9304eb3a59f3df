//! Integer and float arithmetic and comparison (core spec, section 4.3, "Numerics").

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use cranelift_frontend::FuncInstBuilder;

use super::Translator;

impl Translator<'_, '_> {
    pub(super) fn i32_const(&mut self, value: i32) {
        let value = self.b.ins().iconst(types::I32, i64::from(value.cast_unsigned()));
        self.push(value);
    }

    pub(super) fn i64_const(&mut self, value: i64) {
        let value = self.b.ins().iconst(types::I64, value);
        self.push(value);
    }

    pub(super) fn f32_const(&mut self, bits: u32) {
        let value = self.b.ins().f32const(cranelift_codegen::ir::immediates::Ieee32::with_bits(bits));
        self.push(value);
    }

    pub(super) fn f64_const(&mut self, bits: u64) {
        let value = self.b.ins().f64const(cranelift_codegen::ir::immediates::Ieee64::with_bits(bits));
        self.push(value);
    }

    /// Translates an instruction with one operand.
    pub(super) fn unary(&mut self, build: impl FnOnce(FuncInstBuilder<'_, '_>, Value) -> Value) {
        let operand = self.pop();
        let value = build(self.b.ins(), operand);
        self.push(value);
    }

    /// Translates an instruction with two operands.
    pub(super) fn binary(&mut self, build: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value) {
        let (left, right) = self.pop2();
        let value = build(self.b.ins(), left, right);
        self.push(value);
    }

    /// Translates an instruction with two operands that can trap.
    pub(super) fn trapping_binary(
        &mut self,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value,
    ) {
        self.mark();
        self.binary(build);
    }

    /// Translates an operation on 128-bit integers, each represented by a low and a high half on
    /// the stack (wide-arithmetic proposal).
    pub(super) fn wide_binary(&mut self, build: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value) {
        let (low, high) = self.pop2();
        let right = self.b.ins().iconcat(low, high);
        let (low, high) = self.pop2();
        let left = self.b.ins().iconcat(low, high);
        let value = build(self.b.ins(), left, right);
        self.push_halves(value);
    }

    /// Pushes the 128-bit product of two 64-bit integers.
    pub(super) fn mul_wide(&mut self, extend: impl Fn(FuncInstBuilder<'_, '_>, Value) -> Value) {
        let (left, right) = self.pop2();
        let (left, right) = (extend(self.b.ins(), left), extend(self.b.ins(), right));
        let value = self.b.ins().imul(left, right);
        self.push_halves(value);
    }

    fn push_halves(&mut self, value: Value) {
        let (low, high) = self.b.ins().isplit(value);
        self.push(low);
        self.push(high);
    }

    /// Compares an integer with zero.
    pub(super) fn eqz(&mut self) {
        let operand = self.pop();
        let condition = self.b.ins().icmp_imm_u(IntCC::Equal, operand, 0);
        self.push_bool(condition);
    }

    /// Compares integers.
    pub(super) fn compare(&mut self, condition: IntCC) {
        let (left, right) = self.pop2();
        let condition = self.icmp(condition, left, right);
        self.push_bool(condition);
    }

    /// Compares floats.
    pub(super) fn fcompare(&mut self, condition: FloatCC) {
        let (left, right) = self.pop2();
        let condition = self.b.ins().fcmp(condition, left, right);
        self.push_bool(condition);
    }

    /// Sign-extends the low bits of an integer.
    pub(super) fn extend_low(&mut self, narrow: Type) {
        let operand = self.pop();
        let wide = self.b.func.dfg.value_type(operand);
        let low = self.b.ins().ireduce(narrow, operand);
        let value = self.b.ins().sextend(wide, low);
        self.push(value);
    }
}
