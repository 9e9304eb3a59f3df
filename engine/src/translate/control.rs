//! Blocks and branches (core spec, section 4.6.2, "Control Instructions").

use std::collections::{BTreeMap, HashMap};

use cranelift_codegen::ir::{Block, BlockArg, BlockCall, InstBuilder, JumpTableData, Type, Value};
use smallvec::SmallVec;
use wasmparser::{BlockType, BrTable};

use super::Translator;
use super::exception::{Leaving, TryTable};
use super::legacy_exception::LegacyCatch;
use super::tier::Goal;
use crate::abi::signature::ir_type;
use crate::error::Result;
use crate::trap::Trap;
use crate::types::{TypeConverter, ValType};

/// An open block.
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    /// The types of the operands of branches to its end.
    results: Results,
    /// The number of operands below the block's own.
    pub(super) height: usize,
    /// The target of branches to its end, created by the first one.
    exit: Option<Block>,
}

pub(super) enum FrameKind {
    /// A block, or the function's body.
    Block,
    /// A loop, with its header and the number of operands of a branch to it. The header is open,
    /// with no code yet, as long as it is not known whether a call is continued from a loop in this
    /// one. Then the body starts in a block of its own.
    Loop { header: Block, params: usize, body: Option<Block> },
    /// The first arm of an `if`, with the block of the other arm and the parameters of that block.
    If { otherwise: Block, params: Vec<Value> },
    /// The second arm of an `if`.
    Else,
    /// A block that catches exceptions: the topmost one in the translator's `try_tables`.
    TryTable,
    /// The clauses of a legacy `try`.
    LegacyCatch(LegacyCatch),
    /// A block that is unreachable.
    Unreachable,
}

/// The results of a block. They are not copied, because a function type can have a thousand, and
/// many blocks can be open.
#[derive(Clone, Copy)]
enum Results {
    None,
    One(ValType),
    /// The results of the function type with this index.
    Of(u32),
}

