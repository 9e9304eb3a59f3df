//! Collections: their triggers, roots and results.

use super::heap::Parts;
use super::mark::Marker;
use crate::error::Result;
use crate::runtime::StoreState;
use crate::time::STEPS;
use crate::types::{HeapType, ValType};
use crate::vm::roots::StackRoots;
use crate::vm::stack::Continuations;

/// Statistics of a store's heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeapStats {
    /// The number of collections.
    pub collections: u64,
    /// The size in bytes of the objects that the last collection found alive.
    pub live_bytes: u64,
    /// The size in bytes of the memory that the heap has from the system.
    pub capacity: u64,
    /// The number of host values that the store keeps.
    pub host_values: usize,
    /// The number of stacks of continuations that the store has mapped, free ones included.
    pub stacks: usize,
}

impl StoreState {
    /// Returns statistics of the store's heap.
    pub fn heap_stats(&self) -> HeapStats {
        HeapStats {
            collections: self.heap.collections,
            live_bytes: self.heap.live_bytes,
            capacity: self.heap.parts.as_ref().map_or(0, |parts| parts.space.capacity() as u64),
            host_values: self.host_values.len(),
            stacks: self.vm.stack_count(),
        }
    }

    /// Frees unreachable objects and host values. Allocation does this automatically when the heap
    /// has doubled.
    ///
    /// Frames of wasm code are scanned conservatively: everything that they might refer to is kept.
    ///
    /// # Errors
    ///
    /// [`Interrupted`](crate::ErrorKind::Interrupted) if the store was interrupted, and
    /// [`Usage`](crate::ErrorKind::Usage) if its code runs on another thread.
    pub fn collect(&mut self) -> Result<()> {
        // Code that was interrupted between two instructions may have left an object partially
        // initialised.
        self.refuse_if_interrupted()?;
        // Fails before anything has changed.
        StackRoots::of(&self.vm)?;
        if self.heap.parts.is_none() && self.host_values.len() == 0 {
            return Ok(());
        }
        self.begin_heap()?;
        self.learn_hole();
        self.mark()?;
        self.publish_hole();
        let dead = self.host_values.sweep();
        // This runs the destructors of host values, which cannot access the store.
        drop(dead);
        Ok(())
    }

    /// Marks all objects that are reachable from the roots and frees the others. If the deadline
    /// passes meanwhile, nothing is freed; the heap can still be read and dropped, but no further
    /// objects can be allocated.
    fn mark(&mut self) -> Result<()> {
        let (engine, record, alarm) = (self.engine().clone(), &self.vm, self.vm.alarm());
        let stack = StackRoots::of(record)?;
        let continuations = Continuations::of(record);
        let is_func = |heap| engine.types().matches_heap(heap, HeapType::Func);
        let roots = self.roots.words();
        let globals = self.globals.iter().filter(|global| match global.ty.content {
            ValType::Ref(ty) => !is_func(ty.heap),
            _ => false,
        });
        let globals = globals.map(|global| record.global(global.value).0 as u64);
        let tables = self.tables.iter().filter(|table| !is_func(table.ty.element.heap));
        let tables = tables.flat_map(|table| table.elements.words()).copied();
        // References to functions are not in the heap and are ignored.
        let segments = self.instances.iter().flat_map(|instance| &instance.elements).flatten().copied();
        let Some(Parts { space, layouts }) = &mut self.heap.parts else {
            unreachable!("the heap is initialised")
        };
        space.close();
        self.host_values.unmark();
        let mut marker = Marker::new(space, layouts, &mut self.host_values, continuations);
        stack.visit(|word| marker.ambiguous(word));
        continuations.visit_roots(|word| marker.ambiguous(word));
        for value in &self.const_stack {
            marker.ambiguous(value.0 as u64);
        }
        for (number, word) in roots.into_iter().chain(globals).chain(tables).chain(segments).enumerate() {
            if number.is_multiple_of(STEPS) {
                alarm.check()?;
            }
            marker.reference(word);
        }
        self.heap.live_bytes = marker.finish(alarm)? as u64;
        self.heap.collections += 1;
        let kept = continuations.sweep();
        space.sweep();
        if let Err(error) = space.trim(alarm) {
            tracing::warn!(%error, "cannot return all free memory of the heap to the system");
        }
        tracing::debug!(live = self.heap.live_bytes, stacks = kept, "collected");
        self.keep_stacks(kept);
        Ok(())
    }
}
