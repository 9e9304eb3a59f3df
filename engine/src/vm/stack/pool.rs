//! The memory of stacks: mapped with guard pages, and used again.

use std::io;

use super::record::VmStack;
use crate::vm::sys::limits;
use crate::vm::sys::mmap::{Mapping, PAGE, round_up};

/// The size of the part of a stack that compiled code can use, at most.
const USABLE: usize = 256 << 10;

/// The size of the part below, for trampolines, and for the frames of Rust that continue on the
/// thread's stack. A host trampoline has up to 32 KiB.
const RESERVE: usize = 64 << 10;

/// The number of stacks that are mapped together, at most.
const SLAB: usize = 64;

/// The memory of a store's stacks, until the store is dropped.
#[derive(Debug)]
pub(in crate::vm) struct StackPool {
    slabs: Vec<Slab>,
    /// The size of a stack: a guard page, the reserve, and the part for compiled code.
    size: usize,
}

/// Stacks that are mapped together.
#[derive(Debug)]
struct Slab {
    map: Mapping,
    /// The number of stacks that are accessible.
    open: usize,
}

impl StackPool {
    /// Creates a pool of stacks on which compiled code can use at most `max_stack` bytes.
    pub(in crate::vm) fn new(max_stack: usize) -> StackPool {
        let usable = round_up(max_stack.min(USABLE)).unwrap_or(USABLE).max(PAGE);
        StackPool { slabs: Vec::new(), size: PAGE + RESERVE + usable }
    }

    /// The size of a stack in bytes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The number of stacks.
    pub(super) fn count(&self) -> usize {
        self.slabs.iter().map(|slab| slab.open).sum()
    }

    /// All stacks.
    pub(super) fn all(&self) -> impl Iterator<Item = *mut VmStack> {
        self.slabs.iter().flat_map(|slab| (0..slab.open).map(|number| self.record(slab, number)))
    }

    /// The stack whose record is at an address, if there is one.
    pub(super) fn at(&self, address: u64) -> Option<*mut VmStack> {
        let find = |slab: &Slab| {
            let offset = usize::try_from(address).ok()?.checked_sub(slab.map.base().addr())?;
            let stack = (offset / self.size < slab.open).then(|| self.record(slab, offset / self.size))?;
            (stack.addr() as u64 == address).then_some(stack)
        };
        self.slabs.iter().find_map(find)
    }

    fn record(&self, slab: &Slab, number: usize) -> *mut VmStack {
        slab.map.base().wrapping_add((number + 1) * self.size).cast::<VmStack>().wrapping_sub(1)
    }

    /// Maps another stack.
    pub(super) fn open(&mut self) -> io::Result<*mut VmStack> {
        let is_full = |slab: &Slab| (slab.open + 1) * self.size > slab.map.len();
        if self.slabs.last().is_none_or(is_full) {
            let count = (1 << self.slabs.len().min(16)).min(SLAB);
            let map = limits::reserve(count * self.size).or_else(|_| limits::reserve(self.size))?;
            self.slabs.push(Slab { map, open: 0 });
        }
        let size = self.size;
        let Some(slab) = self.slabs.last_mut() else { unreachable!("a slab was just added") };
        limits::open(&slab.map, slab.open * size + PAGE, size - PAGE)?;
        // The scan of suspended stacks follows addresses in them.
        slab.map.base().expose_provenance();
        slab.open += 1;
        let slab = &self.slabs[self.slabs.len() - 1];
        let stack = self.record(slab, slab.open - 1);
        let null: *mut VmStack = std::ptr::null_mut();
        let new = VmStack {
            sp: 0,
            slots: null.cast(),
            last: null,
            limit: stack.addr() + size_of::<VmStack>() - (size - PAGE - RESERVE),
            parent: null,
            resumer_sp: 0,
            resumer_limit: 0,
            handlers: std::ptr::null(),
            next: null,
            busy: true,
            marked: false,
        };
        // SAFETY: the stack was just made accessible, and ends at a page, so that its record is
        // aligned.
        unsafe { stack.write(new) };
        Ok(stack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_found_by_the_address_of_its_record_only() {
        let mut pool = StackPool::new(1 << 20);
        assert_eq!(pool.at(0), None);
        let stacks: Vec<*mut VmStack> = (0..150).map(|_| pool.open().unwrap()).collect();
        assert_eq!(pool.all().collect::<Vec<_>>(), stacks);
        for stack in stacks {
            let address = stack.addr() as u64;
            assert_eq!(pool.at(address), Some(stack));
            for offset in [1, 8, 64, PAGE, pool.size / 2] {
                assert_eq!(pool.at(address - offset as u64), None, "{offset}");
                assert_eq!(pool.at(address + offset as u64), None, "{offset}");
            }
        }
        assert_eq!(pool.at(u64::MAX), None);
    }

    #[test]
    fn a_stack_has_a_guard_page_and_a_reserve() {
        for max_stack in [0, 4 << 10, 100 << 10, usize::MAX] {
            let mut pool = StackPool::new(max_stack);
            let stack = pool.open().unwrap();
            let (base, size) = (pool.slabs[0].map.base().addr(), pool.size);
            // SAFETY: the stack was just mapped, and is not used.
            let limit = unsafe { (*stack).limit };
            assert_eq!(limit, base + PAGE + RESERVE);
            assert_eq!(stack.addr() + size_of::<VmStack>(), base + size);
            assert!(size - PAGE - RESERVE >= max_stack.min(USABLE), "{max_stack}");
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let access = |address: usize| {
                maps.lines().find_map(|line| {
                    let (range, rest) = line.split_once(' ')?;
                    let (start, end) = range.split_once('-')?;
                    let number = |text| usize::from_str_radix(text, 16).ok();
                    (number(start)?..number(end)?).contains(&address).then(|| rest[..3].to_owned())
                })
            };
            assert_eq!(access(base).as_deref(), Some("---"));
            assert_eq!(access(base + PAGE).as_deref(), Some("rw-"));
            assert_eq!(access(base + size - 1).as_deref(), Some("rw-"));
        }
    }
}
