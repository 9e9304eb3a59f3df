//! Shared memories: objects of their own, which any number of stores on any number of threads use
//! at the same time (threads proposal).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::budget::Budget;
use super::memory::{Room, grown, no_room};
use super::waiters::{Waited, Waiters};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::runtime::ranges::within;
use crate::trap::Trap;
use crate::types::MemoryType;
use crate::vm::shared::SharedBytes;

/// A memory that threads share. It lives as long as a clone of this does, or a store that uses it.
///
/// What one thread writes, others may see at any time: reading and writing here is a sequence of
/// accesses to single bytes, without an order among them that others could rely on. A host that
/// waits for a value orders its accesses by means of its own.
///
/// ```
/// use wassay_engine::{Config, Engine, Memory, MemoryType, SharedMemory, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let ty = MemoryType { shared: true, ..MemoryType::new(1, Some(2)) };
/// let shared = SharedMemory::new(&engine, ty)?;
/// std::thread::scope(|scope| {
///     let thread = scope.spawn(|| {
///         let mut store = Store::new(&engine);
///         let memory = Memory::from_shared(&mut store, &shared);
///         memory.write(&mut store, 0, b"hello")
///     });
///     thread.join().expect("the thread does not panic")
/// })?;
/// let mut bytes = [0; 5];
/// shared.read(0, &mut bytes)?;
/// assert_eq!(&bytes, b"hello");
/// # Ok::<(), wassay_engine::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedMemory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ty: MemoryType,
    bytes: Arc<SharedBytes>,
    waiters: Waiters,
    /// What stores are charged for it that have grown it: it may outlive them.
    charges: Mutex<Vec<Budget>>,
}

impl SharedMemory {
    /// Makes a shared memory of zero bytes. No store is charged for it; for what it grows by, the
    /// store whose code or host grows it.
    ///
    /// # Errors
    ///
    /// Where the type is not a shared memory's, which has a maximum, or the machine has no room for
    /// the memory.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory> {
        SharedMemory::open(ty, &Room::of(&ty, engine.config())?)
    }

    pub(super) fn open(ty: MemoryType, room: &Room) -> Result<SharedMemory> {
        if !ty.shared || ty.limits.max.is_none() {
            return Err(Error::usage("a shared memory whose type is not shared or has no maximum"));
        }
        let bytes = Arc::new(room.open(SharedBytes::guarded, SharedBytes::checked)?);
        let waiters = Waiters::default();
        Ok(SharedMemory(Arc::new(Inner { ty, bytes, waiters, charges: Mutex::default() })))
    }

    /// The type of the memory: its minimum is the size that it has now.
    pub fn ty(&self) -> MemoryType {
        let mut ty = self.0.ty;
        ty.limits.min = self.size();
        ty
    }

    /// The size in pages. It may have grown when this returns.
    pub fn size(&self) -> u64 {
        (self.0.bytes.len() as u64) >> self.0.ty.page_size_log2
    }

    /// Grows by that many pages and gives the old size in pages.
    ///
    /// # Errors
    ///
    /// Where the memory would pass its maximum or what the machine has.
    pub fn grow(&self, pages: u64) -> Result<u64> {
        self.grow_charged(pages, |_| Ok(())).map(|(old, _)| old)
    }

    /// Copies bytes out of the memory.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] where the range does not lie inside the memory.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> Result<()> {
        let range = within(self.0.bytes.len(), address, buffer.len() as u64, Trap::MemoryOutOfBounds)?;
        self.0.bytes.read(range.start, buffer);
        Ok(())
    }

    /// Copies bytes into the memory.
    ///
    /// # Errors
    ///
    /// As [`SharedMemory::read`].
    pub fn write(&self, address: u64, data: &[u8]) -> Result<()> {
        let range = within(self.0.bytes.len(), address, data.len() as u64, Trap::MemoryOutOfBounds)?;
        self.0.bytes.write(range.start, data);
        Ok(())
    }

    /// Grows by pages, if that many more bytes may be charged; gives the old size in pages and how
    /// many bytes there are more.
    pub(super) fn grow_charged(
        &self,
        pages: u64,
        may_charge: impl FnOnce(u64) -> Result<()>,
    ) -> Result<(u64, u64)> {
        let Inner { ty, bytes, .. } = &*self.0;
        let growing = bytes.growing();
        let old = growing.len() as u64;
        let length = grown(ty, old, pages)?;
        may_charge(length - old)?;
        growing.grow(length as usize).map_err(|error| no_room(length, error))?;
        Ok((old >> ty.page_size_log2, length - old))
    }

    /// Keeps what a store is charged for as long as the memory lives.
    pub(super) fn keep_charge(&self, charge: Budget) {
        let mut charges = self.0.charges.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = charges.iter_mut().try_fold(charge, |charge, kept| match kept.absorb(charge) {
            Some(other) => Ok(other),
            None => Err(()),
        });
        charges.extend(rest.ok());
    }

    pub(super) fn bytes(&self) -> &Arc<SharedBytes> {
        &self.0.bytes
    }

    pub(super) fn is(&self, other: &SharedMemory) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Waits at an address, which is a multiple of 4 inside the memory, if the 32 bits there are
    /// the expected ones.
    pub(crate) fn wait32(&self, address: u64, expected: u32, left: impl Fn() -> Option<Duration>) -> Waited {
        let is_expected = || self.0.bytes.load32(address as usize) == expected;
        self.0.waiters.wait(address, is_expected, left)
    }

    /// Waits at an address, which is a multiple of 8 inside the memory, if the 64 bits there are
    /// the expected ones.
    pub(crate) fn wait64(&self, address: u64, expected: u64, left: impl Fn() -> Option<Duration>) -> Waited {
        let is_expected = || self.0.bytes.load64(address as usize) == expected;
        self.0.waiters.wait(address, is_expected, left)
    }

    /// Wakes up to `count` threads that wait at an address; gives how many.
    pub(crate) fn notify(&self, address: u64, count: u32) -> u32 {
        self.0.waiters.notify(address, count)
    }
}
