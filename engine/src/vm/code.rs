//! Where machine code lives, and which code a program counter belongs to.
//!
//! All code of the process lies in one reserved range, so that functions reach each other by near
//! calls, and so that one table with an entry for each page answers, without a lock, what lies at
//! an address: signal handlers and walks of the stack ask that.

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_jit::{BranchProtection, JITBuilder, JITMemoryKind, JITMemoryProvider, JITModule};
use cranelift_module::{FuncId, Module, ModuleError, ModuleReloc, ModuleRelocTarget, ModuleResult};

use super::artifact::{CallSite, CompiledFunction, RelocTarget};
use super::places::Places;
use super::sys::limits::{reserve_between, share};
use super::sys::mmap::{Mapping, PAGE};
use crate::error::{Error, Result};

/// How much address space code may take in one process: what a near call can span.
const SPACE: usize = 2 << 30;
/// The least address space that code needs.
const SMALLEST_SPACE: usize = 16 << 20;
/// Where the address space is limited, code reserves at most one part in this many of it.
const PARTS: usize = 8;

/// Which code a block holds. It is what the compiler says of the functions that it made: see the
/// [rules](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The stub that calls builtins, and the one that throws.
    Stubs,
    /// The entry trampoline of a signature, whose calls have that many slots.
    Entry { slots: usize },
    /// The host trampoline of a signature, whose calls have that many slots.
    Host { slots: usize },
    /// Functions of a module, by the index of the first.
    Module { first: u32 },
}

impl Code {
    /// Whether it is the code of wasm functions: only there may a fault be a trap.
    fn is_wasm(self) -> bool {
        matches!(self, Code::Module { .. })
    }
}

/// A batch of functions, installed and callable until this is dropped.
#[derive(Debug)]
pub(crate) struct CodeBlock {
    pages: Range<usize>,
    places: Places,
    /// Owned by this block, published in the table of pages. Freed on drop, after it is taken from
    /// there.
    map: *mut CodeMap,
}

// SAFETY: the map that the pointer leads to is plain data, owned by the block, never written once
// it is published, and freed by `drop`, which may run on any thread.
unsafe impl Send for CodeBlock {}
// SAFETY: by `&self` the map is only read, and nothing writes it.
unsafe impl Sync for CodeBlock {}

/// What is known of the code in one block.
#[derive(Debug)]
struct CodeMap {
    base: usize,
    length: usize,
    code: Code,
    /// Where each function begins, as an offset from `base`, ascending.
    starts: Box<[u32]>,
    /// Offsets from `base` at which an instruction may fault, ascending, with what the fault means.
    traps: Box<[(u32, u8)]>,
    /// The calls with a handler, by their return address, ascending; offsets count from `base`.
    handlers: Box<[CallSite]>,
}

/// Whether an address lies in the body of a wasm function, where nothing but frames of such
/// functions lies between it and the innermost entry. Takes no lock and allocates nothing.
///
/// # Safety
///
/// As for [`map_at`].
pub(super) unsafe fn is_body(pc: usize) -> bool {
    // SAFETY: by the condition above.
    let map = unsafe { map_at(pc) };
    map.is_some_and(|map| map.code.is_wasm() && pc - map.base < map.length)
}

/// What a fault at an address in a wasm function means: a [`Trap`](crate::Trap) by its code or
/// [`STACK_OVERFLOW`](crate::vm::artifact::STACK_OVERFLOW).
///
/// `None` for an address that is not a faulting instruction of live code, or one of a stub or a
/// trampoline, whose traps follow calls that do not return. Takes no lock and allocates nothing.
///
/// # Safety
///
/// As for [`map_at`].
pub(super) unsafe fn trap_at(pc: usize) -> Option<u8> {
    // SAFETY: by the condition above.
    let map = unsafe { map_at(pc) }.filter(|map| map.code.is_wasm())?;
    let offset = u32::try_from(pc - map.base).ok()?;
    let found = map.traps.binary_search_by_key(&offset, |(at, _)| *at).ok()?;
    Some(map.traps[found].1)
}

/// Whether the instruction at an address of live code is `ud2`, to which the code generator
/// compiles traps. Takes no lock and allocates nothing.
///
/// # Safety
///
/// As for [`map_at`].
pub(super) unsafe fn is_trap_instruction(pc: usize) -> bool {
    // SAFETY: by the condition above.
    let Some(map) = (unsafe { map_at(pc) }) else { return false };
    let rest = (map.base + map.length).saturating_sub(pc);
    // SAFETY: the pages of a block are readable as long as the block lives, and both bytes lie in
    // them.
    rest >= 2 && unsafe { *(pc as *const [u8; 2]) } == [0x0f, 0x0b]
}

/// What lies at an address of the range that holds code, for reports; `None` outside of it. Takes
/// no lock and allocates nothing.
///
/// # Safety
///
/// As for [`map_at`], or the process ends with the report, because a defect has made the thread
/// jump there.
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

