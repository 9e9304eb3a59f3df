//! Continuations (stack-switching proposal).
//!
//! Values are passed between stacks through slots in memory: those of a suspended function are in
//! its frame, those of a function that has not been started at the top of its stack. The switches
//! are calls of the functions in `vm/stack/switch.rs`; an exception that leaves a continuation
//! propagates from such a call.

use cranelift_codegen::ir::{
    AbiParam, BlockArg, InstBuilder, JumpTableData, Signature, StackSlotData, StackSlotKind, Type, Value,
    types,
};
use cranelift_codegen::isa::CallConv;
use smallvec::SmallVec;
use wasmparser::{Handle, ResumeTable};

use super::{TRUSTED, Translator};
use crate::abi::builtin::Builtin;
use crate::abi::signature::{POINTER, ir_type};
use crate::error::Result;
use crate::trap::Trap;
use crate::types::ValType;
use crate::types::layout::{
    BOUND_VALUE, CONTINUATION_BOUND, CONTINUATION_STACK, CONTINUATION_START, OBJECT_LENGTH, continuation_size,
};
use crate::vm::layout::{VmVal, offsets};
use crate::vm::stack::record::{HANDLERS_SIZE, STACK_SLOTS};

const SLOT: i32 = size_of::<VmVal>() as i32;

/// The size of the address of a tag.
const TAG: u32 = 8;

/// The results of a resumption: the number of the clause that handles a suspension, or 0 if the
/// continuation has returned; the address of the slots with the values; and the suspended stack.
struct Resumed {
    clause: Value,
    slots: Value,
    stack: Value,
}

impl Translator<'_, '_> {
    pub(super) fn cont_new(&mut self, type_index: u32) {
        let function = self.pop();
        self.trap_if_null(function, Trap::NullFunctionReference);
        let continuation = self.allocate_continuation(type_index);
        let null = self.zero(POINTER);
        self.b.ins().store(TRUSTED, null, continuation, CONTINUATION_STACK as i32);
        self.b.ins().store(TRUSTED, function, continuation, CONTINUATION_START as i32);
        self.push(continuation);
    }

    /// Allocates a continuation without bound values. The caller initialises its two fields.
    fn allocate_continuation(&mut self, type_index: u32) -> Value {
        let number = self.type_number(type_index);
        self.allocate(number, 0, continuation_size(0) as u32)
    }

    pub(super) fn cont_bind(&mut self, from: u32, to: u32) {
        let continuations = &self.env.info.continuations;
        let left = continuations.func_type(to).params().len();
        let count = continuations.func_type(from).params().len() - left;
        let continuation = self.pop();
        let values = self.pop_boundary(count);
        let number = self.type_number(to);
        let count = self.immediate(count as u32);
        let bound = self.call_builtin(Builtin::ContinuationBind, &[continuation, number, count]);
        // The last of its bound values are those of this instruction.
        let total = self.b.ins().load(types::I32, TRUSTED, bound, OBJECT_LENGTH);
        let total = self.widen(total);
        let before = self.b.ins().isub(total, count);
        let offset = self.b.ins().imul_imm_u(before, i64::from(BOUND_VALUE));
        let start = self.b.ins().iadd(bound, offset);
        for (value, number) in values.into_iter().zip(0..) {
            let offset = (CONTINUATION_BOUND + number * BOUND_VALUE) as i32;
            self.b.ins().store(super::exception::FIELD, value, start, offset);
        }
        self.push(bound);
    }

    pub(super) fn suspend(&mut self, tag: u32) {
        let ty = self.env.info.func_type_at(self.env.info.tag_types[tag as usize]);
        let values = self.pop_boundary(ty.params().len());
        let slots = self.own_slots(values.len().max(ty.results().len()) as u32 * SLOT as u32);
        self.store_slots(slots, &values);
        let tag = self.context_pointer(self.env.layout.tag(tag));
        self.call_switch(offsets::CTX_SUSPEND, &[tag, slots], 0);
        self.push_slots(slots, ty.results());
    }

    pub(super) fn resume(&mut self, type_index: u32, table: &ResumeTable) -> Result<()> {
        let ty = self.env.info.continuations.func_type(type_index);
        let continuation = self.pop();
        let values = self.pop_boundary(ty.params().len());
        let stack = self.take_stack(continuation);
        let slots = self.b.ins().load(POINTER, TRUSTED, stack, STACK_SLOTS);
        self.store_slots(slots, &values);
        let clauses = self.clauses(table);
        let resumed = self.call_resume(offsets::CTX_RESUME, &[stack, clauses]);
        self.after_resumption(&resumed, ty.results(), table)
    }

    pub(super) fn resume_throw(&mut self, type_index: u32, tag: u32, table: &ResumeTable) -> Result<()> {
        let continuation = self.pop();
        let exception = self.popped_exception(tag);
        self.throw_into(type_index, continuation, exception, table)
    }

    pub(super) fn resume_throw_ref(&mut self, type_index: u32, table: &ResumeTable) -> Result<()> {
        let continuation = self.pop();
        let exception = self.pop();
        self.trap_if_null(exception, Trap::NullExceptionReference);
        self.throw_into(type_index, continuation, exception, table)
    }

