//! The table of types that compiled code looks into when it tests the type of an object or a function.

use std::io;
use std::mem::offset_of;

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

/// The rows of all types of an engine, by their numbers, at an address that never changes.
#[derive(Debug)]
pub(crate) struct TypeRows(Mapping);

impl TypeRows {
    /// Room for the rows of that many types, which costs memory only as it is filled.
    pub(crate) fn new(count: usize) -> io::Result<TypeRows> {
        let map = Mapping::reserve(count << ROW_LOG2)?;
        map.open(0, map.len())?;
        Ok(TypeRows(map))
    }

    /// The first row.
    pub(crate) fn base(&self) -> *const VmTypeRow {
        self.0.base().cast()
    }

    /// Fills in the row of a new type. Only whoever has the only right to add types may do so, before anyone else learns the number.
    pub(crate) fn write(&self, id: TypeId, ty: &CompositeType, supertypes: &[TypeId]) {
        let kind = match ty {
            CompositeType::Struct(_) => KIND_STRUCT,
            CompositeType::Array(_) => KIND_ARRAY,
            CompositeType::Func(_) => KIND_FUNC,
        };
        let mut display = [NO_TYPE; DISPLAY];
        for (place, supertype) in display.iter_mut().zip(supertypes) {
            *place = supertype.0;
        }
        let at = (id.0 as usize) << ROW_LOG2;
        assert!(at < self.0.len(), "a row inside the table");
        let row = self.0.base().wrapping_add(at).cast::<VmTypeRow>();
        // SAFETY: the row lies inside the mapping, which is writable and aligned; compiled code learns a type's number, and with it reads the
        // row, only after the registry has given the number out.
        unsafe { row.write(VmTypeRow { kind, _reserved: 0, display }) };
    }
}
