//! Calls (core spec, section 4.6.5, "Calls"). Every call that compiled code makes is emitted by [`Translator::call_function`] or
//! [`Translator::call_address`], so that what a call means in a context, such as inside a block that catches, is decided once.

use cranelift_codegen::ir::{
    ExtFuncData, ExternalName, FuncRef, InstBuilder, SigRef, UserExternalName, Value, types,
};

use super::object::or_trap;
use super::{TRUSTED, Translator};
use crate::compile::artifact::trap_code;
use crate::compile::signature::{POINTER, wasm_signature};
use crate::trap::Trap;
use crate::vm::layout::offsets;

/// A function to call: code, and the context that it gets.
enum Callee {
    /// A function of this module.
    Defined(FuncRef),
    /// Whatever lies at an address.
    Address { code: Value, vmctx: Value },
}

impl Translator<'_, '_> {
    pub(super) fn call(&mut self, function: u32) {
        let callee = self.callee(function);
        self.call_callee(self.env.info.functions[function as usize], callee);
    }

    pub(super) fn return_call(&mut self, function: u32) {
        let callee = self.callee(function);
        self.return_call_callee(self.env.info.functions[function as usize], callee);
    }

    pub(super) fn call_indirect(&mut self, type_index: u32, table: u32) {
        let callee = self.table_callee(type_index, table);
        self.call_callee(type_index, callee);
    }

    pub(super) fn return_call_indirect(&mut self, type_index: u32, table: u32) {
        let callee = self.table_callee(type_index, table);
        self.return_call_callee(type_index, callee);
    }

    pub(super) fn call_ref(&mut self, type_index: u32) {
        let callee = self.popped_callee();
        self.call_callee(type_index, callee);
    }

    pub(super) fn return_call_ref(&mut self, type_index: u32) {
        let callee = self.popped_callee();
        self.return_call_callee(type_index, callee);
    }

    fn call_callee(&mut self, type_index: u32, callee: Callee) {
        let args = self.pop_boundary(self.env.info.func_type_at(type_index).params().len());
        let results = match callee {
            Callee::Defined(callee) => self.call_function(callee, &with_context(self.vmctx, args)),
            Callee::Address { code, vmctx } => {
                let signature = self.signature(type_index);
                self.call_address(signature, code, &with_context(vmctx, args))
            }
        };
        self.stack.extend(results);
    }

    /// A tail call leaves the function: it takes its frame's place, so that any number of them need the room of one.
    fn return_call_callee(&mut self, type_index: u32, callee: Callee) {
        let args = self.pop_boundary(self.env.info.func_type_at(type_index).params().len());
        match callee {
            Callee::Defined(callee) => self.b.ins().return_call(callee, &with_context(self.vmctx, args)),
            Callee::Address { code, vmctx } => {
                let signature = self.signature(type_index);
                self.b.ins().return_call_indirect(signature, code, &with_context(vmctx, args))
            }
        };
        self.reachable = false;
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

    fn callee(&mut self, function: u32) -> Callee {
        if (function as usize) >= self.env.info.imported.functions {
            return Callee::Defined(self.defined_callee(function));
        }
        let record = self.env.layout.function(function as usize);
        let code = self.context_pointer(record + offsets::FUNC_CODE);
        let vmctx = self.context_pointer(record + offsets::FUNC_VMCTX);
        Callee::Address { code, vmctx }
    }

    /// Takes an index and gives the function that the table has there, which must have the type or one below it.
    fn table_callee(&mut self, type_index: u32, table: u32) -> Callee {
        let index = self.pop();
        let reference = self.table_element(table, index, Trap::UndefinedElement);
        let flags = or_trap(TRUSTED, Trap::UninitializedElement);
        let found = self.b.ins().load(types::I32, flags, reference, offsets::FUNC_TYPE);
        let matches = self.is_below(found, type_index);
        self.b.ins().trapz(matches, trap_code(Trap::IndirectCallTypeMismatch));
        self.reference_callee(reference)
    }

    fn popped_callee(&mut self) -> Callee {
        let reference = self.pop();
        self.trap_if_null(reference, Trap::NullFunctionReference);
        self.reference_callee(reference)
    }

    fn reference_callee(&mut self, reference: Value) -> Callee {
        let code = self.b.ins().load(POINTER, TRUSTED, reference, offsets::FUNC_CODE);
        let vmctx = self.b.ins().load(POINTER, TRUSTED, reference, offsets::FUNC_VMCTX);
        Callee::Address { code, vmctx }
    }

    fn signature(&mut self, type_index: u32) -> SigRef {
        if let Some(signature) = self.signatures.get(&type_index) {
            return *signature;
        }
        let signature = self.b.import_signature(wasm_signature(self.env.info.func_type_at(type_index)));
        self.signatures.insert(type_index, signature);
        signature
    }

    /// A function of this module as a callee: it is named by its position among those that the module defines.
    fn defined_callee(&mut self, function: u32) -> FuncRef {
        if let Some(callee) = self.callees.get(&function) {
            return *callee;
        }
        let signature = self.signature(self.env.info.functions[function as usize]);
        let position = function - self.env.info.imported.functions as u32;
        let name =
            self.b.func.declare_imported_user_function(UserExternalName { namespace: 0, index: position });
        let name = ExternalName::user(name);
        let callee =
            self.b.import_function(ExtFuncData { name, signature, colocated: true, patchable: false });
        self.callees.insert(function, callee);
        callee
    }
}

fn with_context(vmctx: Value, mut args: Vec<Value>) -> Vec<Value> {
    args.insert(0, vmctx);
    args
}
