//! Code that is installed at once: stubs and trampolines.

use super::arena::CodeArena;
use super::map::Code;
use crate::error::Result;
use crate::vm::artifact::CompiledFunction;
use crate::vm::layout::VmCode;

/// A batch of functions, callable until this is dropped.
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

    /// The address of the function at that position in the batch.
    pub(crate) fn address(&self, position: usize) -> usize {
        self.functions[position].get()
    }

    /// The slot with the address of the function at that position. It is there as long as the block
    /// is.
    pub(in crate::vm) fn slot(&self, position: usize) -> *const VmCode {
        &raw const self.functions[position]
    }

    /// How many slots calls of an entry trampoline have.
    ///
    /// # Panics
    ///
    /// If the code is not one.
    pub(in crate::vm) fn entry_slots(&self) -> usize {
        match self.code {
            Code::Entry { slots } => slots,
            other => unreachable!("an entry trampoline, not {other:?}"),
        }
    }

    /// As [`CodeBlock::entry_slots`], of a host trampoline.
    pub(in crate::vm) fn host_slots(&self) -> usize {
        match self.code {
            Code::Host { slots } => slots,
            other => unreachable!("a host trampoline, not {other:?}"),
        }
    }
}
