//! Stubs and trampolines, which are installed as one batch.

use super::arena::CodeArena;
use super::map::Code;
use crate::error::Result;
use crate::vm::artifact::CompiledFunction;
use crate::vm::layout::VmCode;

/// A batch of functions, which are installed and callable until this is dropped.
#[derive(Debug)]
pub(crate) struct CodeBlock {
    code: Code,
    functions: Box<[VmCode]>,
    _arena: CodeArena,
}

impl CodeBlock {
    /// Installs functions.
    pub(crate) fn install(functions: &[CompiledFunction], code: Code) -> Result<CodeBlock> {
        let arena = CodeArena::default();
        let addresses = arena.install(functions, code, 0, &|_| None)?;
        let functions = addresses.iter().map(|address| VmCode::new(*address)).collect();
        Ok(CodeBlock { code, functions, _arena: arena })
    }

    /// The address of the function with this index in the batch.
    pub(crate) fn address(&self, position: usize) -> usize {
        self.functions[position].get()
    }

    /// The slot of the function with this index. It exists as long as the block.
    pub(in crate::vm) fn slot(&self, position: usize) -> *const VmCode {
        &raw const self.functions[position]
    }

    /// The number of slots of an entry trampoline.
    ///
    /// # Panics
    ///
    /// Panics if the code is not an entry trampoline.
    pub(in crate::vm) fn entry_slots(&self) -> usize {
        match self.code {
            Code::Entry { slots } => slots,
            other => unreachable!("an entry trampoline, not {other:?}"),
        }
    }

    /// Like [`CodeBlock::entry_slots`], for a host trampoline.
    pub(in crate::vm) fn host_slots(&self) -> usize {
        match self.code {
            Code::Host { slots } => slots,
            other => unreachable!("a host trampoline, not {other:?}"),
        }
    }

    /// Like [`CodeBlock::entry_slots`], for a continuation trampoline.
    pub(in crate::vm) fn continuation_slots(&self) -> usize {
        match self.code {
            Code::Continuation { slots } => slots,
            other => unreachable!("a continuation trampoline, not {other:?}"),
        }
    }
}
