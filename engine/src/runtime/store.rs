//! The store, which owns all runtime objects.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use super::budget::Budget;
use super::continuation::Stacks;
use super::gc::{Heap, HostValues, Root, RootList};
use super::global::GlobalEntity;
use super::instance::InstanceEntity;
use super::memory::MemoryEntity;
use super::table::TableEntity;
use super::tag::TagEntity;
use crate::abi::signature::AbiSignature;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::time::Deadline;
use crate::types::{FuncType, HeldTypes, TypeId};
use crate::vm::alarm::Alarm;
use crate::vm::call::{Entry, running_deadline};
use crate::vm::layout::VmVal;
use crate::vm::ptr::StoreId;
use crate::vm::store::StoreRecord;
use crate::vm::trace::VmTrace;

/// A store (embedding appendix: `store_init`). Everything that is allocated in it exists until it
/// is dropped.
///
/// A store is used by one thread at a time. It can be moved to another thread while no code runs in
/// it.
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
// The state is sized here, but callers only get references to its unsized form.
pub struct Store<T: Any + Send = ()>(pub(super) Box<StoreState<T>>);

/// The contents of a [`Store`], which handles such as [`Func`](super::Func) operate on.
/// `&mut Store` and `&mut` [`Caller`](super::Caller) dereference to it. The type of the host's data
/// is erased.
///
/// The type is unsized, so that safe code can neither move a store nor swap it with another one:
/// when compiled code has called the host, it continues in the same store.
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
    /// The part of the store that compiled code uses.
    pub(crate) vm: StoreRecord<StoreState>,
    pub(super) instances: Vec<InstanceEntity>,
    pub(crate) memories: Vec<MemoryEntity>,
    pub(crate) tables: Vec<TableEntity>,
    pub(super) globals: Vec<GlobalEntity>,
    pub(super) tags: Vec<TagEntity>,
    /// The host values that references point to.
    pub(super) host_values: HostValues,
    pub(crate) heap: Heap,
    pub(super) roots: RootList,
    /// Operands of constant expressions that are being evaluated. The collector treats each word as
    /// a possible reference. References must not be kept elsewhere across an allocation.
    pub(super) const_stack: Vec<VmVal>,
    /// What is needed to call functions of each type, by the type's number. Created on first use.
    calls: Vec<Option<Arc<CallInfo>>>,
    pub(super) stacks: Stacks,
    /// The types of items that the host created. Modules hold their own types.
    pub(super) types: HeldTypes,
    pub(super) memory_bytes: u64,
    pub(super) table_elements: u64,
    pub(super) instance_bytes: u64,
    pub(super) budget: Budget,
    /// Makes the type not `Sync`, whatever the data is.
    _used_by_one_thread: PhantomData<Cell<()>>,
    /// The host's data.
    pub(super) data: T,
}

/// What is needed to call a function of a type.
#[derive(Debug)]
pub(super) struct CallInfo {
    pub(super) ty: Arc<FuncType>,
    pub(super) entry: Entry,
}

impl Store {
    /// Creates an empty store.
    pub fn new(engine: &Engine) -> Store {
        Store::with_data(engine, ())
    }

    /// Creates an empty store of the same engine that shares its
    /// [total limit](crate::Config::max_bytes) with another store.
    pub fn sharing_limit(other: &StoreState) -> Store {
        Store::with_budget(other.engine(), other.budget.share(), ())
    }
}

impl<T: Any + Send> Store<T> {
    /// Creates an empty store with the host's data, which host functions access through their
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
            stacks: Stacks::default(),
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

