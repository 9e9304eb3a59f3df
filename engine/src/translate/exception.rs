//! Exceptions (core spec, section 4.6.4, "Exception Handling").
//!
//! Every call inside a `try_table` has one handler: the landing pad of the innermost enclosing
//! `try_table`. The pad gets the exception, compares its tag with those of the clauses, and
//! rethrows it if no clause matches.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, MemFlagsData, SigRef, Value};
use smallvec::SmallVec;
use wasmparser::Catch;

use super::{TRUSTED, Translator};
use crate::abi::signature::{POINTER, ir_type, throw_signature};
use crate::error::Result;
use crate::trap::Trap;
use crate::types::ValType;
use crate::types::layout::{EXCEPTION_TAG, FieldsLayout};
use crate::vm::layout::offsets;

/// An open `try_table`, or a legacy `try` before its first clause.
pub(super) struct TryTable {
    /// The index of its block among the open ones.
    frame: usize,
    catches: SmallVec<[Catch; 2]>,
    /// The landing pad, created by the first instruction inside that can throw.
    pad: Option<Block>,
}

impl TryTable {
    pub(super) fn new(frame: usize, catches: &[Catch]) -> TryTable {
        TryTable { frame, catches: catches.into(), pad: None }
    }
}

/// The handling of exceptions that leave a block that catches, if anything in the block can throw.
pub(super) enum Leaving {
    /// The clauses of a `try_table` handle them at its landing pad.
    Clauses(Block, SmallVec<[Catch; 2]>),
    /// They are rethrown, in this block.
    Uncaught(Block, Value),
    /// They go from a landing pad to the innermost handler inside the block with this label, which
    /// is counted from outside.
    Delegated(Block, u32),
}

/// Flags of accesses to an exception's fields: vectors are not aligned to their size.
pub(super) const FIELD: MemFlagsData = MemFlagsData::new().with_notrap();

impl Translator<'_, '_> {
    /// Allocates an exception and throws it.
    pub(super) fn throw(&mut self, tag: u32) {
        let exception = self.popped_exception(tag);
        self.throw_exception(exception);
        self.reachable = false;
    }

    /// Pops the fields of an exception with this tag, and allocates it.
    pub(super) fn popped_exception(&mut self, tag: u32) -> Value {
        let info = self.env.info;
        let type_index = info.tag_types[tag as usize];
        let ty = info.func_type_at(type_index);
        let values = self.pop_boundary(ty.params().len());
        let layout = FieldsLayout::of_exception(ty);
        let type_number = self.type_number(type_index);
        let exception = self.allocate(type_number, 0, layout.size);
        let record = self.context_pointer(self.env.layout.tag(tag));
        self.b.ins().store(TRUSTED, record, exception, EXCEPTION_TAG as i32);
        for ((offset, _), value) in layout.fields.iter().zip(values) {
            self.b.ins().store(FIELD, value, exception, *offset as i32);
        }
        exception
    }

    pub(super) fn throw_ref(&mut self) {
        let exception = self.pop();
        self.trap_if_null(exception, Trap::NullExceptionReference);
        self.throw_exception(exception);
        self.reachable = false;
    }

    /// The landing pad of the innermost enclosing `try_table`.
    pub(super) fn innermost_pad(&mut self) -> Option<Block> {
        self.pad_inside(self.frames.len())
    }

    /// The innermost landing pad inside the block with this index among the open ones.
    fn pad_inside(&mut self, frame: usize) -> Option<Block> {
        let block = self.try_tables.iter_mut().rfind(|block| block.frame <= frame)?;
        Some(*block.pad.get_or_insert_with(|| {
            let pad = self.b.create_block();
            self.b.append_block_param(pad, POINTER);
            self.b.set_cold_block(pad);
            pad
        }))
    }

    /// Closes the innermost `try_table`: the following instructions are outside of it.
    pub(super) fn close_try_table(&mut self) -> Option<Leaving> {
        let block = self.try_tables.pop()?;
        Some(Leaving::Clauses(block.pad?, block.catches))
    }

