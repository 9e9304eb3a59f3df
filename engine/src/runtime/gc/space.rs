//! The memory of a heap, as blocks that are given out and taken back.

use std::fmt;
use std::io;
use std::ops::Range;

use super::block::{BLOCK, Block, GRANULE, Granules, LINE, Lines, SMALL, Use};
use super::layouts::Layouts;
use crate::error::{Error, Result};
use crate::runtime::budget::Budget;
use crate::vm::alarm::{Alarm, PIECE};
use crate::vm::heap::HeapMemory;
use crate::vm::sys::limits::share;

/// How many bytes are allocated at least from one collection to the next. Also what is kept of free
/// memory at least.
pub(super) const STEP: usize = 4 << 20;
/// By how many bytes at least the part of the reserved range grows that can be accessed. It costs
/// nothing until it is written.
const GROWTH: usize = 1 << 20;
/// The most that is reserved for one heap.
pub(super) const MAX_RESERVED: u64 = 1 << 40;
/// The memory that a block accounts for: its own, its metadata, and its part of the list of objects
/// that a collection has yet to scan. An entry of the list belongs to an object and a reference to
/// it, which are at least twice as large.
const COST: usize = BLOCK + BLOCK / 2 + size_of::<Block>() + 2 * size_of::<Granules>();
/// How many blocks are given back at a time: the system needs some milliseconds for them.
const SPARE: usize = (64 << 20) / BLOCK;
/// Where the address space is limited, a heap reserves at most one part in this many of it.
const PARTS: usize = 16;
/// The type number at the start of memory without an object. Where an array has its length, such
/// memory has its size in granules.
const FILLER: u32 = u32::MAX;

/// The memory of a heap. Objects are named by their offsets.
pub(super) struct Space {
    pub(super) memory: HeapMemory,
    /// How many bytes may be used, whole lines.
    limit: usize,
    pub(super) blocks: Vec<Block>,
    /// Where the objects begin that the last collection found alive, and in blocks that were walked
    /// also the newer ones.
    pub(super) starts: Vec<Granules>,
    /// Where the objects begin that the present collection has found alive. Nothing outside of one.
    pub(super) marks: Vec<Granules>,
    /// No block before this one is free.
    first_free: usize,
    /// Where small objects are made; compiled code moves the start while it runs.
    pub(super) hole: Range<usize>,
    /// Where objects are made that are larger than a line and did not fit into the hole.
    medium: Range<usize>,
    /// The block and line in it from which on the next hole is looked for.
    next_hole: (usize, usize),
    /// How many bytes were given out since the last collection.
    given: usize,
    /// How many bytes of lines and of large objects' blocks the last collection left in use.
    kept: usize,
}

impl Space {
    /// Reserves the memory of a heap whose objects use `limit` bytes at most, less where the
    /// process has too little address space.
    pub(super) fn new(limit: u64) -> io::Result<Space> {
        let limit = limit.min(MAX_RESERVED) as usize;
        let memory = HeapMemory::reserve(limit.min(STEP), share(limit, PARTS))?;
        let limit = limit.min(memory.reserved()) / LINE * LINE;
        Ok(Space {
            memory,
            limit,
            blocks: Vec::new(),
            starts: Vec::new(),
            marks: Vec::new(),
            first_free: 0,
            hole: 0..0,
            medium: 0..0,
            next_hole: (0, 0),
            given: 0,
            kept: 0,
        })
    }

    /// Whether so much was given out since the last collection that it is time for another before
    /// `size` bytes are.
    pub(super) fn is_due(&self, size: usize) -> bool {
        !self.fits(size) && self.given.saturating_add(size) > self.kept.max(STEP)
    }

    /// Whether there is so little left, after a collection, that the next would follow at once.
    /// `budget` is what the heap may grow by.
    pub(super) fn is_full(&self, budget: &Budget) -> bool {
        let more = usize::try_from(budget.left()).unwrap_or(usize::MAX) / COST * BLOCK;
        let limit = self.limit.min((self.blocks.len() * BLOCK).saturating_add(more));
        limit.saturating_sub(self.kept) < limit / 64
    }

    /// Room for an object, which is zero. `None` if there is none. What the heap grows by is
    /// charged to the budget.
    pub(super) fn allocate(
        &mut self,
        size: usize,
        budget: &mut Budget,
        alarm: Alarm<'_>,
    ) -> Result<Option<usize>> {
        if size > SMALL {
            return self.large(size, budget, alarm);
        }
        if !self.fits(size) && !self.refill(size, budget)? {
            return Ok(None);
        }
        let range = self.range_for(size);
        let object = range.start;
        range.start += size;
        self.memory.bytes_mut(object..object + size).fill(0);
        Ok(Some(object))
    }

    /// Whether there is room for an object in what was given out.
    fn fits(&self, size: usize) -> bool {
        size <= self.hole.len() || size > LINE && size <= self.medium.len()
    }

