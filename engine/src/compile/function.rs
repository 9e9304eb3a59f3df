//! Compilation of one function body to one artifact, on any thread.

use std::collections::HashMap;
use std::sync::Arc;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{Block, BlockCall, Function, GlobalValueData, MemFlagsData, Signature, Value};
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use wasmparser::{FuncToValidate, FuncValidator, FuncValidatorAllocations, Operator, ValidatorResources};
use wassay_terms::time::aside;

use super::artifact::compiled_function;
use crate::abi::signature::{POINTER, wasm_signature};
use crate::decode::PendingBody;
use crate::decode::refused::{invalid, malformed};
use crate::error::{Error, ErrorKind, Result};
use crate::time::{Deadline, STEPS, in_time};
use crate::translate::{Goal, Locals, ModuleEnv, Translator};
use crate::vm::artifact::{CompiledFunction, Tier};
use crate::vm::layout::offsets;

/// The number of block parameters and branch operands, together, from which a function counts as
/// complex. At this number the optimising register allocator takes about four seconds in the worst
/// case. Functions in practice have a tenth of it.
const COMPLEX: usize = 100_000;

/// The number of values from which a function counts as complex regardless of its branches.
const HUGE: usize = 1_000_000;

/// The number of blocks that all branches of a function together can skip before it counts as
/// complex. The optimising register allocator visits them to compute dominators, which takes about
/// a tenth of a second at this number.
const FAR: u64 = 1 << 25;

/// The number of entries of value lists for which a context keeps memory between functions.
const KEPT: usize = 1 << 16;

/// The number of values, instructions and blocks from which a function is compiled on a separate
/// thread if there is a deadline. Smaller functions take about ten milliseconds.
const LARGE: usize = 20_000;

/// The stack size of that thread.
const STACK: usize = 8 << 20;

/// Buffers that are reused between functions.
pub(crate) struct Compiler {
    context: Context,
    builder: FunctionBuilderContext,
    validator: FuncValidatorAllocations,
}

impl Compiler {
    pub(crate) fn new() -> Compiler {
        Compiler {
            context: Context::new(),
            builder: FunctionBuilderContext::new(),
            validator: Default::default(),
        }
    }

    /// Validates and translates a function body in one pass over its instructions, and compiles it.
    ///
    /// Returns the tier of the code as well: a function that cannot leave the first tier in each of
    /// its loops is compiled for the second one at once.
    pub(crate) fn compile_body(
        &mut self,
        env: &ModuleEnv<'_>,
        goal: Goal,
        pending: PendingBody<'_>,
    ) -> Result<(CompiledFunction, Tier)> {
        let (func, body) = pending;
        let (index, ty) = (func.index, func.ty);
        let mut validator = func.into_validator(std::mem::take(&mut self.validator));
        let mut goal = goal;
        let mut locals = if goal == Goal::Quick { locals_of_first_tier(&body) } else { Locals::Values };
        let translated = loop {
            let translated = self.translate_body(env, goal, index, &mut validator, &body, locals);
            match &translated {
                Err(error) if error.kind() == ErrorKind::Limit && locals == Locals::Values => {
                    tracing::debug!(function = index, "too many values: the locals are kept in memory");
                    locals = Locals::Memory;
                }
                Ok(false) => (goal, locals) = (Goal::Optimized, Locals::Values),
                _ => break translated,
            }
            let (resources, features) = (validator.resources().clone(), *validator.features());
            let func = FuncToValidate { resources, index, ty, features };
            validator = func.into_validator(validator.into_allocations());
        };
        self.validator = validator.into_allocations();
        translated?;
        let tier = if goal == Goal::Quick { Tier::Quick } else { Tier::Optimized };
        let quick = tier == Tier::Quick || locals == Locals::Memory || self.is_complex();
        let isa = if quick { env.fast_isa } else { env.isa };
        let function = match env.deadline.filter(|_| self.is_large()) {
            Some(deadline) => self.finish_aside(isa, deadline),
            None => self.finish(&**isa),
        };
        Ok((function?, tier))
    }

