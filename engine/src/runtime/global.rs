//! Globals (embedding appendix: `global_alloc`, `global_type`, `global_read`, `global_write`).

use super::store::{StoreId, StoreState};
use super::value::Val;
use crate::error::{Error, Result};
use crate::types::{GlobalType, Mutability};
use crate::vm::layout::VmGlobal;
use crate::vm::ptr::{VmBox, VmPtr};

/// A global in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Global {
    store: StoreId,
    index: usize,
}

/// A global: its value lies in the context of the instance that defines it, or by itself where the host made it.
#[derive(Debug)]
pub(crate) struct GlobalEntity {
    pub(super) ty: GlobalType,
    pub(super) value: VmPtr<VmGlobal>,
    _own: Option<VmBox<VmGlobal>>,
}

impl Global {
    /// Makes a global with a value.
    ///
    /// # Errors
    ///
    /// Where the value does not have the global's type, or that is one that the engine does not
    /// have, or no more.
    pub fn alloc(store: &mut StoreState, ty: GlobalType, value: Val) -> Result<Global> {
        let own = VmBox::new(value.to_vm(ty.content, store)?);
        store.types.hold_val(ty.content)?;
        let global = store.add_global(ty, own.ptr(), Some(own));
        Ok(Global::new(global, store))
    }

    /// The type of the global.
    ///
    /// # Panics
    ///
    /// As all methods here: where the global belongs to another store.
    pub fn ty(self, store: &StoreState) -> GlobalType {
        self.entity(store).ty
    }

    /// The value of the global.
    pub fn read(self, store: &StoreState) -> Val {
        let entity = self.entity(store);
        Val::from_vm(entity.value.read(), entity.ty.content, store)
    }

    /// Sets the value of the global.
    ///
    /// # Errors
    ///
    /// Where the global cannot be written, or the value does not have its type.
    pub fn write(self, store: &mut StoreState, value: Val) -> Result<()> {
        let GlobalEntity { ty, value: place, .. } = self.entity(store);
        if ty.mutability == Mutability::Const {
            return Err(Error::usage("an immutable global keeps its value"));
        }
        place.write(value.to_vm(ty.content, store)?);
        Ok(())
    }

    pub(super) fn new(index: usize, store: &StoreState) -> Global {
        Global { store: store.id(), index }
    }

    pub(super) fn index(self, store: &StoreState) -> usize {
        store.check(self.store);
        self.index
    }

    fn entity(self, store: &StoreState) -> &GlobalEntity {
        &store.globals[self.index(store)]
    }
}

impl StoreState {
    pub(super) fn add_global(
        &mut self,
        ty: GlobalType,
        value: VmPtr<VmGlobal>,
        own: Option<VmBox<VmGlobal>>,
    ) -> usize {
        self.globals.push(GlobalEntity { ty, value, _own: own });
        self.globals.len() - 1
    }
}
