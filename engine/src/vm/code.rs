//! Memory for machine code, and the lookup of code by program counter.
//!
//! All code of the process is in one reserved range, so that functions can reach each other by near
//! calls. A table with an entry for each page maps addresses to code without a lock, for signal
//! handlers and stack walks.

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_jit::{BranchProtection, JITBuilder, JITMemoryKind, JITMemoryProvider, JITModule};
use cranelift_module::{FuncId, Module, ModuleError, ModuleReloc, ModuleRelocTarget, ModuleResult};

use super::artifact::{CallSite, CompiledFunction, RelocTarget};
use super::source_map::SourceMap;
use super::sys::limits::{reserve_between, share};
use super::sys::mmap::{Mapping, PAGE};
use crate::error::{Error, Result};

/// The maximum address space for code in one process: the range of a near call.
const SPACE: usize = 2 << 30;
/// The minimum address space for code.
const SMALLEST_SPACE: usize = 16 << 20;
/// If the address space is limited, code reserves at most `1 / PARTS` of it.
const PARTS: usize = 8;

/// The kind of code in a block. The compiler guarantees that the code behaves accordingly: see the
/// [rules](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The stub that calls builtins, and the stub that throws.
    Stubs,
    /// The entry trampoline of a signature, with this number of slots.
    Entry { slots: usize },
    /// The host trampoline of a signature, with this number of slots.
    Host { slots: usize },
    /// Functions of a module, starting with this index.
    Module { first: u32 },
}

impl Code {
    /// Whether it is the code of wasm functions, in which faults can be traps.
    fn is_wasm(self) -> bool {
        matches!(self, Code::Module { .. })
    }
}

/// A batch of functions, which are installed and callable until this is dropped.
#[derive(Debug)]
pub(crate) struct CodeBlock {
    pages: Range<usize>,
    source_map: SourceMap,
    /// Owned by this block and published in the page table. Freed on drop, after it has been
    /// removed from the table.
    map: *mut CodeMap,
}

// SAFETY: the map that the pointer refers to is plain data, owned by the block, not written after
// it is published, and freed by `drop`, which can run on any thread.
unsafe impl Send for CodeBlock {}
// SAFETY: through `&self` the map is only read, and nothing writes it.
unsafe impl Sync for CodeBlock {}

/// Metadata of the code in a block.
#[derive(Debug)]
struct CodeMap {
    base: usize,
    length: usize,
    code: Code,
    /// The start of each function, as an offset from `base`, in ascending order.
    starts: Box<[u32]>,
    /// The offsets from `base` of instructions that can fault, in ascending order, with the trap
    /// code of the fault.
    traps: Box<[(u32, u8)]>,
    /// The calls with a handler, in ascending order of their return addresses; offsets are relative
    /// to `base`.
    handlers: Box<[CallSite]>,
}

/// Whether an address is in the body of a wasm function, where all frames up to the innermost entry
/// are frames of wasm functions. Does not lock or allocate.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(super) unsafe fn is_body(pc: usize) -> bool {
    // SAFETY: by the condition above.
    let map = unsafe { map_at(pc) };
    map.is_some_and(|map| map.code.is_wasm() && pc - map.base < map.length)
}

/// The trap code of a fault at an address in a wasm function: the code of a [`Trap`](crate::Trap)
/// or [`STACK_OVERFLOW`](crate::vm::artifact::STACK_OVERFLOW).
///
/// `None` if the address is not a faulting instruction of live code, or if it is in a stub or a
/// trampoline, whose traps follow calls that do not return. Does not lock or allocate.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(super) unsafe fn trap_at(pc: usize) -> Option<u8> {
    // SAFETY: by the condition above.
    let map = unsafe { map_at(pc) }.filter(|map| map.code.is_wasm())?;
    let offset = u32::try_from(pc - map.base).ok()?;
    let found = map.traps.binary_search_by_key(&offset, |(at, _)| *at).ok()?;
    Some(map.traps[found].1)
}

