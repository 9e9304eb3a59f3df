//! Code with one owner, which is added in batches and freed as a whole.

use std::collections::BTreeMap;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cranelift_codegen::binemit::Reloc;

use super::libcall;
use super::map::{Code, CodeMap, GENERATED_TRAP, TRAP};
use super::space::{CodeSpace, space};
use crate::error::{Error, Result};
use crate::vm::artifact::{CallSite, CompiledFunction, RelocTarget};
use crate::vm::source_map::SourceMap;
use crate::vm::sys::mmap::PAGE;

/// The maximum number of pages that an arena allocates at a time, unless a batch needs more.
const LARGEST_RUN: usize = 16;

/// Code that is callable until this is dropped. Any thread can add to it.
///
/// Functions share pages. The first run of pages has one page, and each following run is twice as
/// long, up to a limit; a batch that does not fit gets a run that is long enough.
#[derive(Debug, Default)]
pub(super) struct CodeArena(Mutex<Contents>);

#[derive(Debug)]
struct Contents {
    /// The pages. Only the last run can have free space.
    runs: Vec<Range<usize>>,
    /// The start of the free space in the last run.
    next: usize,
    /// The newest batch in the last run, or null.
    newest: *mut CodeMap,
    /// The batches, by their base address.
    batches: BTreeMap<usize, Batch>,
}

impl Default for Contents {
    fn default() -> Self {
        Contents { runs: Vec::new(), next: 0, newest: ptr::null_mut(), batches: BTreeMap::new() }
    }
}

#[derive(Debug)]
struct Batch {
    /// Owned by the arena and published in the page table. Freed when the arena is dropped, after
    /// it has been removed from the table.
    map: *mut CodeMap,
    source_map: SourceMap,
}

// SAFETY: the maps that the pointers refer to are plain data, owned by the arena, not written after
// they are published, and freed by `drop`, which can run on any thread.
unsafe impl Send for Contents {}

/// The addresses of functions outside of a batch, by their position in the module.
pub(super) type Callees<'a> = &'a dyn Fn(u32) -> Option<usize>;

impl CodeArena {
    /// Installs functions of a module, starting at the position `first`, or code of another kind.
    /// Returns their addresses.
    ///
    /// The functions can call each other directly, and the functions for which `callees` returns an
    /// address. The code there must exist as long as the arena.
    pub(super) fn install(
        &self,
        functions: &[CompiledFunction],
        code: Code,
        first: u32,
        callees: Callees<'_>,
    ) -> Result<Box<[usize]>> {
        let space = space()?;
        let mut contents = self.lock();
        let base = contents.room(space, functions)?;
        let mut end = base;
        let addresses: Box<[usize]> = functions
            .iter()
            .map(|function| {
                let start = function.placement.first_from(end);
                end = start + function.bytes.len();
                start
            })
            .collect();
        let address = |position: u32| match position.checked_sub(first) {
            Some(own) if (own as usize) < addresses.len() => Some(addresses[own as usize]),
            _ => callees(position),
        };
        for (function, start) in functions.iter().zip(&addresses) {
            let bytes = linked(function, *start, code, &address)?;
            // SAFETY: `room` returns free space in pages of this arena. Nothing runs it before it
            // is published, and the lock excludes other writers.
            unsafe { space.write(*start, &bytes) };
        }
        contents.next = end;
        contents.publish(space, functions, &addresses, base..end, code);
        Ok(addresses)
    }

    /// Whether an address is in the pages of the arena.
    pub(super) fn contains(&self, address: usize) -> bool {
        let page = space().ok().and_then(|space| space.page(address));
        page.is_some_and(|page| self.lock().runs.iter().any(|run| run.contains(&page)))
    }

