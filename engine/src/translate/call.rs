//! Calls (core spec, section 4.6.5, "Calls"). Every call that compiled code makes is emitted by [`Translator::call_function`] or
//! [`Translator::call_address`], so that what a call means in a context, such as inside a block that catches, is decided once.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    ExtFuncData, ExternalName, FuncRef, InstBuilder, SigRef, UserExternalName, Value, types,
};

use super::{TRUSTED, Translator, constant};
use crate::compile::signature::{POINTER, wasm_signature};
use crate::trap::Trap;
use crate::vm::layout::offsets;

impl Translator<'_, '_> {
    pub(super) fn call(&mut self, function: u32) {
        let type_index = self.env.info.functions[function as usize];
        let params = self.env.info.func_type(function).params().len();
        let args = self.pop_boundary(params);
        let results = if (function as usize) < self.env.info.imported.functions {
            let record = self.env.layout.function(function as usize);
            let code = self.context_pointer(record + offsets::FUNC_CODE);
            let vmctx = self.context_pointer(record + offsets::FUNC_VMCTX);
            let signature = self.signature(type_index);
            self.call_address(signature, code, &with_context(vmctx, args))
        } else {
            let callee = self.callee(function);
            self.call_function(callee, &with_context(self.vmctx, args))
        };
        self.stack.extend(results);
    }

    pub(super) fn call_indirect(&mut self, type_index: u32, table: u32) {
        let index = self.pop();
        let reference = self.table_element(table, index, Trap::UndefinedElement);
        self.trap_if_null(reference, Trap::UninitializedElement);
        let types = self.context_pointer(offsets::CTX_TYPES);
        let wanted = self.b.ins().load(types::I32, constant(), types, type_index as i32 * 4);
        let found = self.b.ins().load(types::I32, TRUSTED, reference, offsets::FUNC_TYPE);
        let differs = self.icmp(IntCC::NotEqual, wanted, found);
        self.trap_if(differs, Trap::IndirectCallTypeMismatch);
        self.call_reference(type_index, reference);
    }

    /// Calls a function by a reference that is not null and has the given type.
    fn call_reference(&mut self, type_index: u32, reference: Value) {
        let params = self.env.info.func_type_at(type_index).params().len();
        let args = self.pop_boundary(params);
        let code = self.b.ins().load(POINTER, TRUSTED, reference, offsets::FUNC_CODE);
        let vmctx = self.b.ins().load(POINTER, TRUSTED, reference, offsets::FUNC_VMCTX);
        let signature = self.signature(type_index);
        let results = self.call_address(signature, code, &with_context(vmctx, args));
        self.stack.extend(results);
    }

    /// Calls a function of this module.
    fn call_function(&mut self, callee: FuncRef, args: &[Value]) -> Vec<Value> {
        let call = self.b.ins().call(callee, args);
        self.b.inst_results(call).to_vec()
    }

    /// Calls the function at an address.
    pub(super) fn call_address(&mut self, signature: SigRef, address: Value, args: &[Value]) -> Vec<Value> {
        let call = self.b.ins().call_indirect(signature, address, args);
        self.b.inst_results(call).to_vec()
    }

    fn signature(&mut self, type_index: u32) -> SigRef {
        if let Some((_, signature)) = self.signatures.iter().find(|(known, _)| *known == type_index) {
            return *signature;
        }
        let signature = self.b.import_signature(wasm_signature(self.env.info.func_type_at(type_index)));
        self.signatures.push((type_index, signature));
        signature
    }

    /// A function of this module as a callee: it is named by its position among those that the module defines.
    fn callee(&mut self, function: u32) -> FuncRef {
        if let Some((_, callee)) = self.callees.iter().find(|(known, _)| *known == function) {
            return *callee;
        }
        let signature = self.signature(self.env.info.functions[function as usize]);
        let position = function - self.env.info.imported.functions as u32;
        let name =
            self.b.func.declare_imported_user_function(UserExternalName { namespace: 0, index: position });
        let name = ExternalName::user(name);
        let callee =
            self.b.import_function(ExtFuncData { name, signature, colocated: true, patchable: false });
        self.callees.push((function, callee));
        callee
    }
}

fn with_context(vmctx: Value, mut args: Vec<Value>) -> Vec<Value> {
    args.insert(0, vmctx);
    args
}
