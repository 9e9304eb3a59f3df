//! Conversions between lanes of different widths and types (core spec, section 4.3.4,
//! "Conversions").

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use cranelift_frontend::FuncInstBuilder;

use crate::translate::Translator;
use crate::translate::memory::Extend;

/// The half of a vector's lanes that is extended.
#[derive(Clone, Copy)]
pub(super) enum Half {
    Low,
    High,
}

impl Translator<'_, '_> {
    /// Extends one half of a vector with lanes of the given shape.
    pub(super) fn vector_extend(&mut self, shape: Type, half: Half, extend: Extend) {
        let operand = self.pop_vector(shape);
        let value = self.extend_half(operand, half, extend);
        self.push(value);
    }

    /// Like [`Translator::vector_extend`], for a value.
    pub(super) fn extend_half(&mut self, operand: Value, half: Half, extend: Extend) -> Value {
        let ins = self.b.ins();
        match (half, extend) {
            (Half::Low, Extend::Sign) => ins.swiden_low(operand),
            (Half::Low, Extend::Zero) => ins.uwiden_low(operand),
            (Half::High, Extend::Sign) => ins.swiden_high(operand),
            (Half::High, Extend::Zero) => ins.uwiden_high(operand),
        }
    }

    pub(super) fn trunc_sat_s(&mut self) {
        self.vector_unary(types::F32X4, |ins, x| ins.fcvt_to_sint_sat(types::I32X4, x));
    }

    pub(super) fn trunc_sat_u(&mut self) {
        self.vector_unary(types::F32X4, |ins, x| ins.fcvt_to_uint_sat(types::I32X4, x));
    }

    /// Truncates two floats to the low lanes of an i32x4 whose high lanes are zero. The code
    /// generator supports a truncation to 64-bit lanes only in combination with the narrowing
    /// instruction, so both are built here.
    pub(super) fn trunc_zero(
        &mut self,
        truncate: impl FnOnce(FuncInstBuilder<'_, '_>, Value) -> Value,
        narrow: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value,
    ) {
        let operand = self.pop_vector(types::F64X2);
        let wide = truncate(self.b.ins(), operand);
        let zero = self.zero(types::I64X2);
        let value = narrow(self.b.ins(), wide, zero);
        self.push(value);
    }

    pub(super) fn trunc_sat_zero_s(&mut self) {
        self.trunc_zero(|ins, x| ins.fcvt_to_sint_sat(types::I64X2, x), |ins, x, zero| ins.snarrow(x, zero));
    }

    pub(super) fn trunc_sat_zero_u(&mut self) {
        self.trunc_zero(|ins, x| ins.fcvt_to_uint_sat(types::I64X2, x), |ins, x, zero| ins.uunarrow(x, zero));
    }

    /// Converts the low two integers of an i32x4 to floats.
    pub(super) fn convert_low(&mut self, extend: Extend) {
        self.vector_extend(types::I32X4, Half::Low, extend);
        self.unary(|ins, wide| match extend {
            Extend::Sign => ins.fcvt_from_sint(types::F64X2, wide),
            Extend::Zero => ins.fcvt_from_uint(types::F64X2, wide),
        });
    }
}