    /// Validates and translates a function body whose locals are kept as `locals` says. Returns
    /// whether the code can leave the first tier in each of its loops, if it is for that one.
    fn translate_body(
        &mut self,
        env: &ModuleEnv<'_>,
        goal: Goal,
        index: u32,
        validator: &mut FuncValidator<ValidatorResources>,
        body: &wasmparser::FunctionBody<'_>,
        locals: Locals,
    ) -> Result<bool> {
        let mut signature = wasm_signature(env.info.func_type(index));
        if let Goal::Loop(_) = goal {
            // Parameters are locals, which are passed by way of the store.
            signature.params.truncate(1);
        }
        self.start(signature);
        self.limit_stack();
        let builder = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let hints = env.info.branch_hints.of(index);
        let translated = Translator::new(builder, env, index, goal, locals)
            .and_then(|t| translate(t, validator, body, hints, env.deadline));
        if translated.is_err() {
            // An unfinished body leaves the builder's buffers in use, and may have grown the other
            // buffers without bound.
            self.builder = FunctionBuilderContext::new();
            self.context = Context::new();
        }
        translated
    }

    /// Whether the optimising register allocator would take seconds. Its time grows superlinearly
    /// with the number of values and of block parameters.
    fn is_complex(&self) -> bool {
        let func = &self.context.func;
        if func.dfg.num_values() > HUGE || leads_far(func) {
            return true;
        }
        let joined: usize = func.layout.blocks().map(|block| func.dfg.num_block_params(block)).sum();
        let carried =
            |block| branches(func, block).iter().map(|call| call.len(&func.dfg.value_lists)).sum::<usize>();
        joined + func.layout.blocks().map(carried).sum::<usize>() > COMPLEX
    }

    /// Whether the code generator may need more than a few milliseconds for the function.
    fn is_large(&self) -> bool {
        let func = &self.context.func;
        func.dfg.num_values() + func.dfg.num_insts() + func.dfg.num_blocks() > LARGE
    }

    /// Validates a function body without compiling it.
    pub(crate) fn validate_body(&mut self, pending: PendingBody<'_>) -> Result<()> {
        let (func, body) = pending;
        let mut validator = func.into_validator(std::mem::take(&mut self.validator));
        let result = validator.validate(&body).map_err(invalid);
        self.validator = validator.into_allocations();
        result
    }

