//! The bytes of memories and the elements of tables.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::alarm::Alarm;
use super::layout::{VmMemory, VmMemoryRef, VmTable};
use super::ptr::{VmBox, VmPtr};
use super::sys::limits::{self, share};
use super::sys::mmap::{Mapping, PAGE, round_up};
use crate::error::Error;

/// What a 32-bit address can reach.
const REACH: usize = 4 << 30;
/// What lies behind it, closed for ever: a constant offset below this needs no check.
pub(crate) const GUARD: usize = 32 << 20;

/// Where the address space is limited, a guarded memory reserves at most one part in this many of
/// it.
const PARTS: usize = 16;

/// Whether the process has so much address space that memories can reserve all that a 32-bit
/// address reaches.
pub(crate) fn may_guard() -> bool {
    share(REACH + GUARD, PARTS) == REACH + GUARD
}

/// The bytes of one memory that belongs to one store.
#[derive(Debug)]
pub(crate) struct LinearMemory {
    vm: VmBox<VmMemory>,
    map: Mapping,
    guarded: bool,
}

impl LinearMemory {
    /// A memory that reserves all that a 32-bit address and a small offset can reach: code need not check its accesses.
    pub(crate) fn guarded(length: usize) -> io::Result<LinearMemory> {
        LinearMemory::open(reserve_guarded(length)?, length, true)
    }

    /// A memory whose accesses code checks. It may move when it grows past what could be reserved for it.
    pub(crate) fn checked(length: usize, max: usize) -> io::Result<LinearMemory> {
        /// Where the address space is limited, a memory reserves at most one part in this many of
        /// it to grow into: it moves when it needs more.
        const ROOM_PARTS: usize = 1024;
        LinearMemory::with_room(length, share(max.min(REACH), ROOM_PARTS))
    }

    /// Whether the base never changes and accesses behind the end fault.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: the record lives as long as this, and no code runs while Rust holds the store.
        unsafe { (*self.vm.as_ptr()).length.load(Ordering::Relaxed) }
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are readable; compiled code, which alone writes them otherwise, does not run while this is
        // borrowed from the store.
        unsafe { std::slice::from_raw_parts(self.map.base(), self.len()) }
    }

    /// The bytes, to write.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `bytes`, and writable.
        unsafe { std::slice::from_raw_parts_mut(self.map.base(), self.len()) }
    }

    /// Grows to that many bytes, which must be no less than now. It stays as it is where that fails, but for one that moves when its
    /// store's time is over: then its bytes are lost.
    pub(crate) fn grow(&mut self, length: usize, alarm: Alarm) -> Result<(), GrowError> {
        let old = self.len();
        if !self.guarded && length > self.map.len() {
            let capacity = length.max(old.saturating_mul(2).min(1 << 40));
            let moved = LinearMemory::with_room(length, capacity)?;
            move_bytes(&self.map, &moved.map, old, alarm)?;
            self.map = moved.map;
        } else {
            let opened = round_up(old).unwrap_or(old);
            let needed = round_up(length).ok_or(io::Error::from(io::ErrorKind::OutOfMemory))?;
            limits::open(&self.map, opened, needed.saturating_sub(opened))?;
        }
        // SAFETY: as for `len`.
        unsafe {
            self.vm.as_ptr().write(VmMemory { base: self.map.base(), length: AtomicUsize::new(length) })
        };
        Ok(())
    }

    /// Whether an address lies after the bytes, where an access without a check that leaves the
    /// memory ends.
    pub(crate) fn guards(&self, address: usize) -> bool {
        let offset = address.wrapping_sub(self.map.base() as usize);
        self.guarded && (self.len()..self.map.len()).contains(&offset)
    }

    /// The memory as an instance refers to it.
    pub(crate) fn reference(&self) -> VmMemoryRef {
        VmMemoryRef { base: self.map.base(), memory: self.vm.as_ptr() }
    }

    /// A memory that can grow to `room` bytes without moving, or to fewer where there is less address
    /// space.
    fn with_room(length: usize, room: usize) -> io::Result<LinearMemory> {
        LinearMemory::open(limits::reserve_between(length, room)?, length, false)
    }

    fn open(map: Mapping, length: usize, guarded: bool) -> io::Result<LinearMemory> {
        limits::open(&map, 0, round_up(length).ok_or(io::ErrorKind::OutOfMemory)?)?;
        let vm = VmBox::new(VmMemory { base: map.base(), length: AtomicUsize::new(length) });
        Ok(LinearMemory { vm, map, guarded })
    }
}

