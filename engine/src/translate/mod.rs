//! Translation of validated function bodies to Cranelift IR.
//!
//! [`dispatch`] has one line for each operator; each family of operators has a file. Nothing here
//! accesses objects of a store: code depends on layouts only.

mod atomic;
mod bounds;
mod bulk;
mod call;
mod continuation;
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
mod tier;
mod variable;

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Endianness, FuncRef, InstBuilder, MemFlagsData, SigRef, SourceLoc, StackSlot, Type, Value, types,
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
pub(crate) use tier::Goal;
use tier::Loops;
use variable::Local;
pub(crate) use variable::Locals;

/// The state that the functions of a module share.
pub(crate) struct ModuleEnv<'a> {
    pub(crate) info: &'a ModuleInfo,
    pub(crate) layout: VmCtxLayout,
    pub(crate) isa: &'a OwnedTargetIsa,
    /// The code generator for functions with too many values for `isa`.
    pub(crate) fast_isa: &'a OwnedTargetIsa,
    /// The deadline of the compilation.
    pub(crate) deadline: Option<Deadline>,
    /// Whether memories reserve their whole address range, so that out-of-bounds accesses fault by
    /// themselves.
    pub(crate) guard_pages: bool,
    /// The functions of the module, if they are compiled one by one; `None` if all of them are
    /// compiled and installed together.
    pub(crate) functions: Option<&'a FunctionTable>,
}

impl ModuleEnv<'_> {
    /// Whether a function may call another one that the module defines by its address, which does
    /// not change: it is installed together with the function, or is optimised already. An
    /// optimised function can also call itself.
    fn knows_address(&self, caller: u32, goal: Goal, position: usize) -> bool {
        let own = caller as usize - self.info.imported.functions;
        let is_own = own == position && goal == Goal::Optimized;
        self.functions.is_none_or(|functions| is_own || functions.optimized(position).is_some())
    }
}

/// The translation of one function body.
pub(crate) struct Translator<'a, 'f> {
    b: FunctionBuilder<'f>,
    env: &'a ModuleEnv<'a>,
    /// The index of the function.
    function: u32,
    goal: Goal,
    /// The operand stack of the specification. A vector can have any lane shape here.
    stack: Vec<Value>,
    frames: Vec<Frame>,
    /// The type of the top operand before the current instruction, if it is a reference.
    top: Option<wasmparser::RefType>,
    /// Whether the current branch is likely taken, if the module has a hint.
    likely: Option<bool>,
    /// The `try_table` blocks among the reachable frames, outermost first.
    try_tables: Vec<TryTable>,
    /// Whether the current instruction is reachable. Unreachable instructions are validated but not
    /// translated.
    reachable: bool,
    /// The offset of the current instruction in the function's body.
    offset: u32,
    vmctx: Value,
    /// How locals are kept, and where each of them is.
    kept: Locals,
    locals: Vec<Local>,
    /// Which locals have been used so far, and their number.
    touched: Vec<bool>,
    touched_count: usize,
    /// The number of open loops.
    loops: usize,
    /// The loops so far, as points at which the function changes its code.
    tier_loops: Loops,
    /// The number of operands that open `if`s hold for their other arms.
    held: usize,
    /// The entities that have been imported into the function so far: signatures by type index,
    /// functions by function index.
    signatures: HashMap<u32, SigRef>,
    callees: HashMap<u32, FuncRef>,
    builtin_signature: Option<SigRef>,
    throw_signature: Option<SigRef>,
    /// The signatures of switches, by the numbers of their arguments and results.
    switch_signatures: HashMap<(usize, usize), SigRef>,
    /// The part of the frame that switches use.
    switch_slots: Option<StackSlot>,
}

/// The maximum number of values in a function, since a few bytes can produce thousands of them.
/// This many take a few hundred megabytes during compilation. A body of the maximum size of the
/// decoder has about as many if each instruction produces one.
const MAX_VALUES: usize = 4 << 20;

/// The maximum number of operands of all instructions together. Most are operands of branches:
/// where many branches, or calls with a handler, meet, each passes every local that differs between
/// any two of them.
const MAX_LISTED: usize = 4 * MAX_VALUES;

/// Limits for a function whose locals are values; if it exceeds one, its locals are kept in memory.
/// Locals that are values get block parameters where branches meet, so that a few bytes can produce
/// as many values as there are locals.
mod budget {
    /// The maximum product of the number of locals in use and the number of blocks: the builder
    /// records the value of a local for each block up to the last one that uses it, in 4 bytes
    /// each.
    pub(super) const NOTED: usize = 1 << 26;

