//! The store: owner of everything that instances consist of.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use super::budget::Budget;
use super::gc::{Heap, HostValues, Root, RootList};
use super::global::GlobalEntity;
use super::instance::InstanceEntity;
use super::memory::MemoryEntity;
use super::table::TableEntity;
use super::tag::TagEntity;
use crate::abi::signature::AbiSignature;
use crate::engine::Engine;
use crate::error::{CodeOwner, Error, Result};
use crate::module::Module;
use crate::time::Deadline;
use crate::types::{FuncType, HeldTypes, TypeId};
use crate::vm::alarm::Alarm;
use crate::vm::call::{Entry, running_deadline};
use crate::vm::layout::VmVal;
use crate::vm::ptr::StoreId;
use crate::vm::store::StoreRecord;
use crate::vm::trace::VmTrace;

/// A store (embedding appendix: `store_init`). All that is allocated in it lives until it is
/// dropped.
///
/// A store is used by one thread at a time; it may move between threads while nothing runs in it.
///
/// ```compile_fail,E0277
/// # use wassay_engine::{Config, Engine, Store};
/// # let store = Store::new(&Engine::new(&Config::new())?);
/// fn share_between_threads<T: Sync>(_: T) {}
/// share_between_threads(store);
/// # Ok::<(), wassay_engine::Error>(())
/// ```
///
/// `T` is the type of the host's data: see [`Store::with_data`].
// The state is sized here, but only its unsized form is given out.
pub struct Store<T: Any + Send = ()>(pub(super) Box<StoreState<T>>);

/// What a [`Store`] holds, and what handles such as [`Func`](super::Func) work on: a `&mut Store`
/// is one of these, and so is a `&mut` [`Caller`](super::Caller). It does not tell the type of the
/// host's data.
///
/// Its size is not known, so that safe code can neither move a store out of its place nor swap it
/// with another: compiled code that called the host goes on in the store that it came from.
///
/// ```compile_fail,E0277
/// # use wassay_engine::{Config, Engine, Store, StoreState};
/// # let engine = Engine::new(&Config::new())?;
/// # let (mut one, mut other) = (Store::new(&engine), Store::new(&engine));
/// std::mem::swap::<StoreState>(&mut one, &mut other);
/// # Ok::<(), wassay_engine::Error>(())
/// ```
#[derive(Debug)]
pub struct StoreState<T: ?Sized = dyn Any + Send> {
    engine: Engine,
    /// What compiled code uses of the store.
    pub(crate) vm: StoreRecord<StoreState>,
    pub(super) instances: Vec<InstanceEntity>,
    pub(crate) memories: Vec<MemoryEntity>,
    pub(crate) tables: Vec<TableEntity>,
    pub(super) globals: Vec<GlobalEntity>,
    pub(super) tags: Vec<TagEntity>,
    /// The values of the host's that references point to.
    pub(super) host_values: HostValues,
    pub(crate) heap: Heap,
    pub(super) roots: RootList,
    /// Operands of constant expressions that are being evaluated: the collector takes each word for
    /// a reference that it may be. References must not be kept elsewhere across an allocation.
    pub(super) const_stack: Vec<VmVal>,
    /// How to call functions of each type, by the type's number, once it was needed.
    calls: Vec<Option<Arc<CallInfo>>>,
    /// The types of what the host made; modules hold their own.
    pub(super) types: HeldTypes,
    pub(super) memory_bytes: u64,
    pub(super) table_elements: u64,
    pub(super) instance_bytes: u64,
    pub(super) budget: Budget,
    /// Makes stores of any data not `Sync`.
    _used_by_one_thread: PhantomData<Cell<()>>,
    /// The host's data.
    pub(super) data: T,
}

/// What it takes to call a function of one type.
#[derive(Debug)]
pub(super) struct CallInfo {
    pub(super) ty: Arc<FuncType>,
    pub(super) entry: Entry,
}

impl Store {
    /// An empty store.
    pub fn new(engine: &Engine) -> Store {
        Store::with_data(engine, ())
    }

