//! Relaxed operators (core spec, section 4.3.6, "Relaxed Operations").
//!
//! For each family, the specification allows a choice among a few results by a parameter. If the
//! machine has a single instruction, its result is chosen, for all shapes of the family; otherwise
//! the result is that of the deterministic profile. Minimum, maximum and unsigned truncation have
//! no methods here: they are translated by `pmin`, `pmax` and `trunc_sat` of other families.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};

use super::convert::Half;
use crate::abi::signature::VECTOR;
use crate::translate::Translator;
use crate::translate::memory::Extend;

impl Translator<'_, '_> {
    /// `R_swizzle`: an index from 16 to 127 is taken modulo 16; the alternative is zero.
    pub(super) fn relaxed_swizzle(&mut self) {
        let native = self.env.isa.has_x86_pshufb_lowering();
        self.vector_binary(types::I8X16, |ins, x, indices| {
            if native { ins.x86_pshufb(x, indices) } else { ins.swizzle(x, indices) }
        });
    }

    /// `R_trunc_s`: out-of-range values become the least integer; the alternative is saturation.
    pub(super) fn relaxed_trunc_s(&mut self) {
        if self.truncates_in_one() {
            self.vector_unary(types::F32X4, |ins, x| ins.x86_cvtt2dq(types::I32X4, x));
        } else {
            self.trunc_sat_s();
        }
    }

    pub(super) fn relaxed_trunc_zero_s(&mut self) {
        if self.truncates_in_one() {
            self.trunc_zero(|ins, x| ins.x86_cvtt2dq(types::I64X2, x), |ins, x, zero| ins.snarrow(x, zero));
        } else {
            self.trunc_sat_zero_s();
        }
    }

    /// Whether floats are truncated by one instruction that returns the least integer for
    /// out-of-range values.
    fn truncates_in_one(&self) -> bool {
        self.env.isa.name() == "x64"
    }

    /// `R_fmadd`: fused; the alternative is to round twice.
    pub(super) fn relaxed_madd(&mut self, shape: Type) {
        let (factor, other, addend) = self.pop3_vector(shape);
        self.multiply_add(factor, other, addend);
    }

    pub(super) fn relaxed_nmadd(&mut self, shape: Type) {
        let (factor, other, addend) = self.pop3_vector(shape);
        let factor = self.b.ins().fneg(factor);
        self.multiply_add(factor, other, addend);
    }

    fn multiply_add(&mut self, factor: Value, other: Value, addend: Value) {
        let value = if self.env.isa.has_native_fma() {
            self.b.ins().fma(factor, other, addend)
        } else {
            let product = self.b.ins().fmul(factor, other);
            self.b.ins().fadd(product, addend)
        };
        self.push(value);
    }

    /// `R_laneselect`: the top bit of a lane selects the whole lane; the alternative is that each
    /// bit selects itself.
    pub(super) fn relaxed_laneselect(&mut self, shape: Type) {
        if !self.env.isa.has_blendv_lowering(VECTOR) {
            return self.bitselect();
        }
        let (mut ones, mut zeros, mut mask) = self.pop3_vector(shape);
        if !self.env.isa.has_blendv_lowering(shape) {
            // The top bit is replicated to the whole lane, so that selecting by bytes has the same
            // result.
            let count = self.b.ins().iconst(types::I32, i64::from(shape.lane_bits()) - 1);
            mask = self.b.ins().sshr(mask, count);
            for vector in [&mut ones, &mut zeros, &mut mask] {
                *vector = self.reshape(*vector, VECTOR);
            }
        }
        let value = self.b.ins().blendv(mask, ones, zeros);
        self.push(value);
    }

    /// `R_iq15mulr`: a product that overflows is the least integer; the alternative is saturation.
    pub(super) fn relaxed_q15mulr(&mut self) {
        let native = self.env.isa.has_x86_pmulhrsw_lowering();
        self.vector_binary(types::I16X8, |ins, x, y| {
            if native { ins.x86_pmulhrsw(x, y) } else { ins.sqmul_round_sat(x, y) }
        });
    }

    /// `R_idot`: the second operand is unsigned; the alternative is signed. Neighbouring products
    /// are added with saturation.
    pub(super) fn relaxed_dot(&mut self) {
        let operands = self.pop2_vector(types::I8X16);
        let value = if self.env.isa.has_x86_pmaddubsw_lowering() {
            self.b.ins().x86_pmaddubsw(operands.0, operands.1)
        } else {
            let low = self.multiply_half(operands, Half::Low, Extend::Sign);
            let high = self.multiply_half(operands, Half::High, Extend::Sign);
            let low = self.add_neighbours(low, Extend::Sign);
            let high = self.add_neighbours(high, Extend::Sign);
            self.b.ins().snarrow(low, high)
        };
        self.push(value);
    }

    /// Like [`Translator::relaxed_dot`], but neighbouring sums are added again, and to a third
    /// operand.
    pub(super) fn relaxed_dot_add(&mut self) {
        let addend = self.pop_vector(types::I32X4);
        self.relaxed_dot();
        self.extadd_pairwise(types::I16X8, Extend::Sign);
        self.push(addend);
        self.vector_binary(types::I32X4, |ins, x, y| ins.iadd(x, y));
    }
}
