//! Ownership of the types in an engine's registry.

use std::collections::HashSet;
use std::sync::Arc;

use super::canon::{GroupIds, TypeRegistry, group_of};
use super::{FuncType, HeapType, RefType, SubType, TypeId, ValType};
use crate::error::Result;

/// The types that a module, a store or an engine uses. They are kept in the registry until this is
/// dropped.
#[derive(Debug)]
pub(crate) struct HeldTypes {
    registry: Arc<TypeRegistry>,
    /// The groups, by the number of their first type.
    groups: HashSet<u32>,
}

impl HeldTypes {
    /// Creates an empty set.
    pub(crate) fn new(registry: &Arc<TypeRegistry>) -> HeldTypes {
        HeldTypes { registry: Arc::clone(registry), groups: HashSet::new() }
    }

    /// The registry that contains the types.
    pub(crate) fn registry(&self) -> &Arc<TypeRegistry> {
        &self.registry
    }

    /// Interns a recursive group and returns its types. The members refer to each other by
    /// [`rec_reference`](super::canon::rec_reference) and to other types by `TypeId`.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the group refers to a type that the engine does not
    /// hold; [`Limit`](crate::ErrorKind::Limit) if the engine holds the maximum number of types.
    pub(crate) fn intern(&mut self, group: Box<[SubType]>) -> Result<GroupIds> {
        self.registry.intern(group, &mut self.groups)
    }

    /// Interns a function type as a final type in a group of its own, as `(type (func ...))`
    /// defines it.
    ///
    /// # Errors
    ///
    /// Those of [`HeldTypes::intern`], and [`Limit`](crate::ErrorKind::Limit) if the type has more
    /// than 1000 parameters or results.
    pub(crate) fn intern_func(&mut self, ty: &FuncType) -> Result<TypeId> {
        Ok(self.intern(group_of(ty)?)?[0])
    }

    /// Holds a type that is already interned.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the engine does not hold the type.
    pub(crate) fn hold(&mut self, id: TypeId) -> Result<()> {
        self.registry.hold(id, &mut self.groups)
    }

    /// Holds the defined type that a value type refers to, if there is one. Errors are those of
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
