//! The functions of a module: a slot for each, with the address of its code.

use std::collections::HashMap;

use super::arena::CodeArena;
use super::lookup::is_thunk;
use super::map::Code;
use super::thunk;
use crate::error::Result;
use crate::vm::artifact::{CompiledFunction, RelocTarget};
use crate::vm::layout::VmCode;

/// The functions that a module defines: a slot for each, and the code of those that are compiled.
/// The slot of a function that is not compiled yet refers to a thunk, which compiles it.
///
/// Direct calls, references, imports and the host call a function through its slot. Only callers
/// that are compiled together with the function, or after it, use its address.
#[derive(Debug)]
pub(crate) struct FunctionTable {
    slots: Box<[VmCode]>,
    /// The index of the first function in the module.
    first: u32,
    arena: CodeArena,
}

impl FunctionTable {
    /// Creates a table of functions that are not compiled. `first` is the index of the first one.
    /// `in_memory` says for each function whether its results are returned in memory.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Limit`](crate::ErrorKind::Limit) if memory for code cannot be
    /// allocated.
    pub(crate) fn lazy(first: u32, in_memory: impl ExactSizeIterator<Item = bool>) -> Result<FunctionTable> {
        let slots = thunk::addresses(in_memory)?.into_iter().map(VmCode::new).collect();
        Ok(FunctionTable { slots, first, arena: CodeArena::default() })
    }

    /// Creates a table of compiled functions, which can call each other directly. `first` is the
    /// index of the first one.
    ///
    /// # Errors
    ///
    /// The same as for [`FunctionTable::lazy`].
    pub(crate) fn eager(first: u32, functions: &[CompiledFunction]) -> Result<FunctionTable> {
        let arena = CodeArena::default();
        let addresses = arena.install(functions, Code::Module { first }, 0, &|_| None)?;
        let slots = addresses.iter().map(|address| VmCode::new(*address)).collect();
        Ok(FunctionTable { slots, first, arena })
    }

    /// Installs the function at a position, which can directly call itself and functions that are
    /// already compiled. Returns the address of its code.
    ///
    /// # Errors
    ///
    /// The same as for [`FunctionTable::lazy`].
    pub(crate) fn install(&self, position: usize, function: CompiledFunction) -> Result<usize> {
        let (slot, code) = (&self.slots[position], Code::Module { first: self.first + position as u32 });
        let compiled = |callee: u32| self.compiled(callee as usize);
        let address = self.arena.install(&[function], code, position as u32, &compiled)?[0];
        slot.set(address);
        Ok(address)
    }

    /// Like [`FunctionTable::install`], for a function that was compiled in another process, where
    /// other functions were compiled. It calls those that are not compiled here through their
    /// slots.
    ///
    /// # Errors
    ///
    /// The same as for [`FunctionTable::lazy`], and if a callee is not in the table.
    pub(crate) fn install_stored(&self, position: usize, mut function: CompiledFunction) -> Result<usize> {
        let mut veneers = HashMap::new();
        let CompiledFunction { bytes, relocs, .. } = &mut function;
        for reloc in relocs {
            let RelocTarget::Function(callee) = reloc.target else { continue };
            let callee = callee as usize;
            let Some(slot) = self.slots.get(callee) else { continue };
            if callee == position || self.compiled(callee).is_some() {
                continue;
            }
            let veneer = *veneers.entry(callee).or_insert_with(|| {
                let at = bytes.len();
                // mov r11, slot; jmp [r11]. As in a thunk, r11 is free, and the jump has the
                // registers and the stack of the call.
                bytes.extend_from_slice(&[0x49, 0xbb]);
                bytes.extend_from_slice(&(slot as *const VmCode as u64).to_le_bytes());
                bytes.extend_from_slice(&[0x41, 0xff, 0x23]);
                at
            });
            reloc.target = RelocTarget::Function(position as u32);
            reloc.addend = reloc.addend.wrapping_add(veneer as i64);
        }
        self.install(position, function)
    }

    /// The address of the code of the function at a position, if it is compiled.
    pub(crate) fn compiled(&self, position: usize) -> Option<usize> {
        let address = self.slots.get(position)?.get();
        // SAFETY: a slot contains the address of a thunk, which is never freed, or of code in the
        // arena, which is borrowed.
        let is_thunk = unsafe { is_thunk(address) };
        (!is_thunk).then_some(address)
    }

    /// Whether an address is in the pages of the code.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.arena.contains(address)
    }

    /// The function that contains an address, by its index in the module, and the offset in its
    /// body of the instruction that the code belongs to, if there is one.
    pub(crate) fn locate(&self, address: usize) -> Option<(u32, Option<u32>)> {
        self.arena.locate(address)
    }

    /// The slots. They exist as long as the table.
    pub(in crate::vm) fn slots(&self) -> *const VmCode {
        self.slots.as_ptr()
    }

    /// The slot of the function at a position.
    pub(in crate::vm) fn slot(&self, position: usize) -> *const VmCode {
        &raw const self.slots[position]
    }
}
