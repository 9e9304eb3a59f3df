//! The memory of a heap: allocation and freeing of blocks.

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

/// The minimum number of bytes that are allocated between two collections, and the minimum amount
/// of free memory that is kept.
pub(super) const STEP: usize = 4 << 20;
/// The minimum number of bytes by which the accessible part of the reserved range grows. Memory
/// costs nothing until it is written.
const GROWTH: usize = 1 << 20;
/// The maximum size of the address space reserved for one heap.
pub(super) const MAX_RESERVED: u64 = 1 << 40;
/// The memory that a block is charged for: its own, its metadata, and its share of the list of
/// objects that a collection has yet to scan. An entry of the list belongs to an object and a
/// reference to it, which together have at least twice its size.
const COST: usize = BLOCK + BLOCK / 2 + size_of::<Block>() + 2 * size_of::<Granules>();
/// The number of blocks that are returned to the system at a time, which takes a few milliseconds.
const SPARE: usize = (64 << 20) / BLOCK;
/// If the address space is limited, a heap reserves at most `1 / PARTS` of it.
const PARTS: usize = 16;
/// The type number that marks memory without an object. In place of an array's length, such memory
/// has its size in granules.
const FILLER: u32 = u32::MAX;

/// The memory of a heap. Objects are identified by their offsets.
pub(super) struct Space {
    pub(super) memory: HeapMemory,
    /// The number of bytes that can be used, a multiple of the line size.
    limit: usize,
    pub(super) blocks: Vec<Block>,
    /// The starts of the objects that the last collection found alive, and in walked blocks those
    /// of newer objects.
    pub(super) starts: Vec<Granules>,
    /// The starts of the objects that the current collection has found alive. Empty outside of a
    /// collection.
    pub(super) marks: Vec<Granules>,
    /// There is no free block before this one.
    first_free: usize,
    /// Where small objects are allocated. Compiled code moves the start while it runs.
    pub(super) hole: Range<usize>,
    /// Where objects are allocated that are larger than a line and do not fit in the hole.
    medium: Range<usize>,
    /// The block, and the line in it, at which the search for the next hole starts.
    next_hole: (usize, usize),
    /// The number of bytes given out since the last collection.
    given: usize,
    /// The number of bytes of lines and of large objects' blocks that the last collection left in
    /// use.
    kept: usize,
}

impl Space {
    /// Reserves the memory of a heap for at most `limit` bytes of objects, or less if the process
    /// has too little address space.
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

    /// Whether a collection is due before `size` bytes are allocated, because of the amount given
    /// out since the last one.
    pub(super) fn is_due(&self, size: usize) -> bool {
        !self.fits(size) && self.given.saturating_add(size) > self.kept.max(STEP)
    }

    /// Whether, after a collection, so little is left that the next collection would follow
    /// immediately. `budget` limits how much the heap can grow.
    pub(super) fn is_full(&self, budget: &Budget) -> bool {
        let more = usize::try_from(budget.left()).unwrap_or(usize::MAX) / COST * BLOCK;
        let limit = self.limit.min((self.blocks.len() * BLOCK).saturating_add(more));
        limit.saturating_sub(self.kept) < limit / 64
    }

    /// Allocates zeroed memory for an object, or returns `None` if there is none. Growth of the
    /// heap is charged to the budget.
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

    /// Whether an object fits in the memory that was given out.
    fn fits(&self, size: usize) -> bool {
        size <= self.hole.len() || size > LINE && size <= self.medium.len()
    }

    /// The range in which an object is allocated. Small objects are only allocated in the hole,
    /// which is the only range that compiled code uses.
    fn range_for(&mut self, size: usize) -> &mut Range<usize> {
        if size <= LINE || size <= self.hole.len() { &mut self.hole } else { &mut self.medium }
    }

    /// Gives out memory in which an object fits. Returns `false` if there is none.
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
        let range = if size <= LINE { &mut self.hole } else { &mut self.medium };
        let rest = std::mem::replace(range, hole);
        self.fill(rest);
        Ok(true)
    }

    /// Allocates zeroed blocks for an object of more than half a block, or returns `None` if there
    /// are none.
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

    /// Returns the next hole that the last collection left.
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

    /// Finds a hole of at least `size` bytes anywhere.
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

    /// A hole that consists of a whole block.
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

    /// The first of `count` consecutive free blocks, the last of which may be new.
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

    /// Grows to `count` blocks, which are within the limit. Returns `false` if the budget does not
    /// allow it.
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

    /// The byte range of a block. The last block can be shorter.
    fn block_range(&self, index: usize) -> Range<usize> {
        index * BLOCK..((index + 1) * BLOCK).min(self.limit)
    }

    /// Marks memory that was given out as not containing an object.
    fn fill(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            let granules = (range.len() / GRANULE) as u64;
            self.memory.set_word(range.start, u64::from(FILLER) | granules << 32);
        }
    }

    /// Starts a collection: closes the holes, so that the memory given out consists of consecutive
    /// objects and fillers.
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

    /// Records the starts of the objects that were allocated in a block since the last collection.
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
            debug_assert_eq!(at, end, "objects and fillers are consecutive");
        }
    }

    /// Ends a collection: frees everything that was not marked.
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

    /// Returns memory to the system if much more is free than will be used until the next
    /// collection.
    pub(super) fn trim(&mut self, alarm: Alarm<'_>) -> Result<()> {
        let enough = self.kept.max(STEP) / BLOCK;
        let is_spare = |block: &Block| block.usage == Use::Free && !block.clean;
        let spare = self.blocks.iter().filter(|block| is_spare(block)).count();
        if spare <= 2 * enough {
            return Ok(());
        }
        // From the end, since blocks are used from the start.
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

    /// The number of bytes that the heap has from the system.
    pub(super) fn capacity(&self) -> usize {
        self.blocks.iter().filter(|block| !block.clean).count() * BLOCK
    }
}

pub(super) fn no_room(error: io::Error) -> Error {
    Error::limit("cannot allocate memory for the heap").caused_by(error)
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space")
            .field("limit", &self.limit)
            .field("blocks", &self.blocks.len())
            .finish_non_exhaustive()
    }
}
