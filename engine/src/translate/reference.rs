//! References (core spec, section 4.6.9, "Reference Instructions").

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;

use super::Translator;
use crate::abi::signature::POINTER;
use crate::error::{Error, Result};
use crate::trap::Trap;
use crate::vm::layout::offsets;

impl Translator<'_, '_> {
    pub(super) fn ref_null(&mut self) {
        let null = self.b.ins().iconst(POINTER, 0);
        self.push(null);
    }

    pub(super) fn ref_is_null(&mut self) {
        let reference = self.pop();
        let condition = self.b.ins().icmp_imm_u(IntCC::Equal, reference, 0);
        self.push_bool(condition);
    }

    pub(super) fn ref_as_non_null(&mut self) {
        let reference = self.pop();
        self.trap_if_null(reference, Trap::NullReference);
        self.push(reference);
    }

    /// Pushes the address of a function's canonical record. The record of an import must not be
    /// used, because it names this instance as the caller of a host function, regardless of the
    /// instance that calls it.
    pub(super) fn ref_func(&mut self, function: u32) -> Result<()> {
        let info = self.env.info;
        let reference = if (function as usize) < info.imported.functions {
            let record = self.env.layout.function(function as usize);
            self.context_pointer(record + offsets::FUNC_CANONICAL)
        } else {
            let slot = info.escaping_slot(function).ok_or_else(|| {
                Error::unsupported("ref.func of a function that does not occur outside of function bodies")
            })?;
            let record = self.env.layout.function(info.imported.functions + slot);
            self.b.ins().iadd_imm_s(self.vmctx, i64::from(record))
        };
        self.push(reference);
        Ok(())
    }
}
