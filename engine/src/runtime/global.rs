//! Globals (embedding appendix: `global_alloc`, `global_type`, `global_read`, `global_write`).

use super::store::StoreState;
use super::value::Val;
use crate::error::{Error, Result};
use crate::types::{GlobalType, Mutability};
use crate::vm::layout::VmGlobal;
use crate::vm::ptr::StoreId;
use crate::vm::ptr::Stored;

/// A global in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Global {
    store: StoreId,
    index: usize,
}

/// A global. Its value is stored in the context of the instance that defines it, or separately if
/// the host created it.
#[derive(Debug)]
pub(crate) struct GlobalEntity {
    pub(super) ty: GlobalType,
    pub(super) value: Stored<VmGlobal>,
}

impl Global {
    /// Creates a global with this value.
    ///
    /// # Errors
    ///
    /// Returns an error if the value does not have the global's type, or if the engine does not
    /// hold that type.
    pub fn alloc(store: &mut StoreState, ty: GlobalType, value: Val) -> Result<Global> {
        let value = value.to_vm(ty.content, store)?;
        store.types.hold_val(ty.content)?;
        let value = store.vm.add_global(value);
        let global = store.add_global(ty, value);
        Ok(Global::new(global, store))
    }

    /// The type of the global.
    ///
    /// # Panics
    ///
    /// All methods panic if the global belongs to another store.
    pub fn ty(self, store: &StoreState) -> GlobalType {
        self.entity(store).ty
    }

    /// Returns the value of the global.
    pub fn read(self, store: &StoreState) -> Val {
        let entity = self.entity(store);
        Val::from_vm(store.vm.global(entity.value), entity.ty.content, store)
    }

    /// Sets the value of the global.
    ///
    /// # Errors
    ///
    /// Returns an error if the global is immutable, or if the value does not have its type.
    pub fn write(self, store: &mut StoreState, value: Val) -> Result<()> {
        let GlobalEntity { ty, value: address } = *self.entity(store);
        if ty.mutability == Mutability::Const {
            return Err(Error::usage("cannot write an immutable global"));
        }
        let value = value.to_vm(ty.content, store)?;
        store.vm.set_global(address, value);
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
    pub(super) fn add_global(&mut self, ty: GlobalType, value: Stored<VmGlobal>) -> usize {
        self.globals.push(GlobalEntity { ty, value });
        self.globals.len() - 1
    }
}