    /// Where an object is made. Small ones only in the hole: compiled code knows no other.
    fn range_for(&mut self, size: usize) -> &mut Range<usize> {
        if size <= LINE || size <= self.hole.len() { &mut self.hole } else { &mut self.medium }
    }

    /// Gives out memory so that an object fits; `false` if there is none.
    fn refill(&mut self, size: usize, budget: &mut Budget) -> Result<bool> {
        let hole = if size <= LINE {
            match self.next_hole() {
                None => self.fresh_block(budget)?,
                hole => hole,
            }
        } else {
            match self.fresh_block(budget)? {
                Some(block) if block.len() < size => {
                    self.fill(block);
                    self.any_hole(size)
                }
                None => self.any_hole(size),
                block => block,
            }
        };
        let Some(hole) = hole else { return Ok(false) };
        let place = if size <= LINE { &mut self.hole } else { &mut self.medium };
        let rest = std::mem::replace(place, hole);
        self.fill(rest);
        Ok(true)
    }

    /// Blocks for an object of more than half a block, which are zero. `None` if there are none.
    fn large(&mut self, size: usize, budget: &mut Budget, alarm: Alarm<'_>) -> Result<Option<usize>> {
        let count = size.div_ceil(BLOCK);
        let Some(first) = self.find_run(count) else { return Ok(None) };
        if first * BLOCK + size > self.limit {
            return Ok(None);
        }
        if !self.reach(first + count, budget)? {
            return Ok(None);
        }
        for index in first..first + count {
            if index.is_multiple_of(PIECE / BLOCK) {
                alarm.check()?;
            }
            if !std::mem::replace(&mut self.blocks[index].clean, false) {
                let range = self.block_range(index);
                self.memory.bytes_mut(range).fill(0);
            }
            self.blocks[index].usage = Use::Rest(first as u32);
        }
        self.blocks[first].usage = Use::Large(count as u32);
        self.given += count * BLOCK;
        Ok(Some(first * BLOCK))
    }

    /// The next hole that the last collection left.
    fn next_hole(&mut self) -> Option<Range<usize>> {
        while self.next_hole.0 < self.blocks.len() {
            let (index, line) = self.next_hole;
            let lines = self.block_range(index).len() / LINE;
            let block = &mut self.blocks[index];
            if block.usage == Use::Small
                && let Some(hole) = block.take_hole(line, lines)
            {
                self.next_hole.1 = hole.end;
                return Some(self.give(index, hole));
            }
            self.next_hole = (index + 1, 0);
        }
        None
    }

    /// A hole for that many bytes, wherever there is one.
    fn any_hole(&mut self, size: usize) -> Option<Range<usize>> {
        for index in 0..self.blocks.len() {
            let lines = self.block_range(index).len() / LINE;
            let block = &mut self.blocks[index];
            let mut from = 0;
            while block.usage == Use::Small
                && let Some(hole) = block.hole(from, lines)
            {
                if hole.len() * LINE >= size {
                    block.fresh.insert(hole.clone());
                    return Some(self.give(index, hole));
                }
                from = hole.end;
            }
        }
        None
    }

    /// Counts lines of a block as given out.
    fn give(&mut self, index: usize, lines: Range<usize>) -> Range<usize> {
        self.given += lines.len() * LINE;
        index * BLOCK + lines.start * LINE..index * BLOCK + lines.end * LINE
    }

    /// A whole block as a hole.
    fn fresh_block(&mut self, budget: &mut Budget) -> Result<Option<Range<usize>>> {
        let Some(index) = self.find_run(1) else { return Ok(None) };
        if !self.reach(index + 1, budget)? {
            return Ok(None);
        }
        let range = self.block_range(index);
        let block = &mut self.blocks[index];
        (block.usage, block.clean) = (Use::Small, false);
        Ok(block.take_hole(0, range.len() / LINE).map(|lines| self.give(index, lines)))
    }

    /// The first of so many free blocks, the last of which may be new.
    fn find_run(&mut self, count: usize) -> Option<usize> {
        while self.blocks.get(self.first_free).is_some_and(|block| block.usage != Use::Free) {
            self.first_free += 1;
        }
        let mut first = self.first_free;
        for index in self.first_free..self.blocks.len() {
            if self.blocks[index].usage != Use::Free {
                first = index + 1;
            } else if index + 1 - first == count {
                break;
            }
        }
        (first.checked_add(count)? <= self.limit.div_ceil(BLOCK)).then_some(first)
    }

    /// Grows to this many blocks, which lie within the limit; `false` where the budget does not
    /// allow them.
    fn reach(&mut self, count: usize, budget: &mut Budget) -> Result<bool> {
        let cost = count.saturating_sub(self.blocks.len()) * COST;
        if budget.charge(cost as u64).is_err() {
            return Ok(false);
        }
        let (open, end) = (self.memory.len(), (count * BLOCK).min(self.memory.reserved()));
        if end > open {
            let step = open.max(GROWTH).max(end - open).min(self.memory.reserved() - open);
            let grown = self.memory.grow(step).map_err(no_room);
            grown.inspect_err(|_| budget.release(cost as u64))?;
        }
        if count > self.blocks.len() {
            self.blocks.resize(count, Block::NEW);
            self.starts.resize(count, Granules::NONE);
            self.marks.resize(count, Granules::NONE);
        }
        Ok(true)
    }

