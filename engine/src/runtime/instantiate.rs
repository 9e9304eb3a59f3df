//! Instantiation (core spec, section 4.7.2, "Instantiation"; embedding appendix:
//! `module_instantiate`).

use std::cell::OnceCell;
use std::sync::Arc;

use super::func::Func;
use super::instance::{Extern, Instance, InstanceEntity, record_position};
use super::store::StoreState;
use crate::decode::const_expr::ConstExpr;
use crate::decode::info::{Import, ModuleInfo};
use crate::decode::segments::{DataMode, ElementItems, SegmentMode};
use crate::error::{Error, Result};
use crate::module::Module;
use crate::runtime::ranges::{copy_between, within};
use crate::time::STEPS;
use crate::trap::Trap;
use crate::vm::call::watched;
use crate::vm::code::CodeBlock;
use crate::vm::instance::NewInstance;

impl Instance {
    /// Instantiates a module with these imports, in the order of [`Module::imports`], and runs its
    /// start function.
    ///
    /// # Errors
    ///
    /// [`Unlinkable`](crate::ErrorKind::Unlinkable) if an import is missing or does not match, and
    /// [`Limit`](crate::ErrorKind::Limit) if the instance exceeds the store's limits; in both cases
    /// the store is unchanged. [`Interrupted`](crate::ErrorKind::Interrupted) if the store's
    /// deadline has passed. A trap if an active segment is out of bounds or the start function
    /// traps; as the specification requires, what was written before that is kept.
    ///
    /// # Panics
    ///
    /// Panics if an import belongs to another store, or the module to another engine.
    pub fn instantiate(store: &mut StoreState, module: &Module, imports: &[Extern]) -> Result<Instance> {
        assert!(store.engine().is(module.engine()), "the module and the store belong to different engines");
        check_imports(store, module, imports)?;
        let limit = store.engine().config().limits.instances;
        if store.instances.len() >= limit {
            return Err(Error::limit(format!("a store can have at most {limit} instances")));
        }
        // If no code is called, this is the only check of the deadline.
        watched(store, |store| {
            let before = Extent::of(store);
            let stubs = store.engine().stubs()?;
            let mut allocation = Allocation::new(store, module, stubs);
            allocation.import(store, imports);
            let index = allocation.allocate(store, module).inspect_err(|_| before.restore(store))?;
            store.initialise(index, module)?;
            tracing::debug!(instance = index, imports = imports.len(), "instantiated a module");
            Ok(Instance::new(index, store))
        })
    }
}

/// Checks the imports against the types that the module requires.
fn check_imports(store: &StoreState, module: &Module, imports: &[Extern]) -> Result<()> {
    let wanted = &module.info().imports;
    if let Some(Import { module, name, .. }) = wanted.get(imports.len()) {
        return Err(Error::unlinkable(format!("unknown import `{module}` `{name}`")));
    }
    if imports.len() > wanted.len() {
        return Err(Error::unlinkable(format!(
            "too many imports: found {}, expected {}",
            imports.len(),
            wanted.len()
        )));
    }
    for (Import { module, name, ty: wanted }, offered) in wanted.iter().zip(imports) {
        let offered = offered.ty(store);
        if !store.engine().matches_extern(&offered, wanted) {
            let message = format!(
                "incompatible import type for `{module}` `{name}`: expected {wanted}, found {offered}"
            );
            return Err(Error::unlinkable(message));
        }
    }
    Ok(())
}

/// The sizes of a store's lists before an instance was allocated. If the allocation fails, nothing
/// refers to the items that were added since, and they are removed.
struct Extent {
    memories: usize,
    tables: usize,
    memory_bytes: u64,
    table_elements: u64,
    instance_bytes: u64,
    charged: u64,
}

impl Extent {
    fn of(store: &StoreState) -> Extent {
        Extent {
            memories: store.memories.len(),
            tables: store.tables.len(),
            memory_bytes: store.memory_bytes,
            table_elements: store.table_elements,
            instance_bytes: store.instance_bytes,
            charged: store.budget.own(),
        }
    }

    fn restore(&self, store: &mut StoreState) {
        store.memories.truncate(self.memories);
        store.tables.truncate(self.tables);
        store.memory_bytes = self.memory_bytes;
        store.table_elements = self.table_elements;
        store.instance_bytes = self.instance_bytes;
        store.budget.release(store.budget.own() - self.charged);
    }
}

/// An instance that is being allocated.
struct Allocation {
    entity: InstanceEntity,
    context: NewInstance,
    functions: Vec<Func>,
}

impl Allocation {
    fn new(store: &StoreState, module: &Module, stubs: &Arc<CodeBlock>) -> Allocation {
        let rows = store.engine().rows();
        let context = NewInstance::new(&store.vm, module.layout(), stubs, module.type_ids(), rows);
        let entity = InstanceEntity {
            module: module.clone(),
            owner: OnceCell::new(),
            guarded: false,
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            elements: Vec::new(),
            dropped_data: vec![false; module.info().data.len()],
        };
        Allocation { entity, context, functions: Vec::new() }
    }

