//! Marking: finds the objects and host values that are reachable from the roots.

use std::ops::Range;

use super::block::{BLOCK, Block, Granules, LINE, Use};
use super::host::{HOST, HostValues, TAG};
use super::layouts::{Layouts, size};
use super::space::Space;
use crate::error::Result;
use crate::runtime::StoreState;
use crate::types::layout::{
    CONTINUATION_BOUND, CONTINUATION_STACK, CONTINUATION_START, ObjectLayout, PAYLOAD,
};
use crate::vm::alarm::Alarm;
use crate::vm::heap::HeapWords;
use crate::vm::stack::Continuations;

/// The number of elements of an array that are visited at a time, and the minimum number of
/// elements of an array for which that is done.
const CHUNK: usize = 512;

/// The number of objects that are visited between two checks of the deadline. If each has ten
/// thousand references, which is the maximum of a structure, that takes about ten milliseconds.
const PART: usize = 256;

/// The marking phase of a collection.
pub(super) struct Marker<'a> {
    space: &'a mut Space,
    layouts: &'a mut Layouts,
    hosts: &'a mut HostValues,
    /// Marked objects whose references have not been visited.
    gray: Vec<usize>,
    /// Ranges of elements of large arrays that have not been visited.
    arrays: Vec<(usize, usize)>,
    live_bytes: usize,
    /// The stacks of continuations, which are visited when their continuations are found.
    stacks: Continuations<'a, StoreState>,
}

impl<'a> Marker<'a> {
    /// Starts marking, in a space that is closed.
    pub(super) fn new(
        space: &'a mut Space,
        layouts: &'a mut Layouts,
        hosts: &'a mut HostValues,
        stacks: Continuations<'a, StoreState>,
    ) -> Marker<'a> {
        Marker { space, layouts, hosts, gray: Vec::new(), arrays: Vec::new(), live_bytes: 0, stacks }
    }

    /// Marks what a reference points to.
    pub(super) fn reference(&mut self, word: u64) {
        visit(word, self.space.memory.words(), &mut self.space.marks, self.hosts, &mut self.gray);
    }

    /// Marks the object that a word points to or into, in case it is a reference.
    pub(super) fn ambiguous(&mut self, word: u64) {
        if word & TAG == HOST {
            self.hosts.mark(word);
        }
        if let Some(offset) = self.space.memory.offset_of(word)
            && let Some(object) = self.space.object_at(offset, self.layouts)
            && self.space.marks[object / BLOCK].insert(object % BLOCK)
        {
            self.gray.push(object);
        }
    }

    /// Marks everything that is reachable from the marked objects. Returns the size of all marked
    /// objects in bytes.
    ///
    /// # Errors
    ///
    /// Those of [`Alarm::check`], in which case marking is incomplete.
    pub(super) fn finish(mut self, alarm: Alarm<'_>) -> Result<usize> {
        loop {
            alarm.check()?;
            if let Some(object) = self.look_into_fields() {
                self.look_into_other(object);
            } else if self.gray.is_empty() {
                let Some((start, end)) = self.arrays.pop() else { return Ok(self.live_bytes) };
                let next = end.min(start + CHUNK * 8);
                if next < end {
                    self.arrays.push((next, end));
                }
                self.look_into_elements(start..next);
            }
        }
    }

    /// Visits the references of some marked objects that consist of fields. Returns the first
    /// object that does not.
    fn look_into_fields(&mut self) -> Option<usize> {
        let Space { memory, marks, blocks, .. } = &mut *self.space;
        let words = memory.words();
        let mut live_bytes = 0;
        let mut other = None;
        for _ in 0..PART {
            let Some(object) = self.gray.pop() else { break };
            let (ObjectLayout::Struct(fields) | ObjectLayout::Exception(fields)) =
                self.layouts.of(words.word(object))
            else {
                other = Some(object);
                break;
            };
            for field in &fields.references {
                let word = words.word(object + *field as usize);
                visit(word, words, marks, self.hosts, &mut self.gray);
            }
            let size = fields.size as usize;
            live_bytes += size;
            keep(blocks, object, size);
        }
        self.live_bytes += live_bytes;
        other
    }

    /// Visits the references of an array or a continuation.
    fn look_into_other(&mut self, object: usize) {
        let header = self.space.memory.word(object);
        let layout = self.layouts.of(header);
        let size = size(layout, header);
        match layout {
            ObjectLayout::Array(element) if element.is_traced() => {
                let elements = object + PAYLOAD as usize..object + size;
                if elements.len() > CHUNK * 8 {
                    self.arrays.push((elements.start, elements.end));
                } else {
                    self.look_into_elements(elements);
                }
            }
            ObjectLayout::Continuation => self.look_into_continuation(object, size),
            _ => {}
        }
        self.live_bytes += size;
        keep(&mut self.space.blocks, object, size);
    }

    /// Visits the references in a range of an array's elements.
    fn look_into_elements(&mut self, elements: Range<usize>) {
        for at in elements.step_by(8) {
            self.reference(self.space.memory.word(at));
        }
    }

    /// Visits the stacks and the bound values of a continuation. What they contain may be
    /// references.
    #[cold]
    fn look_into_continuation(&mut self, object: usize, size: usize) {
        let word = |marker: &Self, offset: u32| marker.space.memory.word(object + offset as usize);
        let (stacks, start) = (self.stacks, word(self, CONTINUATION_START));
        for stack in [word(self, CONTINUATION_STACK), start & !1] {
            stacks.visit(stack, |word| self.ambiguous(word));
        }
        for at in (object + CONTINUATION_BOUND as usize..object + size).step_by(8) {
            self.ambiguous(self.space.memory.word(at));
        }
    }
}

/// Marks what a reference points to, if it is not marked yet.
fn visit(
    word: u64,
    words: HeapWords<'_>,
    marks: &mut [Granules],
    hosts: &mut HostValues,
    gray: &mut Vec<usize>,
) {
    if word & TAG == 0 {
        // Null and references to functions do not point into the heap.
        if let Some(object) = words.offset_of(word)
            && marks[object / BLOCK].insert(object % BLOCK)
        {
            gray.push(object);
        }
    } else if word & TAG == HOST {
        hosts.mark(word);
    }
}

/// Keeps the lines of an object.
#[inline]
fn keep(blocks: &mut [Block], object: usize, size: usize) {
    // Not decided by the object's size: compiled code allocates any object that fits in its hole,
    // even one that would get blocks of its own here.
    let block = &mut blocks[object / BLOCK];
    if block.usage == Use::Small {
        let start = object % BLOCK;
        block.live.insert(start / LINE..(start + size - 1) / LINE + 1);
    }
}
