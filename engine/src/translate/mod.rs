//! From the instructions of a valid function body to Cranelift's.
//!
//! [`dispatch`] has one line an operator; each family of operators has a file. Nothing here looks
//! at objects of a running store: code knows layouts only.

mod atomic;
mod bounds;
mod bulk;
mod call;
mod control;
mod convert;
mod dispatch;
mod exception;
mod gc_array;
mod gc_cast;
mod gc_descriptor;
mod gc_struct;
mod legacy_exception;
mod memory;
mod numeric;
mod object;
mod reference;
mod simd;
mod table;
mod variable;

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Endianness, FuncRef, InstBuilder, MemFlagsData, SigRef, SourceLoc, Type, Value, types,
};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::FunctionBuilder;

use crate::abi::signature::{BUILTIN_ARGUMENTS, POINTER, VECTOR, builtin_signature, ir_type};
use crate::abi::trap_code;
use crate::decode::info::ModuleInfo;
use crate::error::{Error, Result};
use crate::time::Deadline;
use crate::trap::Trap;
use crate::types::TypeConverter;
use crate::vm::code::FunctionTable;
use crate::vm::layout::{VmCtxLayout, offsets};
use control::Frame;
use exception::TryTable;
use variable::Local;
pub(crate) use variable::Locals;

/// What the functions of one module have in common.
pub(crate) struct ModuleEnv<'a> {
    pub(crate) info: &'a ModuleInfo,
    pub(crate) layout: VmCtxLayout,
    pub(crate) isa: &'a OwnedTargetIsa,
    /// Generates the same code from functions that join too many values for `isa`.
    pub(crate) tangled_isa: &'a OwnedTargetIsa,
    /// When no more is compiled.
    pub(crate) deadline: Option<Deadline>,
    /// Whether memories reserve all that an address reaches, so that their end faults by itself.
    pub(crate) guard_pages: bool,
    /// The functions of the module, if they are compiled one by one; `None` if all of them are
    /// compiled and installed together.
    pub(crate) functions: Option<&'a FunctionTable>,
}

impl ModuleEnv<'_> {
    /// Whether a function may call another one that the module defines by its address: it is the
    /// same one, is installed together with it, or is compiled already.
    fn knows_address(&self, caller: u32, position: usize) -> bool {
        let own = caller as usize - self.info.imported.functions;
        self.functions.is_none_or(|functions| own == position || functions.compiled(position).is_some())
    }
}

/// The translation of one function body.
pub(crate) struct Translator<'a, 'f> {
    b: FunctionBuilder<'f>,
    env: &'a ModuleEnv<'a>,
    /// The index of the function.
    function: u32,
    /// The operands, as the specification's stack has them. A vector may have any lane shape here.
    stack: Vec<Value>,
    frames: Vec<Frame>,
    /// The type of the top operand before the instruction at hand, where it is a reference.
    top: Option<wasmparser::RefType>,
    /// Whether the branch at hand is likely taken, where the module says so.
    likely: Option<bool>,
    /// The `try_table` blocks among the frames that are reached, outermost first.
    try_tables: Vec<TryTable>,
    /// Whether the instruction at hand can be reached. What cannot is validated and not translated.
    reachable: bool,
    /// The offset of the instruction at hand in the function's body.
    place: u32,
    vmctx: Value,
    /// How the locals are kept, and each of them.
    kept: Locals,
    locals: Vec<Local>,
    /// Which locals were read or written so far, and how many.
    touched: Vec<bool>,
    touched_count: usize,
    /// How many loops are open.
    loops: usize,
    /// How many operands open `if`s hold for their other arms.
    held: usize,
    /// What was imported into the function so far: signatures by type index, functions by function
    /// index.
    signatures: HashMap<u32, SigRef>,
    callees: HashMap<u32, FuncRef>,
    builtin_signature: Option<SigRef>,
    throw_signature: Option<SigRef>,
}

/// How many values a function may come to, since a few bytes can ask for thousands of them: some
/// hundred megabytes while it is compiled. A body as long as the decoder takes has about as many if
/// each instruction gives one.
const MAX_VALUES: usize = 4 << 20;

/// How many operands all instructions may have together. Most are what branches carry: where many
/// branches, or calls with a handler, join, each carries every local that differs between any two
/// of them.
const MAX_LISTED: usize = 4 * MAX_VALUES;

/// What a function may come to whose locals are values; beyond it they are kept in memory. A local
/// that is a value is joined where branches join, so that a few bytes can ask for as many values as
/// there are locals.
mod budget {
    /// The most that the number of locals in use and that of blocks may come to when multiplied:
    /// the builder notes the value of a local for each block up to the last that asked for it, in 4
    /// bytes each.
    pub(super) const NOTED: usize = 1 << 26;

    /// How many loops, or handlers, may be open in one another: what a local is in the innermost
    /// loop is looked for through all of them, and the better allocation of registers goes through
    /// all handlers for each.
    pub(super) const NESTED: usize = 1 << 10;

