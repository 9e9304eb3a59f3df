//! Conversions between number types (core spec, section 4.3.4, "Conversions").

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use cranelift_frontend::FuncInstBuilder;

use super::Translator;

impl Translator<'_, '_> {
    /// Translates a conversion by a single instruction.
    pub(super) fn convert(
        &mut self,
        to: Type,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, Type, Value) -> Value,
    ) {
        let operand = self.pop();
        let value = build(self.b.ins(), to, operand);
        self.push(value);
    }

    /// Translates a conversion that can trap.
    pub(super) fn trapping_convert(
        &mut self,
        to: Type,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, Type, Value) -> Value,
    ) {
        self.mark();
        self.convert(to, build);
    }

    /// Reinterprets the bits as another type.
    pub(super) fn reinterpret(&mut self, to: Type) {
        let operand = self.pop();
        let value = self.b.ins().bitcast(to, MemFlagsData::new(), operand);
        self.push(value);
    }
}