    /// An empty store of the same engine that shares what
    /// [may be used in all](crate::Config::max_bytes) with another.
    pub fn beside(other: &StoreState) -> Store {
        Store::with_budget(other.engine(), other.budget.share(), ())
    }
}

impl<T: Any + Send> Store<T> {
    /// An empty store with data of the host's, which host functions reach by their
    /// [`Caller`](super::Caller).
    ///
    /// ```
    /// use wassay_engine::{Caller, Config, Engine, Func, Store};
    ///
    /// struct Counter {
    ///     calls: u32,
    /// }
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::with_data(&engine, Counter { calls: 0 });
    /// let count = Func::wrap(&mut store, |mut caller: Caller<'_, Counter>| {
    ///     caller.data_mut().calls += 1;
    ///     caller.data().calls
    /// })?;
    /// let count = count.typed::<(), u32>(&mut store)?;
    /// assert_eq!((count.call(&mut store, ())?, count.call(&mut store, ())?), (1, 2));
    /// assert_eq!(store.into_data().calls, 2);
    /// # Ok::<(), wassay_engine::Error>(())
    /// ```
    pub fn with_data(engine: &Engine, data: T) -> Store<T> {
        Store::with_budget(engine, Budget::new(engine.config().max_bytes), data)
    }

    fn with_budget(engine: &Engine, budget: Budget, data: T) -> Store<T> {
        Store(Box::new(StoreState {
            engine: engine.clone(),
            vm: StoreRecord::new(engine.config().max_stack),
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            host_values: HostValues::default(),
            heap: Heap::default(),
            roots: RootList::default(),
            const_stack: Vec::new(),
            calls: Vec::new(),
            types: HeldTypes::new(engine.types()),
            memory_bytes: 0,
            table_elements: 0,
            instance_bytes: 0,
            budget,
            _used_by_one_thread: PhantomData,
            data,
        }))
    }
}

impl<T: Any + Send> Deref for Store<T> {
    type Target = StoreState;

    #[inline]
    fn deref(&self) -> &StoreState {
        &*self.0
    }
}

impl<T: Any + Send> DerefMut for Store<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut StoreState {
        &mut *self.0
    }
}

impl<T: Any + Send> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&&**self).finish()
    }
}

