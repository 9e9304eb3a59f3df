//! Values and references (core spec, section 4.2.1, "Values").

use std::any::Any;

use super::continuation::ContRef;
use super::exception::ExnRef;
use super::func::Func;
use super::gc::{ArrayRef, HOST, I31, Root, StructRef};
use super::store::StoreState;
use crate::error::{Error, Result};
use crate::types::{CompositeType, HeapType, RefType, ValType};
use crate::vm::layout::VmVal;

/// A value.
///
/// A reference to an object keeps that object alive until the value or the store is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// The bits of a vector, with lane 0 in the lowest bits.
    V128(u128),
    /// A reference.
    Ref(Ref),
}

/// A reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ref {
    /// Null, with the heap type that it was created with.
    Null(HeapType),
    /// A function.
    Func(Func),
    /// An unboxed integer.
    I31(I31),
    /// A structure.
    Struct(StructRef),
    /// An array.
    Array(ArrayRef),
    /// A host value as an internal reference, below `any`.
    Host(HostRef),
    /// An external reference, below `extern`.
    Extern(ExternRef),
    /// An exception.
    Exn(ExnRef),
    /// A continuation.
    Cont(ContRef),
}

/// A reference below `extern`: to a host value, which its store keeps, or to an internal value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternRef(pub(super) Root);

/// A reference below `any` to a host value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRef(Root);

impl ExternRef {
    /// Stores a host value and returns a reference to it. The store keeps the value as long as the
    /// host or wasm code has a reference to it. A value that contains a reference to itself is kept
    /// until the store is dropped.
    ///
    /// # Errors
    ///
    /// Returns an error if the store has 2^30 such values already.
    pub fn new(store: &mut StoreState, value: impl Any + Send + Sync) -> Result<ExternRef> {
        let word = store.add_host_value(Box::new(value))?;
        Ok(ExternRef(store.hold(word)))
    }

    /// The host value, or `None` if this refers to an internal value.
    ///
    /// # Panics
    ///
    /// Panics if the reference belongs to another store.
    pub fn data<'a>(&self, store: &'a StoreState) -> Option<&'a (dyn Any + Send + Sync)> {
        host_value(&self.0, store)
    }

    /// Converts to an internal reference, as `any.convert_extern` does.
    ///
    /// # Panics
    ///
    /// Panics if the reference belongs to another store.
    pub fn to_any(&self, store: &StoreState) -> Ref {
        store.check(self.0.store());
        Ref::from_word(self.0.word(), RefType { nullable: false, heap: HeapType::Any }, store)
    }
}

impl HostRef {
    /// The host value.
    ///
    /// # Panics
    ///
    /// Panics if the reference belongs to another store.
    pub fn data<'a>(&self, store: &'a StoreState) -> &'a (dyn Any + Send + Sync) {
        match host_value(&self.0, store) {
            Some(value) => value,
            None => unreachable!("the reference points to a value of the host's"),
        }
    }
}

fn host_value<'a>(root: &Root, store: &'a StoreState) -> Option<&'a (dyn Any + Send + Sync)> {
    store.check(root.store());
    store.host_values.get(root.word())
}

impl Val {
    /// The default value of a type (embedding appendix: `val_default`); `None` for references that
    /// cannot be null.
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

    /// The type of the value; for references, the most specific type.
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

    /// Converts to the value in compiled code, if the value has this type.
    #[inline]
    pub(super) fn to_vm(&self, ty: ValType, store: &StoreState) -> Result<VmVal> {
        Ok(VmVal(match (self, ty) {
            (Val::I32(value), ValType::I32) => u128::from(value.cast_unsigned()),
            (Val::I64(value), ValType::I64) => u128::from(value.cast_unsigned()),
            (Val::F32(bits), ValType::F32) => u128::from(*bits),
            (Val::F64(bits), ValType::F64) => u128::from(*bits),
            (Val::V128(bits), ValType::V128) => *bits,
            (Val::Ref(reference), ValType::Ref(ty)) => u128::from(reference.to_word(ty, store)?),
            _ => return Err(mismatch(ty, self.ty(store))),
        }))
    }

