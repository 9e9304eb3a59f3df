//! Lane-wise comparison: a lane of the result is all ones if the comparison holds, otherwise all
//! zeros (core spec, section 4.6.11, "Vector Instructions").

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type};

use crate::translate::Translator;

impl Translator<'_, '_> {
    /// Compares lanes of integers.
    pub(super) fn vector_compare(&mut self, shape: Type, condition: IntCC) {
        self.vector_binary(shape, |ins, x, y| ins.icmp(condition, x, y));
    }

    /// Compares lanes of floats.
    pub(super) fn vector_fcompare(&mut self, shape: Type, condition: FloatCC) {
        self.vector_binary(shape, |ins, x, y| ins.fcmp(condition, x, y));
    }
}