impl StoreState {
    /// The engine that the store belongs to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Gives the store until then, where time in which the process is stopped does not count. What
    /// still runs at that time ends with an error of kind
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted): code where it is, instructions on
    /// many bytes or elements, collections and instantiations a few milliseconds later. Nothing
    /// runs afterwards. `None` takes a deadline away that has not passed.
    ///
    /// Counts from the next call that the host makes into the store. It costs nothing while code
    /// runs. A host function is not interrupted, but what it waits for in the system is, by
    /// `EINTR`, again and again; the code that called it ends when it returns.
    /// [`StoreState::running_deadline`] tells it when not to wait any longer.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.vm.set_deadline(deadline.map(Deadline::from));
    }

    /// When the host function that asks has to be done: the earliest deadline of the stores whose
    /// code waits for it on this thread. One that would block for longer ends with
    /// [`StoreState::time_over`].
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use wassay_engine::{Config, Engine, ErrorKind, Func, FuncType, Store};
    /// # let mut store = Store::new(&Engine::new(&Config::new())?);
    /// let waits = Func::alloc_numeric(&mut store, FuncType::new([], []), |mut caller, _| {
    ///     let Some(deadline) = caller.running_deadline() else { return Ok(()) };
    ///     while !deadline.is_over() {
    ///         std::thread::sleep(deadline.left());
    ///     }
    ///     Err(caller.time_over())
    /// })?;
    /// waits.invoke(&mut store, &[])?;
    /// store.set_deadline(Some(Instant::now() + Duration::from_millis(5)));
    /// assert_eq!(waits.invoke(&mut store, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    /// store.set_deadline(None);
    /// assert_eq!(waits.invoke(&mut store, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    /// # Ok::<(), wassay_engine::Error>(())
    /// ```
    pub fn running_deadline(&self) -> Option<Deadline> {
        running_deadline()
    }

    /// Ends the store as its deadline does: no code of it runs afterwards. Gives the error, of kind
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted), by which the host function that
    /// has waited until then returns.
    pub fn time_over(&mut self) -> Error {
        self.vm.interrupt();
        Error::interrupted()
    }

    /// The deadline that was set.
    pub fn deadline(&self) -> Option<Deadline> {
        self.vm.deadline()
    }

    /// Tells whether the store's time is over.
    pub(crate) fn alarm(&self) -> Alarm<'_> {
        self.vm.alarm()
    }

    /// Fails if the store was interrupted: its code may have stopped between any two instructions.
    pub(crate) fn refuse_if_interrupted(&self) -> Result<()> {
        if self.vm.is_interrupted() { Err(Error::interrupted()) } else { Ok(()) }
    }

    /// Keeps a reference for the host, with all that it leads to.
    pub(super) fn hold(&self, word: u64) -> Root {
        self.roots.hold(self.vm.id(), word)
    }

    pub(super) fn id(&self) -> StoreId {
        self.vm.id()
    }

    /// # Panics
    ///
    /// Where a handle of another store is used with this one.
    #[track_caller]
    pub(super) fn check(&self, id: StoreId) {
        self.vm.check(id);
    }

    /// The number of a function type, which the store holds from then on. Errors are those of
    /// [`Engine::func_type_id`](crate::Engine::func_type_id).
    pub(super) fn func_type_id(&mut self, ty: &FuncType) -> Result<TypeId> {
        self.types.intern_func(ty)
    }

    /// How to call functions of the type of that number.
    pub(super) fn call_info(&mut self, number: u32) -> Result<Arc<CallInfo>> {
        let index = number as usize;
        if let Some(Some(info)) = self.calls.get(index) {
            return Ok(Arc::clone(info));
        }
        let Some(ty) = self.engine.types().numbered(number).func.clone() else {
            unreachable!("functions have function types")
        };
        let trampoline = self.engine.entry_trampoline(AbiSignature::of(&ty))?;
        let info = Arc::new(CallInfo { ty, entry: Entry::new(trampoline, number) });
        if self.calls.len() <= index {
            self.calls.resize(index + 1, None);
        }
        self.calls[index] = Some(Arc::clone(&info));
        Ok(info)
    }

    /// Adds the frames of an activation to the backtrace of the error that it was left by.
    pub(crate) fn add_backtrace(&self, error: &mut Error, trace: &VmTrace) {
        let (innermost, omitted, outermost) = trace.frames();
        if innermost.is_empty() {
            return;
        }
        let mut module: Option<(&Module, CodeOwner)> = None;
        // Most frames are of the module that the one before is of, or else of one that was made
        // late.
        let mut module_at = |address: usize| {
            if !module.as_ref().is_some_and(|(module, _)| module.has_code_at(address)) {
                let mut modules = self.instances.iter().rev().map(|instance| &instance.module);
                let found = modules.find(|module| module.has_code_at(address));
                module = found.map(|module| (module, Arc::new(module.clone()) as CodeOwner));
            }
            module.as_ref().map(|(_, owner)| Arc::clone(owner))
        };
        let backtrace = error.backtrace_mut();
        backtrace.begin_activation();
        for address in innermost {
            backtrace.push(module_at(*address), *address);
        }
        backtrace.omit(omitted);
        for address in outermost {
            backtrace.push(module_at(address), address);
        }
    }

    pub(crate) fn instance(&self, index: usize) -> &InstanceEntity {
        &self.instances[index]
    }

    pub(crate) fn instance_mut(&mut self, index: usize) -> &mut InstanceEntity {
        &mut self.instances[index]
    }

    pub(crate) fn memory(&self, index: usize) -> &MemoryEntity {
        &self.memories[index]
    }
}
