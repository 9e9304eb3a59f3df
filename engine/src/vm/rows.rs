//! The table in which compiled code looks up the type of an object or a function.

use std::io;
use std::mem::offset_of;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::sys::limits::{reserve_between, share};
use super::sys::mmap::Mapping;
use crate::types::{CompositeType, TypeId, TypeTable};

/// The number of supertypes in a row, from the root of the hierarchy down. Deeper supertypes are
/// checked by a builtin.
pub(crate) const DISPLAY: usize = 14;

/// The row of a defined type, for compiled code.
#[repr(C)]
pub(crate) struct VmTypeRow {
    /// The kind of type: one of the constants below.
    kind: u32,
    _reserved: u32,
    /// The numbers of the supertypes from the root down, followed by the type's own number; the
    /// remaining elements are [`NO_TYPE`].
    display: [u32; DISPLAY],
}

/// The binary logarithm of a row's size.
pub(crate) const ROW_LOG2: u32 = 6;
const _: () = assert!(size_of::<VmTypeRow>() == 1 << ROW_LOG2);

pub(crate) const ROW_KIND: i32 = offset_of!(VmTypeRow, kind) as i32;
pub(crate) const KIND_STRUCT: u32 = 1;
pub(crate) const KIND_ARRAY: u32 = 2;
/// A function type. For an object on the heap: an exception whose tag has the type.
pub(crate) const KIND_FUNC: u32 = 3;
/// A continuation type. Code does not ask for it, since there are no casts to these types.
const KIND_CONT: u32 = 4;

/// A number that no type has.
const NO_TYPE: u32 = u32::MAX;

/// The offset in a row of the supertype at this depth; `None` if it is too deep.
pub(crate) fn display_offset(depth: usize) -> Option<i32> {
    (depth < DISPLAY).then(|| (offset_of!(VmTypeRow, display) + depth * size_of::<u32>()) as i32)
}

/// The maximum number of types in an engine.
const MOST: usize = 4 << 20;
/// The number of types that an engine can hold even with very little address space.
const LEAST: usize = 16 << 10;
/// If the address space is limited, the table reserves at most `1 / PARTS` of it, since a process
/// may have an engine for each thread and feature set.
const PARTS: usize = 256;
/// The number of bytes by which the accessible part of the table grows.
const STEP: usize = 64 << 10;

/// The rows of all types of an engine, by number, at an address that never changes.
///
/// A row is written by relaxed atomic stores, each of which is a plain store for compiled code.
/// Therefore rows can be read at any time. The type registry ensures that a row is written before
/// the type's number is used.
#[derive(Debug)]
pub(crate) struct TypeRows {
    map: Mapping,
    /// The number of bytes from the start that are accessible.
    open: Mutex<usize>,
}

/// A row as a sequence of words.
type RowWords = [AtomicU32; size_of::<VmTypeRow>() / size_of::<u32>()];

impl TypeRows {
    /// Reserves address space for the table. Memory is used only as rows are written.
    pub(crate) fn new() -> io::Result<TypeRows> {
        let map = reserve_between(LEAST << ROW_LOG2, share(MOST << ROW_LOG2, PARTS))?;
        Ok(TypeRows { map, open: Mutex::new(0) })
    }

    /// The first row.
    pub(crate) fn base(&self) -> *const VmTypeRow {
        self.map.base().cast()
    }

    /// The row with this number, made accessible.
    fn row(&self, number: u32) -> io::Result<&RowWords> {
        let start = (number as usize) << ROW_LOG2;
        let end = start + size_of::<VmTypeRow>();
        if end > self.map.len() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if end > *open {
            let step = (end - *open).next_multiple_of(STEP).min(self.map.len() - *open);
            self.map.open(*open, step)?;
            *open += step;
        }
        // SAFETY: the first `open` bytes of the mapping are readable and writable as long as it
        // exists, which is as long as `self`. The row ends before that, starts at a multiple of its
        // size in a mapping that starts at a page, and was zeroed by the system. All accesses from
        // Rust use this type, and are atomic.
        Ok(unsafe { &*self.map.base().add(start).cast::<RowWords>() })
    }
}

impl TypeTable for TypeRows {
    fn capacity(&self) -> usize {
        self.map.len() >> ROW_LOG2
    }

    fn write(&self, id: TypeId, ty: &CompositeType, supertypes: &[TypeId]) -> io::Result<()> {
        let kind = match ty {
            CompositeType::Struct(_) => KIND_STRUCT,
            CompositeType::Array(_) => KIND_ARRAY,
            CompositeType::Func(_) => KIND_FUNC,
            CompositeType::Cont(_) => KIND_CONT,
        };
        let supertypes = supertypes.iter().map(|supertype| supertype.number());
        let display = supertypes.chain(std::iter::repeat(NO_TYPE)).take(DISPLAY);
        let [kind_word, _, display_words @ ..] = self.row(id.number())?;
        kind_word.store(kind, Ordering::Relaxed);
        display_words.iter().zip(display).for_each(|(word, number)| word.store(number, Ordering::Relaxed));
        Ok(())
    }
}
