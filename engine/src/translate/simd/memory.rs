//! Loads of fewer than 128 bits to a vector, and loads and stores of a lane (core spec, section
//! 4.6.8, "Memory Instructions"). Whole vectors are loaded and stored like scalars.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use cranelift_frontend::FuncInstBuilder;
use wasmparser::MemArg;

use crate::translate::Translator;
use crate::translate::bounds::heap_flags;

impl Translator<'_, '_> {
    /// Loads 64 bits of lanes and extends them to 128 bits.
    pub(super) fn load_half(
        &mut self,
        memarg: &MemArg,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, MemFlagsData, Value, i32) -> Value,
    ) {
        let location = self.pop_location(memarg, 8);
        let value = build(self.b.ins(), heap_flags(), location.address, location.offset);
        self.push(value);
    }

    /// Loads a value and replicates it to all lanes.
    pub(super) fn load_splat(&mut self, shape: Type, memarg: &MemArg) {
        self.load(shape.lane_type(), memarg);
        self.splat(shape);
    }

    /// Loads the lowest lane, and sets the others to zero.
    pub(super) fn load_zero(&mut self, shape: Type, memarg: &MemArg) {
        self.load(shape.lane_type(), memarg);
        self.unary(|ins, lane| ins.scalar_to_vector(shape, lane));
    }

    pub(super) fn load_lane(&mut self, shape: Type, memarg: &MemArg, lane: u8) {
        let vector = self.pop_vector(shape);
        self.load(shape.lane_type(), memarg);
        self.unary(|ins, loaded| ins.insertlane(vector, loaded, lane));
    }

    pub(super) fn store_lane(&mut self, shape: Type, memarg: &MemArg, lane: u8) {
        self.extract_lane(shape, lane);
        self.store(memarg);
    }
}
