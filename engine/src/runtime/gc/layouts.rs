//! The layouts of the objects of a heap, by their headers.

use std::sync::Arc;

use crate::engine::Engine;
use crate::types::canon::CanonType;
use crate::types::layout::{ObjectLayout, array_size, continuation_size};

/// A cache of the types of objects, which avoids locking the registry.
#[derive(Debug)]
pub(super) struct Layouts {
    engine: Engine,
    known: Vec<Option<Arc<CanonType>>>,
}

impl Layouts {
    pub(super) fn new(engine: &Engine) -> Layouts {
        Layouts { engine: engine.clone(), known: Vec::new() }
    }

    /// The layout of an object with this header.
    pub(super) fn of(&mut self, header: u64) -> &ObjectLayout {
        let number = header as u32 as usize;
        if !matches!(self.known.get(number), Some(Some(_))) {
            self.learn(number);
        }
        match &self.known[number] {
            Some(ty) => &ty.layout,
            None => unreachable!("the type was just added"),
        }
    }

    /// The size in bytes of an object with this header.
    pub(super) fn size(&mut self, header: u64) -> usize {
        size(self.of(header), header)
    }

    #[cold]
    fn learn(&mut self, number: usize) {
        let ty = self.engine.types().numbered(number as u32);
        if self.known.len() <= number {
            self.known.resize(number + 1, None);
        }
        self.known[number] = Some(ty);
    }
}

/// The size in bytes of an object with this layout and header.
pub(super) fn size(layout: &ObjectLayout, header: u64) -> usize {
    match layout {
        ObjectLayout::Struct(fields) | ObjectLayout::Exception(fields) => fields.size as usize,
        ObjectLayout::Array(element) => array_size(*element, (header >> 32) as u32) as usize,
        ObjectLayout::Continuation => continuation_size((header >> 32) as u32) as usize,
    }
}
