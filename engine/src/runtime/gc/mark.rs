//! Marking: finds the objects and host values that are reachable from the roots.

use super::block::{BLOCK, Block, Granules, LINE, Use};
use super::host::{HOST, HostValues, TAG};
use super::layouts::{Layouts, size};
use super::space::Space;
use crate::error::Result;
use crate::runtime::StoreState;
use crate::time::STEPS;
use crate::types::layout::{
    CONTINUATION_BOUND, CONTINUATION_STACK, CONTINUATION_START, ObjectLayout, PAYLOAD,
};
use crate::vm::alarm::Alarm;
use crate::vm::heap::HeapMemory;
use crate::vm::stack::Continuations;

/// The number of elements of an array that are visited at a time, and the minimum number of
/// elements of an array for which that is done.
const CHUNK: usize = 512;

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
        visit(word, &self.space.memory, &mut self.space.marks, self.hosts, &mut self.gray);
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
            let mut steps = 0;
            while let Some(object) = self.gray.pop() {
                steps += 1 + self.look_into(object) / LINE;
                if steps >= STEPS {
                    alarm.check()?;
                    steps = 0;
                }
            }
            alarm.check()?;
            let Some((start, end)) = self.arrays.pop() else { return Ok(self.live_bytes) };
            let next = end.min(start + CHUNK * 8);
            if next < end {
                self.arrays.push((next, end));
            }
            for at in (start..next).step_by(8) {
                self.reference(self.space.memory.word(at));
            }
        }
    }

    /// Visits the references of an object. Returns the size of the object.
    fn look_into(&mut self, object: usize) -> usize {
        let Space { memory, marks, .. } = &mut *self.space;
        let header = memory.word(object);
        let layout = self.layouts.of(header);
        let size = size(layout, header);
        match layout {
            ObjectLayout::Struct(fields) | ObjectLayout::Exception(fields) => {
                for field in &fields.references {
                    let word = memory.word(object + *field as usize);
                    visit(word, memory, marks, self.hosts, &mut self.gray);
                }
            }
            ObjectLayout::Array(element) if element.is_traced() => {
                let (start, end) = (object + PAYLOAD as usize, object + size);
                if end - start > CHUNK * 8 {
                    self.arrays.push((start, end));
                } else {
                    for at in (start..end).step_by(8) {
                        visit(memory.word(at), memory, marks, self.hosts, &mut self.gray);
                    }
                }
            }
            ObjectLayout::Array(_) => {}
            ObjectLayout::Continuation => self.look_into_continuation(object, size),
        }
        self.live_bytes += size;
        // Not decided by the object's size: compiled code allocates any object that fits in its
        // hole, even one that would get blocks of its own here.
        let block = &mut self.space.blocks[object / BLOCK];
        if block.usage == Use::Small {
            keep_lines(block, object % BLOCK, size);
        }
        size
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
    memory: &HeapMemory,
    marks: &mut [Granules],
    hosts: &mut HostValues,
    gray: &mut Vec<usize>,
) {
    if word & TAG == 0 {
        // Null and references to functions do not point into the heap.
        if let Some(object) = memory.offset_of(word)
            && marks[object / BLOCK].insert(object % BLOCK)
        {
            gray.push(object);
        }
    } else if word & TAG == HOST {
        hosts.mark(word);
    }
}

fn keep_lines(block: &mut Block, start: usize, size: usize) {
    block.live.insert(start / LINE..(start + size - 1) / LINE + 1);
}
