//! The bytes of memories and the elements of tables.

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::alarm::Alarm;
use super::layout::{VmMemory, VmMemoryRef, VmTable};
use super::sys::limits::{self, share};
use super::sys::mmap::{Mapping, PAGE, round_up};
use crate::error::Error;

/// The range of a 32-bit address.
const REACH: usize = 4 << 30;
/// The size of the inaccessible range after it. Constant offsets below this need no check.
pub(crate) const GUARD: usize = 32 << 20;

/// If the address space is limited, a guarded memory reserves at most `1 / PARTS` of it.
const PARTS: usize = 4;

/// If the address space is limited, guarded memories leave at least `1 / LEFT` of it. Further
/// memories are checked.
const LEFT: usize = 2;

/// Whether the process has enough address space for memories to reserve the whole range of a 32-bit
/// address.
pub(crate) fn may_guard() -> bool {
    share(REACH + GUARD, PARTS) == REACH + GUARD
}

/// A record that compiled code reads, and the mapping that it describes.
///
/// The memory or table that it belongs to is its owner, and is the only user from Rust. Instances
/// keep it as well, so that what their code accesses exists as long as they do.
struct Backing<R> {
    record: UnsafeCell<R>,
    map: UnsafeCell<Mapping>,
}

/// The types of records that a backing can have.
trait Record: 'static {}

impl Record for VmMemory {}
impl Record for VmTable {}

// SAFETY: a record consists of an address inside the mapping and a number, and neither they nor the
// mapping belong to a thread.
unsafe impl<R: Record> Send for Backing<R> {}
// SAFETY: only the owner reads and writes the fields, by methods that borrow the owner; other
// holders of the backing keep it alive, but cannot access it.
unsafe impl<R: Record> Sync for Backing<R> {}

impl<R> fmt::Debug for Backing<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backing").finish_non_exhaustive()
    }
}

impl<R: Record> Backing<R> {
    fn new(record: R, map: Mapping) -> Arc<Backing<R>> {
        Arc::new(Backing { record: UnsafeCell::new(record), map: UnsafeCell::new(map) })
    }

    /// The address of the record.
    #[inline]
    fn record(&self) -> *mut R {
        self.record.get()
    }

    /// The mapping.
    ///
    /// # Safety
    ///
    /// The owner is borrowed as long as the result is in use.
    #[inline]
    unsafe fn map(&self) -> &Mapping {
        // SAFETY: by the condition above the owner does not replace the mapping meanwhile.
        unsafe { &*self.map.get() }
    }

    /// Replaces the record, and the mapping if there is a new one.
    ///
    /// # Safety
    ///
    /// The owner is borrowed mutably, and no code that uses the record is running. The record
    /// describes the mapping.
    unsafe fn replace(&self, record: R, map: Option<Mapping>) {
        // SAFETY: by the condition above nothing else uses the record or the mapping.
        unsafe {
            *self.record.get() = record;
            if let Some(map) = map {
                *self.map.get() = map;
            }
        }
    }
}

/// The bytes of a memory that belongs to one store.
///
/// The store owns the memory, so code of the store does not run while the memory is borrowed: see
/// the [rules](super).
#[derive(Debug)]
pub(crate) struct LinearMemory {
    backing: Arc<Backing<VmMemory>>,
    guarded: bool,
}

impl LinearMemory {
    /// Creates a memory that reserves the range of a 32-bit address and a small offset, so that
    /// code need not check accesses.
    pub(crate) fn guarded(length: usize) -> io::Result<LinearMemory> {
        LinearMemory::open(reserve_guarded(length)?, length, true)
    }

    /// Creates a memory whose accesses are checked. It may move when it grows beyond its
    /// reservation.
    pub(crate) fn checked(length: usize, max: usize) -> io::Result<LinearMemory> {
        /// If the address space is limited, a memory reserves at most `1 / GROWTH_PARTS` of it for
        /// growth, and moves when it needs more.
        const GROWTH_PARTS: usize = 1024;
        // Like a memory that grows, a large one has room to double.
        let room = REACH.max(length.saturating_mul(2));
        let reserved = share(max.min(room), GROWTH_PARTS);
        LinearMemory::open(limits::reserve_between(length, reserved)?, length, false)
    }