    /// Compiles a function that the engine itself generates.
    pub(super) fn compile(
        &mut self,
        isa: &dyn TargetIsa,
        signature: Signature,
        build: impl FnOnce(&mut FunctionBuilder<'_>, &[Value]),
    ) -> Result<CompiledFunction> {
        self.start(signature);
        let mut builder = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let params = builder.block_params(entry).to_vec();
        build(&mut builder, &params);
        builder.seal_all_blocks();
        builder.finalize(isa.frontend_config());
        self.finish(isa)
    }

    fn start(&mut self, signature: Signature) {
        // The limits of a function apply to the capacity of its lists, which clearing does not
        // reduce.
        if self.context.func.dfg.value_lists.capacity() > KEPT {
            self.context = Context::new();
        } else {
            self.context.clear();
        }
        self.context.func.signature = signature;
    }

    /// Makes the function check its frame against the store's stack limit.
    fn limit_stack(&mut self) {
        let func = &mut self.context.func;
        let context = func.create_global_value(GlobalValueData::VMContext);
        let mut load = |base, offset: i32, flags: MemFlagsData| {
            let flags = func.dfg.mem_flags.insert(flags).ok();
            flags.map(|flags| {
                func.create_global_value(GlobalValueData::Load {
                    base,
                    offset: offset.into(),
                    global_type: POINTER,
                    flags,
                })
            })
        };
        let constant = MemFlagsData::trusted().with_readonly().with_can_move();
        let store = load(context, offsets::CTX_STORE, constant);
        let limit = store.and_then(|store| load(store, offsets::STORE_STACK_LIMIT, MemFlagsData::trusted()));
        func.stack_limit = limit;
    }

    /// Like [`Compiler::finish`], on a separate thread, because the code generator cannot be
    /// interrupted. After the deadline the thread continues in the background, for a few seconds at
    /// most, and its result is dropped.
    fn finish_aside(&mut self, isa: &OwnedTargetIsa, deadline: Deadline) -> Result<CompiledFunction> {
        let context = std::mem::replace(&mut self.context, Context::new());
        let isa = Arc::clone(isa);
        let work = move || Compiler { context, ..Compiler::new() }.finish(&*isa);
        aside(deadline, ("wassay-compiler", STACK), work).ok_or_else(Error::interrupted)?
    }

    fn finish(&mut self, isa: &dyn TargetIsa) -> Result<CompiledFunction> {
        if let Err(error) = self.context.compile(isa, &mut ControlPlane::default()) {
            return Err(Error::unsupported(format!("code generator: {:?}", error.inner)));
        }
        match self.context.compiled_code() {
            Some(code) => compiled_function(code, &self.context.func),
            None => unreachable!("a compiled function has code"),
        }
    }
}

/// How the first tier keeps the locals of a function with this body.
///
/// With its locals in memory a function can leave the first tier in many places, and most are
/// compiled as fast. But code with few branches is smaller with values, and is compiled in two
/// thirds of the time.
fn locals_of_first_tier(body: &wasmparser::FunctionBody<'_>) -> Locals {
    /// The first byte of a `loop`.
    const LOOP: u8 = 0x03;
    /// The average size of the code between two blocks that counts as few branches, in bytes. Most
    /// functions have a twentieth of it.
    const FEW_BRANCHES: usize = 256;
    let (mut loops, mut blocks) = (0, 0);
    // Most short bodies do not contain the byte at all.
    if body.as_bytes().contains(&LOOP)
        && let Ok(mut operators) = body.get_operators_reader()
    {
        while !operators.eof()
            && let Ok(operator) = operators.read()
        {
            loops += usize::from(matches!(operator, Operator::Loop { .. }));
            blocks += usize::from(matches!(operator, Operator::Block { .. } | Operator::If { .. }));
        }
    }
    match loops == 0 || body.as_bytes().len() / (loops + blocks) >= FEW_BRANCHES {
        true => Locals::Values,
        false => Locals::Memory,
    }
}

/// The branches at the end of a block.
fn branches(func: &Function, block: Block) -> &[BlockCall] {
    match func.layout.last_inst(block) {
        Some(last) => {
            func.dfg.insts[last].branch_destination(&func.dfg.jump_tables, &func.dfg.exception_tables)
        }
        None => &[],
    }
}

/// Whether the branches skip more blocks than the optimising register allocator can handle in time.
fn leads_far(func: &Function) -> bool {
    let count = func.dfg.num_blocks();
    if (count as u64).saturating_mul(count as u64) < FAR {
        return false;
    }
    let mut positions = vec![0u64; count];
    for (block, position) in func.layout.blocks().zip(0..) {
        positions[block.as_u32() as usize] = position;
    }
    let position = |block: Block| positions[block.as_u32() as usize];
    let passed = |block| {
        let targets = branches(func, block).iter().map(|call| call.block(&func.dfg.value_lists));
        targets.map(|target| position(target).abs_diff(position(block))).sum::<u64>()
    };
    func.layout.blocks().map(passed).sum::<u64>() > FAR
}

/// Passes the operators of a body to the validator and the translator.
fn translate(
    mut translator: Translator<'_, '_>,
    validator: &mut FuncValidator<ValidatorResources>,
    body: &wasmparser::FunctionBody<'_>,
    hints: Option<&HashMap<u64, bool>>,
    deadline: Option<Deadline>,
) -> Result<bool> {
    let mut reader = body.get_binary_reader();
    reader.set_features(*validator.features());
    for _ in 0..reader.read_var_u32().map_err(malformed)? {
        let at = reader.original_position();
        let count = reader.read_var_u32().map_err(malformed)?;
        let ty = reader.read().map_err(malformed)?;
        validator.define_locals(at, count, ty).map_err(invalid)?;
        translator.declare_locals(count, ty)?;
    }
    translator.start_body();
    let start = body.range().start;
    let mut operators = wasmparser::OperatorsReader::new(reader);
    for number in 1usize.. {
        if operators.eof() {
            break;
        }
        if number.is_multiple_of(STEPS) {
            in_time(deadline)?;
        }
        let (op, at) = operators.read_with_offset().map_err(malformed)?;
        translator.set_offset((at - start) as u32);
        translator.set_top(validator.get_operand_type(0).flatten());
        translator.set_likely(hints.and_then(|hints| hints.get(&(at - start)).copied()));
        validator.op(at, &op).map_err(invalid)?;
        translator
            .operator(&op)
            .and_then(|()| translator.check_size())
            .map_err(|error| if error.offset().is_some() { error } else { error.at(at) })?;
    }
    operators.finish().map_err(malformed)?;
    Ok(translator.finish())
}

#[cfg(test)]
mod tests {
    use cranelift_codegen::entity::EntityRef;
    use cranelift_codegen::ir::ValueList;
    use cranelift_codegen::isa::CallConv;

    use super::*;

    #[test]
    fn a_large_function_does_not_affect_the_next() {
        let mut compiler = Compiler::new();
        let grow = |compiler: &mut Compiler| {
            let pool = &mut compiler.context.func.dfg.value_lists;
            ValueList::new().extend((0..4 * KEPT).map(Value::new), pool);
            pool.capacity()
        };
        assert!(grow(&mut compiler) > KEPT);
        compiler.start(Signature::new(CallConv::Tail));
        assert!(compiler.context.func.dfg.value_lists.capacity() <= KEPT);
    }
}
