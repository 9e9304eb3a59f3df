//! Collections: when there is one, from where it starts, what it frees.

use super::heap::Parts;
use super::mark::Marker;
use crate::error::Result;
use crate::runtime::StoreState;
use crate::time::STEPS;
use crate::types::{HeapType, ValType};
use crate::vm::roots::StackRoots;

/// What is known of a store's heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeapStats {
    /// How many collections there were.
    pub collections: u64,
    /// The bytes of the objects that the last collection found alive.
    pub live_bytes: u64,
    /// The bytes of memory that the heap has from the system.
    pub capacity: u64,
    /// How many values of the host's the store keeps.
    pub host_values: usize,
}

impl StoreState {
    /// What is known of the store's heap.
    pub fn heap_stats(&self) -> HeapStats {
        HeapStats {
            collections: self.heap.collections,
            live_bytes: self.heap.live_bytes,
            capacity: self.heap.parts.as_ref().map_or(0, |parts| parts.space.capacity() as u64),
            host_values: self.host_values.len(),
        }
    }

    /// Frees the objects and the values of the host's that nothing refers to. Allocation does so by
    /// itself when the heap has doubled.
    ///
    /// What a frame of wasm code might refer to is kept while the frame is there.
    ///
    /// # Errors
    ///
    /// [`Interrupted`](crate::ErrorKind::Interrupted) where the store was interrupted, and
    /// [`Usage`](crate::ErrorKind::Usage) where its code runs on another thread.
    pub fn collect(&mut self) -> Result<()> {
        // Code that was left between two instructions may have left an object half made.
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
        // This runs code of the host's, which cannot reach the store.
        drop(dead);
        Ok(())
    }

    /// Marks what the roots lead to and frees the other objects. Where the time is over meanwhile,
    /// nothing is freed, and the heap can be read and dropped, but no object is made in it any
    /// more.
    fn mark(&mut self) -> Result<()> {
        let (engine, record, alarm) = (self.engine().clone(), &self.vm, self.vm.alarm());
        let stack = StackRoots::of(record)?;
        let is_func = |heap| engine.types().matches_heap(heap, HeapType::Func);
        let roots = self.roots.words();
        let globals = self.globals.iter().filter(|global| match global.ty.content {
            ValType::Ref(ty) => !is_func(ty.heap),
            _ => false,
        });
        let globals = globals.map(|global| record.global(global.value).0 as u64);
        let tables = self.tables.iter().filter(|table| !is_func(table.ty.element.heap));
        let tables = tables.flat_map(|table| table.elements.words()).copied();
        // Those of functions are addresses elsewhere.
        let segments = self.instances.iter().flat_map(|instance| &instance.elements).flatten().copied();
        let Some(Parts { space, layouts }) = &mut self.heap.parts else { unreachable!("the heap has begun") };
        space.close();
        self.host_values.unmark();
        let mut marker = Marker::new(space, layouts, &mut self.host_values);
        stack.visit(|word| marker.ambiguous(word));
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
        space.sweep();
        if let Err(error) = space.trim(alarm) {
            tracing::warn!(%error, "not all memory of the heap was given back that is free");
        }
        tracing::debug!(live = self.heap.live_bytes, "collected");
        Ok(())
    }
}