    /// The function of a module that contains an address, by its index, and the offset of the
    /// instruction that the code belongs to, if there is one.
    pub(super) fn locate(&self, address: usize) -> Option<(u32, Option<u32>)> {
        let contents = self.lock();
        let (_, batch) = contents.batches.range(..=address).next_back()?;
        // SAFETY: the arena owns the maps of its batches until it is dropped.
        let map = unsafe { &*batch.map };
        let Code::Module { first } = map.code else { return None };
        let (position, offset) = map.function(map.offset(address)?)?;
        Some((first + position as u32, batch.source_map.find(position, offset)))
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// The address for new functions: after the last function, or in a new run of pages.
    fn room(&mut self, space: &CodeSpace, functions: &[CompiledFunction]) -> Result<usize> {
        let first = |from| functions.first().map_or(from, |function| function.placement.first_from(from));
        let size: usize = functions.iter().map(CompiledFunction::padded_size).sum();
        let end = self.runs.last().map_or(0, |run| space.base() + run.end * PAGE);
        let start = first(self.next);
        if start + size <= end {
            return Ok(start);
        }
        let more = self.runs.last().map_or(1, |run| (2 * run.len()).min(LARGEST_RUN));
        let pages = space.allocate(size.div_ceil(PAGE).max(more))?;
        let base = first(space.base() + pages.start * PAGE);
        self.runs.push(pages);
        (self.next, self.newest) = (base, ptr::null_mut());
        Ok(base)
    }

    /// Creates the metadata of a batch and publishes it in the page table.
    fn publish(
        &mut self,
        space: &CodeSpace,
        functions: &[CompiledFunction],
        addresses: &[usize],
        Range { start: base, end }: Range<usize>,
        code: Code,
    ) {
        let mut traps = Vec::with_capacity(functions.iter().map(|function| function.traps.len()).sum());
        let mut handlers = Vec::with_capacity(functions.iter().map(|function| function.handlers.len()).sum());
        let starts: Box<[u32]> = addresses.iter().map(|address| (address - base) as u32).collect();
        for (function, start) in functions.iter().zip(&starts) {
            traps.extend(function.traps.iter().map(|(offset, code)| (start + offset, *code)));
            handlers.extend(function.handlers.iter().map(|site| CallSite {
                return_address: start + site.return_address,
                handler: start + site.handler,
                ..*site
            }));
        }
        let map = Box::into_raw(Box::new(CodeMap {
            base,
            length: end - base,
            code,
            previous: self.newest,
            starts,
            traps: traps.into(),
            handlers: handlers.into(),
        }));
        if let (Some(first), Some(last)) = (space.page(base), space.page(end.saturating_sub(1))) {
            for entry in (first..=last).filter_map(|page| space.entry(page)) {
                entry.store(map, Ordering::Release);
            }
        }
        self.newest = map;
        let source_map = SourceMap::of(functions.iter().map(|function| &*function.source_map));
        self.batches.insert(base, Batch { map, source_map });
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        let Ok(space) = space() else { return };
        for entry in self.runs.iter().flat_map(Range::clone).filter_map(|page| space.entry(page)) {
            entry.store(ptr::null_mut(), Ordering::Release);
        }
        for batch in self.batches.values() {
            // SAFETY: the map came from a box in `publish` and is no longer published. References
            // to it from the table exist only while the code is in use, which requires the arena.
            drop(unsafe { Box::from_raw(batch.map) });
        }
        for run in self.runs.drain(..) {
            // SAFETY: the pages were allocated for this arena, and its code is not run after the
            // arena is dropped.
            unsafe { space.free(run) };
        }
    }
}

/// The bytes of a function at the address `start`, with its relocations applied.
fn linked(
    function: &CompiledFunction,
    start: usize,
    code: Code,
    address: &dyn Fn(u32) -> Option<usize>,
) -> Result<Vec<u8>> {
    let mut bytes = function.bytes.clone();
    for (offset, _) in function.traps.iter().filter(|_| code.is_wasm()) {
        let offset = *offset as usize;
        if let Some(instruction) = bytes.get_mut(offset..offset + TRAP.len())
            && *instruction == GENERATED_TRAP
        {
            instruction.copy_from_slice(&TRAP);
        }
    }
    for reloc in &function.relocs {
        let target = match reloc.target {
            RelocTarget::Function(position) => address(position),
            RelocTarget::LibCall(call) => libcall::address(call),
        };
        let unknown = || Error::limit(format!("cannot install machine code: there is no {:?}", reloc.target));
        let value = target.ok_or_else(unknown)?.wrapping_add_signed(reloc.addend as isize);
        let offset = reloc.offset as usize;
        match reloc.kind {
            Reloc::Abs8 => bytes[offset..offset + 8].copy_from_slice(&value.to_le_bytes()),
            Reloc::X86CallPCRel4 | Reloc::X86PCRel4 => {
                let distance = value.wrapping_sub(start + offset).cast_signed();
                let near = i32::try_from(distance)
                    .map_err(|_| Error::limit("cannot install machine code: a callee is too far away"))?;
                bytes[offset..offset + 4].copy_from_slice(&near.to_le_bytes());
            }
            other => return Err(Error::unsupported(format!("a relocation of kind {other:?}"))),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::artifact::{CodeReloc, Placement};
    use crate::vm::code::lookup::{describe, handler_at, is_body, trap_at};
    use crate::vm::code::map::Description;

    /// A function of this length that can fault at its last byte, and ends with a call that has a
    /// handler.
    fn function(length: usize) -> CompiledFunction {
        let end = length as u32;
        CompiledFunction {
            bytes: vec![0x90; length],
            placement: Placement::aligned(16),
            frame: 16,
            relocs: Vec::new(),
            traps: vec![(end - 1, 7)],
            handlers: vec![CallSite { return_address: end, handler: 1, frame_offset: 32 }],
            source_map: Vec::new(),
        }
    }

    /// The index of the function at an address.
    fn index_at(address: usize) -> Option<u32> {
        // SAFETY: the arena of the test lives.
        match unsafe { describe(address) } {
            Some(Description::Function { index, .. }) => Some(index),
            _ => None,
        }
    }

    #[test]
    fn functions_that_are_added_one_by_one_share_pages() {
        let arena = CodeArena::default();
        let lengths = [16, 40, 1, 5000, 16, 300, 70_000, 32];
        let mut found = Vec::new();
        for (index, length) in (10..).zip(lengths) {
            let addresses =
                arena.install(&[function(length)], Code::Module { first: index }, index, &|_| None).unwrap();
            found.push((index, addresses[0], length));
        }
        assert_eq!(found[1].1, found[0].1 + 16, "in the same page");
        for &(index, start, length) in &found {
            assert!(start.is_multiple_of(16));
            for address in [start, start + length / 2, start + length - 1] {
                assert_eq!(arena.locate(address).map(|(index, _)| index), Some(index));
                assert_eq!(index_at(address), Some(index));
                assert!(arena.contains(address));
            }
            // SAFETY: the arena of the test lives.
            unsafe {
                assert!(is_body(start));
                assert_eq!((trap_at(start + length - 1), trap_at(start + length)), (Some(7), None));
                assert_eq!(handler_at(start + length), Some((start + 1, 32)), "of {index}, not of the next");
            }
        }
        let outside = &raw const found as usize;
        assert!(!arena.contains(outside) && arena.locate(outside).is_none());
    }

    #[test]
    fn wasm_code_traps_by_another_instruction() {
        let code_of = |code| {
            let arena = CodeArena::default();
            let trap =
                CompiledFunction { bytes: vec![0x0f, 0x0b, 0x0f, 0x0b], traps: vec![(2, 7)], ..function(4) };
            let address = arena.install(&[trap], code, 0, &|_| None).unwrap()[0];
            // SAFETY: the four bytes of the function are readable as long as the arena lives.
            unsafe { *(address as *const [u8; 4]) }
        };
        assert_eq!(code_of(Code::Module { first: 0 }), [0x0f, 0x0b, 0xf4, 0xf4], "at a trap site");
        assert_eq!(code_of(Code::Stubs), [0x0f, 0x0b, 0x0f, 0x0b]);
    }

    #[test]
    fn calls_refer_to_the_batch_and_to_older_code() {
        let call = |target| {
            let (kind, target) = (Reloc::X86CallPCRel4, RelocTarget::Function(target));
            CompiledFunction {
                bytes: vec![0xe8, 0, 0, 0, 0],
                relocs: vec![CodeReloc { kind, offset: 1, addend: -4, target }],
                traps: Vec::new(),
                handlers: Vec::new(),
                ..function(5)
            }
        };
        let arena = CodeArena::default();
        let install = |functions: &[CompiledFunction], first, known| {
            let code = Code::Module { first };
            arena.install(functions, code, first, &|position| (position == 3).then_some(known))
        };
        let target = |address: usize| {
            // SAFETY: the five bytes of the function are readable as long as the arena lives.
            let bytes = unsafe { *(address as *const [u8; 5]) };
            let distance = i32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
            (address + 5).wrapping_add_signed(distance as isize)
        };
        let known = install(&[function(20)], 3, 0).unwrap()[0];
        let batch = install(&[call(9), call(8), call(3)], 8, known).unwrap();
        assert_eq!((target(batch[0]), target(batch[1]), target(batch[2])), (batch[1], batch[0], known));
        assert_eq!(install(&[call(99)], 20, known).unwrap_err().kind(), crate::ErrorKind::Limit);
        assert_eq!(install(&[call(3)], 20, 1).unwrap_err().kind(), crate::ErrorKind::Limit, "too far");
    }
}