/// Whether the instruction at an address of live code is `ud2`, which the code generator uses for
/// traps. Does not lock or allocate.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(super) unsafe fn is_trap_instruction(pc: usize) -> bool {
    // SAFETY: by the condition above.
    let Some(map) = (unsafe { map_at(pc) }) else { return false };
    let rest = (map.base + map.length).saturating_sub(pc);
    // SAFETY: the pages of a block are readable as long as the block exists, and both bytes are in
    // them.
    rest >= 2 && unsafe { *(pc as *const [u8; 2]) } == [0x0f, 0x0b]
}

/// Describes the code at an address, for reports; `None` if the address is outside of the code
/// range. Does not lock or allocate.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold, or the process ends with the report, because the thread
/// has jumped there due to a bug.
pub(super) unsafe fn describe(pc: usize) -> Option<Description> {
    let space = SPACE_OF_PROCESS.get()?.as_ref().ok()?;
    pc.checked_sub(space.map.base() as usize).filter(|offset| *offset < space.map.len())?;
    // SAFETY: by the condition above.
    let Some(map) = (unsafe { map_at(pc) }) else { return Some(Description::NoCode) };
    let offset = u32::try_from(pc - map.base).ok()?;
    let position = map.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
    let offset = offset - map.starts[position];
    Some(match map.code {
        Code::Module { first } => Description::Function { index: first + position as u32, offset },
        _ => Description::Ours { offset },
    })
}

/// The code at an address in the code range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Description {
    /// A wasm function, with its index in its module and the offset in its code.
    Function { index: u32, offset: u32 },
    /// A stub or a trampoline.
    Ours { offset: u32 },
    /// No live code.
    NoCode,
}

/// The handler for exceptions of the call with this return address: the handler's address, and the
/// distance from the frame pointer of the calling function down to the stack pointer that the
/// handler expects. `None` if the call has no handler. Does not lock.
///
/// # Safety
///
/// The conditions of [`map_at`] must hold.
pub(super) unsafe fn handler_at(return_address: usize) -> Option<(usize, usize)> {
    // SAFETY: by the condition above.
    let map = unsafe { map_at(return_address) }?;
    let offset = u32::try_from(return_address - map.base).ok()?;
    let found = map.handlers.binary_search_by_key(&offset, |site| site.return_address).ok()?;
    let site = &map.handlers[found];
    Some((map.base + site.handler as usize, site.frame_offset as usize))
}

/// The map of the block that contains an address.
///
/// # Safety
///
/// If the address is in code of a block, that code stays in use as long as the map: a frame of the
/// current thread runs it or returns to it, so that a store keeps the block. Addresses outside of
/// code are allowed.
unsafe fn map_at<'a>(pc: usize) -> Option<&'a CodeMap> {
    let space = SPACE_OF_PROCESS.get()?.as_ref().ok()?;
    let page = pc.checked_sub(space.map.base() as usize)? / PAGE;
    let map = space.entry(page)?.load(Ordering::Acquire);
    // SAFETY: the entry of a page is null, or the map of the block that owns the page. The block
    // removes it from the table before freeing it. By the condition above the block is alive.
    unsafe { map.as_ref() }
}

impl CodeBlock {
    /// Installs functions. Functions of one batch can call each other directly, by their index in
    /// it.
    pub(crate) fn install(
        isa: &OwnedTargetIsa,
        functions: &[CompiledFunction],
        code: Code,
    ) -> Result<CodeBlock> {
        let space = space()?;
        let size: usize = functions.iter().map(CompiledFunction::padded_size).sum();
        let pages = space.allocate(size.div_ceil(PAGE).max(1))?;
        let mut block =
            CodeBlock { pages: pages.clone(), source_map: SourceMap::default(), map: ptr::null_mut() };
        let provider = Provider { space, pages, used: 0 };
        let addresses = define(isa, provider, functions)?;
        block.source_map = SourceMap::of(functions.iter().map(|function| &*function.source_map));
        block.publish(space, functions, &addresses, code);
        Ok(block)
    }

    /// The address of the function with this index in the batch.
    pub(crate) fn address(&self, position: usize) -> usize {
        let map = self.map();
        map.base + map.starts[position] as usize
    }

    /// The function that contains an address, by its index in the batch, and the offset of the
    /// instruction that the code belongs to, if there is one.
    pub(crate) fn locate(&self, address: usize) -> Option<(usize, Option<u32>)> {
        if !self.contains(address) {
            return None;
        }
        let map = self.map();
        let offset = u32::try_from(address - map.base).ok()?;
        let position = map.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        Some((position, self.source_map.find(position, offset - map.starts[position])))
    }