    /// Adds the imports to the index spaces.
    fn import(&mut self, store: &StoreState, imports: &[Extern]) {
        for import in imports {
            match import {
                Extern::Func(func) => self.functions.push(*func),
                Extern::Table(table) => self.entity.tables.push(table.index(store)),
                Extern::Memory(memory) => self.entity.memories.push(memory.index(store)),
                Extern::Global(global) => self.entity.globals.push(global.index(store)),
                Extern::Tag(tag) => self.entity.tags.push(tag.index(store)),
            }
        }
    }

    /// Allocates the items that the module defines, initialises the context, and adds the instance
    /// to the store.
    fn allocate(mut self, store: &mut StoreState, module: &Module) -> Result<usize> {
        let info = module.info();
        store.charge_instance(size_of_instance(module))?;
        for ty in &info.memories[info.imported.memories..] {
            self.entity.memories.push(store.add_memory(*ty)?);
        }
        for ty in &info.tables[info.imported.tables..] {
            self.entity.tables.push(store.add_table(*ty, 0)?);
        }
        let guarded = self.connect_memories(store);
        let code = module.code(guarded, store.deadline())?;
        // Everything from here on is infallible.
        self.context.set_functions(code.functions());
        self.entity.guarded = guarded;
        for ty in &info.tags[info.imported.tags..] {
            self.entity.tags.push(store.add_tag(*ty));
        }
        for (index, table) in (0..).zip(&self.entity.tables) {
            self.context.set_table(index, &store.tables[*table].elements);
        }
        for (index, tag) in (0..).zip(&self.entity.tags) {
            self.context.set_tag(index, store.tags[*tag].record);
        }
        for (index, global) in (0..).zip(&self.entity.globals) {
            self.context.set_imported_global(index, store.globals[*global].value);
        }
        self.connect_functions(store);
        let index = store.vm.add_instance(self.context);
        for global in info.imported.globals..info.globals.len() {
            if let Some(value) = store.vm.defined_global(index, global as u32) {
                self.entity.globals.push(store.add_global(info.globals[global], value));
            }
        }
        store.instances.push(self.entity);
        Ok(index)
    }

    /// Connects the memories. Returns whether every memory that code may access without checks has
    /// guard pages.
    fn connect_memories(&mut self, store: &StoreState) -> bool {
        let mut guarded = store.engine().config().guard_pages;
        for (index, memory) in (0..).zip(&self.entity.memories) {
            let memory = &store.memories[*memory];
            memory.connect(&mut self.context, index);
            guarded &= memory.is_guarded() || memory.ty.memory64 || memory.ty.page_size_log2 != 16;
        }
        guarded
    }

    fn connect_functions(&mut self, store: &StoreState) {
        for (position, func) in self.functions.iter().enumerate() {
            self.context.import_function(position, func.record(store), &store.vm);
        }
        let info = self.entity.module.info();
        for (slot, function) in info.escaping.iter().enumerate() {
            let (position, defined) =
                (info.imported.functions + slot, *function as usize - info.imported.functions);
            self.context.set_function(position, defined, info.func_type_id(*function).number());
        }
    }
}

/// The approximate size of an instance in bytes: its context, the entities in its index spaces, and
/// the references of its element segments.
fn size_of_instance(module: &Module) -> u64 {
    /// An upper bound of the size of a record of a memory, a table, a global, a tag or an imported
    /// function.
    const RECORD: usize = 128;
    let info = module.info();
    let things = info.imported.functions
        + info.memories.len()
        + info.tables.len()
        + info.globals.len()
        + info.tags.len()
        + info.elements.len();
    let items = info.elements.iter().map(|segment| segment.items.len()).sum::<usize>();
    let size = size_of::<InstanceEntity>()
        + module.layout().size()
        + things * RECORD
        + items * size_of::<u64>()
        + info.data.len();
    size as u64
}

impl StoreState {
    /// Charges for an instance if all instances together exceed the free allowance.
    fn charge_instance(&mut self, bytes: u64) -> Result<()> {
        /// The size of instances that is not charged, so that memories and tables reach a limit
        /// exactly.
        const FREE: u64 = 1 << 20;
        let charged = self.instance_bytes.saturating_sub(FREE);
        let total = self.instance_bytes + bytes;
        self.budget.charge(total.saturating_sub(FREE) - charged)?;
        self.instance_bytes = total;
        Ok(())
    }