    /// Resumes a continuation by throwing an exception where it was suspended. If it has not been
    /// started, the exception is thrown here.
    fn throw_into(
        &mut self,
        type_index: u32,
        continuation: Value,
        exception: Value,
        table: &ResumeTable,
    ) -> Result<()> {
        let ty = self.env.info.continuations.func_type(type_index);
        let [started, new] = [(); 2].map(|()| self.b.create_block());
        self.b.set_cold_block(new);
        self.trap_if_null(continuation, Trap::NullContinuationReference);
        let stack = self.call_builtin(Builtin::ContinuationThrow, &[continuation]);
        self.b.ins().brif(stack, started, &[], new, &[]);
        self.b.seal_block(started);
        self.b.seal_block(new);
        self.b.switch_to_block(new);
        self.throw_exception(exception);
        self.b.switch_to_block(started);
        let clauses = self.clauses(table);
        let resumed = self.call_resume(offsets::CTX_RESUME_THROW, &[stack, clauses, exception]);
        self.after_resumption(&resumed, ty.results(), table)
    }

    pub(super) fn switch(&mut self, type_index: u32, tag: u32) {
        let Some((own, params)) = self.env.info.continuations.func_type(type_index).params().split_last()
        else {
            unreachable!("the continuation has a parameter for the current one by validation")
        };
        let own = self.env.info.continuations.index(*own);
        let results = self.env.info.continuations.func_type(own).params();
        let continuation = self.pop();
        let mut values = self.pop_boundary(params.len());
        self.trap_if_null(continuation, Trap::NullContinuationReference);
        // The collection that this may run sees the other continuation as long as it has its stack.
        let suspended = self.allocate_continuation(own);
        let null = self.zero(POINTER);
        self.b.ins().store(TRUSTED, null, suspended, CONTINUATION_STACK as i32);
        self.b.ins().store(TRUSTED, null, suspended, CONTINUATION_START as i32);
        let stack = self.take_stack(continuation);
        let store = self.context_pointer(offsets::CTX_STORE);
        let current = self.b.ins().load(POINTER, TRUSTED, store, offsets::STORE_STACK);
        self.b.ins().store(TRUSTED, current, suspended, CONTINUATION_STACK as i32);
        values.push(suspended);
        let slots = self.b.ins().load(POINTER, TRUSTED, stack, STACK_SLOTS);
        self.store_slots(slots, &values);
        let own_slots = self.own_slots(results.len() as u32 * SLOT as u32);
        let tag = self.context_pointer(self.env.layout.tag(tag));
        self.call_switch(offsets::CTX_SWITCH, &[tag, stack, own_slots], 0);
        self.push_slots(own_slots, results);
    }

