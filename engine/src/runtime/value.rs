//! Values and references (core spec, section 4.2.1, "Values").

use std::any::Any;

use super::func::Func;
use super::store::{StoreId, StoreState};
use crate::error::{Error, Result};
use crate::types::{HeapType, RefType, ValType};
use crate::vm::layout::{VmFuncRef, VmVal};
use crate::vm::ptr::VmPtr;

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// The bits of a vector, lane 0 lowest.
    V128(u128),
    /// A reference.
    Ref(Ref),
}

/// A reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ref {
    /// Null, with the heap type that it was said to be of.
    Null(HeapType),
    /// A function.
    Func(Func),
    /// A value of the host's.
    Extern(ExternRef),
}

/// A reference to a value of the host's, which its store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExternRef {
    store: StoreId,
    index: u32,
}

impl ExternRef {
    /// Puts a value into the store and refers to it.
    ///
    /// # Errors
    ///
    /// Where the store keeps 2^30 such values already.
    pub fn new(store: &mut StoreState, value: impl Any + Send + Sync) -> Result<ExternRef> {
        let index = store.externs.len();
        if index >= 1 << 30 {
            return Err(Error::limit("a store keeps at most 2^30 values of the host's"));
        }
        store.externs.push(Box::new(value));
        Ok(ExternRef { store: store.id(), index: index as u32 })
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// Where the reference comes from another store.
    pub fn data(self, store: &StoreState) -> &(dyn Any + Send + Sync) {
        store.check(self.store);
        &*store.externs[self.index as usize]
    }

    /// The reference as compiled code holds it: bit 1 marks a value of the host's.
    fn to_word(self) -> u64 {
        u64::from(self.index) << 2 | 0b10
    }
}

impl Val {
    /// The default value of a type (embedding appendix: `val_default`); `None` for references that cannot be null.
    pub fn default_of(ty: ValType) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(0),
            ValType::Ref(RefType { nullable: true, heap }) => Val::Ref(Ref::Null(heap)),
            ValType::Ref(_) => return None,
        })
    }

    /// The type of the value; for references the narrowest.
    pub fn ty(&self, store: &StoreState) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::Ref(reference) => ValType::Ref(reference.ty(store)),
        }
    }

    /// The value as compiled code passes it, if it has that type.
    pub(super) fn to_vm(self, ty: ValType, store: &StoreState) -> Result<VmVal> {
        Ok(VmVal(match (self, ty) {
            (Val::I32(value), ValType::I32) => u128::from(value.cast_unsigned()),
            (Val::I64(value), ValType::I64) => u128::from(value.cast_unsigned()),
            (Val::F32(bits), ValType::F32) => u128::from(bits),
            (Val::F64(bits), ValType::F64) => u128::from(bits),
            (Val::V128(bits), ValType::V128) => bits,
            (Val::Ref(reference), ValType::Ref(ty)) => u128::from(reference.to_word(ty, store)?),
            _ => return Err(mismatch(ty, self.ty(store))),
        }))
    }

    /// The value of that type that compiled code passed.
    pub(super) fn from_vm(value: VmVal, ty: ValType, store: &StoreState) -> Val {
        match ty {
            ValType::I32 => Val::I32(value.0 as i32),
            ValType::I64 => Val::I64(value.0 as i64),
            ValType::F32 => Val::F32(value.0 as u32),
            ValType::F64 => Val::F64(value.0 as u64),
            ValType::V128 => Val::V128(value.0),
            ValType::Ref(ty) => Val::Ref(Ref::from_word(value.0 as u64, ty, store)),
        }
    }
}

impl Ref {
    /// The narrowest type of the reference (embedding appendix: `ref_type`).
    pub fn ty(&self, store: &StoreState) -> RefType {
        match self {
            Ref::Null(heap) => RefType { nullable: true, heap: bottom(*heap, store) },
            Ref::Func(func) => {
                RefType { nullable: false, heap: HeapType::Concrete(func.defined_type(store)) }
            }
            Ref::Extern(_) => RefType { nullable: false, heap: HeapType::Extern },
        }
    }

    /// The reference as compiled code holds it, if it has that type.
    ///
    /// # Panics
    ///
    /// Where the reference comes from another store.
    pub(super) fn to_word(self, ty: RefType, store: &StoreState) -> Result<u64> {
        let own = self.ty(store);
        if !store.engine().types().matches_ref(own, ty) {
            return Err(mismatch(ValType::Ref(ty), ValType::Ref(own)));
        }
        Ok(match self {
            Ref::Null(_) => 0,
            Ref::Func(func) => func.record(store).to_word(),
            Ref::Extern(value) => {
                store.check(value.store);
                value.to_word()
            }
        })
    }

    /// The reference of that type that compiled code holds as `word`.
    pub(super) fn from_word(word: u64, ty: RefType, store: &StoreState) -> Ref {
        if word == 0 {
            return Ref::Null(bottom(ty.heap, store));
        }
        if word & 0b10 != 0 {
            return Ref::Extern(ExternRef { store: store.id(), index: (word >> 2) as u32 });
        }
        match VmPtr::<VmFuncRef>::from_word(word) {
            Some(record) => Ref::Func(Func::new(record, store)),
            None => Ref::Null(ty.heap),
        }
    }
}

/// The heap type without values at the bottom of a hierarchy.
fn bottom(heap: HeapType, store: &StoreState) -> HeapType {
    let types = store.engine().types();
    let candidates = [HeapType::NoFunc, HeapType::NoExtern, HeapType::None, HeapType::NoExn];
    candidates.into_iter().find(|bottom| types.matches_heap(*bottom, heap)).unwrap_or(heap)
}

fn mismatch(expected: ValType, found: ValType) -> Error {
    Error::usage(format!("type mismatch: expected a value of type {expected}, found one of type {found}"))
}