    /// Whether the base address never changes and out-of-bounds accesses fault.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// The number of bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        // SAFETY: the record is alive as long as the backing, and only its atomic field is
        // borrowed.
        unsafe { (*self.backing.record()).length.load(Ordering::Relaxed) }
    }

    /// The bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the first `len` bytes of the mapping are open, thus readable and initialised.
        // They stay so while `self` is borrowed, and nothing writes them: no code of the store
        // runs.
        unsafe { std::slice::from_raw_parts(self.map().base(), self.len()) }
    }

    /// The bytes, mutably.
    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the first `len` bytes of the mapping are open, thus readable, writable and
        // initialised. They stay so while `self` is borrowed mutably, and nothing else accesses
        // them: no code of the store runs.
        unsafe { std::slice::from_raw_parts_mut(self.map().base(), self.len()) }
    }

    /// Grows to `length` bytes, which must not be less than the current length. If that fails, the
    /// memory is unchanged, except that a memory that is moved while its store's deadline passes
    /// loses its bytes.
    pub(crate) fn grow(&mut self, length: usize, alarm: Alarm<'_>) -> Result<(), GrowError> {
        let old = self.len();
        let mut moved = None;
        if !self.guarded && length > self.map().len() {
            let capacity = length.max(old.saturating_mul(2).min(1 << 40));
            let map = limits::reserve_between(length, capacity)?;
            let needed = round_up(length).ok_or(io::Error::from(io::ErrorKind::OutOfMemory))?;
            limits::open(&map, 0, needed)?;
            // SAFETY: the first `old` bytes are open in both mappings, and `self` is borrowed
            // mutably, so no reference points into them.
            unsafe { move_bytes(self.map(), &map, old, alarm) }?;
            moved = Some(map);
        } else {
            let opened = round_up(old).unwrap_or(old);
            let needed = round_up(length).ok_or(io::Error::from(io::ErrorKind::OutOfMemory))?;
            limits::open(self.map(), opened, needed.saturating_sub(opened))?;
        }
        let base = moved.as_ref().unwrap_or(self.map()).base();
        let record = VmMemory { base, length: AtomicUsize::new(length) };
        // SAFETY: `self` is borrowed mutably, so no code of the store runs; `length` bytes are open
        // in the mapping of the base.
        unsafe { self.backing.replace(record, moved) };
        Ok(())
    }

    /// Whether an address is after the bytes, in the range where an unchecked out-of-bounds access
    /// faults.
    pub(crate) fn guards(&self, address: usize) -> bool {
        let offset = address.wrapping_sub(self.map().base() as usize);
        self.guarded && (self.len()..self.map().len()).contains(&offset)
    }

    /// The memory for the context of an instance, which must [keep](LinearMemory::backing) it.
    pub(super) fn reference(&self) -> VmMemoryRef {
        VmMemoryRef { base: self.map().base(), memory: self.backing.record() }
    }

    /// Keeps the record and the bytes alive.
    pub(super) fn backing(&self) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.backing) as _
    }

    #[inline]
    fn map(&self) -> &Mapping {
        // SAFETY: this is the owner, and it is borrowed as long as the mapping is.
        unsafe { self.backing.map() }
    }

    fn open(map: Mapping, length: usize, guarded: bool) -> io::Result<LinearMemory> {
        limits::open(&map, 0, round_up(length).ok_or(io::ErrorKind::OutOfMemory)?)?;
        let record = VmMemory { base: map.base(), length: AtomicUsize::new(length) };
        Ok(LinearMemory { backing: Backing::new(record, map), guarded })
    }
}

/// Reserves the range of a 32-bit address and a small offset, for a memory that initially has
/// `length` bytes.
pub(super) fn reserve_guarded(length: usize) -> io::Result<Mapping> {
    if length > REACH {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    limits::reserve_leaving(REACH + GUARD, LEFT)
}

/// The elements of a table, owned like a [`LinearMemory`].
#[derive(Debug)]
pub(crate) struct TableElements {
    backing: Arc<Backing<VmTable>>,
}

/// The size of a reference in a table.
const WORD: usize = size_of::<u64>();

impl TableElements {
    /// Creates a table of `length` elements, all null.
    pub(crate) fn new(length: u64) -> io::Result<TableElements> {
        let map = map_elements(length)?;
        let record = VmTable { elements: map.base().cast(), length };
        Ok(TableElements { backing: Backing::new(record, map) })
    }

    /// The number of elements.
    #[inline]
    pub(crate) fn len(&self) -> u64 {
        // SAFETY: the record is alive as long as the backing. Only `grow` and code of the store
        // write it, and neither runs while `self` is borrowed.
        unsafe { (*self.backing.record()).length }
    }

    /// The elements, in the representation of compiled code.
    #[inline]
    pub(crate) fn words(&self) -> &[u64] {
        // SAFETY: the first `len` words of the mapping are open, thus readable and initialised, and
        // aligned because a mapping starts at a page. They stay so while `self` is borrowed, and
        // nothing writes them: no code of the store runs.
        unsafe { std::slice::from_raw_parts(self.map().base().cast(), self.len() as usize) }
    }

    /// The elements, mutably. They must be references that have the table's type.
    #[inline]
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        // SAFETY: the first `len` words of the mapping are open, thus readable, writable and
        // initialised, and aligned because a mapping starts at a page. They stay so while `self` is
        // borrowed mutably, and nothing else accesses them: no code of the store runs.
        unsafe { std::slice::from_raw_parts_mut(self.map().base().cast(), self.len() as usize) }
    }

    /// Grows to `length` elements, which must not be fewer than before; the new ones are `fill`.
    /// Fails like [`LinearMemory::grow`].
    pub(crate) fn grow(&mut self, length: u64, fill: u64, alarm: Alarm<'_>) -> Result<(), GrowError> {
        let old = self.len() as usize;
        let mut moved = None;
        if length > (self.map().len() / WORD) as u64 {
            let capacity = length.max((old as u64).saturating_mul(2));
            let map = map_elements(capacity).or_else(|_| map_elements(length))?;
            // SAFETY: the first `old` words are open in both mappings, and `self` is borrowed
            // mutably, so no reference points into them.
            unsafe { move_bytes(self.map(), &map, old * WORD, alarm) }?;
            moved = Some(map);
        }
        let elements = moved.as_ref().unwrap_or(self.map()).base().cast();
        // SAFETY: `self` is borrowed mutably, so no code of the store runs; the whole mapping of
        // `elements` is open, and it has space for `length` words.
        unsafe { self.backing.replace(VmTable { elements, length }, moved) };
        // New elements are initially null.
        if fill != 0 {
            alarm.fill(&mut self.words_mut()[old..], fill)?;
        }
        Ok(())
    }

    /// The record for the contexts of instances, which must [keep](TableElements::backing) it.
    pub(super) fn record(&self) -> *mut VmTable {
        self.backing.record()
    }

    /// Keeps the record and the elements alive.
    pub(super) fn backing(&self) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.backing) as _
    }

    #[inline]
    fn map(&self) -> &Mapping {
        // SAFETY: this is the owner, and it is borrowed as long as the mapping is.
        unsafe { self.backing.map() }
    }
}

