//! The table of types that compiled code looks into when it tests the type of an object or a function.

use std::io;
use std::mem::offset_of;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::sys::limits::{reserve_between, share};
use super::sys::mmap::Mapping;
use crate::types::{CompositeType, TypeId};

/// How many supertypes, from the root of the hierarchy down, a row tells. Deeper ones are asked for by a builtin.
pub(crate) const DISPLAY: usize = 14;

/// What compiled code knows of a defined type.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct VmTypeRow {
    /// Which sort of type: one of the constants below.
    kind: u32,
    _reserved: u32,
    /// The numbers of the supertypes from the root down, then the type's own; past that [`NO_TYPE`].
    display: [u32; DISPLAY],
}

/// The logarithm of a row's size.
pub(crate) const ROW_LOG2: u32 = 6;
const _: () = assert!(size_of::<VmTypeRow>() == 1 << ROW_LOG2);

pub(crate) const ROW_KIND: i32 = offset_of!(VmTypeRow, kind) as i32;
pub(crate) const KIND_STRUCT: u32 = 1;
pub(crate) const KIND_ARRAY: u32 = 2;
/// A function type; of an object on the heap: an exception whose tag has the type.
pub(crate) const KIND_FUNC: u32 = 3;

/// The number of no type.
const NO_TYPE: u32 = u32::MAX;

/// Where the row of a type has the number of its supertype at that depth, `None` for one too deep.
pub(crate) fn display_offset(depth: usize) -> Option<i32> {
    (depth < DISPLAY).then(|| (offset_of!(VmTypeRow, display) + depth * size_of::<u32>()) as i32)
}

/// The most types that an engine holds at a time.
const MOST: usize = 4 << 20;
/// What an engine can hold at the least, with however little address space.
const LEAST: usize = 16 << 10;
/// Where the address space is limited, the table reserves at most one part in this many of it: a
/// process may have an engine for each thread and set of features.
const PARTS: usize = 256;
/// By how many bytes the part of the table grows that can be accessed.
const STEP: usize = 64 << 10;

/// The rows of all types of an engine, by their numbers, at an address that never changes.
#[derive(Debug)]
pub(crate) struct TypeRows {
    map: Mapping,
    /// How many bytes from the start can be accessed.
    open: AtomicUsize,
}

impl TypeRows {
    /// Reserves address space for the table, which costs memory only as it is filled.
    pub(crate) fn new() -> io::Result<TypeRows> {
        let map = reserve_between(LEAST << ROW_LOG2, share(MOST << ROW_LOG2, PARTS))?;
        Ok(TypeRows { map, open: AtomicUsize::new(0) })
    }

    /// How many types there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.map.len() >> ROW_LOG2
    }

    /// The first row.
    pub(crate) fn base(&self) -> *const VmTypeRow {
        self.map.base().cast()
    }

    /// Fills in the row of a new type. Only whoever has the only right to add types may do so, before anyone else learns the number.
    ///
    /// # Errors
    ///
    /// Where there is no room for the row.
    pub(crate) fn write(&self, id: TypeId, ty: &CompositeType, supertypes: &[TypeId]) -> io::Result<()> {
        let kind = match ty {
            CompositeType::Struct(_) => KIND_STRUCT,
            CompositeType::Array(_) => KIND_ARRAY,
            CompositeType::Func(_) => KIND_FUNC,
        };
        let mut display = [NO_TYPE; DISPLAY];
        for (place, supertype) in display.iter_mut().zip(supertypes) {
            *place = supertype.number();
        }
        let at = (id.number() as usize) << ROW_LOG2;
        self.reach(at + size_of::<VmTypeRow>())?;
        let row = self.map.base().wrapping_add(at).cast::<VmTypeRow>();
        // SAFETY: `reach` has made the row writable, and rows are aligned; compiled code learns a
        // type's number, and with it reads the row, only after the registry has given the number
        // out, and no more once the registry has taken it back.
        unsafe { row.write(VmTypeRow { kind, _reserved: 0, display }) };
        Ok(())
    }

    /// Makes the bytes up to `end` accessible.
    fn reach(&self, end: usize) -> io::Result<()> {
        if end > self.map.len() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let open = self.open.load(Ordering::Relaxed);
        if end > open {
            let step = (end - open).next_multiple_of(STEP).min(self.map.len() - open);
            self.map.open(open, step)?;
            self.open.store(open + step, Ordering::Relaxed);
        }
        Ok(())
    }
}
