//! Exception handling without `try_table` (legacy exception handling proposal): `try`, `catch`,
//! `catch_all`, `delegate` and `rethrow`.
//!
//! Until its first clause a `try` is a block with a landing pad, like a `try_table`. The pad then
//! compares tags clause by clause, and each clause is translated in the block for its tag.

use cranelift_codegen::ir::{Block, Value};
use wasmparser::BlockType;

use super::Translator;
use super::control::FrameKind;
use super::exception::{Leaving, TryTable};
use crate::error::Result;

/// The clauses of a `try`.
pub(super) struct LegacyCatch {
    /// The exception that the current clause has caught; `None` if nothing in the `try` can throw.
    exception: Option<Value>,
    /// The block for exceptions that no previous clause has caught, with the exception.
    rest: Option<(Block, Value)>,
}

impl LegacyCatch {
    /// The handling of exceptions that no clause has caught.
    pub(super) fn uncaught(&self) -> Option<Leaving> {
        self.rest.map(|(block, exception)| Leaving::Uncaught(block, exception))
    }
}

impl Translator<'_, '_> {
    pub(super) fn legacy_try(&mut self, ty: BlockType) -> Result<()> {
        self.try_tables.push(TryTable::new(self.frames.len(), &[]));
        self.open_block(ty, FrameKind::TryTable)
    }

    /// Starts a clause for exceptions with this tag, or for all exceptions.
    pub(super) fn legacy_catch(&mut self, tag: Option<u32>) {
        let depth = self.frames.len() - 1;
        if let FrameKind::Unreachable = self.frames[depth].kind {
            return;
        }
        if self.reachable {
            self.branch_to_exit(depth);
        }
        let thrown = match &self.frames[depth].kind {
            FrameKind::LegacyCatch(catch) => catch.rest,
            _ => match self.close_try_table() {
                Some(Leaving::Clauses(pad, _)) => Some((pad, self.land(pad))),
                _ => None,
            },
        };
        self.stack.truncate(self.frames[depth].height);
        self.reachable = thrown.is_some();
        let mut rest = None;
        if let Some((block, exception)) = thrown {
            self.b.switch_to_block(block);
            if let Some(tag) = tag {
                rest = Some((self.if_tagged(exception, tag), exception));
                let values = self.exception_values(exception, tag);
                self.stack.extend(values);
            }
        }
        let exception = thrown.map(|(_, exception)| exception);
        self.frames[depth].kind = FrameKind::LegacyCatch(LegacyCatch { exception, rest });
    }

    /// Closes a `try` whose exceptions are handled by the innermost handler inside the block with
    /// this label.
    pub(super) fn delegate(&mut self, label: u32) -> Result<()> {
        if let FrameKind::Unreachable = self.frames[self.frames.len() - 1].kind {
            self.frames.pop();
            return Ok(());
        }
        let leaving = match self.close_try_table() {
            Some(Leaving::Clauses(pad, _)) => Some(Leaving::Delegated(pad, label)),
            _ => None,
        };
        self.close_block(leaving)
    }

    /// Rethrows the exception that the clause with this label has caught.
    pub(super) fn rethrow(&mut self, label: u32) {
        let frame = &self.frames[self.frames.len() - 1 - label as usize];
        if let FrameKind::LegacyCatch(LegacyCatch { exception: Some(exception), .. }) = frame.kind {
            self.throw_exception(exception);
        }
        self.reachable = false;
    }
}
