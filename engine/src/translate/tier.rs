//! The two tiers of code.
//!
//! Code of the first tier counts its calls and the iterations of its loops. When it has run often,
//! it asks the engine to optimise the function, and goes on. The next call finds the optimised
//! code in the function's slot. A loop asks for code that *continues* the function from there: the
//! optimised function with another entry, which gets the locals by way of the store, and replaces
//! the frame like a tail call. That is possible where the operand stack is empty, so that the
//! locals are all that the loop depends on.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Type, Value, types};
use cranelift_frontend::Variable;

use super::variable::Local;
use super::{TRUSTED, Translator};
use crate::abi::builtin::Builtin;
use crate::abi::signature::{POINTER, wasm_signature};
use crate::vm::layout::{VmCounter, VmVal, offsets};

/// What a function is translated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The first tier.
    Quick,
    /// The second tier.
    Optimized,
    /// To continue a call of the first tier from the loop with this number, in the order of the
    /// loops that are reachable.
    Loop(u32),
}

/// The loops of a function.
#[derive(Default)]
pub(super) struct Loops {
    count: u32,
    /// Whether a call of the first tier cannot be continued from one of them.
    stuck: bool,
    /// The block that leaves the first tier to the code that it gets, if there is a loop.
    leave: Option<Block>,
    /// How the loop of [`Goal::Loop`] is entered, until it is reached.
    landing: Option<Landing>,
    /// The number of locals that were passed so far.
    passed: i32,
}

/// The entry to the loop of [`Goal::Loop`].
struct Landing {
    block: Block,
    /// Whether the loop has not been reached yet on the way through the loops around it.
    on_the_way: Variable,
}

impl Loops {
    /// The number of the next loop.
    pub(super) fn next(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    pub(super) fn set_stuck(&mut self) {
        self.stuck = true;
    }

    pub(super) fn has_stuck(&self) -> bool {
        self.stuck
    }
}

const SLOT: i32 = size_of::<VmVal>() as i32;

impl Translator<'_, '_> {
    /// Starts the body of the function, after its locals were declared.
    pub(crate) fn start_body(&mut self) {
        match self.goal {
            Goal::Quick => {
                let (hot, body) = self.count_run();
                self.b.switch_to_block(hot);
                let position = self.position();
                self.call_builtin(Builtin::TierUp, &[position]);
                self.b.ins().jump(body, &[]);
                self.b.seal_block(body);
                self.b.switch_to_block(body);
            }
            Goal::Optimized => {}
            Goal::Loop(_) => {
                let block = self.b.create_block();
                self.b.ins().jump(block, &[]);
                self.b.seal_block(block);
                let on_the_way = self.b.declare_var(types::I8);
                self.tier_loops.landing = Some(Landing { block, on_the_way });
                // What is before the loop is not reachable, unless from the loop.
                let body = self.b.create_block();
                self.b.seal_block(body);
                self.b.switch_to_block(body);
                self.set_on_the_way(on_the_way, false);
            }
        }
    }

    /// The next local of the call that is continued.
    pub(super) fn passed_local(&mut self, ty: Type) -> Value {
        let locals = self.store_locals();
        let offset = self.tier_loops.passed * SLOT;
        self.tier_loops.passed += 1;
        self.b.ins().load(ty, TRUSTED, locals, offset)
    }

    /// Whether the loop from which a call is continued has not been reached yet.
    pub(super) fn is_before_landing(&self) -> bool {
        self.tier_loops.landing.is_some()
    }