    /// The stack of a continuation, which is consumed: set up if it has none yet.
    fn take_stack(&mut self, continuation: Value) -> Value {
        let [ready, other, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(other);
        let taken = self.b.append_block_param(done, POINTER);
        let flags = self.or_trap(TRUSTED, Trap::NullContinuationReference);
        let stack = self.b.ins().load(POINTER, flags, continuation, CONTINUATION_STACK as i32);
        self.b.ins().brif(stack, ready, &[], other, &[]);
        self.b.seal_block(ready);
        self.b.seal_block(other);
        self.b.switch_to_block(other);
        let set_up = self.call_builtin(Builtin::ContinuationStart, &[continuation]);
        self.b.ins().jump(done, &[set_up.into()]);
        self.b.switch_to_block(ready);
        let null = self.zero(POINTER);
        self.b.ins().store(TRUSTED, null, continuation, CONTINUATION_STACK as i32);
        self.b.ins().jump(done, &[stack.into()]);
        self.b.seal_block(done);
        self.b.switch_to_block(done);
        taken
    }

    /// Writes the clauses of a resumption to the frame, and returns their address.
    fn clauses(&mut self, table: &ResumeTable) -> Value {
        let tags_of = |wanted: fn(&Handle) -> Option<u32>| table.handlers.iter().filter_map(wanted);
        let labels: Vec<u32> = tags_of(|handle| match handle {
            Handle::OnLabel { tag, .. } => Some(*tag),
            Handle::OnSwitch { .. } => None,
        })
        .collect();
        let switches = tags_of(|handle| match handle {
            Handle::OnSwitch { tag } => Some(*tag),
            Handle::OnLabel { .. } => None,
        });
        let tags: Vec<u32> = labels.iter().copied().chain(switches).collect();
        let address = self.own_slots(HANDLERS_SIZE + tags.len() as u32 * TAG);
        let counts = labels.len() as i64 | ((tags.len() - labels.len()) as i64) << 32;
        let counts = self.b.ins().iconst(types::I64, counts);
        self.b.ins().store(TRUSTED, counts, address, 0);
        for (tag, number) in tags.into_iter().zip(0..) {
            let record = self.context_pointer(self.env.layout.tag(tag));
            self.b.ins().store(TRUSTED, record, address, (HANDLERS_SIZE + number * TAG) as i32);
        }
        address
    }

    /// Continues after a resumption: with the results of the continuation, or by the clause that
    /// handles its suspension.
    fn after_resumption(
        &mut self,
        resumed: &Resumed,
        results: &[ValType],
        table: &ResumeTable,
    ) -> Result<()> {
        let clauses: Vec<(u32, u32)> = table
            .handlers
            .iter()
            .filter_map(|handle| match handle {
                Handle::OnLabel { tag, label } => Some((*tag, *label)),
                Handle::OnSwitch { .. } => None,
            })
            .collect();
        let returned = self.b.create_block();
        let blocks: Vec<_> = clauses.iter().map(|_| self.b.create_block()).collect();
        match *blocks {
            [] => {
                self.b.ins().jump(returned, &[]);
            }
            [only] => {
                self.b.ins().brif(resumed.clause, only, &[], returned, &[]);
            }
            _ => {
                let dfg = &mut self.b.func.dfg;
                let default = dfg.block_call(returned, &[]);
                let calls: Vec<_> =
                    [returned].iter().chain(&blocks).map(|block| dfg.block_call(*block, &[])).collect();
                let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
                let clause = self.b.ins().ireduce(types::I32, resumed.clause);
                self.b.ins().br_table(clause, table);
            }
        }
        for ((tag, label), block) in clauses.into_iter().zip(blocks) {
            self.b.seal_block(block);
            self.b.switch_to_block(block);
            self.clause(tag, label, resumed);
            // A few bytes of input can produce a thousand values here.
            self.check_size()?;
        }
        self.b.seal_block(returned);
        self.b.switch_to_block(returned);
        self.push_slots(resumed.slots, results);
        Ok(())
    }

    /// Branches to the label of a clause, with the values of the suspension and its continuation.
    fn clause(&mut self, tag: u32, label: u32, resumed: &Resumed) {
        let Some(reference) = self.label_types(label).last() else {
            unreachable!("the label of a clause takes a continuation by validation")
        };
        let type_index = self.env.info.continuations.index(*reference);
        let continuation = self.allocate_continuation(type_index);
        self.b.ins().store(TRUSTED, resumed.stack, continuation, CONTINUATION_STACK as i32);
        let null = self.zero(POINTER);
        self.b.ins().store(TRUSTED, null, continuation, CONTINUATION_START as i32);
        let ty = self.env.info.func_type_at(self.env.info.tag_types[tag as usize]);
        let mut args: SmallVec<[BlockArg; 4]> =
            self.load_slots(resumed.slots, ty.params()).into_iter().map(BlockArg::Value).collect();
        args.push(continuation.into());
        let (target, _) = self.branch_target(label);
        self.b.ins().jump(target, &args);
    }

    /// Calls a switch that resumes a continuation.
    fn call_resume(&mut self, switch: i32, args: &[Value]) -> Resumed {
        match *self.call_switch(switch, args, 3) {
            [clause, slots, stack] => Resumed { clause, slots, stack },
            _ => unreachable!("the switch has three results"),
        }
    }

    /// Calls a function of the Tail convention that switches stacks, at this offset in the context,
    /// with the context and these arguments.
    fn call_switch(&mut self, switch: i32, args: &[Value], results: usize) -> Vec<Value> {
        let mut signature = Signature::new(CallConv::Tail);
        signature.params.extend([AbiParam::new(POINTER); 5].iter().take(args.len() + 1));
        signature.returns.extend([AbiParam::new(POINTER); 3].iter().take(results));
        let signature = *self
            .switch_signatures
            .entry((args.len(), results))
            .or_insert_with(|| self.b.import_signature(signature));
        let code = self.context_pointer(switch);
        let types: SmallVec<[Type; 4]> = SmallVec::from_elem(POINTER, results);
        self.call_address(signature, code, self.vmctx, args.to_vec(), &types)
    }

    /// The address of this many bytes in the frame. All instructions use the same memory, which a
    /// switch does not need after it.
    fn own_slots(&mut self, size: u32) -> Value {
        let slot = match self.switch_slots {
            Some(slot) => slot,
            None => {
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 0, 4);
                *self.switch_slots.insert(self.b.create_sized_stack_slot(data))
            }
        };
        let data = &mut self.b.func.sized_stack_slots[slot];
        data.size = data.size.max(size);
        self.b.ins().stack_addr(POINTER, slot, 0)
    }

    fn store_slots(&mut self, slots: Value, values: &[Value]) {
        for (value, number) in values.iter().zip(0..) {
            self.b.ins().store(TRUSTED, *value, slots, number * SLOT);
        }
    }

    fn load_slots(&mut self, slots: Value, types: &[ValType]) -> Vec<Value> {
        let load =
            |(ty, number): (&ValType, i32)| self.b.ins().load(ir_type(*ty), TRUSTED, slots, number * SLOT);
        types.iter().zip(0..).map(load).collect()
    }

    fn push_slots(&mut self, slots: Value, types: &[ValType]) {
        let values = self.load_slots(slots, types);
        self.stack.extend(values);
    }
}
