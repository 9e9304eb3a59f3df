//! Instructions that create vectors from scalars or move lanes (core spec, section 4.6.11, "Vector
//! Instructions").

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};

use crate::abi::signature::VECTOR;
use crate::translate::Translator;
use crate::translate::memory::Extend;

impl Translator<'_, '_> {
    pub(super) fn v128_const(&mut self, bytes: &[u8; 16]) {
        let constant = self.b.func.dfg.constants.insert(bytes.to_vec().into());
        let value = self.b.ins().vconst(VECTOR, constant);
        self.push(value);
    }

    /// Selects each byte by an immediate: 0 to 15 from the first vector, 16 to 31 from the second.
    pub(super) fn shuffle(&mut self, lanes: &[u8; 16]) {
        let (first, second) = self.pop2_vector(types::I8X16);
        let lanes = self.b.func.dfg.immediates.push(lanes.to_vec().into());
        let value = self.b.ins().shuffle(first, second, lanes);
        self.push(value);
    }

    pub(super) fn splat(&mut self, shape: Type) {
        let lane = self.pop_lane(shape);
        let value = self.b.ins().splat(shape, lane);
        self.push(value);
    }

    pub(super) fn extract_lane(&mut self, shape: Type, lane: u8) {
        let vector = self.pop_vector(shape);
        let value = self.b.ins().extractlane(vector, lane);
        self.push(value);
    }

    /// Extracts a lane narrower than 32 bits as an i32.
    pub(super) fn extract_lane_extend(&mut self, shape: Type, lane: u8, extend: Extend) {
        self.extract_lane(shape, lane);
        self.unary(|ins, narrow| match extend {
            Extend::Sign => ins.sextend(types::I32, narrow),
            Extend::Zero => ins.uextend(types::I32, narrow),
        });
    }

    pub(super) fn replace_lane(&mut self, shape: Type, lane: u8) {
        let new = self.pop_lane(shape);
        let vector = self.pop_vector(shape);
        let value = self.b.ins().insertlane(vector, new, lane);
        self.push(value);
    }

    /// Pops a scalar as a lane. For lanes narrower than 32 bits, the low bits of an i32 are used.
    fn pop_lane(&mut self, shape: Type) -> Value {
        let scalar = self.pop();
        let lane = shape.lane_type();
        if self.b.func.dfg.value_type(scalar) == lane { scalar } else { self.b.ins().ireduce(lane, scalar) }
    }
}