    /// Where a block lies; the last may be a short one.
    fn block_range(&self, index: usize) -> Range<usize> {
        index * BLOCK..((index + 1) * BLOCK).min(self.limit)
    }

    /// Says of memory that was given out that there is no object in it.
    fn fill(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            let granules = (range.len() / GRANULE) as u64;
            self.memory.set_word(range.start, u64::from(FILLER) | granules << 32);
        }
    }

    /// Begins a collection: no hole is open any more, so that all that was given out is objects and
    /// fillers, one after the other.
    pub(super) fn close(&mut self) {
        let (hole, medium) = (std::mem::take(&mut self.hole), std::mem::take(&mut self.medium));
        self.fill(hole);
        self.fill(medium);
        for block in &mut self.blocks {
            block.live = Lines::NONE;
            block.walked = false;
        }
    }

    /// The object that an address points to or into.
    pub(super) fn object_at(&mut self, offset: usize, layouts: &mut Layouts) -> Option<usize> {
        let index = offset / BLOCK;
        let block = self.blocks.get(index)?;
        let object = match block.usage {
            Use::Free => return None,
            Use::Large(_) => index * BLOCK,
            Use::Rest(first) => first as usize * BLOCK,
            Use::Small => {
                if !block.walked {
                    self.walk(index, layouts);
                }
                index * BLOCK + self.starts[index].last_before(offset % BLOCK)?
            }
        };
        (offset - object < layouts.size(self.memory.word(object))).then_some(object)
    }

    /// Learns where the objects begin that were made in a block since the last collection.
    fn walk(&mut self, index: usize, layouts: &mut Layouts) {
        let block = &mut self.blocks[index];
        block.walked = true;
        let mut from = 0;
        while let Some(lines) = block.fresh.run(from) {
            from = lines.end;
            let (mut at, end) = (lines.start * LINE, lines.end * LINE);
            while at < end {
                let header = self.memory.word(index * BLOCK + at);
                if header as u32 == FILLER {
                    at += (header >> 32) as usize * GRANULE;
                } else {
                    self.starts[index].insert(at);
                    at += layouts.size(header);
                }
            }
            debug_assert_eq!(at, end, "objects and fillers, one after the other");
        }
    }

    /// Ends a collection: what was not marked is free.
    pub(super) fn sweep(&mut self) {
        self.kept = 0;
        let mut index = 0;
        while index < self.blocks.len() {
            let next = match self.blocks[index].usage {
                Use::Large(count) => index + count as usize,
                _ => index + 1,
            };
            let block = &mut self.blocks[index];
            block.fresh = Lines::NONE;
            let kept = match block.usage {
                Use::Large(_) if self.marks[index].contains(0) => (next - index) * BLOCK,
                Use::Small => block.live.count() * LINE,
                _ => 0,
            };
            if kept == 0 {
                self.blocks[index..next].iter_mut().for_each(|block| block.usage = Use::Free);
                self.first_free = self.first_free.min(index);
            }
            self.kept += kept;
            index = next;
        }
        std::mem::swap(&mut self.starts, &mut self.marks);
        self.marks.fill(Granules::NONE);
        self.next_hole = (0, 0);
        self.given = 0;
    }

    /// Gives memory back to the system where much more is free than will be used until the next
    /// collection.
    pub(super) fn trim(&mut self, alarm: Alarm<'_>) -> Result<()> {
        let enough = self.kept.max(STEP) / BLOCK;
        let is_spare = |block: &Block| block.usage == Use::Free && !block.clean;
        let spare = self.blocks.iter().filter(|block| is_spare(block)).count();
        if spare <= 2 * enough {
            return Ok(());
        }
        // From the end, since blocks are given out from the begin.
        let (mut excess, mut end) = (spare - enough, self.blocks.len());
        while excess > 0 && end > 0 {
            let mut start = end;
            while excess > 0 && start > 0 && end - start < SPARE && is_spare(&self.blocks[start - 1]) {
                start -= 1;
                excess -= 1;
            }
            if start < end {
                let range = start * BLOCK..(end * BLOCK).min(self.memory.reserved());
                self.memory.discard(range).map_err(no_room)?;
                self.blocks[start..end].iter_mut().for_each(|block| block.clean = true);
                alarm.check()?;
            }
            end = start.min(end - 1);
        }
        Ok(())
    }

    /// How many bytes the heap has from the system.
    pub(super) fn capacity(&self) -> usize {
        self.blocks.iter().filter(|block| !block.clean).count() * BLOCK
    }
}

pub(super) fn no_room(error: io::Error) -> Error {
    Error::limit("no room for the heap").caused_by(error)
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space")
            .field("limit", &self.limit)
            .field("blocks", &self.blocks.len())
            .finish_non_exhaustive()
    }
}
