//! Lane-wise arithmetic, bitwise operations and tests (core spec, section 4.6.11, "Vector
//! Instructions").

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use cranelift_frontend::FuncInstBuilder;

use super::convert::Half;
use crate::abi::signature::VECTOR;
use crate::translate::Translator;
use crate::translate::memory::Extend;

impl Translator<'_, '_> {
    /// Translates an instruction on a vector with lanes of the given shape.
    pub(super) fn vector_unary(
        &mut self,
        shape: Type,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, Value) -> Value,
    ) {
        let operand = self.pop_vector(shape);
        let value = build(self.b.ins(), operand);
        self.push(value);
    }

    /// Translates an instruction on two vectors with lanes of the given shape.
    pub(super) fn vector_binary(
        &mut self,
        shape: Type,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value,
    ) {
        let (left, right) = self.pop2_vector(shape);
        let value = build(self.b.ins(), left, right);
        self.push(value);
    }

    /// Translates an instruction that shifts lanes of the given shape by an i32, whose value is
    /// taken modulo the width of a lane.
    pub(super) fn vector_shift(
        &mut self,
        shape: Type,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value,
    ) {
        let count = self.pop();
        let operand = self.pop_vector(shape);
        let value = build(self.b.ins(), operand, count);
        self.push(value);
    }

    /// Pops three vectors with lanes of the given shape.
    pub(super) fn pop3_vector(&mut self, shape: Type) -> (Value, Value, Value) {
        let third = self.pop_vector(shape);
        let (first, second) = self.pop2_vector(shape);
        (first, second, third)
    }

    /// Takes each bit from the first vector if it is set in the third, otherwise from the second.
    pub(super) fn bitselect(&mut self) {
        let (ones, zeros, mask) = self.pop3_vector(VECTOR);
        let value = self.b.ins().bitselect(mask, ones, zeros);
        self.push(value);
    }

    /// Tests whether any bit is set.
    pub(super) fn any_true(&mut self) {
        let operand = self.pop_vector(VECTOR);
        let condition = self.b.ins().vany_true(operand);
        self.push_bool(condition);
    }

    /// Tests whether all lanes are nonzero.
    pub(super) fn all_true(&mut self, shape: Type) {
        let operand = self.pop_vector(shape);
        let condition = self.b.ins().vall_true(operand);
        self.push_bool(condition);
    }

    /// `fpmin`: the second operand if it is less than the first, otherwise the first (including
    /// NaN).
    pub(super) fn pmin(&mut self, shape: Type) {
        let (first, second) = self.pop2_vector(shape);
        let replaced = self.b.ins().fcmp(FloatCC::LessThan, second, first);
        self.push_replaced(shape, replaced, first, second);
    }

    /// `fpmax`: the second operand if the first is less than it, otherwise the first (including
    /// NaN).
    pub(super) fn pmax(&mut self, shape: Type) {
        let (first, second) = self.pop2_vector(shape);
        let replaced = self.b.ins().fcmp(FloatCC::LessThan, first, second);
        self.push_replaced(shape, replaced, first, second);
    }

    /// Pushes the second vector's lanes where the mask is ones, and the first vector's lanes where
    /// it is zeros.
    fn push_replaced(&mut self, shape: Type, mask: Value, first: Value, second: Value) {
        let mask = self.reshape(mask, shape);
        let value = self.b.ins().bitselect(mask, second, first);
        self.push(value);
    }

    /// Multiplies one half of two vectors to lanes of twice the width.
    pub(super) fn extmul(&mut self, shape: Type, half: Half, extend: Extend) {
        let operands = self.pop2_vector(shape);
        let value = self.multiply_half(operands, half, extend);
        self.push(value);
    }

    /// Like [`Translator::extmul`], for values.
    pub(super) fn multiply_half(&mut self, operands: (Value, Value), half: Half, extend: Extend) -> Value {
        let left = self.extend_half(operands.0, half, extend);
        let right = self.extend_half(operands.1, half, extend);
        self.b.ins().imul(left, right)
    }

    /// Adds neighbouring lanes to lanes of twice the width.
    pub(super) fn extadd_pairwise(&mut self, shape: Type, extend: Extend) {
        let operand = self.pop_vector(shape);
        let value = self.add_neighbours(operand, extend);
        self.push(value);
    }

    /// Like [`Translator::extadd_pairwise`], for a value.
    pub(super) fn add_neighbours(&mut self, operand: Value, extend: Extend) -> Value {
        let low = self.extend_half(operand, Half::Low, extend);
        let high = self.extend_half(operand, Half::High, extend);
        self.b.ins().iadd_pairwise(low, high)
    }

    /// `i32x4.dot_i16x8_s`: multiplies lanes and adds neighbouring products.
    pub(super) fn dot(&mut self) {
        let operands = self.pop2_vector(types::I16X8);
        let low = self.multiply_half(operands, Half::Low, Extend::Sign);
        let high = self.multiply_half(operands, Half::High, Extend::Sign);
        let value = self.b.ins().iadd_pairwise(low, high);
        self.push(value);
    }
}
