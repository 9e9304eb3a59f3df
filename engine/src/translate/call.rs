//! Calls (core spec, section 4.6.5, "Calls"). Every call that can throw is emitted by
//! [`Translator::call_with_handler`], which connects it to a handler.

use cranelift_codegen::ir::{
    BlockArg, ExceptionTableData, ExceptionTableItem, ExtFuncData, ExternalName, FuncRef, InstBuilder,
    SigRef, Type, UserExternalName, Value, types,
};
use smallvec::SmallVec;

use super::{TRUSTED, Translator};
use crate::abi::signature::{POINTER, ir_type, wasm_signature};
use crate::trap::Trap;
use crate::vm::layout::{VmCode, offsets};

/// A function to call: its code and its context.
enum Callee {
    /// A function of this module, by its address.
    Defined(FuncRef),
    /// A function at an address.
    Address { code: Value, vmctx: Value },
}

impl Callee {
    /// The context of the function. `own` is the caller's.
    fn context(&self, own: Value) -> Value {
        match self {
            Callee::Defined(_) => own,
            Callee::Address { vmctx, .. } => *vmctx,
        }
    }
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

    /// Calls a function. Exceptions are handled by the landing pad of the innermost enclosing
    /// `try_table`, or otherwise propagate to the caller.
    fn call_callee(&mut self, type_index: u32, callee: Callee) {
        let args = self.pop_boundary(self.env.info.func_type_at(type_index).params().len());
        let signature = self.signature(type_index);
        let results = self.env.info.func_type_at(type_index).results();
        let results: SmallVec<[Type; 4]> = results.iter().copied().map(ir_type).collect();
        let results = self.call_with_handler(signature, callee, args, &results);
        self.stack.extend(results);
    }

    /// Calls a function of the Tail convention at an address, with a context and arguments, and
    /// returns its results. Exceptions are handled as those of other calls.
    pub(super) fn call_address(
        &mut self,
        signature: SigRef,
        code: Value,
        vmctx: Value,
        args: Vec<Value>,
        results: &[Type],
    ) -> Vec<Value> {
        self.call_with_handler(signature, Callee::Address { code, vmctx }, args, results)
    }

    fn call_with_handler(
        &mut self,
        signature: SigRef,
        callee: Callee,
        args: Vec<Value>,
        results: &[Type],
    ) -> Vec<Value> {
        let args = with_context(callee.context(self.vmctx), args);
        let Some(pad) = self.innermost_pad() else {
            self.mark();
            let call = match callee {
                Callee::Defined(callee) => self.b.ins().call(callee, &args),
                Callee::Address { code, .. } => self.b.ins().call_indirect(signature, code, &args),
            };
            return self.b.inst_results(call).to_vec();
        };
        let returned = self.b.create_block();
        for ty in results {
            self.b.append_block_param(returned, *ty);
        }
        let returns: Vec<BlockArg> = (0..results.len() as u32).map(BlockArg::TryCallRet).collect();
        let dfg = &mut self.b.func.dfg;
        let normal = dfg.block_call(returned, &returns);
        let handler = ExceptionTableItem::Default(dfg.block_call(pad, &[BlockArg::TryCallExn(0)]));
        let table = dfg.exception_tables.push(ExceptionTableData::new(signature, normal, [handler]));
        self.mark();
        match callee {
            Callee::Defined(callee) => self.b.ins().try_call(callee, &args, table),
            Callee::Address { code, .. } => self.b.ins().try_call_indirect(code, &args, table),
        };
        self.b.seal_block(returned);
        self.b.switch_to_block(returned);
        self.b.block_params(returned).to_vec()
    }

    /// Emits a tail call, which replaces the function's frame, so that a chain of tail calls needs
    /// a single frame. It also leaves every enclosing `try_table`.
    fn return_call_callee(&mut self, type_index: u32, callee: Callee) {
        let args = self.pop_boundary(self.env.info.func_type_at(type_index).params().len());
        let signature = self.signature(type_index);
        let args = with_context(callee.context(self.vmctx), args);
        match callee {
            Callee::Defined(callee) => self.b.ins().return_call(callee, &args),
            Callee::Address { code, .. } => self.b.ins().return_call_indirect(signature, code, &args),
        };
        self.reachable = false;
    }

    fn callee(&mut self, function: u32) -> Callee {
        let Some(position) = (function as usize).checked_sub(self.env.info.imported.functions) else {
            let record = self.env.layout.function(function as usize);
            let slot = self.context_pointer(record + offsets::FUNC_CODE);
            let code = self.b.ins().load(POINTER, TRUSTED, slot, 0);
            let vmctx = self.context_pointer(record + offsets::FUNC_VMCTX);
            return Callee::Address { code, vmctx };
        };
        if self.env.knows_address(self.function, self.goal, position) {
            return Callee::Defined(self.defined_callee(function));
        }
        let functions = self.context_pointer(offsets::CTX_FUNCTIONS);
        let slot = (position * size_of::<VmCode>()) as i32;
        let code = self.b.ins().load(POINTER, TRUSTED, functions, slot);
        Callee::Address { code, vmctx: self.vmctx }
    }

    /// Pops an index and returns the function in the table at this index, after checking that its
    /// type matches.
    fn table_callee(&mut self, type_index: u32, table: u32) -> Callee {
        let index = self.pop();
        let reference = self.table_element(table, index, Trap::UndefinedElement);
        let flags = self.or_trap(TRUSTED, Trap::UninitializedElement);
        let found = self.b.ins().load(types::I32, flags, reference, offsets::FUNC_TYPE);
        let matches = self.is_below(found, type_index);
        self.trap_unless(matches, Trap::IndirectCallTypeMismatch);
        self.reference_callee(reference)
    }

    fn popped_callee(&mut self) -> Callee {
        let reference = self.pop();
        self.trap_if_null(reference, Trap::NullFunctionReference);
        self.reference_callee(reference)
    }

    /// A function by reference. A host function gets its caller from the store.
    fn reference_callee(&mut self, reference: Value) -> Callee {
        let store = self.context_pointer(offsets::CTX_STORE);
        self.b.ins().store(TRUSTED, self.vmctx, store, offsets::STORE_CALLER);
        let slot = self.b.ins().load(POINTER, TRUSTED, reference, offsets::FUNC_CODE);
        let code = self.b.ins().load(POINTER, TRUSTED, slot, 0);
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

    /// A function that the module defines, as a callee. Its external name is its index among the
    /// functions that the module defines.
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