    /// The maximum nesting of loops, or of handlers: looking up a local in the innermost loop
    /// visits all enclosing loops, and the optimising register allocator visits all handlers for
    /// each handler.
    pub(super) const NESTED: usize = 1 << 10;

    /// The number of operands of all instructions together, and of values, that is always allowed.
    pub(super) const LISTED: usize = 1 << 21;
    pub(super) const VALUES: usize = 1 << 20;

    /// The number of either that is allowed for each byte of the body so far, if that is more: an
    /// instruction has at least two bytes, produces one value, and has few operands for each byte.
    pub(super) const A_BYTE: usize = 8;
}

/// Flags of accesses to the engine's data structures: always aligned, never faulting.
const TRUSTED: MemFlagsData = MemFlagsData::trusted();

/// Flags of reads of data that does not change while a function runs.
fn constant() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

/// The flags for reinterpreting a vector's lanes.
fn little_endian() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

impl<'a, 'f> Translator<'a, 'f> {
    /// Starts the function with this index. Its parameters become its first locals.
    pub(crate) fn new(
        mut b: FunctionBuilder<'f>,
        env: &'a ModuleEnv<'a>,
        function: u32,
        goal: Goal,
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
            goal,
            stack: Vec::new(),
            frames: Vec::new(),
            top: None,
            likely: None,
            try_tables: Vec::new(),
            reachable: true,
            offset: 0,
            vmctx: params[0],
            kept,
            locals: Vec::with_capacity(params.len()),
            touched: Vec::new(),
            touched_count: 0,
            loops: 0,
            tier_loops: Loops::default(),
            held: 0,
            signatures: HashMap::new(),
            callees: HashMap::new(),
            builtin_signature: None,
            throw_signature: None,
            switch_signatures: HashMap::new(),
            switch_slots: None,
        };
        match goal {
            Goal::Loop(_) => {
                for ty in env.info.func_type(function).params() {
                    let value = translator.passed_local(ir_type(*ty));
                    translator.declare_local(value);
                }
            }
            _ => params[1..].iter().for_each(|param| translator.declare_local(*param)),
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
        if let Goal::Loop(_) = self.goal {
            for _ in 0..count {
                let value = self.passed_local(ty);
                self.declare_local(value);
            }
            return Ok(());
        }
        let zero = self.zero(ty);
        for _ in 0..count {
            self.declare_local(zero);
        }
        Ok(())
    }

    /// Sets the offset of the next instruction in the function's body.
    pub(crate) fn set_offset(&mut self, offset: u32) {
        self.offset = offset;
    }

    /// Sets whether the next instruction, if it is a branch, is likely taken.
    pub(crate) fn set_likely(&mut self, likely: Option<bool>) {
        self.likely = likely;
    }