/// Moves the first bytes of a mapping to another one. The memory of copied chunks is returned to
/// the system, so that at most one chunk exists twice.
///
/// # Safety
///
/// Both mappings are open up to `length`, and no reference points into the moved range.
unsafe fn move_bytes(from: &Mapping, to: &Mapping, length: usize, alarm: Alarm<'_>) -> Result<(), GrowError> {
    debug_assert!(length <= from.len().min(to.len()), "range exceeds a mapping");
    let mut given_back = Ok(());
    alarm.in_pieces(length, 1, |piece| {
        // SAFETY: by the condition above the chunk is accessible in both mappings, which are
        // distinct.
        unsafe {
            let (source, target) = (from.base().add(piece.start), to.base().add(piece.start));
            std::ptr::copy_nonoverlapping(source, target, piece.len());
        }
        // All chunks except the last one consist of whole pages.
        if piece.len().is_multiple_of(PAGE) && given_back.is_ok() {
            // SAFETY: by the condition above no reference points there, and the bytes have been
            // copied.
            given_back = unsafe { from.discard(piece.start, piece.len()) };
        }
    })?;
    Ok(given_back?)
}

/// The reason why a memory or a table did not grow.
#[derive(Debug)]
pub(crate) enum GrowError {
    /// The system has no memory or address space.
    System(io::Error),
    /// The store's deadline has passed.
    TimeOver(Error),
}

impl GrowError {
    /// Converts to the engine's error. `no_room` converts an error of the system.
    pub(crate) fn into_error(self, no_room: impl FnOnce(io::Error) -> Error) -> Error {
        match self {
            GrowError::System(error) => no_room(error),
            GrowError::TimeOver(error) => error,
        }
    }
}

impl From<io::Error> for GrowError {
    fn from(error: io::Error) -> GrowError {
        GrowError::System(error)
    }
}

impl From<Error> for GrowError {
    fn from(error: Error) -> GrowError {
        GrowError::TimeOver(error)
    }
}

/// Creates a readable and writable mapping for `length` elements.
fn map_elements(length: u64) -> io::Result<Mapping> {
    let bytes = usize::try_from(length).ok().and_then(|length| length.checked_mul(WORD));
    let map = limits::reserve(bytes.ok_or(io::ErrorKind::OutOfMemory)?.max(PAGE))?;
    limits::open(&map, 0, map.len())?;
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::tests::record;

    #[test]
    fn a_memory_keeps_its_bytes_when_it_grows() {
        for mut memory in [LinearMemory::guarded(PAGE).unwrap(), LinearMemory::checked(100, 200).unwrap()] {
            let old = memory.len();
            memory.bytes_mut()[old - 1] = 9;
            memory.grow(40 * PAGE, record().alarm()).unwrap();
            assert_eq!(memory.len(), 40 * PAGE);
            assert_eq!((memory.bytes()[old - 1], memory.bytes()[40 * PAGE - 1]), (9, 0));
        }
    }

    #[test]
    fn a_large_memory_has_room_to_grow() {
        let mut memory = LinearMemory::checked(REACH + PAGE, usize::MAX).unwrap();
        let base = memory.map().base();
        memory.grow(REACH + 40 * PAGE, record().alarm()).unwrap();
        assert_eq!((memory.map().base(), memory.bytes()[REACH + 39 * PAGE]), (base, 0));
    }

    #[test]
    fn a_table_keeps_its_elements_when_it_grows() {
        let mut table = TableElements::new(1).unwrap();
        table.words_mut()[0] = 5;
        table.grow(10_000, 6, record().alarm()).unwrap();
        assert_eq!((table.words()[0], table.words()[1], table.words()[9_999]), (5, 6, 6));
        assert!(TableElements::new(u64::MAX).is_err());
    }
}
