//! Element and data segments (core spec, sections 2.5.7 and 2.5.8).

use std::ops::Range;

use super::const_expr::ConstExpr;

/// The mode of a segment.
#[derive(Clone, Debug)]
pub(crate) enum SegmentMode {
    /// Copied to an offset in a table or memory at instantiation.
    Active { target: u32, offset: ConstExpr },
    /// Copied by instructions.
    Passive,
    /// Only declares functions that references can point to.
    Declared,
}

/// The contents of an element segment.
#[derive(Clone, Debug)]
pub(crate) enum ElementItems {
    /// Function indices.
    Functions(Box<[u32]>),
    /// Constant expressions.
    Expressions(Box<[ConstExpr]>),
}

impl ElementItems {
    /// The number of elements.
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

/// A data segment, by the range of its bytes in the module.
#[derive(Clone, Debug)]
pub(crate) struct DataSegment {
    pub(crate) mode: SegmentMode,
    pub(crate) bytes: Range<usize>,
}
