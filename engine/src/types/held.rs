//! Who keeps types in their engine.

use std::collections::HashSet;
use std::sync::Arc;

use super::canon::{GroupIds, TypeRegistry, group_of};
use super::{CompositeType, FuncType, HeapType, RefType, SubType, TypeId, ValType};
use crate::error::Result;

/// The types that a module, a store or an engine needs: they stay in the registry as long as this
/// lives.
#[derive(Debug)]
pub(crate) struct HeldTypes {
    registry: Arc<TypeRegistry>,
    /// The groups, each by the number of its first type.
    groups: HashSet<u32>,
}

impl HeldTypes {
    /// Holds nothing yet.
    pub(crate) fn new(registry: &Arc<TypeRegistry>) -> HeldTypes {
        HeldTypes { registry: Arc::clone(registry), groups: HashSet::new() }
    }

    /// The registry in which the types are held.
    pub(crate) fn registry(&self) -> &Arc<TypeRegistry> {
        &self.registry
    }

    /// Interns a recursive group, whose members refer to each other by
    /// [`rec_reference`](super::canon::rec_reference) and to all else by its `TypeId`; gives its
    /// types.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) where it refers to a type that the engine does not have,
    /// or no more; [`Limit`](crate::ErrorKind::Limit) where there are as many types as there may
    /// be.
    pub(crate) fn intern(&mut self, group: Box<[SubType]>) -> Result<GroupIds> {
        self.registry.intern(group, &mut self.groups)
    }

    /// Interns a function type as a final type in a group of its own, as `(type (func ...))` does.
    ///
    /// # Errors
    ///
    /// As [`HeldTypes::intern_plain`].
    pub(crate) fn intern_func(&mut self, ty: &FuncType) -> Result<TypeId> {
        self.intern_plain(CompositeType::Func(ty.clone()))
    }

    /// Interns a final type without a supertype in a group of its own.
    ///
    /// # Errors
    ///
    /// As [`HeldTypes::intern`], and [`Limit`](crate::ErrorKind::Limit) for more than 1000
    /// parameters or results, or more than 10000 fields.
    pub(crate) fn intern_plain(&mut self, ty: CompositeType) -> Result<TypeId> {
        Ok(self.intern(group_of(ty)?)?[0])
    }

    /// Holds a type that is interned already.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) where the engine does not have the type, or no more.
    pub(crate) fn hold(&mut self, id: TypeId) -> Result<()> {
        self.registry.hold(id, &mut self.groups)
    }

    /// Holds the defined type that a value type refers to, if it refers to one. Errors are those of
    /// [`HeldTypes::hold`].
    pub(crate) fn hold_val(&mut self, ty: ValType) -> Result<()> {
        match ty {
            ValType::Ref(RefType { heap: HeapType::Concrete(id) | HeapType::Exact(id), .. }) => self.hold(id),
            _ => Ok(()),
        }
    }
}

impl Drop for HeldTypes {
    fn drop(&mut self) {
        if !self.groups.is_empty() {
            self.registry.release(self.groups.drain());
        }
    }
}
