//! Code between the host and wasm: one entry trampoline and one host trampoline for each signature,
//! and the stubs that call builtins and throw.

use cranelift_codegen::ir::{
    AbiParam, BlockArg, ExceptionTableData, ExceptionTableItem, InstBuilder, MemFlagsData, Signature,
    StackSlotData, StackSlotKind, TrapCode, Type, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::FunctionBuilder;

use super::function::Compiler;
use crate::abi::signature::{AbiSignature, BUILTIN_ARGUMENTS, POINTER, builtin_signature, throw_signature};
use crate::abi::trap_code;
use crate::error::Result;
use crate::trap::Trap;
use crate::vm::artifact::CompiledFunction;
use crate::vm::layout::{VmVal, offsets};

const TRUSTED: MemFlagsData = MemFlagsData::trusted();
const SLOT: i32 = size_of::<VmVal>() as i32;

/// Compiles an entry trampoline, `extern "C" fn(store, vmctx, code, slots) -> u8`, through which
/// the host calls compiled code.
///
/// It records where to resume if a trap or an exception unwinds the call, then calls `code` with
/// the arguments from the slots. It returns 1 if the call returned, with the results in the slots,
/// and 0 if it was unwound.
pub(crate) fn entry(
    compiler: &mut Compiler,
    isa: &dyn TargetIsa,
    signature: &AbiSignature,
) -> Result<CompiledFunction> {
    compiler.compile(isa, c_signature(&[POINTER; 4], &[types::I8]), |b, params| {
        let &[store, vmctx, code, slots] = params else { unreachable!("the signature has four parameters") };
        let call = b.create_block();
        b.ins().jump(call, &[]);
        b.switch_to_block(call);
        let fp = b.ins().get_frame_pointer(POINTER);
        b.ins().store(TRUSTED, fp, store, offsets::STORE_ENTRY_FP);
        let sp = b.ins().get_stack_pointer(POINTER);
        b.ins().store(TRUSTED, sp, store, offsets::STORE_ENTRY_SP);
        let handler = b.ins().get_exception_handler_address(POINTER, call, 0);
        b.ins().store(TRUSTED, handler, store, offsets::STORE_ENTRY_PC);

        let mut args = vec![vmctx];
        args.extend(load_slots(b, slots, &signature.params));
        let (returned, left) = (b.create_block(), b.create_block());
        let results: Vec<Value> =
            signature.results.iter().map(|ty| b.append_block_param(returned, *ty)).collect();
        let result_args: Vec<BlockArg> = (0..results.len() as u32).map(BlockArg::TryCallRet).collect();
        let normal = b.func.dfg.block_call(returned, &result_args);
        let handler = ExceptionTableItem::Default(b.func.dfg.block_call(left, &[]));
        let callee = b.import_signature(signature.wasm());
        let table = b.func.dfg.exception_tables.push(ExceptionTableData::new(callee, normal, [handler]));
        b.ins().try_call_indirect(code, &args, table);

        b.switch_to_block(returned);
        store_slots(b, slots, &results);
        let one = b.ins().iconst(types::I8, 1);
        b.ins().return_(&[one]);
        b.switch_to_block(left);
        let zero = b.ins().iconst(types::I8, 0);
        b.ins().return_(&[zero]);
    })
}

/// Compiles a continuation trampoline, `extern "C" fn(vmctx, code, slots)`, which calls the
/// function of a continuation: the outermost frame of compiled code on its stack. The arguments are
/// in the slots, and the results are afterwards.
pub(crate) fn continuation(
    compiler: &mut Compiler,
    isa: &dyn TargetIsa,
    signature: &AbiSignature,
) -> Result<CompiledFunction> {
    compiler.compile(isa, c_signature(&[POINTER; 3], &[]), |b, params| {
        let &[vmctx, code, slots] = params else { unreachable!("the signature has three parameters") };
        let mut args = vec![vmctx];
        args.extend(load_slots(b, slots, &signature.params));
        let callee = b.import_signature(signature.wasm());
        let call = b.ins().call_indirect(callee, code, &args);
        let results = b.inst_results(call).to_vec();
        store_slots(b, slots, &results);
        b.ins().return_(&[]);
    })
}

/// Compiles a function of the Tail convention that calls the host function whose context it gets.
pub(crate) fn host(
    compiler: &mut Compiler,
    isa: &dyn TargetIsa,
    signature: &AbiSignature,
) -> Result<CompiledFunction> {
    compiler.compile(isa, signature.wasm(), |b, params| {
        let (context, args) = (params[0], &params[1..]);
        let store = b.ins().load(POINTER, TRUSTED, context, offsets::HOST_STORE);
        record_exit(b, store);
        let size = signature.slots() as u32 * SLOT as u32;
        let memory = b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4));
        let slots = b.ins().stack_addr(POINTER, memory, 0);
        store_slots(b, slots, args);
        let callee = b.import_signature(c_signature(&[POINTER; 2], &[types::I8]));
        let target = b.ins().load(POINTER, TRUSTED, store, offsets::STORE_HOST_CALL);
        let call = b.ins().call_indirect(callee, target, &[context, slots]);
        let returned = b.inst_results(call)[0];
        raise_unless(b, returned, store);
        let results: Vec<Value> = load_slots(b, slots, &signature.results).collect();
        b.ins().return_(&results);
    })
}