    /// The number of slots of an entry trampoline.
    ///
    /// # Panics
    ///
    /// Panics if the code is not an entry trampoline.
    pub(super) fn entry_slots(&self) -> usize {
        match self.map().code {
            Code::Entry { slots } => slots,
            other => unreachable!("an entry trampoline, not {other:?}"),
        }
    }

    /// Like [`CodeBlock::entry_slots`], for a host trampoline.
    pub(super) fn host_slots(&self) -> usize {
        match self.map().code {
            Code::Host { slots } => slots,
            other => unreachable!("a host trampoline, not {other:?}"),
        }
    }

    fn map(&self) -> &CodeMap {
        // SAFETY: `install` only returns blocks whose map it has published, and only `drop` frees
        // the map.
        unsafe { &*self.map }
    }

    /// Whether an address is in the block.
    pub(crate) fn contains(&self, address: usize) -> bool {
        let base = space().map_or(usize::MAX, |space| space.map.base() as usize);
        address.checked_sub(base).is_some_and(|offset| self.pages.contains(&(offset / PAGE)))
    }

    fn publish(
        &mut self,
        space: &CodeSpace,
        functions: &[CompiledFunction],
        addresses: &[usize],
        code: Code,
    ) {
        let base = space.map.base() as usize + self.pages.start * PAGE;
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
        self.map = Box::into_raw(Box::new(CodeMap {
            base,
            length: self.pages.len() * PAGE,
            code,
            starts,
            traps: traps.into(),
            handlers: handlers.into(),
        }));
        for page in self.pages.clone() {
            if let Some(entry) = space.entry(page) {
                entry.store(self.map, Ordering::Release);
            }
        }
    }
}

impl Drop for CodeBlock {
    fn drop(&mut self) {
        let Ok(space) = space() else { return };
        if !self.map.is_null() {
            for page in self.pages.clone() {
                if let Some(entry) = space.entry(page) {
                    entry.store(ptr::null_mut(), Ordering::Release);
                }
            }
            // SAFETY: the map came from a box in `publish` and is no longer published. References
            // to it from the table exist only while the code is in use, which requires the block.
            drop(unsafe { Box::from_raw(self.map) });
        }
        space.free(self.pages.clone());
    }
}

/// Declares all functions first, so that each can refer to any other, then defines them and applies
/// their relocations.
fn define(isa: &OwnedTargetIsa, provider: Provider, functions: &[CompiledFunction]) -> Result<Box<[usize]>> {
    let mut builder =
        JITBuilder::with_isa(OwnedTargetIsa::clone(isa), cranelift_module::default_libcall_names());
    builder.memory_provider(Box::new(provider));
    let mut module = JITModule::new(builder);
    let signature = module.make_signature();
    let mut ids: Vec<FuncId> = Vec::with_capacity(functions.len());
    for _ in functions {
        ids.push(module.declare_anonymous_function(&signature).map_err(not_installed)?);
    }
    let mut relocs: Vec<ModuleReloc> = Vec::new();
    for (id, function) in ids.iter().zip(functions) {
        relocs.clear();
        relocs.extend(function.relocs.iter().map(|reloc| ModuleReloc {
            kind: reloc.kind,
            offset: reloc.offset,
            addend: reloc.addend,
            name: match reloc.target {
                RelocTarget::Function(position) => ids[position as usize].into(),
                RelocTarget::LibCall(call) => ModuleRelocTarget::LibCall(call),
            },
        }));
        let (align, bytes) = (u64::from(function.align), &function.bytes);
        module.define_function_bytes(*id, align, bytes, &relocs).map_err(not_installed)?;
    }
    module.finalize_definitions().map_err(not_installed)?;
    Ok(ids.iter().map(|id| module.get_finalized_function(*id) as usize).collect())
}

fn not_installed(error: ModuleError) -> Error {
    match error {
        ModuleError::Allocation { err } => no_room(err),
        other => Error::limit(format!("cannot install machine code: {other}")),
    }
}

