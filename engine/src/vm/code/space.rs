//! The address range that contains all code of the process, and its free pages.

use std::io;
use std::ops::Range;
use std::sync::atomic::AtomicPtr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::map::CodeMap;
use crate::error::{Error, Result};
use crate::vm::sys::limits::share;
use crate::vm::sys::mmap::{Mapping, PAGE};
use crate::vm::sys::twin::TwinMapping;

/// The maximum address space for code in one process: the range of a near call.
const SPACE: usize = 2 << 30;
/// The minimum address space for code.
const SMALLEST_SPACE: usize = 16 << 20;
/// If the address space is limited, code reserves at most `1 / PARTS` of it.
const PARTS: usize = 8;

/// The number of pages that are opened at a time.
const CHUNK: usize = 256;

/// The number of free pages that keep their memory: enough for the modules of a script to reuse the
/// memory of the previous script.
const KEPT: usize = 1024;

/// The byte that fills pages before code is written to them: an instruction that traps.
const FILLER: u8 = 0xcc;

/// The range that contains all code of the process.
pub(super) struct CodeSpace {
    map: TwinMapping,
    /// One `AtomicPtr<CodeMap>` for each page, zeroed by the system.
    table: Mapping,
    free: Mutex<Free>,
}

/// The pages without code in use.
struct Free {
    /// Pages that were not opened yet.
    closed: FreePages,
    /// Open pages without memory.
    empty: FreePages,
    /// Open pages with memory, which contains old code that is unreachable.
    stale: FreePages,
    /// The number of pages in `stale`.
    kept: usize,
}

impl Free {
    /// Takes open pages, preferably with memory.
    fn take(&mut self, count: usize) -> Option<Range<usize>> {
        let pages = self.stale.take(count);
        self.kept -= pages.as_ref().map_or(0, Range::len);
        pages.or_else(|| self.empty.take(count))
    }

    /// Takes open pages, some of which may have memory.
    fn join(&mut self, count: usize) -> Option<Range<usize>> {
        for pages in self.stale.runs.drain(..) {
            self.empty.give(pages);
        }
        self.kept = 0;
        self.empty.take(count)
    }
}

static SPACE_OF_PROCESS: OnceLock<Result<CodeSpace, String>> = OnceLock::new();

/// The space of the process.
///
/// # Errors
///
/// Returns an error if its address space cannot be reserved.
pub(super) fn space() -> Result<&'static CodeSpace> {
    let space = SPACE_OF_PROCESS.get_or_init(|| CodeSpace::reserve().map_err(|error| error.to_string()));
    space
        .as_ref()
        .map_err(|error| Error::limit(format!("cannot reserve address space for machine code: {error}")))
}

/// The space of the process, if there is one yet. Async-signal-safe.
pub(super) fn existing_space() -> Option<&'static CodeSpace> {
    SPACE_OF_PROCESS.get()?.as_ref().ok()
}

impl CodeSpace {
    fn reserve() -> io::Result<CodeSpace> {
        // Each page takes two pages of address space.
        let map = TwinMapping::reserve_between(SMALLEST_SPACE, share(2 * SPACE, PARTS) / 2)?;
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

    /// The page that contains an address, if the address is in the range.
    pub(super) fn page(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.map.base())?;
        (offset < self.map.len()).then_some(offset / PAGE)
    }

    /// The entry of a page in the table, or `None` if the page is beyond the range.
    pub(super) fn entry(&self, page: usize) -> Option<&AtomicPtr<CodeMap>> {
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

    /// Allocates pages, which contain no code.
    pub(super) fn allocate(&self, count: usize) -> Result<Range<usize>> {
        let mut free = self.lock();
        let pages = match free.take(count) {
            Some(pages) => pages,
            None => self.open(&mut free, count).map_err(no_room)?,
        };
        drop(free);
        // SAFETY: the pages are open and unused: old code in them is unreachable.
        unsafe { self.map.fill(pages.start * PAGE, pages.len() * PAGE, FILLER) };
        Ok(pages)
    }

    /// Opens pages: at least a chunk if there are enough, for later allocations.
    fn open(&self, free: &mut Free, count: usize) -> io::Result<Range<usize>> {
        let chunk = free.closed.take(count.max(CHUNK)).or_else(|| free.closed.take(count));
        let Some(chunk) = chunk else {
            return free.join(count).ok_or_else(|| io::ErrorKind::OutOfMemory.into());
        };
        // SAFETY: closed pages have not been opened, or opening them has failed.
        if let Err(error) = unsafe { self.map.open(chunk.start * PAGE, chunk.len() * PAGE) } {
            free.closed.give(chunk);
            return Err(error);
        }
        let pages = chunk.start..chunk.start + count;
        free.empty.give(pages.end..chunk.end);
        Ok(pages)
    }

    /// Frees pages.
    ///
    /// # Safety
    ///
    /// The pages came from [`CodeSpace::allocate`], and nothing runs or reads their code any more.
    pub(super) unsafe fn free(&self, pages: Range<usize>) {
        let mut free = self.lock();
        // SAFETY: by the condition above the pages are open, and their code is not used.
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
    /// The range is in pages that the caller has allocated, and nothing runs, reads or writes it at
    /// the same time.
    pub(super) unsafe fn write(&self, address: usize, bytes: &[u8]) {
        // SAFETY: by the condition above the range is unused, and allocated pages are open.
        unsafe { self.map.write(address - self.map.base(), bytes) };
    }
}

fn no_room(error: io::Error) -> Error {
    Error::limit(format!("cannot allocate memory for machine code: {error}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_with_and_without_memory_are_joined_if_there_are_no_others() {
        let (mut stale, mut empty) = (FreePages::new(0), FreePages::new(0));
        stale.give(0..2);
        empty.give(2..3);
        stale.give(3..5);
        let mut free = Free { closed: FreePages::new(0), empty, stale, kept: 4 };
        assert_eq!((free.take(2), free.kept), (Some(0..2), 2), "with memory");
        free.stale.give(0..2);
        free.kept += 2;
        assert_eq!(free.take(5), None);
        assert_eq!((free.join(5), free.kept), (Some(0..5), 0));
    }

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
        assert_eq!(free.take(11), None);
        assert_eq!(free.take(10), Some(0..10), "takes the whole run");
        free.give(10..10);
        assert_eq!(free.take(0), None, "an empty request returns nothing");
    }
}