/// What lies at an address in the range that holds code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Description {
    /// A wasm function, by its index in its module, and how far on in its code.
    Function { index: u32, offset: u32 },
    /// A stub or a trampoline.
    Ours { offset: u32 },
    /// No code that can run.
    NoCode,
}

/// Where the exceptions of the call with that return address are handled: the handler's address,
/// and how far its stack pointer lies below the frame pointer of the function that made the call.
/// `None` where the call has no handler. Takes no lock.
///
/// # Safety
///
/// As for [`map_at`].
pub(super) unsafe fn handler_at(return_address: usize) -> Option<(usize, usize)> {
    // SAFETY: by the condition above.
    let map = unsafe { map_at(return_address) }?;
    let offset = u32::try_from(return_address - map.base).ok()?;
    let found = map.handlers.binary_search_by_key(&offset, |site| site.return_address).ok()?;
    let site = &map.handlers[found];
    Some((map.base + site.handler as usize, site.frame_offset as usize))
}

/// The map of the block that an address lies in.
///
/// # Safety
///
/// If there is code at the address, it is in use as long as the map is: a frame of the thread that
/// asks runs it or returns to it, so that a store keeps the block. Any address at which there is no
/// code of a block is allowed.
unsafe fn map_at<'a>(pc: usize) -> Option<&'a CodeMap> {
    let space = SPACE_OF_PROCESS.get()?.as_ref().ok()?;
    let page = pc.checked_sub(space.map.base() as usize)? / PAGE;
    let map = space.entry(page)?.load(Ordering::Acquire);
    // SAFETY: the entry of a page is null, or the map of the block that has the page, which takes
    // it out of the table before it frees it. By the condition above the block lives.
    unsafe { map.as_ref() }
}

impl CodeBlock {
    /// Installs functions. Those of one batch may call each other directly, by their positions in
    /// it.
    pub(crate) fn install(
        isa: &OwnedTargetIsa,
        functions: &[CompiledFunction],
        code: Code,
    ) -> Result<CodeBlock> {
        let space = space()?;
        let size: usize = functions.iter().map(CompiledFunction::padded_size).sum();
        let pages = space.allocate(size.div_ceil(PAGE).max(1))?;
        let mut block = CodeBlock { pages: pages.clone(), places: Places::default(), map: ptr::null_mut() };
        let provider = Provider { space, pages, used: 0 };
        let addresses = define(isa, provider, functions)?;
        block.places = Places::of(functions.iter().map(|function| &*function.places));
        block.publish(space, functions, &addresses, code);
        Ok(block)
    }

    /// The address of the function at that position in the batch.
    pub(crate) fn address(&self, position: usize) -> usize {
        let map = self.map();
        map.base + map.starts[position] as usize
    }

    /// The function that an address lies in, by its position in the batch, and the offset of the
    /// instruction that the code there came from, where it came from one.
    pub(crate) fn locate(&self, address: usize) -> Option<(usize, Option<u32>)> {
        if !self.contains(address) {
            return None;
        }
        let map = self.map();
        let offset = u32::try_from(address - map.base).ok()?;
        let position = map.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        Some((position, self.places.find(position, offset - map.starts[position])))
    }

    /// How many slots calls of an entry trampoline have.
    ///
    /// # Panics
    ///
    /// If the code is not one.
    pub(super) fn entry_slots(&self) -> usize {
        match self.map().code {
            Code::Entry { slots } => slots,
            other => unreachable!("an entry trampoline, not {other:?}"),
        }
    }

    /// As [`CodeBlock::entry_slots`], of a host trampoline.
    pub(super) fn host_slots(&self) -> usize {
        match self.map().code {
            Code::Host { slots } => slots,
            other => unreachable!("a host trampoline, not {other:?}"),
        }
    }

    fn map(&self) -> &CodeMap {
        // SAFETY: `install` gives out no block whose map it has not published, and only `drop`
        // frees that.
        unsafe { &*self.map }
    }

    /// Whether an address lies in the block.
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
            // SAFETY: the map came from a box in `publish` and is no longer published. A reference
            // to it from the table is held only while the code is in use, which needs the block.
            drop(unsafe { Box::from_raw(self.map) });
        }
        space.free(self.pages.clone());
    }
}

/// Declares all functions first, so that each can refer to any other, then defines them and fills
/// in the references.
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
        other => Error::limit(format!("machine code could not be installed: {other}")),
    }
}

/// Hands out the memory of one block to the installer.
struct Provider {
    space: &'static CodeSpace,
    pages: Range<usize>,
    used: usize,
}

impl JITMemoryProvider for Provider {
    fn allocate(&mut self, size: usize, align: u64, kind: JITMemoryKind) -> io::Result<*mut u8> {
        if !matches!(kind, JITMemoryKind::Executable) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "code has no data of its own"));
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
        // SAFETY: the pages are the block's own, and the installer has written its code: nothing
        // else refers to them.
        let result = unsafe { self.space.map.make_executable(start, length) };
        result.map_err(|err| ModuleError::Allocation { err })
    }
}

impl Provider {
    fn base(&self) -> *mut u8 {
        self.space.map.base().wrapping_add(self.pages.start * PAGE)
    }

