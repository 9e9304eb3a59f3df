//! Shared memories, which any number of stores can use at the same time, on any number of threads
//! (threads proposal).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::budget::Budget;
use super::memory::{MemoryPlan, grown, no_room};
use super::waiters::{Waited, Waiters};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::runtime::ranges::within;
use crate::trap::Trap;
use crate::types::MemoryType;
use crate::vm::shared::SharedBytes;

/// A memory that threads can share. It exists until all clones of this and all stores that use it
/// have been dropped.
///
/// Writes of one thread can become visible to other threads at any time. Reads and writes by these
/// methods are accesses to single bytes without any guaranteed order. A host that waits for a value
/// must synchronise by other means.
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
    /// The charges of stores that have grown the memory. It can outlive those stores.
    charges: Mutex<Vec<Budget>>,
}

impl SharedMemory {
    /// Creates a shared memory of zero bytes. No store is charged for it. The store whose code or
    /// host grows it is charged for the growth.
    ///
    /// # Errors
    ///
    /// Returns an error if the type is not shared or has no maximum, or if the system cannot
    /// provide the memory.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory> {
        SharedMemory::open(ty, &MemoryPlan::of(&ty, engine.config())?)
    }

    pub(super) fn open(ty: MemoryType, plan: &MemoryPlan) -> Result<SharedMemory> {
        if !ty.shared || ty.limits.max.is_none() {
            return Err(Error::usage(
                "invalid type of a shared memory: it must be shared and have a maximum",
            ));
        }
        let bytes = Arc::new(plan.open(SharedBytes::guarded, SharedBytes::checked)?);
        let waiters = Waiters::default();
        Ok(SharedMemory(Arc::new(Inner { ty, bytes, waiters, charges: Mutex::default() })))
    }

    /// The type of the memory, with the current size as its minimum.
    pub fn ty(&self) -> MemoryType {
        let mut ty = self.0.ty;
        ty.limits.min = self.size();
        ty
    }

    /// The size in pages. Other threads may have grown the memory when this returns.
    pub fn size(&self) -> u64 {
        (self.0.bytes.len() as u64) >> self.0.ty.page_size_log2
    }

    /// Grows the memory by this number of pages and returns the old size in pages.
    ///
    /// # Errors
    ///
    /// Returns an error if the memory would exceed its maximum, or if the system cannot provide it.
    pub fn grow(&self, pages: u64) -> Result<u64> {
        self.grow_charged(pages, |_| Ok(())).map(|(old, _)| old)
    }

    /// Copies bytes from the memory.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if the range is out of bounds.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> Result<()> {
        let range = within(self.0.bytes.len(), address, buffer.len() as u64, Trap::MemoryOutOfBounds)?;
        self.0.bytes.read(range.start, buffer);
        Ok(())
    }

    /// Copies bytes into the memory.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`SharedMemory::read`].
    pub fn write(&self, address: u64, data: &[u8]) -> Result<()> {
        let range = within(self.0.bytes.len(), address, data.len() as u64, Trap::MemoryOutOfBounds)?;
        self.0.bytes.write(range.start, data);
        Ok(())
    }

    /// Grows the memory by `pages` if `may_charge` allows that many more bytes. Returns the old
    /// size in pages and the number of bytes added.
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

    /// Keeps a store's charge until the memory is dropped.
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

    /// Waits at an address, which is a multiple of 4 and in bounds, if the 32 bits there have the
    /// expected value.
    pub(crate) fn wait32(&self, address: u64, expected: u32, left: impl Fn() -> Option<Duration>) -> Waited {
        let is_expected = || self.0.bytes.load32(address as usize) == expected;
        self.0.waiters.wait(address, is_expected, left)
    }

    /// Waits at an address, which is a multiple of 8 and in bounds, if the 64 bits there have the
    /// expected value.
    pub(crate) fn wait64(&self, address: u64, expected: u64, left: impl Fn() -> Option<Duration>) -> Waited {
        let is_expected = || self.0.bytes.load64(address as usize) == expected;
        self.0.waiters.wait(address, is_expected, left)
    }

    /// Wakes up to `count` threads that wait at an address. Returns the number of threads woken.
    pub(crate) fn notify(&self, address: u64, count: u32) -> u32 {
        self.0.waiters.notify(address, count)
    }
}