/// Compiles the stub of the Tail convention through which compiled code calls builtins: context,
/// number and five arguments; one result.
pub(crate) fn builtin(compiler: &mut Compiler, isa: &dyn TargetIsa) -> Result<CompiledFunction> {
    compiler.compile(isa, builtin_signature(), |b, params| {
        let store = b.ins().load(POINTER, TRUSTED, params[0], offsets::CTX_STORE);
        record_exit(b, store);
        let callee = b.import_signature(c_signature(&[POINTER; BUILTIN_ARGUMENTS + 2], &[POINTER; 2]));
        let target = b.ins().load(POINTER, TRUSTED, store, offsets::STORE_BUILTIN_CALL);
        let call = b.ins().call_indirect(callee, target, params);
        let &[value, failed] = b.inst_results(call) else { unreachable!("the signature has two results") };
        let succeeded = b.ins().icmp_imm_u(cranelift_codegen::ir::condcodes::IntCC::Equal, failed, 0);
        raise_unless(b, succeeded, store);
        b.ins().return_(&[value]);
    })
}

/// Compiles the stub of the Tail convention by which compiled code throws: context and exception.
/// It records where the throw came from.
pub(crate) fn throw(compiler: &mut Compiler, isa: &dyn TargetIsa) -> Result<CompiledFunction> {
    compiler.compile(isa, throw_signature(), |b, params| {
        let &[context, exception] = params else { unreachable!("the signature has two parameters") };
        let store = b.ins().load(POINTER, TRUSTED, context, offsets::CTX_STORE);
        record_exit(b, store);
        let callee = b.import_signature(c_signature(&[POINTER; 2], &[]));
        let throw = b.ins().load(POINTER, TRUSTED, store, offsets::STORE_THROW);
        b.ins().call_indirect(callee, throw, &[store, exception]);
        // Never reached: the callee does not return.
        b.ins().trap(unreachable_code());
    })
}

/// Records the exit from compiled code to the host, for stack walks.
fn record_exit(b: &mut FunctionBuilder<'_>, store: Value) {
    let fp = b.ins().get_frame_pointer(POINTER);
    b.ins().store(TRUSTED, fp, store, offsets::STORE_EXIT_FP);
    let pc = b.ins().get_return_address(POINTER);
    b.ins().store(TRUSTED, pc, store, offsets::STORE_EXIT_PC);
}

/// Unwinds compiled code unless the condition is true.
fn raise_unless(b: &mut FunctionBuilder<'_>, condition: Value, store: Value) {
    let (go_on, leave) = (b.create_block(), b.create_block());
    b.set_cold_block(leave);
    b.ins().brif(condition, go_on, &[], leave, &[]);
    b.switch_to_block(leave);
    let callee = b.import_signature(c_signature(&[POINTER], &[]));
    let raise = b.ins().load(POINTER, TRUSTED, store, offsets::STORE_RAISE);
    b.ins().call_indirect(callee, raise, &[store]);
    // Never reached: the callee does not return.
    b.ins().trap(unreachable_code());
    b.switch_to_block(go_on);
}

fn unreachable_code() -> TrapCode {
    trap_code(Trap::Unreachable)
}

fn load_slots<'a>(
    b: &'a mut FunctionBuilder<'_>,
    slots: Value,
    types: &'a [Type],
) -> impl Iterator<Item = Value> + 'a {
    types.iter().zip(0..).map(move |(ty, index)| b.ins().load(*ty, TRUSTED, slots, index * SLOT))
}

fn store_slots(b: &mut FunctionBuilder<'_>, slots: Value, values: &[Value]) {
    for (value, index) in values.iter().zip(0..) {
        b.ins().store(TRUSTED, *value, slots, index * SLOT);
    }
}

fn c_signature(params: &[Type], results: &[Type]) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend(params.iter().copied().map(AbiParam::new));
    signature.returns.extend(results.iter().copied().map(AbiParam::new));
    signature
}