    /// Converts a value of this type from compiled code.
    #[inline]
    pub(crate) fn from_vm(value: VmVal, ty: ValType, store: &StoreState) -> Val {
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
    /// The most specific type of the reference (embedding appendix: `ref_type`).
    pub fn ty(&self, store: &StoreState) -> RefType {
        let heap = match self {
            Ref::Null(heap) => return RefType { nullable: true, heap: bottom(*heap, store) },
            Ref::Func(func) => HeapType::Exact(func.defined_type(store)),
            Ref::I31(_) => HeapType::I31,
            Ref::Struct(object) => HeapType::Exact(object.defined_type(store)),
            Ref::Array(object) => HeapType::Exact(object.defined_type(store)),
            Ref::Host(_) => HeapType::Any,
            Ref::Extern(_) => HeapType::Extern,
            Ref::Exn(_) => HeapType::Exn,
            Ref::Cont(continuation) => HeapType::Exact(continuation.defined_type(store)),
        };
        RefType { nullable: false, heap }
    }

    /// Converts a reference below `any` to an external one, as `extern.convert_any` does.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the reference is not below `any`.
    ///
    /// # Panics
    ///
    /// Panics if the reference belongs to another store.
    pub fn to_extern(&self, store: &StoreState) -> Result<Ref> {
        let word = self.to_word(RefType { nullable: true, heap: HeapType::Any }, store)?;
        Ok(Ref::from_word(word, RefType::EXTERNREF, store))
    }

    /// Converts to the word in compiled code, if the reference has this type.
    ///
    /// # Panics
    ///
    /// Panics if the reference belongs to another store.
    pub(super) fn to_word(&self, ty: RefType, store: &StoreState) -> Result<u64> {
        let own = self.ty(store);
        if !store.engine().types().matches_ref(own, ty) {
            return Err(mismatch(ValType::Ref(ty), ValType::Ref(own)));
        }
        let root = match self {
            Ref::Null(_) => return Ok(0),
            Ref::Func(func) => return Ok(func.record(store).to_word()),
            Ref::I31(value) => return Ok(value.to_word()),
            Ref::Struct(StructRef(root)) | Ref::Array(ArrayRef(root)) => root,
            Ref::Host(HostRef(root)) | Ref::Extern(ExternRef(root)) => root,
            Ref::Exn(ExnRef(root)) | Ref::Cont(ContRef(root)) => root,
        };
        store.check(root.store());
        Ok(root.word())
    }

    /// Converts a word of this type from compiled code.
    pub(super) fn from_word(word: u64, ty: RefType, store: &StoreState) -> Ref {
        let bottom = bottom(ty.heap, store);
        if word == 0 {
            return Ref::Null(bottom);
        }
        match bottom {
            HeapType::NoFunc => match store.vm.function_at(word) {
                Some(record) => Ref::Func(Func::new(record, store)),
                None => unreachable!("a reference to a function points to one of the store"),
            },
            HeapType::NoExtern => Ref::Extern(ExternRef(store.hold(word))),
            HeapType::NoExn => Ref::Exn(ExnRef::from_word(word, store)),
            HeapType::NoCont => Ref::Cont(ContRef(store.hold(word))),
            _ if word & 1 != 0 => Ref::I31(I31::from_word(word)),
            _ if word & HOST != 0 => Ref::Host(HostRef(store.hold(word))),
            _ => {
                let ty = store.engine().types().numbered(store.heap.header(word).0);
                match ty.sub.composite {
                    CompositeType::Array(_) => Ref::Array(ArrayRef(store.hold(word))),
                    _ => Ref::Struct(StructRef(store.hold(word))),
                }
            }
        }
    }
}

/// The bottom type of the heap type's hierarchy.
fn bottom(heap: HeapType, store: &StoreState) -> HeapType {
    let types = store.engine().types();
    let candidates =
        [HeapType::NoFunc, HeapType::NoExtern, HeapType::None, HeapType::NoExn, HeapType::NoCont];
    candidates.into_iter().find(|bottom| types.matches_heap(*bottom, heap)).unwrap_or(heap)
}

fn mismatch(expected: ValType, found: ValType) -> Error {
    Error::usage(format!("type mismatch: expected a value of type {expected}, found one of type {found}"))
}
