//! The functions of a module: a slot for each, with the address of its code.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::arena::CodeArena;
use super::lookup::is_thunk;
use super::map::Code;
use super::thunk;
use crate::error::Result;
use crate::vm::artifact::{CompiledFunction, RelocTarget, Tier};
use crate::vm::layout::{VmCode, VmCounter};

/// The functions that a module defines: a slot for each, and the code of those that are compiled.
/// The slot of a function that is not compiled yet refers to a thunk, which compiles it.
///
/// Direct calls, references, imports and the host call a function through its slot. Only callers
/// that are compiled together with the optimised function, or after it, use its address.
///
/// Code is freed with the table. Code that was replaced is kept until then, because frames of any
/// thread may return to it; there is at most one version of each function, and one for each loop
/// from which a function was continued, in addition to the final one.
#[derive(Debug)]
pub(crate) struct FunctionTable {
    slots: Box<[VmCode]>,
    /// Which functions are optimised, so that their slots do not change any more.
    optimized: Box<[AtomicBool]>,
    /// How often the code of each function in the first tier can still run before it asks to be
    /// optimised. Empty if there is only one tier.
    counters: Box<[VmCounter]>,
    /// Held while a slot is changed.
    publishing: Mutex<()>,
    /// The index of the first function in the module.
    first: u32,
    arena: CodeArena,
}

impl FunctionTable {
    /// Creates a table of functions that are not compiled. `first` is the index of the first one.
    /// `in_memory` says for each function whether its results are returned in memory, and `count`
    /// how often code of the first tier can run before it asks to be optimised, if there is one.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Limit`](crate::ErrorKind::Limit) if memory for code cannot be
    /// allocated.
    pub(crate) fn lazy(
        first: u32,
        in_memory: impl ExactSizeIterator<Item = bool>,
        count: Option<i32>,
    ) -> Result<FunctionTable> {
        let slots: Box<[VmCode]> = thunk::addresses(in_memory)?.into_iter().map(VmCode::new).collect();
        let optimized = slots.iter().map(|_| AtomicBool::new(false)).collect();
        let counters =
            count.map(|count| slots.iter().map(|_| VmCounter::new(count)).collect()).unwrap_or_default();
        let (publishing, arena) = (Mutex::default(), CodeArena::default());
        Ok(FunctionTable { slots, optimized, counters, publishing, first, arena })
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
        let slots: Box<[VmCode]> = addresses.iter().map(|address| VmCode::new(*address)).collect();
        let optimized = slots.iter().map(|_| AtomicBool::new(true)).collect();
        let (counters, publishing) = (Box::default(), Mutex::default());
        Ok(FunctionTable { slots, optimized, counters, publishing, first, arena })
    }

    /// Installs the function at a position, which can directly call itself and functions that are
    /// already optimised. Returns the address of the code that is called from now on, which is
    /// another one if another thread has installed code of the same or a higher tier.
    ///
    /// # Errors
    ///
    /// The same as for [`FunctionTable::lazy`].
    pub(crate) fn install(&self, position: usize, function: CompiledFunction, tier: Tier) -> Result<usize> {
        let slot = &self.slots[position];
        let optimized = |callee: u32| self.optimized(callee as usize);
        let address = self.arena.install(&[function], self.code(position), position as u32, &optimized)?[0];
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_better = match tier {
            Tier::Optimized => self.optimized(position).is_none(),
            Tier::Quick => self.compiled(position).is_none(),
        };
        if is_better {
            slot.set(address);
            self.optimized[position].store(tier == Tier::Optimized, Ordering::Release);
        }
        Ok(slot.get())
    }

    /// Installs code that continues the function at a position from one of its loops, and is not
    /// called through its slot. Returns its address.
    ///
    /// # Errors
    ///
    /// The same as for [`FunctionTable::lazy`].
    pub(crate) fn install_continuation(&self, position: usize, function: CompiledFunction) -> Result<usize> {
        // It is not the target of calls of the function.
        let nowhere = u32::MAX;
        let optimized = |callee: u32| self.optimized(callee as usize);
        Ok(self.arena.install(&[function], self.code(position), nowhere, &optimized)?[0])
    }

    /// The kind of the code of the function at a position.
    fn code(&self, position: usize) -> Code {
        Code::Module { first: self.first + position as u32 }
    }

    /// Like [`FunctionTable::install`], for a function that was compiled in another process, where
    /// other functions were optimised. It calls those that are not optimised here through their
    /// slots.
    ///
    /// # Errors
    ///
    /// The same as for [`FunctionTable::lazy`], and if a callee is not in the table.
    pub(crate) fn install_stored(
        &self,
        position: usize,
        mut function: CompiledFunction,
        tier: Tier,
    ) -> Result<usize> {
        let mut veneers = HashMap::new();
        let CompiledFunction { bytes, relocs, .. } = &mut function;
        for reloc in relocs {
            let RelocTarget::Function(callee) = reloc.target else { continue };
            let callee = callee as usize;
            let Some(slot) = self.slots.get(callee) else { continue };
            if callee == position || self.optimized(callee).is_some() {
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
        self.install(position, function, tier)
    }

    /// The address of the code of the function at a position, if it is compiled.
    pub(crate) fn compiled(&self, position: usize) -> Option<usize> {
        let address = self.slots.get(position)?.get();
        // SAFETY: a slot contains the address of a thunk, which is never freed, or of code in the
        // arena, which is borrowed.
        let is_thunk = unsafe { is_thunk(address) };
        (!is_thunk).then_some(address)
    }

    /// The address of the code of the function at a position, if it is optimised: the address does
    /// not change any more.
    pub(crate) fn optimized(&self, position: usize) -> Option<usize> {
        let optimized = self.optimized.get(position)?.load(Ordering::Acquire);
        optimized.then(|| self.slots[position].get())
    }

    /// Sets how often the code of a function in the first tier can run before it asks again to be
    /// optimised.
    pub(crate) fn set_counter(&self, position: usize, count: i32) {
        if let Some(counter) = self.counters.get(position) {
            counter.set(count);
        }
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

    /// The counters, as many as there are slots, or none. They exist as long as the table.
    pub(in crate::vm) fn counters(&self) -> *const VmCounter {
        self.counters.as_ptr()
    }

    /// The slot of the function at a position.
    pub(in crate::vm) fn slot(&self, position: usize) -> *const VmCode {
        &raw const self.slots[position]
    }
}
