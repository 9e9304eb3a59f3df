//! The range of addresses in which all code of the process lies, and its pages.

use std::io;
use std::ops::Range;
use std::sync::atomic::AtomicPtr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::map::CodeMap;
use crate::error::{Error, Result};
use crate::vm::sys::limits::share;
use crate::vm::sys::mmap::{Mapping, PAGE};
use crate::vm::sys::twin::TwinMapping;

/// How much address space code may take in one process: what a near call can span.
const SPACE: usize = 2 << 30;
/// The least address space that code needs.
const SMALLEST_SPACE: usize = 16 << 20;
/// Where the address space is limited, code reserves at most one part in this many of it.
const PARTS: usize = 8;

/// How many pages get memory at a time.
const CHUNK: usize = 256;

/// How many pages without code keep their memory: enough that the modules of a script find those of
/// the script before it.
const KEPT: usize = 1024;

/// What fills pages before there is code in them: an instruction that traps.
const FILLER: u8 = 0xcc;

/// The range in which all code of the process lies.
pub(super) struct CodeSpace {
    map: TwinMapping,
    /// One `AtomicPtr<CodeMap>` a page, zeroed by the system.
    table: Mapping,
    free: Mutex<Free>,
}

/// The pages without code in use.
struct Free {
    /// Never opened.
    closed: FreePages,
    /// Open, without memory.
    empty: FreePages,
    /// Open, with memory that holds old code which nothing can reach.
    stale: FreePages,
    /// How many pages are in `stale`.
    kept: usize,
}

static SPACE_OF_PROCESS: OnceLock<Result<CodeSpace, String>> = OnceLock::new();

/// The space of the process.
///
/// # Errors
///
/// Where there is no address space for it.
pub(super) fn space() -> Result<&'static CodeSpace> {
    let space = SPACE_OF_PROCESS.get_or_init(|| CodeSpace::reserve().map_err(|error| error.to_string()));
    space.as_ref().map_err(|error| Error::limit(format!("no address space for machine code: {error}")))
}

/// The space of the process, if there is one yet. Async-signal-safe.
pub(super) fn existing_space() -> Option<&'static CodeSpace> {
    SPACE_OF_PROCESS.get()?.as_ref().ok()
}

impl CodeSpace {
    fn reserve() -> io::Result<CodeSpace> {
        let map = TwinMapping::reserve_between(SMALLEST_SPACE, share(SPACE, PARTS))?;
        let pages = map.len() / PAGE;
        let table = Mapping::reserve(pages * size_of::<AtomicPtr<CodeMap>>())?;
        table.open(0, table.len())?;
        let (closed, empty, stale) = (FreePages::new(pages), FreePages::new(0), FreePages::new(0));
        let free = Mutex::new(Free { closed, empty, stale, kept: 0 });
        Ok(CodeSpace { map, table, free })
    }

    /// The address of the first page.
    pub(super) fn base(&self) -> usize {
        self.map.base()
    }

    /// The page that an address is in, if it is one of the space.
    pub(super) fn page(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.map.base())?;
        (offset < self.map.len()).then_some(offset / PAGE)
    }

    /// What is known of the newest code in a page; `None` past the end of the space.
    pub(super) fn entry(&self, page: usize) -> Option<&AtomicPtr<CodeMap>> {
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

    /// Takes pages, in which there is no code.
    pub(super) fn allocate(&self, count: usize) -> Result<Range<usize>> {
        let mut free = self.lock();
        let pages = match free.stale.take(count) {
            Some(pages) => {
                free.kept -= count;
                pages
            }
            None => match free.empty.take(count) {
                Some(pages) => pages,
                None => self.open(&mut free, count).map_err(no_room)?,
            },
        };
        drop(free);
        // SAFETY: the pages are open, and belong to the caller alone from now on: nothing can reach
        // what was there.
        unsafe { self.map.fill(pages.start * PAGE, pages.len() * PAGE, FILLER) };
        Ok(pages)
    }

    /// Opens pages, and some more for those who ask next.
    fn open(&self, free: &mut Free, count: usize) -> io::Result<Range<usize>> {
        let chunk = free.closed.take(count.max(CHUNK)).or_else(|| free.closed.take(count));
        let chunk = chunk.ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: closed pages were never opened, or could not be.
        if let Err(error) = unsafe { self.map.open(chunk.start * PAGE, chunk.len() * PAGE) } {
            free.closed.give(chunk);
            return Err(error);
        }
        let pages = chunk.start..chunk.start + count;
        free.empty.give(pages.end..chunk.end);
        Ok(pages)
    }

    /// Takes pages back.
    ///
    /// # Safety
    ///
    /// They came from [`CodeSpace::allocate`], and nothing runs or reads their code any more.
    pub(super) unsafe fn free(&self, pages: Range<usize>) {
        let mut free = self.lock();
        // SAFETY: by the condition above.
        let discard = || unsafe { self.map.discard(pages.start * PAGE, pages.len() * PAGE) };
        if free.kept + pages.len() > KEPT && discard().is_ok() {
            free.empty.give(pages);
            return;
        }
        free.kept += pages.len();
        free.stale.give(pages);
    }

    /// Writes code.
    ///
    /// # Safety
    ///
    /// The address and those after it are in pages that the caller has allocated, nothing runs what
    /// is there, and no other thread reads or writes it meanwhile.
    pub(super) unsafe fn write(&self, address: usize, bytes: &[u8]) {
        // SAFETY: by the condition above; allocated pages are open.
        unsafe { self.map.write(address - self.map.base(), bytes) };
    }
}

fn no_room(error: io::Error) -> Error {
    Error::limit(format!("no room for machine code: {error}"))
}

/// Pages without code, as runs in ascending order that do not touch.
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
        assert_eq!(free.take(11), None);
        assert_eq!(free.take(10), Some(0..10), "the whole run");
        free.give(10..10);
        assert_eq!(free.take(0), None, "no pages are no run");
    }
}
