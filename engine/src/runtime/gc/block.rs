//! The blocks of a heap: their free lines, and the starts of their objects.
//!
//! A block has 64 KiB, and consists of lines of 256 bytes. Small objects are allocated
//! consecutively in the lines of a block. A line is free again if a collection has found no live
//! object in it. A run of free lines is a *hole*, in which objects are bump-allocated. Objects
//! larger than half a block get blocks of their own, unless compiled code has allocated them in its
//! current hole.

use std::ops::Range;

/// The alignment and the minimum size of objects.
pub(super) const GRANULE: usize = 8;
/// The unit in which the memory of small objects is freed.
pub(super) const LINE: usize = 256;
/// The unit in which memory is used for small objects or for a large one.
pub(super) const BLOCK: usize = 64 << 10;
/// The maximum size of objects that share a block. Compiled code can allocate larger objects there
/// if they fit in the current hole.
pub(super) const SMALL: usize = BLOCK / 2;

const LINES: usize = BLOCK / LINE;
const WORD: usize = u64::BITS as usize;

/// The use of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Not in use.
    Free,
    /// Consecutive small objects.
    Small,
    /// The start of a large object that takes this number of blocks.
    Large(u32),
    /// A further block of the large object that starts in the block with this index.
    Rest(u32),
}

/// A block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) usage: Use,
    /// Whether nothing was written since the system provided the memory, so that it is zero.
    pub(super) clean: bool,
    /// Whether the starts of the objects in fresh lines have been recorded.
    pub(super) walked: bool,
    /// The lines in which a collection found live objects.
    pub(super) live: Lines,
    /// The lines that were given out as holes since that collection.
    pub(super) fresh: Lines,
}

impl Block {
    /// A block of memory that has not been used yet.
    pub(super) const NEW: Block =
        Block { usage: Use::Free, clean: true, walked: false, live: Lines::NONE, fresh: Lines::NONE };

    /// Takes the first hole at or after a line, in a block of `lines` lines.
    pub(super) fn take_hole(&mut self, from: usize, lines: usize) -> Option<Range<usize>> {
        let hole = self.hole(from, lines)?;
        self.fresh.insert(hole.clone());
        Some(hole)
    }

    /// The first hole at or after a line.
    pub(super) fn hole(&self, from: usize, lines: usize) -> Option<Range<usize>> {
        let used = self.live.union(&self.fresh);
        let start = used.next(from, false);
        (start < lines).then(|| start..used.next(start, true).min(lines))
    }
}

/// A set of the lines of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines([u64; LINES / WORD]);

impl Lines {
    pub(super) const NONE: Lines = Lines([0; LINES / WORD]);

    pub(super) fn insert(&mut self, range: Range<usize>) {
        for line in range {
            self.0[line / WORD] |= 1 << (line % WORD);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The first run of lines in the set that begins at or after `from`.
    pub(super) fn run(&self, from: usize) -> Option<Range<usize>> {
        let start = self.next(from, true);
        (start < LINES).then(|| start..self.next(start, false))
    }

    fn union(&self, other: &Lines) -> Lines {
        Lines(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// The first line at or after `from` that is in the set (if `inside`) or not in the set; the
    /// number of lines if there is none.
    fn next(&self, from: usize, inside: bool) -> usize {
        let mut at = from;
        while at < LINES {
            let word = if inside { self.0[at / WORD] } else { !self.0[at / WORD] };
            let rest = word >> (at % WORD);
            if rest != 0 {
                return at + rest.trailing_zeros() as usize;
            }
            at = (at / WORD + 1) * WORD;
        }
        LINES
    }
}

/// A set of the granules of a block at which objects start.
#[derive(Clone, Debug)]
pub(super) struct Granules([u64; BLOCK / GRANULE / WORD]);

impl Granules {
    pub(super) const NONE: Granules = Granules([0; BLOCK / GRANULE / WORD]);

    /// Adds the granule at this offset in the block. Returns whether it was new.
    pub(super) fn insert(&mut self, offset: usize) -> bool {
        let (word, bit) = word_and_bit(offset);
        let was = self.0[word];
        self.0[word] = was | bit;
        was & bit == 0
    }

    /// Whether the granule at this offset is in the set.
    pub(super) fn contains(&self, offset: usize) -> bool {
        let (word, bit) = word_and_bit(offset);
        self.0[word] & bit != 0
    }

    /// The offset of the last granule in the set at or before this offset.
    pub(super) fn last_before(&self, offset: usize) -> Option<usize> {
        let (last, bit) = word_and_bit(offset);
        let mut word = self.0[last] & (bit | (bit - 1));
        for index in (0..=last).rev() {
            if index != last {
                word = self.0[index];
            }
            if let Some(highest) = word.checked_ilog2() {
                return Some((index * WORD + highest as usize) * GRANULE);
            }
        }
        None
    }
}

fn word_and_bit(offset: usize) -> (usize, u64) {
    let granule = offset / GRANULE;
    (granule / WORD, 1 << (granule % WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_taken_one_by_one() {
        let mut block = Block::NEW;
        block.live.insert(0..3);
        block.live.insert(60..70);
        assert_eq!(block.take_hole(0, LINES), Some(3..60));
        assert_eq!(block.take_hole(0, LINES), Some(70..256));
        assert_eq!(block.take_hole(0, LINES), None);
        assert_eq!((block.fresh.run(0), block.fresh.run(60)), (Some(3..60), Some(70..256)));
        assert_eq!(block.fresh.run(256), None);
        assert_eq!(block.fresh.count() + block.live.count(), 256);
    }

    #[test]
    fn a_short_block_has_no_hole_after_its_end() {
        let mut block = Block::NEW;
        assert_eq!(block.hole(0, 0), None);
        assert_eq!(block.take_hole(5, 100), Some(5..100));
        assert_eq!(block.hole(100, 100), None);
        assert_eq!(block.hole(0, 100), Some(0..5));
    }

    #[test]
    fn the_object_at_an_address_is_the_last_that_starts_before_it() {
        let mut granules = Granules::NONE;
        assert_eq!(granules.last_before(BLOCK - 1), None);
        for offset in [8, 504, 512, 40_000] {
            assert!(granules.insert(offset) && !granules.insert(offset));
        }
        for (offset, start) in [(7, None), (8, Some(8)), (503, Some(8)), (511, Some(504)), (512, Some(512))] {
            assert_eq!(granules.last_before(offset), start, "at {offset}");
        }
        assert_eq!(granules.last_before(39_999), Some(512));
        assert_eq!(granules.last_before(BLOCK - 1), Some(40_000));
        assert!(granules.contains(504) && !granules.contains(496));
    }
}