    /// Enters the loop from which a call is continued, by way of the headers of the loops around
    /// it: a loop with a second entry would not be recognised as one. The current block becomes the
    /// header.
    pub(super) fn continue_at(&mut self, header: Block) {
        let Some(Landing { block, on_the_way }) = self.tier_loops.landing.take() else { return };
        let around = self.take_open_headers();
        self.b.switch_to_block(block);
        self.set_on_the_way(on_the_way, true);
        let mut way = around.iter().map(|(header, _)| *header).chain([header]);
        self.b.ins().jump(way.next().unwrap_or(header), &[]);
        for ((header, body), next) in around.iter().zip(way) {
            self.b.switch_to_block(*header);
            let is_on_the_way = self.b.use_var(on_the_way);
            self.b.ins().brif(is_on_the_way, next, &[], *body, &[]);
            self.b.seal_block(*body);
        }
        self.b.switch_to_block(header);
        self.set_on_the_way(on_the_way, false);
    }

    fn set_on_the_way(&mut self, variable: Variable, value: bool) {
        let value = self.b.ins().iconst(types::I8, i64::from(value));
        self.b.def_var(variable, value);
    }

    /// Counts an iteration of the loop with this number, at its start. If the loop has run often
    /// and there is code to continue from here, leaves the first tier.
    pub(super) fn count_iteration(&mut self, number: u32) {
        let (hot, body) = self.count_run();
        self.b.switch_to_block(hot);
        let position = self.position();
        let number = self.immediate(number);
        let locals = self.immediate(self.locals.len() as u32);
        let code = self.call_builtin(Builtin::TierUpLoop, &[position, number, locals]);
        let leave = match self.tier_loops.leave {
            Some(leave) => leave,
            None => {
                let leave = self.b.create_block();
                self.b.append_block_param(leave, POINTER);
                self.b.set_cold_block(leave);
                *self.tier_loops.leave.insert(leave)
            }
        };
        self.b.ins().brif(code, leave, &[code.into()], body, &[]);
        self.b.seal_block(body);
        self.b.switch_to_block(body);
    }

    /// Translates the block that leaves the first tier.
    pub(super) fn leave_first_tier(&mut self) {
        let Some(leave) = self.tier_loops.leave else { return };
        self.b.seal_block(leave);
        self.b.switch_to_block(leave);
        let code = self.b.block_params(leave)[0];
        let memory = self.store_locals();
        for index in 0..self.locals.len() {
            let value = match self.locals[index] {
                Local::Value(variable) => self.b.use_var(variable),
                Local::Memory(slot, ty) => self.b.ins().stack_load(POINTER, ty, slot, 0),
            };
            self.b.ins().store(TRUSTED, value, memory, index as i32 * SLOT);
        }
        let mut signature = wasm_signature(self.env.info.func_type(self.function));
        signature.params.truncate(1);
        let signature = self.b.import_signature(signature);
        self.b.ins().return_call_indirect(signature, code, &[self.vmctx]);
    }

    /// Decrements the function's counter. Returns the block to continue in when it is used up, and
    /// the block to continue in otherwise, which is not sealed.
    fn count_run(&mut self) -> (Block, Block) {
        let (hot, body) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(hot);
        let counters = self.context_pointer(offsets::CTX_COUNTERS);
        let position = self.function as usize - self.env.info.imported.functions;
        let offset = (position * size_of::<VmCounter>()) as i32;
        let count = self.b.ins().load(types::I32, TRUSTED, counters, offset);
        let one = self.b.ins().iconst(types::I32, 1);
        let less = self.b.ins().isub(count, one);
        self.b.ins().store(TRUSTED, less, counters, offset);
        let zero = self.b.ins().iconst(types::I32, 0);
        let used_up = self.b.ins().icmp(IntCC::SignedLessThan, less, zero);
        self.b.ins().brif(used_up, hot, &[], body, &[]);
        self.b.seal_block(hot);
        (hot, body)
    }

    /// The position of the function among those that the module defines, as an argument.
    fn position(&mut self) -> Value {
        self.immediate(self.function - self.env.info.imported.functions as u32)
    }

    /// The address of the locals that calls leave for the code that continues them.
    fn store_locals(&mut self) -> Value {
        let store = self.context_pointer(offsets::CTX_STORE);
        self.b.ins().load(POINTER, TRUSTED, store, offsets::STORE_LOCALS)
    }
}