    /// Sets the deadline of the store. Time in which the process is stopped does not count. Code
    /// that runs at the deadline stops with an error of kind
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted): instructions immediately, and
    /// bulk instructions, collections and instantiations within a few milliseconds. No code runs
    /// afterwards. `None` removes a deadline that has not passed.
    ///
    /// The deadline applies from the host's next call into the store, and does not slow down code.
    /// Host functions are not interrupted, but their blocking system calls fail with `EINTR`,
    /// repeatedly; the code that called a host function stops when it returns.
    /// [`StoreState::running_deadline`] tells a host function how long it can wait.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.vm.set_deadline(deadline.map(Deadline::from));
    }

    /// The earliest deadline of the stores whose code is waiting for the current host function on
    /// this thread. A host function that would block for longer returns [`StoreState::interrupt`].
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use wassay_engine::{Config, Engine, ErrorKind, Func, FuncType, Store};
    /// # let mut store = Store::new(&Engine::new(&Config::new())?);
    /// let waits = Func::alloc_raw(&mut store, FuncType::new([], []), |mut caller, _| {
    ///     let Some(deadline) = caller.running_deadline() else { return Ok(()) };
    ///     while !deadline.is_over() {
    ///         std::thread::sleep(deadline.left());
    ///     }
    ///     Err(caller.interrupt())
    /// })?;
    /// waits.invoke(&mut store, &[])?;
    /// store.set_deadline(Some(Instant::now() + Duration::from_millis(5)));
    /// assert_eq!(waits.invoke(&mut store, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    /// store.set_deadline(None);
    /// assert_eq!(waits.invoke(&mut store, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    /// # Ok::<(), wassay_engine::Error>(())
    /// ```
    #[inline]
    pub fn running_deadline(&self) -> Option<Deadline> {
        running_deadline()
    }

    /// Interrupts the store as its deadline does: no code runs in it afterwards. Returns the error,
    /// of kind [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted), that a host function
    /// returns after waiting until the deadline.
    pub fn interrupt(&mut self) -> Error {
        self.vm.interrupt();
        Error::interrupted()
    }

    /// The deadline that was set.
    pub fn deadline(&self) -> Option<Deadline> {
        self.vm.deadline()
    }

    /// The alarm that is raised when the store's deadline has passed.
    pub(crate) fn alarm(&self) -> Alarm<'_> {
        self.vm.alarm()
    }

    /// Fails if the store was interrupted, since its code may have stopped between any two
    /// instructions.
    pub(crate) fn refuse_if_interrupted(&self) -> Result<()> {
        if self.vm.is_interrupted() { Err(Error::interrupted()) } else { Ok(()) }
    }

    /// Creates a root for a reference that the host holds.
    pub(super) fn hold(&self, word: u64) -> Root {
        self.roots.hold(self.vm.id(), word)
    }

    #[inline]
    pub(super) fn id(&self) -> StoreId {
        self.vm.id()
    }

    /// # Panics
    ///
    /// Panics if a handle of another store is used with this one.
    #[track_caller]
    #[inline]
    pub(super) fn check(&self, id: StoreId) {
        self.vm.check(id);
    }

    /// The identifier of a function type, which the store holds from then on. Errors are those of
    /// [`Engine::func_type_id`](crate::Engine::func_type_id).
    pub(super) fn func_type_id(&mut self, ty: &FuncType) -> Result<TypeId> {
        self.types.intern_func(ty)
    }

    /// What is needed to call functions of the type with this number.
    pub(super) fn call_info(&mut self, number: u32) -> Result<Arc<CallInfo>> {
        let index = number as usize;
        if let Some(Some(info)) = self.calls.get(index) {
            return Ok(Arc::clone(info));
        }
        let canon = self.engine.types().numbered(number);
        let known = canon.calls.get().and_then(|calls| Arc::clone(calls).downcast().ok());
        let info = match known {
            Some(info) => info,
            None => {
                let Some(ty) = canon.func.clone() else { unreachable!("functions have function types") };
                let trampoline = self.engine.entry_trampoline(AbiSignature::of(&ty))?;
                let info = Arc::new(CallInfo { ty, entry: Entry::new(trampoline, number) });
                // Another store may have been first; its information is the same.
                let _ = canon.calls.set(Arc::clone(&info) as Arc<_>);
                info
            }
        };
        if self.calls.len() <= index {
            self.calls.resize(index + 1, None);
        }
        self.calls[index] = Some(Arc::clone(&info));
        Ok(info)
    }

    /// Adds the frames of an activation to the backtrace of the error that unwound it.
    pub(crate) fn add_backtrace(&self, error: &mut Error, trace: &VmTrace) {
        let (innermost, omitted, outermost) = trace.frames();
        if innermost.is_empty() {
            return;
        }
        let mut instance: Option<&InstanceEntity> = None;
        // Most frames belong to the module of the frame before, or to one of the latest modules.
        let mut owner_of = |address: usize| {
            if !instance.is_some_and(|instance| instance.module.has_code_at(address)) {
                let mut instances = self.instances.iter().rev();
                instance = instances.find(|instance| instance.module.has_code_at(address));
            }
            instance.map(|instance| Arc::clone(instance.owner()))
        };
        let backtrace = error.backtrace_mut();
        backtrace.begin_activation();
        for address in innermost {
            backtrace.push(owner_of(*address), *address);
        }
        backtrace.omit(omitted);
        for address in outermost {
            backtrace.push(owner_of(address), address);
        }
    }

    #[inline]
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