/// Provides the memory of one block to `cranelift-jit`.
struct Provider {
    space: &'static CodeSpace,
    pages: Range<usize>,
    used: usize,
}

impl JITMemoryProvider for Provider {
    fn allocate(&mut self, size: usize, align: u64, kind: JITMemoryKind) -> io::Result<*mut u8> {
        if !matches!(kind, JITMemoryKind::Executable) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "compiled code has no data sections"));
        }
        let start = self.used.next_multiple_of(align as usize);
        if start + size > self.pages.len() * PAGE {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.fill(start);
        self.used = start + size;
        Ok(self.base().wrapping_add(start))
    }

    unsafe fn free_memory(&mut self) {}

    fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
        let (start, length) = (self.pages.start * PAGE, self.pages.len() * PAGE);
        self.fill(length);
        // SAFETY: the block owns the pages, and its code has been written: nothing else refers to
        // them.
        let result = unsafe { self.space.map.make_executable(start, length) };
        result.map_err(|err| ModuleError::Allocation { err })
    }
}

impl Provider {
    fn base(&self) -> *mut u8 {
        self.space.map.base().wrapping_add(self.pages.start * PAGE)
    }

    /// Fills the gap between the code so far and this offset, so that it contains no old code.
    fn fill(&mut self, end: usize) {
        assert!(self.used <= end && end <= self.pages.len() * PAGE, "offset outside of the block");
        // SAFETY: by the assertion the range is in pages that the block owns. They were opened when
        // they were allocated, and are writable until `finalize`.
        unsafe { ptr::write_bytes(self.base().add(self.used), FILLER, end - self.used) };
        self.used = end;
    }
}

/// The range that contains all code of the process.
struct CodeSpace {
    map: Mapping,
    /// One `AtomicPtr<CodeMap>` for each page, zeroed by the system.
    table: Mapping,
    free: Mutex<Free>,
}

/// The pages without code in use.
struct Free {
    /// Pages that are inaccessible and have no memory.
    closed: FreePages,
    /// Pages that are writable and have memory.
    open: FreePages,
    /// Pages that are still executable, with old code that is unreachable.
    stale: FreePages,
    /// The number of pages that have memory: open and stale ones.
    kept: usize,
}

/// The number of pages that keep their memory: enough for the modules of a script to reuse the
/// memory of the previous script.
const KEPT: usize = 1024;

/// The byte between and after functions: an instruction that traps.
const FILLER: u8 = 0xcc;

static SPACE_OF_PROCESS: OnceLock<Result<CodeSpace, String>> = OnceLock::new();

fn space() -> Result<&'static CodeSpace> {
    let space = SPACE_OF_PROCESS.get_or_init(|| CodeSpace::reserve().map_err(|error| error.to_string()));
    space
        .as_ref()
        .map_err(|error| Error::limit(format!("cannot reserve address space for machine code: {error}")))
}

impl CodeSpace {
    fn reserve() -> io::Result<CodeSpace> {
        let map = reserve_between(SMALLEST_SPACE, share(SPACE, PARTS))?;
        let pages = map.len() / PAGE;
        let table = Mapping::reserve(pages * size_of::<AtomicPtr<CodeMap>>())?;
        table.open(0, table.len())?;
        let closed = FreePages::new(pages);
        let free = Mutex::new(Free { closed, open: FreePages::new(0), stale: FreePages::new(0), kept: 0 });
        Ok(CodeSpace { map, table, free })
    }