    /// How many operands all instructions may have together in any case, and how many values there
    /// may be.
    pub(super) const LISTED: usize = 1 << 21;
    pub(super) const VALUES: usize = 1 << 20;

    /// How many of either there may be for each byte of the body so far, where that is more: an
    /// instruction has two bytes or more, gives one value, and has few operands for each byte.
    pub(super) const A_BYTE: usize = 8;
}

/// Reads and writes of what the engine lays out: always aligned, never faulting.
const TRUSTED: MemFlagsData = MemFlagsData::trusted();

/// Reads of what never changes while a function runs.
fn constant() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

/// The flags by which a vector's lanes are reinterpreted.
fn little_endian() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

impl<'a, 'f> Translator<'a, 'f> {
    /// Begins the function of that index: its parameters become its first locals.
    pub(crate) fn new(
        mut b: FunctionBuilder<'f>,
        env: &'a ModuleEnv<'a>,
        function: u32,
        kept: Locals,
    ) -> Result<Self> {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let params = b.block_params(entry).to_vec();
        let mut translator = Translator {
            b,
            env,
            function,
            stack: Vec::new(),
            frames: Vec::new(),
            top: None,
            likely: None,
            try_tables: Vec::new(),
            reachable: true,
            place: 0,
            vmctx: params[0],
            kept,
            locals: Vec::with_capacity(params.len()),
            touched: Vec::new(),
            touched_count: 0,
            loops: 0,
            held: 0,
            signatures: HashMap::new(),
            callees: HashMap::new(),
            builtin_signature: None,
            throw_signature: None,
        };
        for param in &params[1..] {
            translator.declare_local(*param);
        }
        translator.enter_body(env.info.functions[function as usize]);
        Ok(translator)
    }

    /// Adds locals with their default value (core spec, section 4.6.5, "Calls").
    pub(crate) fn declare_locals(&mut self, count: u32, ty: wasmparser::ValType) -> Result<()> {
        let ty = ir_type(TypeConverter::new(&self.env.info.types).val_type(ty)?);
        if count == 0 {
            return Ok(());
        }
        let zero = self.zero(ty);
        for _ in 0..count {
            self.declare_local(zero);
        }
        Ok(())
    }

    /// Says at which offset of the function's body the next instruction is.
    pub(crate) fn set_place(&mut self, place: u32) {
        self.place = place;
    }

    /// Says whether the next instruction, where it is a branch, is likely taken.
    pub(crate) fn set_likely(&mut self, likely: Option<bool>) {
        self.likely = likely;
    }

