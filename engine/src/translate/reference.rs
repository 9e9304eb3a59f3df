//! References (core spec, section 4.6.9, "Reference Instructions").

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;

use super::Translator;
use crate::compile::signature::POINTER;
use crate::error::{Error, Result};
use crate::trap::Trap;

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

    /// A reference to a function is the address of its record in the context.
    pub(super) fn ref_func(&mut self, function: u32) -> Result<()> {
        let info = self.env.info;
        let position = match (function as usize).checked_sub(info.imported.functions) {
            None => function as usize,
            Some(_) => {
                let slot = info.escaping_slot(function);
                let slot = slot.ok_or_else(|| {
                    Error::unsupported("ref.func of a function that is mentioned nowhere else")
                })?;
                info.imported.functions + slot
            }
        };
        let offset = i64::from(self.env.layout.function(position));
        let reference = self.b.ins().iadd_imm_s(self.vmctx, offset);
        self.push(reference);
        Ok(())
    }
}
