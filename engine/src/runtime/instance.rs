//! Instances (embedding appendix: `instance_export`).

use std::cell::OnceCell;
use std::sync::Arc;

use super::func::Func;
use super::global::Global;
use super::memory::Memory;
use super::store::StoreState;
use super::table::Table;
use super::tag::Tag;
use crate::decode::info::{Export, ExportKind};
use crate::error::{CodeOwner, Result};
use crate::module::Module;
use crate::time::Deadline;
use crate::types::{ExternType, FuncExtern};
use crate::vm::ptr::StoreId;

/// An instance of a module in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    store: StoreId,
    index: usize,
}

/// An external value: something that can be imported and exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
    /// A tag.
    Tag(Tag),
}

/// An instance: its module, and the store indices of the items in its index spaces. Its context is
/// owned by the store's record.
#[derive(Debug)]
pub(crate) struct InstanceEntity {
    pub(super) module: Module,
    /// The module as the owner of frames, from the first backtrace on.
    pub(super) owner: OnceCell<CodeOwner>,
    /// Whether its code relies on guard pages.
    pub(super) guarded: bool,
    pub(crate) memories: Vec<usize>,
    pub(crate) tables: Vec<usize>,
    pub(super) globals: Vec<usize>,
    pub(super) tags: Vec<usize>,
    /// The references of each element segment; empty after the segment was dropped.
    pub(crate) elements: Vec<Box<[u64]>>,
    pub(crate) dropped_data: Vec<bool>,
}

impl Instance {
    /// Returns the export with this name.
    ///
    /// # Panics
    ///
    /// All methods panic if the instance belongs to another store.
    pub fn export(self, store: &StoreState, name: &str) -> Option<Extern> {
        let info = self.entity(store).module.info();
        let export = &info.exports[*info.export_index.get(name)?];
        Some(self.resolve(store, export))
    }

    /// Returns all exports, in order.
    pub fn exports(self, store: &StoreState) -> impl Iterator<Item = (&str, Extern)> {
        let exports = &self.entity(store).module.info().exports;
        exports.iter().map(move |export| (&*export.name, self.resolve(store, export)))
    }

    /// Returns the module of the instance.
    pub fn module(self, store: &StoreState) -> &Module {
        &self.entity(store).module
    }

    pub(super) fn new(index: usize, store: &StoreState) -> Instance {
        Instance { store: store.id(), index }
    }

    fn resolve(self, store: &StoreState, export: &Export) -> Extern {
        let entity = self.entity(store);
        let index = export.index as usize;
        match export.kind {
            ExportKind::Function => Extern::Func(store.func(self.index, export.index)),
            ExportKind::Table => Extern::Table(Table::new(entity.tables[index], store)),
            ExportKind::Memory => Extern::Memory(Memory::new(entity.memories[index], store)),
            ExportKind::Global => Extern::Global(Global::new(entity.globals[index], store)),
            ExportKind::Tag => Extern::Tag(Tag::new(entity.tags[index], store)),
        }
    }

    fn entity(self, store: &StoreState) -> &InstanceEntity {
        store.check(self.store);
        store.instance(self.index)
    }
}

impl InstanceEntity {
    /// The owner of the frames of its code.
    pub(super) fn owner(&self) -> &CodeOwner {
        self.owner.get_or_init(|| Arc::new(self.module.clone()))
    }

    /// Compiles a function, given its position among those that the module defines, unless it is
    /// compiled already. Returns the address of its code. `is_deep` says whether the caller has
    /// used most of its stack.
    pub(crate) fn compile(
        &self,
        position: usize,
        is_deep: bool,
        deadline: Option<Deadline>,
    ) -> Result<usize> {
        self.module.compile_function(self.guarded, position, is_deep, deadline)
    }

    /// Optimises a function for its next calls, given its position among those that the module
    /// defines.
    pub(crate) fn optimize_now(&self, position: usize, deadline: Option<Deadline>) {
        self.module.optimize_now(self.guarded, position, deadline);
    }

    /// Has a function optimised, given its position among those that the module defines.
    pub(crate) fn tier_up(&self, position: usize) {
        self.module.tier_up(self.guarded, position);
    }

    /// The address of the code that continues a function from the loop with this number. If there
    /// is none yet, has it compiled.
    pub(crate) fn tier_up_loop(&self, position: usize, number: u32) -> Option<usize> {
        self.module.tier_up_loop(self.guarded, position, number)
    }

    /// The bytes of a data segment; empty after the segment was dropped.
    pub(super) fn data(&self, segment: usize) -> &[u8] {
        if self.dropped_data[segment] { &[] } else { self.module.data(segment) }
    }
}

impl StoreState {
    /// The function with this index in an instance, which is imported or escapes.
    pub(super) fn func(&self, instance: usize, function: u32) -> Func {
        let position = record_position(&self.instances[instance].module, function);
        Func::new(self.vm.function(instance, position), self)
    }
}

/// The position of a function's record in a context. The function is imported or escapes.
pub(super) fn record_position(module: &Module, function: u32) -> usize {
    let info = module.info();
    match (function as usize) < info.imported.functions {
        true => function as usize,
        false => match info.escaping_slot(function) {
            Some(slot) => info.imported.functions + slot,
            None => unreachable!("function {function} is exported or referred to, so it escapes"),
        },
    }
}

impl Extern {
    /// The type of the external value, as used by import matching.
    pub fn ty(&self, store: &StoreState) -> ExternType {
        match self {
            Extern::Func(func) => {
                let (id, ty) = (func.defined_type(store), func.ty(store));
                ExternType::Func(FuncExtern { id, ty, exact: true })
            }
            Extern::Table(table) => ExternType::Table(table.ty(store)),
            Extern::Memory(memory) => ExternType::Memory(memory.ty(store)),
            Extern::Global(global) => ExternType::Global(global.ty(store)),
            Extern::Tag(tag) => ExternType::Tag(tag.ty(store)),
        }
    }
}
