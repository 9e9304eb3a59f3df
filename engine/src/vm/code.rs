//! Where machine code lives, and which code a program counter belongs to.
//!
//! All code of the process lies in one reserved range, so that functions reach each other by near calls, and so that one table with
//! an entry for each page answers, without a lock, what lies at an address: signal handlers and walks of the stack ask that.

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
/// With less than this there is no use in going on.
const SMALLEST_SPACE: usize = 16 << 20;
/// Where the address space is limited, code reserves at most one part in this many of it.
const PARTS: usize = 8;

/// Whose code a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// The index of the first function in its module; nothing where the code is not that of wasm
    /// functions.
    first: Option<u32>,
}

impl Code {
    /// Stubs and trampolines.
    pub(crate) const OURS: Code = Code { first: None };

    /// Functions of a module, by the index of the first.
    pub(crate) fn of_module(first: usize) -> Code {
        Code { first: u32::try_from(first).ok() }
    }
}

/// A batch of functions, installed and callable until this is dropped.
#[derive(Debug)]
pub(crate) struct CodeBlock {
    pages: Range<usize>,
    places: Places,
    /// Owned by this block, published in the table of pages. Freed on drop, after it is taken from there.
    map: *mut CodeMap,
}

// SAFETY: the map is immutable once it is published, and freed only by `drop`.
unsafe impl Send for CodeBlock {}
// SAFETY: as above.
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

/// Whether an address lies in the body of a wasm function, where nothing but frames of such functions lies between it and the
/// innermost entry. As [`trap_at`], for signal handlers.
pub(crate) fn is_body(pc: usize) -> bool {
    map_at(pc).is_some_and(|map| map.code.first.is_some() && pc - map.base < map.length)
}

/// What a fault at an address in a wasm function means: a [`Trap`](crate::Trap) by its code or
/// [`STACK_OVERFLOW`](crate::vm::artifact::STACK_OVERFLOW).
///
/// `None` for an address that is not a faulting instruction of live code, or one of ours: the traps of
/// stubs and trampolines follow calls that do not return. Takes no lock and allocates nothing.
pub(crate) fn trap_at(pc: usize) -> Option<u8> {
    let map = map_at(pc).filter(|map| map.code.first.is_some())?;
    let offset = u32::try_from(pc - map.base).ok()?;
    let found = map.traps.binary_search_by_key(&offset, |(at, _)| *at).ok()?;
    Some(map.traps[found].1)
}

/// Whether the instruction at an address of live code is `ud2`, to which the code generator
/// compiles traps. As [`trap_at`].
pub(crate) fn is_trap_instruction(pc: usize) -> bool {
    let Some(map) = map_at(pc) else { return false };
    let rest = (map.base + map.length).saturating_sub(pc);
    // SAFETY: the block's pages are readable as long as its code can run, and both bytes lie in
    // them.
    rest >= 2 && unsafe { *(pc as *const [u8; 2]) } == [0x0f, 0x0b]
}

/// What lies at an address of the range that holds code, for reports; `None` outside of it. As
/// [`trap_at`], for signal handlers.
pub(crate) fn describe(pc: usize) -> Option<Description> {
    let space = SPACE_OF_PROCESS.get()?.as_ref().ok()?;
    pc.checked_sub(space.map.base() as usize).filter(|offset| *offset < space.map.len())?;
    let Some(map) = map_at(pc) else { return Some(Description::NoCode) };
    let offset = u32::try_from(pc - map.base).ok()?;
    let position = map.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
    let offset = offset - map.starts[position];
    Some(match map.code.first {
        Some(first) => Description::Function { index: first + position as u32, offset },
        None => Description::Ours { offset },
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

/// Where the exceptions of the call with that return address are handled: the handler's address, and how far its stack pointer lies
/// below the frame pointer of the function that made the call. `None` where the call has no handler. Takes no lock.
pub(crate) fn handler_at(return_address: usize) -> Option<(usize, usize)> {
    let map = map_at(return_address)?;
    let offset = u32::try_from(return_address - map.base).ok()?;
    let found = map.handlers.binary_search_by_key(&offset, |site| site.return_address).ok()?;
    let site = &map.handlers[found];
    Some((map.base + site.handler as usize, site.frame_offset as usize))
}

/// The map of the block that an address lies in.
fn map_at(pc: usize) -> Option<&'static CodeMap> {
    let space = SPACE_OF_PROCESS.get()?.as_ref().ok()?;
    let page = pc.checked_sub(space.map.base() as usize)? / PAGE;
    let map = space.entry(page)?.load(Ordering::Acquire);
    // SAFETY: null, or a published map, which is freed only when nothing runs its block's code. The caller has found a thread that does;
    // the only other is the report on a wild jump, which ends the process.
    unsafe { map.as_ref() }
}

impl CodeBlock {
    /// Installs functions. Those of one batch may call each other directly, by their positions in it.
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

    /// The function that an address lies in, by its position in the batch, and the offset of the instruction that the code there came
    /// from, where it came from one.
    pub(crate) fn locate(&self, address: usize) -> Option<(usize, Option<u32>)> {
        if !self.contains(address) {
            return None;
        }
        let map = self.map();
        let offset = u32::try_from(address - map.base).ok()?;
        let position = map.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        Some((position, self.places.find(position, offset - map.starts[position])))
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
            // SAFETY: the map came from a box in `publish`, is no longer published, and nothing runs the code any more.
            drop(unsafe { Box::from_raw(self.map) });
        }
        space.free(self.pages.clone());
    }
}

/// Declares all functions first, so that each can refer to any other, then defines them and fills in the references.
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
        self.space.map.make_executable(start, length).map_err(|err| ModuleError::Allocation { err })
    }
}

impl Provider {
    fn base(&self) -> *mut u8 {
        self.space.map.base().wrapping_add(self.pages.start * PAGE)
    }

    /// Fills what lies between the code so far and that offset: old code must not be found there.
    fn fill(&mut self, end: usize) {
        assert!(self.used <= end && end <= self.pages.len() * PAGE, "an offset inside the block");
        // SAFETY: the range lies inside pages that are the block's own, and writable until `finalize` is over.
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

/// How many pages keep their memory: enough that the modules of a script find those of the script before it.
const KEPT: usize = 1024;

/// What fills the bytes between functions and behind them: an instruction that traps.
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
        // SAFETY: the table has an entry for each page, is readable and writable for ever, and zero is a null pointer.
        Some(unsafe { &*self.table.base().cast::<AtomicPtr<CodeMap>>().add(page) })
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes writable pages.
    ///
    /// To take the right to execute from pages, or the right to write, interrupts every processor that runs a thread of the process:
    /// so pages that have lost their code are opened by the run, not one by one.
    fn allocate(&self, count: usize) -> Result<Range<usize>> {
        let mut free = self.lock();
        if let Some(pages) = free.open.take(count) {
            free.kept -= count;
            return Ok(pages);
        }
        if let Some(mut run) = free.stale.take_run(count) {
            // Where this fails the run stays out of use: nothing may write where it is unsure what is executable.
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
        } else if self.map.close(pages.start * PAGE, pages.len() * PAGE).is_ok() {
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
        assert_eq!(trap_at(0), None);
        assert_eq!(handler_at(0), None);
        assert_eq!(trap_at(usize::MAX), None);
        assert_eq!(trap_at(an_address_that_is_no_code_is_no_trap as *const () as usize), None);
    }
}
