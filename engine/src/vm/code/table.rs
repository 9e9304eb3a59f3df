//! The functions of a module as code calls them: a slot each, with the address of its code.

use super::arena::CodeArena;
use super::lookup::is_thunk;
use super::map::Code;
use super::thunk;
use crate::error::Result;
use crate::vm::artifact::CompiledFunction;
use crate::vm::layout::VmCode;

/// The functions of a module: a slot for each that it defines, and the code of those that are
/// compiled. The slot of any other leads to a thunk, which has the function compiled.
///
/// Direct calls, references, imports and the host reach a function through its slot, except where
/// the caller was compiled together with it or after it.
#[derive(Debug)]
pub(crate) struct FunctionTable {
    slots: Box<[VmCode]>,
    /// The index of the first function.
    first: u32,
    arena: CodeArena,
}

impl FunctionTable {
    /// The functions of a module, none of which is compiled. `first` is the index of the first one,
    /// and there is an item for each: whether its results are returned in memory.
    ///
    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) where the memory for code is full.
    pub(crate) fn lazy(first: u32, in_memory: impl ExactSizeIterator<Item = bool>) -> Result<FunctionTable> {
        let slots = thunk::addresses(in_memory)?.into_iter().map(VmCode::new).collect();
        Ok(FunctionTable { slots, first, arena: CodeArena::default() })
    }

    /// The functions of a module, all of which are compiled and call each other directly. `first` is
    /// the index of the first one.
    ///
    /// # Errors
    ///
    /// As for [`FunctionTable::lazy`].
    pub(crate) fn eager(first: u32, functions: &[CompiledFunction]) -> Result<FunctionTable> {
        let arena = CodeArena::default();
        let addresses = arena.install(functions, Code::Module { first }, 0, &|_| None)?;
        let slots = addresses.iter().map(|address| VmCode::new(*address)).collect();
        Ok(FunctionTable { slots, first, arena })
    }

    /// Installs the function at a position, which may call itself, and functions that are compiled,
    /// directly. Gives the address of its code.
    ///
    /// # Errors
    ///
    /// As for [`FunctionTable::lazy`].
    pub(crate) fn install(&self, position: usize, function: CompiledFunction) -> Result<usize> {
        let (slot, code) = (&self.slots[position], Code::Module { first: self.first + position as u32 });
        let compiled = |callee: u32| self.compiled(callee as usize);
        let address = self.arena.install(&[function], code, position as u32, &compiled)?[0];
        slot.set(address);
        Ok(address)
    }

    /// The address of a function's code, by its position, if it is compiled.
    pub(crate) fn compiled(&self, position: usize) -> Option<usize> {
        let address = self.slots.get(position)?.get();
        // SAFETY: a slot has the address of a thunk, all of which are kept for ever, or of code in
        // the arena, which is borrowed.
        let is_thunk = unsafe { is_thunk(address) };
        (!is_thunk).then_some(address)
    }

    /// Whether an address lies in the code.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.arena.contains(address)
    }

    /// The function whose code lies at an address, by its index, and the offset in its body of the
    /// instruction that the code there came from, where it came from one.
    pub(crate) fn locate(&self, address: usize) -> Option<(u32, Option<u32>)> {
        self.arena.locate(address)
    }

    /// The slots, which are there as long as the table is.
    pub(in crate::vm) fn slots(&self) -> *const VmCode {
        self.slots.as_ptr()
    }

    /// The slot of the function at a position.
    pub(in crate::vm) fn slot(&self, position: usize) -> *const VmCode {
        &raw const self.slots[position]
    }
}
