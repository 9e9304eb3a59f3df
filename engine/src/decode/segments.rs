//! Element and data segments (core spec, sections 2.5.7 and 2.5.8).

use std::ops::Range;

use super::const_expr::ConstExpr;

/// When a segment takes effect.
#[derive(Clone, Debug)]
pub(crate) enum SegmentMode {
    /// Copied to that offset of that table or memory at instantiation.
    Active { target: u32, offset: ConstExpr },
    /// Copied by instructions.
    Passive,
    /// Only declares that functions may be referred to.
    Declared,
}

/// What an element segment consists of.
#[derive(Clone, Debug)]
pub(crate) enum ElementItems {
    /// Function indices.
    Functions(Box<[u32]>),
    /// Constant expressions.
    Expressions(Box<[ConstExpr]>),
}

impl ElementItems {
    /// How many elements the segment has.
    pub(crate) fn len(&self) -> usize {
        match self {
            ElementItems::Functions(items) => items.len(),
            ElementItems::Expressions(items) => items.len(),
        }
    }
}

/// An element segment.
#[derive(Clone, Debug)]
pub(crate) struct ElementSegment {
    pub(crate) mode: SegmentMode,
    pub(crate) items: ElementItems,
}

/// A data segment: where its bytes lie in the module.
#[derive(Clone, Debug)]
pub(crate) struct DataSegment {
    pub(crate) mode: SegmentMode,
    pub(crate) bytes: Range<usize>,
}