    /// Says of which type the top operand is, as validation has it before the next instruction.
    pub(crate) fn set_top(&mut self, ty: Option<wasmparser::ValType>) {
        self.top = ty.and_then(|ty| ty.as_reference_type());
    }

    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) where the function has grown too large to go on. With its
    /// locals in memory it may not.
    pub(crate) fn check_size(&self) -> Result<()> {
        let dfg = &self.b.func.dfg;
        let (values, listed) = (dfg.num_values(), dfg.value_lists.capacity());
        let max_listed = match self.kept {
            Locals::Values => {
                if self.touched_count.saturating_mul(dfg.num_blocks()) > budget::NOTED {
                    return Err(Error::limit("a function with too many locals for its number of blocks"));
                }
                if self.loops.max(self.try_tables.len()) > budget::NESTED {
                    return Err(Error::limit("a function whose loops or handlers are nested too deep"));
                }
                let by_size = budget::A_BYTE * self.place as usize;
                if values > budget::VALUES.max(by_size) {
                    return Err(Error::limit("a function whose locals are joined too often"));
                }
                budget::LISTED.max(by_size)
            }
            Locals::Memory => MAX_LISTED,
        };
        if values > MAX_VALUES {
            return Err(Error::limit(format!("a function that needs more than {MAX_VALUES} values")));
        }
        if listed.max(self.held) > max_listed {
            return Err(Error::limit("a function whose branches carry too many values"));
        }
        Ok(())
    }

    /// Ends the function, whose last `end` has been translated.
    pub(crate) fn finish(mut self) {
        self.b.seal_all_blocks();
        self.b.finalize(self.env.isa.frontend_config());
    }

    // The operand stack. Validation has seen to it that there is enough on it.

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Value {
        match self.stack.pop() {
            Some(value) => value,
            None => unreachable!("validation keeps the operand stack from underflowing"),
        }
    }

    fn pop2(&mut self) -> (Value, Value) {
        let second = self.pop();
        (self.pop(), second)
    }

    fn pop3(&mut self) -> (Value, Value, Value) {
        let third = self.pop();
        let (first, second) = self.pop2();
        (first, second, third)
    }

    /// Takes the top `count` values, in order.
    fn pop_many(&mut self, count: usize) -> Vec<Value> {
        self.stack.split_off(self.stack.len() - count)
    }

    /// Takes a vector with lanes of the given shape.
    fn pop_vector(&mut self, shape: Type) -> Value {
        let value = self.pop();
        self.reshape(value, shape)
    }

    /// Takes two vectors with lanes of the given shape.
    fn pop2_vector(&mut self, shape: Type) -> (Value, Value) {
        let second = self.pop_vector(shape);
        (self.pop_vector(shape), second)
    }

    /// The same 128 bits seen as lanes of another shape.
    fn reshape(&mut self, value: Value, shape: Type) -> Value {
        if self.b.func.dfg.value_type(value) == shape {
            return value;
        }
        self.b.ins().bitcast(shape, little_endian(), value)
    }

    /// A value as it crosses a boundary: vectors have their common shape there.
    fn boundary(&mut self, value: Value) -> Value {
        if self.b.func.dfg.value_type(value).is_vector() { self.reshape(value, VECTOR) } else { value }
    }

    fn boundary_all(&mut self, values: &mut [Value]) {
        for value in values {
            *value = self.boundary(*value);
        }
    }

    /// The zero of a type: also null.
    fn zero(&mut self, ty: Type) -> Value {
        match ty {
            types::F32 => self.b.ins().f32const(0.0),
            types::F64 => self.b.ins().f64const(0.0),
            ty if ty.is_vector() => {
                let zero = self.b.func.dfg.constants.insert(vec![0; 16].into());
                self.b.ins().vconst(ty, zero)
            }
            ty => self.b.ins().iconst(ty, 0),
        }
    }

    // Addresses of what the engine lays out.

    /// A pointer of the context that never changes while the instance lives.
    fn context_pointer(&mut self, offset: i32) -> Value {
        self.b.ins().load(POINTER, constant(), self.vmctx, offset)
    }

    /// An unsigned 32-bit value as 64 bits; 64-bit values as they are.
    fn widen(&mut self, value: Value) -> Value {
        if self.b.func.dfg.value_type(value) == types::I32 {
            self.b.ins().uextend(types::I64, value)
        } else {
            value
        }
    }

    // Traps and builtins. Whatever code can be left by is emitted behind a mark.

    /// Says that the code from here on came from the instruction at hand.
    ///
    /// An instruction that cannot trap and calls nothing does without: where the code generator
    /// folds a load into an operation on what it loads, the place of the load is what counts. Where
    /// the operation can trap as well, or stores, its place is what a fault of the load gets.
    fn mark(&mut self) {
        self.b.set_srcloc(SourceLoc::new(self.place));
    }

    /// The flags of an access that traps where it faults.
    fn or_trap(&mut self, flags: MemFlagsData, trap: Trap) -> MemFlagsData {
        self.mark();
        flags.with_trap_code(Some(trap_code(trap)))
    }

    /// Traps.
    fn trap(&mut self, trap: Trap) {
        self.mark();
        self.b.ins().trap(trap_code(trap));
    }

    /// Traps if the condition holds.
    fn trap_if(&mut self, condition: Value, trap: Trap) {
        self.mark();
        self.b.ins().trapnz(condition, trap_code(trap));
    }

    /// Traps unless the condition holds.
    fn trap_unless(&mut self, condition: Value, trap: Trap) {
        self.mark();
        self.b.ins().trapz(condition, trap_code(trap));
    }

    /// Traps if a reference is null.
    fn trap_if_null(&mut self, reference: Value, trap: Trap) {
        self.trap_unless(reference, trap);
    }

    /// Calls a builtin, which may trap and never throws. Arguments are widened without sign.
    fn call_builtin(&mut self, builtin: crate::abi::builtin::Builtin, arguments: &[Value]) -> Value {
        let signature = match self.builtin_signature {
            Some(signature) => signature,
            None => *self.builtin_signature.insert(self.b.import_signature(builtin_signature())),
        };
        let mut args = vec![self.vmctx, self.b.ins().iconst(POINTER, builtin as i64)];
        for argument in arguments {
            let wide = self.widen(*argument);
            args.push(wide);
        }
        while args.len() < BUILTIN_ARGUMENTS + 2 {
            let zero = self.b.ins().iconst(POINTER, 0);
            args.push(zero);
        }
        let stub = self.context_pointer(offsets::CTX_BUILTIN_STUB);
        self.mark();
        let call = self.b.ins().call_indirect(signature, stub, &args);
        self.b.inst_results(call)[0]
    }

    /// An immediate as an argument of a builtin.
    fn immediate(&mut self, value: u32) -> Value {
        self.b.ins().iconst(types::I64, i64::from(value))
    }

    /// A comparison's result, which the specification has as an i32.
    fn push_bool(&mut self, condition: Value) {
        let wide = self.b.ins().uextend(types::I32, condition);
        self.push(wide);
    }

    fn icmp(&mut self, condition: IntCC, left: Value, right: Value) -> Value {
        self.b.ins().icmp(condition, left, right)
    }

    /// An operator that no family translates.
    fn unsupported(op: &wasmparser::Operator<'_>) -> Error {
        Error::unsupported(format!("the instruction {op:?}"))
    }
}