    /// The entry of a page in the table, or `None` if the page is beyond the range.
    fn entry(&self, page: usize) -> Option<&AtomicPtr<CodeMap>> {
        if page >= self.map.len() / PAGE {
            return None;
        }
        // SAFETY: the table has an entry for each page, is always readable and writable, and zero
        // is a null pointer.
        Some(unsafe { &*self.table.base().cast::<AtomicPtr<CodeMap>>().add(page) })
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allocates writable pages.
    ///
    /// Revoking execute or write permission interrupts every processor that runs a thread of the
    /// process. Therefore stale pages are opened in runs, not one by one.
    fn allocate(&self, count: usize) -> Result<Range<usize>> {
        let mut free = self.lock();
        if let Some(pages) = free.open.take(count) {
            free.kept -= count;
            return Ok(pages);
        }
        if let Some(mut run) = free.stale.take_run(count) {
            // If this fails, the run is not used again, because it may still be executable.
            self.map.open(run.start * PAGE, run.len() * PAGE).map_err(no_room)?;
            let pages = run.start..run.start + count;
            run.start = pages.end;
            free.open.give(run);
            free.kept -= count;
            return Ok(pages);
        }
        let pages = free.closed.take(count).ok_or_else(|| no_room(io::ErrorKind::OutOfMemory.into()))?;
        drop(free);
        match self.map.open(pages.start * PAGE, pages.len() * PAGE) {
            Ok(()) => Ok(pages),
            Err(error) => {
                self.lock().closed.give(pages);
                Err(no_room(error))
            }
        }
    }

    /// Frees pages whose code cannot run any more.
    fn free(&self, pages: Range<usize>) {
        let mut free = self.lock();
        if free.kept + pages.len() <= KEPT {
            free.kept += pages.len();
            free.stale.give(pages);
            return;
        }
        // SAFETY: the pages belonged to a block that was dropped, so nothing runs or reads its
        // code.
        if unsafe { self.map.close(pages.start * PAGE, pages.len() * PAGE) }.is_ok() {
            free.closed.give(pages);
        }
    }
}

/// Free pages, as non-adjacent runs in ascending order.
#[derive(Debug)]
struct FreePages {
    runs: Vec<Range<usize>>,
}

impl FreePages {
    /// Creates a list of `count` free pages.
    fn new(count: usize) -> FreePages {
        FreePages { runs: std::iter::once(0..count).filter(|run| run.start < run.end).collect() }
    }

    /// Takes pages from the first run that is long enough.
    fn take(&mut self, count: usize) -> Option<Range<usize>> {
        let position = self.runs.iter().position(|run| run.len() >= count)?;
        let run = &mut self.runs[position];
        let taken = run.start..run.start + count;
        run.start = taken.end;
        if run.start == run.end {
            self.runs.remove(position);
        }
        Some(taken)
    }

    /// Takes the whole of the first run that is long enough.
    fn take_run(&mut self, count: usize) -> Option<Range<usize>> {
        let position = self.runs.iter().position(|run| run.len() >= count)?;
        Some(self.runs.remove(position))
    }

    /// Returns pages, and merges them with adjacent runs.
    fn give(&mut self, pages: Range<usize>) {
        if pages.start == pages.end {
            return;
        }
        let position = self.runs.partition_point(|run| run.end < pages.start);
        let joins_next =
            |runs: &[Range<usize>], at: usize, end: usize| runs.get(at).is_some_and(|run| run.start == end);
        if self.runs.get(position).is_some_and(|run| run.end == pages.start) {
            self.runs[position].end = pages.end;
            if joins_next(&self.runs, position + 1, pages.end) {
                self.runs[position].end = self.runs.remove(position + 1).end;
            }
        } else if joins_next(&self.runs, position, pages.end) {
            self.runs[position].start = pages.start;
        } else {
            self.runs.insert(position, pages);
        }
    }
}

fn no_room(error: io::Error) -> Error {
    Error::limit(format!("cannot allocate memory for machine code: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returned_pages_are_merged_with_adjacent_runs() {
        let mut free = FreePages::new(10);
        let [a, b, c] = [2, 3, 5].map(|count| free.take(count).unwrap());
        assert_eq!((a.clone(), b.clone(), c.clone()), (0..2, 2..5, 5..10));
        assert_eq!(free.take(1), None);
        free.give(a);
        free.give(c);
        assert_eq!(free.runs, [0..2, 5..10]);
        free.give(b);
        assert_eq!(free.take_run(11), None);
        assert_eq!(free.take_run(4), Some(0..10), "takes the whole run");
        free.give(10..10);
        assert_eq!(free.take(0), None, "an empty request returns nothing");
    }

    #[test]
    fn an_address_outside_of_code_is_not_a_trap() {
        let here = an_address_outside_of_code_is_not_a_trap as *const () as usize;
        for address in [0, usize::MAX, here] {
            // SAFETY: none of these addresses is in code of a block.
            let found = unsafe { (trap_at(address), handler_at(address)) };
            assert_eq!(found, (None, None));
        }
    }
}