    /// Sets the type of the top operand before the next instruction, according to validation.
    pub(crate) fn set_top(&mut self, ty: Option<wasmparser::ValType>) {
        self.top = ty.and_then(|ty| ty.as_reference_type());
    }

    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) if the function has become too large. With its locals in
    /// memory it may not be.
    pub(crate) fn check_size(&self) -> Result<()> {
        let dfg = &self.b.func.dfg;
        let (values, listed) = (dfg.num_values(), dfg.value_lists.capacity());
        let max_listed = match self.kept {
            Locals::Values => {
                if self.touched_count.saturating_mul(dfg.num_blocks()) > budget::NOTED {
                    return Err(Error::limit("the function has too many locals for its number of blocks"));
                }
                if self.loops.max(self.try_tables.len()) > budget::NESTED {
                    return Err(Error::limit("the loops or handlers of the function are nested too deeply"));
                }
                let by_size = budget::A_BYTE * self.offset as usize;
                if values > budget::VALUES.max(by_size) {
                    return Err(Error::limit("the function has too many block parameters for its locals"));
                }
                budget::LISTED.max(by_size)
            }
            Locals::Memory => MAX_LISTED,
        };
        if values > MAX_VALUES {
            return Err(Error::limit(format!("the function needs more than {MAX_VALUES} values")));
        }
        if listed.max(self.held) > max_listed {
            return Err(Error::limit("the branches of the function have too many operands"));
        }
        Ok(())
    }

    /// Finishes the function after its last `end` has been translated.
    ///
    /// Returns whether the function can leave the first tier in each of its loops, if it is
    /// compiled for that.
    pub(crate) fn finish(mut self) -> bool {
        self.leave_first_tier();
        let is_complete = !self.tier_loops.has_stuck();
        self.b.seal_all_blocks();
        self.b.finalize(self.env.isa.frontend_config());
        is_complete
    }

    // The operand stack. Validation ensures that it does not underflow.

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Value {
        match self.stack.pop() {
            Some(value) => value,
            None => unreachable!("the operand stack does not underflow after validation"),
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

    /// Pops the top `count` values, in order.
    fn pop_many(&mut self, count: usize) -> Vec<Value> {
        self.stack.split_off(self.stack.len() - count)
    }

    /// Pops a vector with lanes of the given shape.
    fn pop_vector(&mut self, shape: Type) -> Value {
        let value = self.pop();
        self.reshape(value, shape)
    }

    /// Pops two vectors with lanes of the given shape.
    fn pop2_vector(&mut self, shape: Type) -> (Value, Value) {
        let second = self.pop_vector(shape);
        (self.pop_vector(shape), second)
    }

    /// Reinterprets the 128 bits as lanes of another shape.
    fn reshape(&mut self, value: Value, shape: Type) -> Value {
        if self.b.func.dfg.value_type(value) == shape {
            return value;
        }
        self.b.ins().bitcast(shape, little_endian(), value)
    }

    /// Converts a value to the form in which it is passed between blocks and functions: vectors
    /// have a common shape there.
    fn boundary(&mut self, value: Value) -> Value {
        if self.b.func.dfg.value_type(value).is_vector() { self.reshape(value, VECTOR) } else { value }
    }

    fn boundary_all(&mut self, values: &mut [Value]) {
        for value in values {
            *value = self.boundary(*value);
        }
    }

    /// The zero of a type, which is also null.
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

    // Addresses of the engine's data structures.

    /// Loads a pointer in the context that does not change after instantiation.
    fn context_pointer(&mut self, offset: i32) -> Value {
        self.b.ins().load(POINTER, constant(), self.vmctx, offset)
    }

    /// Zero-extends a 32-bit value to 64 bits; 64-bit values are unchanged.
    fn widen(&mut self, value: Value) -> Value {
        if self.b.func.dfg.value_type(value) == types::I32 {
            self.b.ins().uextend(types::I64, value)
        } else {
            value
        }
    }

    // Traps and builtins. Code that can trap, throw or call is emitted after `mark`.

    /// Sets the source location of the following code to the current instruction.
    ///
    /// Instructions that can neither trap nor call do not need this. If the code generator folds a
    /// load into an operation on the loaded value, the location of the load is used. If the
    /// operation can trap as well, or stores, its own location is used for a fault of the load.
    fn mark(&mut self) {
        self.b.set_srcloc(SourceLoc::new(self.offset));
    }

    /// The flags of an access that traps on a fault.
    fn or_trap(&mut self, flags: MemFlagsData, trap: Trap) -> MemFlagsData {
        self.mark();
        flags.with_trap_code(Some(trap_code(trap)))
    }

    /// Emits an unconditional trap.
    fn trap(&mut self, trap: Trap) {
        self.mark();
        self.b.ins().trap(trap_code(trap));
    }

    /// Traps if the condition is true.
    fn trap_if(&mut self, condition: Value, trap: Trap) {
        self.mark();
        self.b.ins().trapnz(condition, trap_code(trap));
    }

    /// Traps unless the condition is true.
    fn trap_unless(&mut self, condition: Value, trap: Trap) {
        self.mark();
        self.b.ins().trapz(condition, trap_code(trap));
    }

    /// Traps if a reference is null.
    fn trap_if_null(&mut self, reference: Value, trap: Trap) {
        self.trap_unless(reference, trap);
    }

    /// Calls a builtin, which can trap but not throw. Arguments are zero-extended.
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

    /// Converts an immediate to an argument of a builtin.
    fn immediate(&mut self, value: u32) -> Value {
        self.b.ins().iconst(types::I64, i64::from(value))
    }

    /// Pushes the result of a comparison as an i32.
    fn push_bool(&mut self, condition: Value) {
        let wide = self.b.ins().uextend(types::I32, condition);
        self.push(wide);
    }

    fn icmp(&mut self, condition: IntCC, left: Value, right: Value) -> Value {
        self.b.ins().icmp(condition, left, right)
    }

    /// The error for an operator that is not supported.
    fn unsupported(op: &wasmparser::Operator<'_>) -> Error {
        Error::unsupported(format!("instruction {op:?}"))
    }
}
