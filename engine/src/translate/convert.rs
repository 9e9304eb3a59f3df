//! Conversions between number types (core spec, section 4.3.4, "Conversions").

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use cranelift_frontend::FuncInstBuilder;

use super::Translator;

impl Translator<'_, '_> {
    /// A conversion that an instruction does.
    pub(super) fn convert(
        &mut self,
        to: Type,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, Type, Value) -> Value,
    ) {
        let operand = self.pop();
        let value = build(self.b.ins(), to, operand);
        self.push(value);
    }

    /// A conversion that may trap.
    pub(super) fn trapping_convert(
        &mut self,
        to: Type,
        build: impl FnOnce(FuncInstBuilder<'_, '_>, Type, Value) -> Value,
    ) {
        self.mark();
        self.convert(to, build);
    }

    /// The same bits as another type.
    pub(super) fn reinterpret(&mut self, to: Type) {
        let operand = self.pop();
        let value = self.b.ins().bitcast(to, MemFlagsData::new(), operand);
        self.push(value);
    }
}