    /// Translates the handling of exceptions that leave a block that has just been closed.
    pub(super) fn leave_block(&mut self, leaving: Leaving) -> Result<()> {
        match leaving {
            Leaving::Clauses(pad, catches) => self.landing_pad(pad, &catches)?,
            Leaving::Uncaught(block, exception) => {
                self.b.switch_to_block(block);
                self.throw_exception(exception);
            }
            Leaving::Delegated(pad, label) => {
                let exception = self.land(pad);
                let target = self.pad_inside(self.frames.len() - 1 - label as usize);
                self.throw_to(target, exception);
            }
        }
        Ok(())
    }

    /// Continues in a landing pad to which no further edges are added. Returns the exception.
    pub(super) fn land(&mut self, pad: Block) -> Value {
        self.b.seal_block(pad);
        self.b.switch_to_block(pad);
        self.b.block_params(pad)[0]
    }

    /// Translates the landing pad of a `try_table` that has just been closed, so the clauses count
    /// labels from outside of it.
    fn landing_pad(&mut self, pad: Block, catches: &[Catch]) -> Result<()> {
        let exception = self.land(pad);
        for catch in catches {
            match *catch {
                Catch::One { tag, label } => self.catch(exception, tag, label, false),
                Catch::OneRef { tag, label } => self.catch(exception, tag, label, true),
                Catch::All { label } => {
                    self.branch_caught(label, &[]);
                    return Ok(());
                }
                Catch::AllRef { label } => {
                    self.branch_caught(label, &[exception.into()]);
                    return Ok(());
                }
            }
            // A few bytes of input can produce a thousand values here.
            self.check_size()?;
        }
        self.throw_exception(exception);
        Ok(())
    }

    /// Branches with the fields of an exception, and with its reference if requested, if the
    /// exception has this tag.
    fn catch(&mut self, exception: Value, tag: u32, label: u32, with_reference: bool) {
        let next = self.if_tagged(exception, tag);
        let values = self.exception_values(exception, tag);
        let mut args: Vec<BlockArg> = values.into_iter().map(BlockArg::Value).collect();
        if with_reference {
            args.push(exception.into());
        }
        self.branch_caught(label, &args);
        self.b.switch_to_block(next);
    }

    /// Continues if the exception has this tag. Returns the block for all other exceptions.
    pub(super) fn if_tagged(&mut self, exception: Value, tag: u32) -> Block {
        let (caught, next) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(caught);
        self.b.set_cold_block(next);
        let record = self.b.ins().load(POINTER, TRUSTED, exception, EXCEPTION_TAG as i32);
        let wanted = self.context_pointer(self.env.layout.tag(tag));
        let same = self.icmp(IntCC::Equal, record, wanted);
        self.b.ins().brif(same, caught, &[], next, &[]);
        self.b.seal_block(caught);
        self.b.seal_block(next);
        self.b.switch_to_block(caught);
        next
    }

    /// The fields of an exception with this tag.
    pub(super) fn exception_values(&mut self, exception: Value, tag: u32) -> Vec<Value> {
        let ty = self.env.info.func_type_at(self.env.info.tag_types[tag as usize]);
        let fields = FieldsLayout::of_exception(ty).fields;
        let load = |((offset, _), ty): (&(u32, _), &ValType)| {
            self.b.ins().load(ir_type(*ty), FIELD, exception, *offset as i32)
        };
        fields.iter().zip(ty.params()).map(load).collect()
    }

    fn branch_caught(&mut self, label: u32, args: &[BlockArg]) {
        let (target, _) = self.branch_target(label);
        self.b.ins().jump(target, args);
    }

    /// Throws an exception. Inside a `try_table` the handler is known statically.
    pub(super) fn throw_exception(&mut self, exception: Value) {
        let pad = self.innermost_pad();
        self.throw_to(pad, exception);
    }

    /// Throws an exception to a landing pad, or out of the function.
    fn throw_to(&mut self, pad: Option<Block>, exception: Value) {
        if let Some(pad) = pad {
            self.b.ins().jump(pad, &[exception.into()]);
            return;
        }
        let signature = self.throw_signature();
        let stub = self.context_pointer(offsets::CTX_THROW_STUB);
        self.mark();
        self.b.ins().call_indirect(signature, stub, &[self.vmctx, exception]);
        // Unreachable: the stub does not return.
        self.trap(Trap::Unreachable);
    }

    fn throw_signature(&mut self) -> SigRef {
        match self.throw_signature {
            Some(signature) => signature,
            None => *self.throw_signature.insert(self.b.import_signature(throw_signature())),
        }
    }
}