impl<'a> Translator<'a, '_> {
    /// Opens the function's body, a block whose results are those of the function type with this
    /// index.
    pub(super) fn enter_body(&mut self, type_index: u32) {
        let results = Results::Of(type_index);
        self.frames.push(Frame { kind: FrameKind::Block, results, height: 0, exit: None });
    }

    /// Opens a block in unreachable code.
    pub(super) fn skip_block(&mut self) {
        let height = self.stack.len();
        self.frames.push(Frame { kind: FrameKind::Unreachable, results: Results::None, height, exit: None });
    }

    pub(super) fn block(&mut self, ty: BlockType) -> Result<()> {
        self.open_block(ty, FrameKind::Block)
    }

    /// Opens a block that catches exceptions. Without clauses it is an ordinary block.
    pub(super) fn try_table(&mut self, block: &wasmparser::TryTable) -> Result<()> {
        if block.catches.is_empty() {
            return self.block(block.ty);
        }
        self.try_tables.push(TryTable::new(self.frames.len(), &block.catches));
        self.open_block(block.ty, FrameKind::TryTable)
    }

    pub(super) fn open_block(&mut self, ty: BlockType, kind: FrameKind) -> Result<()> {
        let height = self.stack.len() - self.block_params(ty).len();
        self.frames.push(Frame { kind, results: self.block_results(ty)?, height, exit: None });
        Ok(())
    }

    pub(super) fn r#loop(&mut self, ty: BlockType) -> Result<()> {
        let types = self.block_params(ty);
        let params = types.len();
        let header = self.block_with(types.iter().copied().map(ir_type));
        let args = self.pop_block_args(params);
        self.b.ins().jump(header, &args);
        let number = self.tier_loops.next();
        let mut body = None;
        if self.goal == Goal::Loop(number) {
            self.continue_at(header);
        } else if self.is_before_landing() {
            let start = *body.insert(self.b.create_block());
            self.b.switch_to_block(start);
        } else {
            self.b.switch_to_block(header);
        }
        let height = self.stack.len();
        if self.goal == Goal::Quick {
            if height == 0 && params == 0 && !self.is_catching() {
                self.count_iteration(number);
            } else {
                self.tier_loops.set_stuck();
            }
        }
        self.stack.extend_from_slice(&self.b.block_params(header)[..params]);
        self.loops += 1;
        let kind = FrameKind::Loop { header, params, body };
        self.frames.push(Frame { kind, results: self.block_results(ty)?, height, exit: None });
        Ok(())
    }

    pub(super) fn r#if(&mut self, ty: BlockType) -> Result<()> {
        let condition = self.pop();
        let (then, otherwise) = (self.b.create_block(), self.b.create_block());
        if let Some(likely) = self.likely {
            self.b.set_cold_block(if likely { otherwise } else { then });
        }
        self.b.ins().brif(condition, then, &[], otherwise, &[]);
        self.b.seal_block(then);
        self.b.seal_block(otherwise);
        self.b.switch_to_block(then);
        let height = self.stack.len() - self.block_params(ty).len();
        let params = self.stack[height..].to_vec();
        self.held += params.len();
        let kind = FrameKind::If { otherwise, params };
        self.frames.push(Frame { kind, results: self.block_results(ty)?, height, exit: None });
        Ok(())
    }

    pub(super) fn r#else(&mut self) {
        let depth = self.frames.len() - 1;
        if let FrameKind::Unreachable = self.frames[depth].kind {
            return;
        }
        if self.reachable {
            self.branch_to_exit(depth);
        }
        let frame = &mut self.frames[depth];
        if let FrameKind::If { otherwise, params } = std::mem::replace(&mut frame.kind, FrameKind::Else) {
            self.stack.truncate(frame.height);
            self.held -= params.len();
            self.stack.extend(params);
            self.b.switch_to_block(otherwise);
            self.reachable = true;
        }
    }

    pub(super) fn end(&mut self) -> Result<()> {
        let depth = self.frames.len() - 1;
        let mut leaving = None;
        match &self.frames[depth].kind {
            FrameKind::Unreachable => {
                self.frames.pop();
                return Ok(());
            }
            // Without `else`, the other arm returns its parameters.
            FrameKind::If { .. } => self.r#else(),
            FrameKind::TryTable => leaving = self.close_try_table(),
            FrameKind::LegacyCatch(catch) => leaving = catch.uncaught(),
            _ => {}
        }
        self.close_block(leaving)
    }

    /// Closes a block, with the exceptions that leave it.
    pub(super) fn close_block(&mut self, leaving: Option<Leaving>) -> Result<()> {
        let depth = self.frames.len() - 1;
        if self.reachable && (self.frames[depth].exit.is_some() || leaving.is_some()) {
            self.branch_to_exit(depth);
        }
        let Some(frame) = self.frames.pop() else { unreachable!("validation matches every `end`") };
        if let FrameKind::Loop { header, body, .. } = frame.kind {
            self.close_header(header, body);
            self.b.seal_block(header);
            self.loops -= 1;
        }
        if let Some(leaving) = leaving {
            self.leave_block(leaving)?;
        }
        if let Some(exit) = frame.exit {
            self.stack.truncate(frame.height);
            self.b.seal_block(exit);
            self.b.switch_to_block(exit);
            self.stack.extend_from_slice(self.b.block_params(exit));
            self.reachable = true;
        } else if !self.reachable {
            self.stack.truncate(frame.height);
        }
        if self.frames.is_empty() && self.reachable {
            let results = self.pop_boundary(self.count(frame.results));
            self.b.ins().return_(&results);
            self.reachable = false;
        }
        Ok(())
    }

    /// Ends an open header, with the block in which the loop's body starts.
    fn close_header(&mut self, header: Block, body: Option<Block>) {
        let Some(body) = body else { return };
        let after = self.reachable.then(|| self.b.create_block());
        if let Some(after) = after {
            self.b.ins().jump(after, &[]);
            self.b.seal_block(after);
        }
        self.b.switch_to_block(header);
        self.b.ins().jump(body, &[]);
        self.b.seal_block(body);
        if let Some(after) = after {
            self.b.switch_to_block(after);
        }
    }

    /// The open headers of the loops around the current position, outermost first, each with the
    /// block in which the loop's body starts. The caller ends the headers, which have no
    /// parameters: a function with such a loop is not in the first tier.
    pub(super) fn take_open_headers(&mut self) -> Vec<(Block, Block)> {
        let open = self.frames.iter_mut().filter_map(|frame| match &mut frame.kind {
            FrameKind::Loop { header, body, .. } => Some((*header, body.take()?)),
            _ => None,
        });
        open.collect()
    }

    pub(super) fn br(&mut self, depth: u32) {
        let (target, count) = self.branch_target(depth);
        let args = self.pop_block_args(count);
        self.b.ins().jump(target, &args);
        self.reachable = false;
    }

    pub(super) fn br_if(&mut self, depth: u32) {
        let condition = self.pop();
        if self.likely != Some(false) {
            self.branch_when(condition, true, depth);
            return;
        }
        // The hint does not apply to other branches to the target. Therefore the unlikely branch
        // gets a block of its own.
        let (unlikely, next) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(unlikely);
        self.b.ins().brif(condition, unlikely, &[], next, &[]);
        self.b.seal_block(unlikely);
        self.b.seal_block(next);
        self.b.switch_to_block(unlikely);
        self.jump_with_operands(depth);
        self.b.switch_to_block(next);
    }

    /// Branches if a reference is null, and keeps the reference otherwise.
    pub(super) fn br_on_null(&mut self, depth: u32) {
        let reference = self.pop();
        self.branch_when(reference, false, depth);
        self.push(reference);
    }

    /// Branches with a reference if it is not null, and drops it otherwise.
    pub(super) fn br_on_non_null(&mut self, depth: u32) {
        let reference = self.stack[self.stack.len() - 1];
        self.branch_when(reference, true, depth);
        self.pop();
    }

    /// Branches if a value is nonzero (`wanted`) or zero, with the operands on the stack, which are
    /// not popped.
    fn branch_when(&mut self, value: Value, wanted: bool, depth: u32) {
        let (target, count) = self.branch_target(depth);
        let args = self.peek_block_args(count);
        let next = self.b.create_block();
        if self.likely == Some(true) {
            self.b.set_cold_block(next);
        }
        if wanted {
            self.b.ins().brif(value, target, &args, next, &[]);
        } else {
            self.b.ins().brif(value, next, &[], target, &args);
        }
        self.b.seal_block(next);
        self.b.switch_to_block(next);
    }

    pub(super) fn br_table(&mut self, table: &BrTable<'_>) -> Result<()> {
        let index = self.pop();
        let mut targets: Vec<u32> = Vec::with_capacity(table.len() as usize + 1);
        for depth in table.targets() {
            targets.push(depth.map_err(crate::decode::refused::malformed)?);
        }
        targets.push(table.default());
        let mut times: HashMap<u32, usize> = HashMap::with_capacity(targets.len());
        for depth in &targets {
            *times.entry(*depth).or_default() += 1;
        }
        let mut edges: BTreeMap<u32, Block> = BTreeMap::new();
        let mut calls: Vec<BlockCall> = Vec::with_capacity(targets.len());
        for depth in targets {
            let block = match self.branch_target(depth) {
                (target, 0) if times[&depth] == 1 => target,
                _ => *edges.entry(depth).or_insert_with(|| self.b.create_block()),
            };
            calls.push(self.b.func.dfg.block_call(block, &[]));
        }
        let Some(default) = calls.pop() else { unreachable!("there is a default target") };
        let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
        self.b.ins().br_table(index, table);
        // The edge to a target that occurs several times, or has operands, is a block of its own,
        // so that operands and locals are passed once for each target, and not for each entry of
        // the table. Other edges have no block, which would only be work for the register
        // allocator.
        for (depth, edge) in edges {
            self.b.seal_block(edge);
            self.b.switch_to_block(edge);
            self.jump_with_operands(depth);
            // One instruction can have many targets, with a thousand operands for each.
            self.check_size()?;
        }
        self.reachable = false;
        Ok(())
    }

    /// Jumps to a label with the operands on the stack, which are not popped.
    pub(super) fn jump_with_operands(&mut self, depth: u32) {
        let (target, count) = self.branch_target(depth);
        let args = self.peek_block_args(count);
        self.b.ins().jump(target, &args);
    }

    pub(super) fn r#return(&mut self) {
        let results = self.pop_boundary(self.count(self.frames[0].results));
        self.b.ins().return_(&results);
        self.reachable = false;
    }

    pub(super) fn unreachable(&mut self) {
        // The code generator replaces a branch to a block that only traps by a trap at the branch,
        // which would get the branch's source location.
        self.b.ins().sequence_point();
        self.trap(Trap::Unreachable);
        self.reachable = false;
    }

    /// Whether a clause of a legacy `try` is open, whose exception is a value that no local has.
    fn is_catching(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame.kind, FrameKind::LegacyCatch(_)))
    }

    /// Pops the top values in the form in which they are passed between blocks and functions.
    pub(super) fn pop_boundary(&mut self, count: usize) -> Vec<Value> {
        let mut values = self.pop_many(count);
        self.boundary_all(&mut values);
        values
    }

    fn pop_block_args(&mut self, count: usize) -> SmallVec<[BlockArg; 4]> {
        self.pop_boundary(count).into_iter().map(BlockArg::Value).collect()
    }

    fn peek_block_args(&mut self, count: usize) -> SmallVec<[BlockArg; 4]> {
        let start = self.stack.len() - count;
        (start..self.stack.len()).map(|at| BlockArg::Value(self.boundary(self.stack[at]))).collect()
    }

    /// The target block of a branch, and the number of operands.
    pub(super) fn branch_target(&mut self, depth: u32) -> (Block, usize) {
        let at = self.frames.len() - 1 - depth as usize;
        match self.frames[at].kind {
            FrameKind::Loop { header, params, .. } => (header, params),
            _ => (self.exit_of(at), self.count(self.frames[at].results)),
        }
    }

    /// The types of the operands of a branch to a label.
    pub(super) fn label_types(&self, depth: u32) -> &[ValType] {
        let frame = &self.frames[self.frames.len() - 1 - depth as usize];
        match (&frame.results, &frame.kind) {
            // A loop with parameters has a function type.
            (Results::Of(index), FrameKind::Loop { .. }) => self.env.info.func_type_at(*index).params(),
            (_, FrameKind::Loop { .. }) | (Results::None, _) => &[],
            (Results::One(ty), _) => std::slice::from_ref(ty),
            (Results::Of(index), _) => self.env.info.func_type_at(*index).results(),
        }
    }

    pub(super) fn branch_to_exit(&mut self, at: usize) {
        let exit = self.exit_of(at);
        let args = self.pop_block_args(self.count(self.frames[at].results));
        self.b.ins().jump(exit, &args);
    }

    fn exit_of(&mut self, at: usize) -> Block {
        if let Some(exit) = self.frames[at].exit {
            return exit;
        }
        let exit = match self.frames[at].results {
            Results::None => self.block_with([]),
            Results::One(ty) => self.block_with([ir_type(ty)]),
            Results::Of(index) => {
                let results = self.env.info.func_type_at(index).results();
                self.block_with(results.iter().copied().map(ir_type))
            }
        };
        self.frames[at].exit = Some(exit);
        exit
    }

    fn block_with(&mut self, params: impl IntoIterator<Item = Type>) -> Block {
        let block = self.b.create_block();
        for ty in params {
            self.b.append_block_param(block, ty);
        }
        block
    }

    fn block_params(&self, ty: BlockType) -> &'a [ValType] {
        match ty {
            BlockType::Empty | BlockType::Type(_) => &[],
            BlockType::FuncType(index) => self.env.info.func_type_at(index).params(),
        }
    }

    fn block_results(&self, ty: BlockType) -> Result<Results> {
        Ok(match ty {
            BlockType::Empty => Results::None,
            BlockType::Type(ty) => Results::One(TypeConverter::new(&self.env.info.types).val_type(ty)?),
            BlockType::FuncType(index) => Results::Of(index),
        })
    }

    fn count(&self, results: Results) -> usize {
        match results {
            Results::None => 0,
            Results::One(_) => 1,
            Results::Of(index) => self.env.info.func_type_at(index).results().len(),
        }
    }
}