    /// Runs the part of instantiation that follows the allocation: initialisers, active segments,
    /// and the start function.
    fn initialise(&mut self, index: usize, module: &Module) -> Result<()> {
        let info = module.info();
        self.evaluate_globals(index, info)?;
        self.evaluate_tables(index, info)?;
        self.evaluate_elements(index, info)?;
        self.run_active_segments(index, info)?;
        if let Some(start) = info.start {
            // Uses the instance's record of the function, from which a host function gets its
            // caller.
            let record = self.vm.function(index, record_position(module, start));
            Func::of_record(record).invoke(self, &[])?;
        }
        Ok(())
    }

    fn evaluate_globals(&mut self, index: usize, info: &ModuleInfo) -> Result<()> {
        for (init, global) in info.global_inits.iter().zip(info.imported.globals..) {
            self.alarm().check()?;
            let value = self.evaluate(index, init)?;
            let global = self.globals[self.instance(index).globals[global]].value;
            self.vm.set_global(global, value);
        }
        Ok(())
    }

    fn evaluate_tables(&mut self, index: usize, info: &ModuleInfo) -> Result<()> {
        for (init, table) in info.table_inits.iter().zip(info.imported.tables..) {
            if let Some(init) = init {
                let word = self.evaluate(index, init)?.0 as u64;
                let table = self.instance(index).tables[table];
                self.vm.alarm().fill(self.tables[table].elements.words_mut(), word)?;
            }
        }
        Ok(())
    }

    fn evaluate_elements(&mut self, index: usize, info: &ModuleInfo) -> Result<()> {
        for (segment, element) in info.elements.iter().enumerate() {
            let length = if matches!(element.mode, SegmentMode::Declared) { 0 } else { element.items.len() };
            // Each reference is stored where the collector finds it before the next one is created.
            self.instance_mut(index).elements.push(vec![0; length].into());
            for item in 0..length {
                if item.is_multiple_of(STEPS) {
                    self.alarm().check()?;
                }
                let word = match &element.items {
                    ElementItems::Functions(items) => self.func_word(index, items[item]),
                    ElementItems::Expressions(items) => self.evaluate(index, &items[item])?.0 as u64,
                };
                self.instance_mut(index).elements[segment][item] = word;
            }
        }
        Ok(())
    }

    /// Copies the active segments, elements first, and drops each segment after it was copied.
    fn run_active_segments(&mut self, index: usize, info: &ModuleInfo) -> Result<()> {
        for (segment, element) in info.elements.iter().enumerate() {
            self.alarm().check()?;
            if let SegmentMode::Active { target, offset } = &element.mode {
                let offset = self.evaluate_offset(index, offset, info.tables[*target as usize].table64)?;
                self.init_table(index, segment, *target as usize, offset, 0, element.items.len() as u64)?;
                self.instance_mut(index).elements[segment] = Box::default();
            }
        }
        for (segment, data) in info.data.iter().enumerate() {
            self.alarm().check()?;
            let (memory, offset) = match &data.mode {
                DataMode::Constant(offset) => (0, u64::from(*offset)),
                DataMode::Active(active) => {
                    let (memory, offset) = (active.0 as usize, &active.1);
                    (memory, self.evaluate_offset(index, offset, info.memories[memory].memory64)?)
                }
                DataMode::Passive => continue,
            };
            let length = data.bytes().len() as u64;
            let address = self.instance(index).memories[memory];
            self.memories[address].populate(offset, length);
            self.init_memory(index, segment, memory, offset, 0, length)?;
            self.instance_mut(index).dropped_data[segment] = true;
        }
        Ok(())
    }

    /// `memory.init`: copies part of a data segment into a memory.
    pub(crate) fn init_memory(
        &mut self,
        index: usize,
        segment: usize,
        memory: usize,
        target: u64,
        source: u64,
        length: u64,
    ) -> Result<()> {
        let (instance, alarm) = (&self.instances[index], self.vm.alarm());
        let data = instance.data(segment);
        let source = within(data.len(), source, length, Trap::MemoryOutOfBounds)?;
        self.memories[instance.memories[memory]].write(target, &data[source], alarm)
    }

    /// `table.init`: copies part of an element segment into a table.
    pub(crate) fn init_table(
        &mut self,
        index: usize,
        segment: usize,
        table: usize,
        target: u64,
        source: u64,
        length: u64,
    ) -> Result<()> {
        let (instance, alarm) = (&self.instances[index], self.vm.alarm());
        let items = &instance.elements[segment];
        let words = self.tables[instance.tables[table]].elements.words_mut();
        copy_between((words, target), (items, source), length, Trap::TableOutOfBounds, alarm)
    }

    pub(super) fn func_word(&self, index: usize, function: u32) -> u64 {
        self.func(index, function).record(self).to_word()
    }

    fn evaluate_offset(&mut self, index: usize, offset: &ConstExpr, wide: bool) -> Result<u64> {
        let value = self.evaluate(index, offset)?.0;
        Ok(if wide { value as u64 } else { u64::from(value as u32) })
    }
}