/// All that a 32-bit address and a small offset can reach, for a memory that begins with that many bytes.
pub(super) fn reserve_guarded(length: usize) -> io::Result<Mapping> {
    if length > REACH {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    limits::reserve(REACH + GUARD)
}

/// The elements of one table.
#[derive(Debug)]
pub(crate) struct TableElements {
    vm: VmBox<VmTable>,
    map: Mapping,
}

/// The size of a reference in a table.
const WORD: usize = size_of::<u64>();

impl TableElements {
    /// A table of that many elements, all null.
    pub(crate) fn new(length: u64) -> io::Result<TableElements> {
        let map = map_elements(length)?;
        let vm = VmBox::new(VmTable { elements: map.base().cast(), length });
        Ok(TableElements { vm, map })
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> u64 {
        // SAFETY: the record lives as long as this, and no code runs while Rust holds the store.
        unsafe { (*self.vm.as_ptr()).length }
    }

    /// The elements, as compiled code holds references.
    pub(crate) fn words(&self) -> &[u64] {
        // SAFETY: the first `len` words are readable, and aligned because a mapping begins at a page; compiled code, which alone
        // writes them otherwise, does not run while this is borrowed from the store.
        unsafe { std::slice::from_raw_parts(self.map.base().cast(), self.len() as usize) }
    }

    /// The elements, to write.
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        // SAFETY: as for `words`, and writable.
        unsafe { std::slice::from_raw_parts_mut(self.map.base().cast(), self.len() as usize) }
    }

    /// Grows to that many elements, which must be no fewer than now; the new ones are `fill`. Where that fails, as
    /// [`LinearMemory::grow`].
    pub(crate) fn grow(&mut self, length: u64, fill: u64, alarm: Alarm) -> Result<(), GrowError> {
        let old = self.len() as usize;
        if length > (self.map.len() / WORD) as u64 {
            let capacity = length.max((old as u64).saturating_mul(2));
            let grown = map_elements(capacity).or_else(|_| map_elements(length))?;
            move_bytes(&self.map, &grown, old * WORD, alarm)?;
            self.map = grown;
        }
        // SAFETY: as for `len`.
        unsafe { self.vm.as_ptr().write(VmTable { elements: self.map.base().cast(), length }) };
        // What was never written is null.
        if fill != 0 {
            alarm.fill(&mut self.words_mut()[old..], fill)?;
        }
        Ok(())
    }

    /// The record that instances refer to.
    pub(crate) fn record(&self) -> VmPtr<VmTable> {
        self.vm.ptr()
    }
}

/// Moves the first bytes of a mapping to another, which is large enough. Both are readable and writable there. What has been copied is
/// given back, so that no more than a piece of it is there twice.
fn move_bytes(from: &Mapping, to: &Mapping, length: usize, alarm: Alarm) -> Result<(), GrowError> {
    debug_assert!(length <= from.len().min(to.len()), "what is moved lies in both");
    let mut given_back = Ok(());
    alarm.in_pieces(length, 1, |piece| {
        // SAFETY: the piece lies in both mappings by our caller's word, which are two, and accessible there.
        unsafe {
            let (source, target) = (from.base().add(piece.start), to.base().add(piece.start));
            std::ptr::copy_nonoverlapping(source, target, piece.len());
        }
        // Pieces are whole pages but for the last one.
        if piece.len().is_multiple_of(PAGE) && given_back.is_ok() {
            given_back = from.discard(piece.start, piece.len());
        }
    })?;
    Ok(given_back?)
}

/// Why a memory or a table did not grow.
#[derive(Debug)]
pub(crate) enum GrowError {
    /// The system has no room.
    System(io::Error),
    /// The store's time is over.
    TimeOver(Error),
}

impl GrowError {
    /// The error of the engine, where the system's means what is given.
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

/// A readable and writable mapping for that many elements.
fn map_elements(length: u64) -> io::Result<Mapping> {
    let bytes = usize::try_from(length).ok().and_then(|length| length.checked_mul(WORD));
    let map = limits::reserve(bytes.ok_or(io::ErrorKind::OutOfMemory)?.max(PAGE))?;
    limits::open(&map, 0, map.len())?;
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::call::new_store;

    #[test]
    fn a_memory_keeps_its_bytes_when_it_grows() {
        for mut memory in [LinearMemory::guarded(PAGE).unwrap(), LinearMemory::checked(100, 200).unwrap()] {
            let old = memory.len();
            memory.bytes_mut()[old - 1] = 9;
            memory.grow(40 * PAGE, Alarm::of(new_store().ptr())).unwrap();
            assert_eq!(memory.len(), 40 * PAGE);
            assert_eq!((memory.bytes()[old - 1], memory.bytes()[40 * PAGE - 1]), (9, 0));
        }
    }

    #[test]
    fn a_table_keeps_its_elements_when_it_grows() {
        let mut table = TableElements::new(1).unwrap();
        table.words_mut()[0] = 5;
        table.grow(10_000, 6, Alarm::of(new_store().ptr())).unwrap();
        assert_eq!((table.words()[0], table.words()[1], table.words()[9_999]), (5, 6, 6));
        assert!(TableElements::new(u64::MAX).is_err());
    }
}
