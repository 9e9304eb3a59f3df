//! Objects on the heap: allocation, and the numbers of their types.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::{TRUSTED, Translator, constant};
use crate::builtin::Builtin;
use crate::compile::signature::POINTER;
use crate::vm::layout::offsets;

impl Translator<'_, '_> {
    /// The canonical number of one of the module's types.
    pub(super) fn type_number(&mut self, type_index: u32) -> Value {
        let types = self.context_pointer(offsets::CTX_TYPES);
        self.b.ins().load(types::I32, constant(), types, type_index as i32 * 4)
    }

    /// Makes an object of `size` bytes, header included, a multiple of 8, with its header filled in. What follows the header is left as it
    /// was: the caller fills it in before anything that may collect.
    pub(super) fn allocate(&mut self, type_number: Value, length: u32, size: u32) -> Value {
        let [fast, slow, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(slow);
        let object = self.b.append_block_param(done, POINTER);
        let store = self.context_pointer(offsets::CTX_STORE);
        let next = self.b.ins().load(POINTER, TRUSTED, store, offsets::STORE_FREE_NEXT);
        let end = self.b.ins().load(POINTER, TRUSTED, store, offsets::STORE_FREE_END);
        let behind = self.b.ins().iadd_imm_u(next, i64::from(size));
        let fits = self.icmp(IntCC::UnsignedLessThanOrEqual, behind, end);
        self.b.ins().brif(fits, fast, &[], slow, &[]);

        self.b.seal_block(slow);
        self.b.switch_to_block(slow);
        let (length_value, size) = (self.immediate(length), self.immediate(size));
        let made = self.call_builtin(Builtin::Allocate, &[type_number, length_value, size]);
        self.b.ins().jump(done, &[made.into()]);

        self.b.seal_block(fast);
        self.b.switch_to_block(fast);
        self.b.ins().store(TRUSTED, behind, store, offsets::STORE_FREE_NEXT);
        self.b.ins().store(TRUSTED, type_number, next, 0);
        let length = self.b.ins().iconst(types::I32, i64::from(length));
        self.b.ins().store(TRUSTED, length, next, 4);
        self.b.ins().jump(done, &[next.into()]);

        self.b.seal_block(done);
        self.b.switch_to_block(done);
        object
    }
}