    /// Fills what lies between the code so far and that offset: old code must not be found there.
    fn fill(&mut self, end: usize) {
        assert!(self.used <= end && end <= self.pages.len() * PAGE, "an offset inside the block");
        // SAFETY: by the assertion the range lies inside pages that are the block's own. They were
        // opened when they were allocated, and are writable until `finalize` is over.
        unsafe { ptr::write_bytes(self.base().add(self.used), FILLER, end - self.used) };
        self.used = end;
    }
}

/// The range in which all code of the process lies.
struct CodeSpace {
    map: Mapping,
    /// One `AtomicPtr<CodeMap>` a page, zeroed by the system.
    table: Mapping,
    free: Mutex<Free>,
}

/// The pages that hold no code in use.
struct Free {
    /// Without access and without memory.
    closed: FreePages,
    /// Writable, with their memory.
    open: FreePages,
    /// Still executable, with old code that nothing can reach.
    stale: FreePages,
    /// How many of them have memory: those that are open or stale.
    kept: usize,
}

/// How many pages keep their memory: enough that the modules of a script find those of the script
/// before it.
const KEPT: usize = 1024;

/// What fills the bytes between functions and after the last one: an instruction that traps.
const FILLER: u8 = 0xcc;

static SPACE_OF_PROCESS: OnceLock<Result<CodeSpace, String>> = OnceLock::new();

fn space() -> Result<&'static CodeSpace> {
    let space = SPACE_OF_PROCESS.get_or_init(|| CodeSpace::reserve().map_err(|error| error.to_string()));
    space.as_ref().map_err(|error| Error::limit(format!("no address space for machine code: {error}")))
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

    /// The entry of a page in the table, `None` past the end of the space.
    fn entry(&self, page: usize) -> Option<&AtomicPtr<CodeMap>> {
        if page >= self.map.len() / PAGE {
            return None;
        }
        // SAFETY: the table has an entry for each page, is readable and writable for ever, and zero
        // is a null pointer.
        Some(unsafe { &*self.table.base().cast::<AtomicPtr<CodeMap>>().add(page) })
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes writable pages.
    ///
    /// To take the right to execute from pages, or the right to write, interrupts every processor
    /// that runs a thread of the process: so pages that have lost their code are opened by the run,
    /// not one by one.
    fn allocate(&self, count: usize) -> Result<Range<usize>> {
        let mut free = self.lock();
        if let Some(pages) = free.open.take(count) {
            free.kept -= count;
            return Ok(pages);
        }
        if let Some(mut run) = free.stale.take_run(count) {
            // Where this fails the run stays out of use: nothing may write where it is unsure what
            // is executable.
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

    /// Takes pages back whose code nothing can run any more.
    fn free(&self, pages: Range<usize>) {
        let mut free = self.lock();
        if free.kept + pages.len() <= KEPT {
            free.kept += pages.len();
            free.stale.give(pages);
            return;
        }
        // SAFETY: the pages belonged to a block that was dropped, so that nothing runs or reads its
        // code.
        if unsafe { self.map.close(pages.start * PAGE, pages.len() * PAGE) }.is_ok() {
            free.closed.give(pages);
        }
    }
}

/// The pages without code, as runs in ascending order that do not touch.
#[derive(Debug)]
struct FreePages {
    runs: Vec<Range<usize>>,
}

impl FreePages {
    /// That many pages, all free.
    fn new(count: usize) -> FreePages {
        FreePages { runs: std::iter::once(0..count).filter(|run| run.start < run.end).collect() }
    }

    /// Takes pages from the first run that has enough.
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

    /// Takes the whole of the first run that has enough.
    fn take_run(&mut self, count: usize) -> Option<Range<usize>> {
        let position = self.runs.iter().position(|run| run.len() >= count)?;
        Some(self.runs.remove(position))
    }

    /// Gives pages back, and joins them to their neighbours.
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
    Error::limit(format!("no room for machine code: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_given_back_join_their_neighbours() {
        let mut free = FreePages::new(10);
        let [a, b, c] = [2, 3, 5].map(|count| free.take(count).unwrap());
        assert_eq!((a.clone(), b.clone(), c.clone()), (0..2, 2..5, 5..10));
        assert_eq!(free.take(1), None);
        free.give(a);
        free.give(c);
        assert_eq!(free.runs, [0..2, 5..10]);
        free.give(b);
        assert_eq!(free.take_run(11), None);
        assert_eq!(free.take_run(4), Some(0..10), "the whole run");
        free.give(10..10);
        assert_eq!(free.take(0), None, "no pages are no run");
    }

    #[test]
    fn an_address_that_is_no_code_is_no_trap() {
        let here = an_address_that_is_no_code_is_no_trap as *const () as usize;
        for address in [0, usize::MAX, here] {
            // SAFETY: no code of a block is at any of these addresses.
            let found = unsafe { (trap_at(address), handler_at(address)) };
            assert_eq!(found, (None, None));
        }
    }
}
