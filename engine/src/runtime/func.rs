//! Functions (embedding appendix: `func_alloc`, `func_type`, `func_invoke`).

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use smallvec::SmallVec;

use super::instance::{Extern, Instance};
use super::store::{CallInfo, StoreState};
use super::value::Val;
use crate::abi::signature::AbiSignature;
use crate::error::{Error, Result};
use crate::types::{FuncType, TypeId};
use crate::vm::call::enter;
use crate::vm::func::HostClosure;
use crate::vm::layout::{VmFuncRef, VmVal};
use crate::vm::ptr::Stored;

/// A function in a store: a wasm function with its instance, or a host function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Func(Stored<VmFuncRef>);

/// The store as a host function sees it, and the instance that called.
///
/// `T` is the type of the [host's data](super::Store::with_data). A function that does not need
/// the data takes a `Caller<'_>`, and can be made in any store.
///
/// A function that asks for other data than its store has does not compile:
///
/// ```compile_fail,E0277
/// # use wassay_engine::{Caller, Config, Engine, Func, Store};
/// # let engine = Engine::new(&Config::new())?;
/// let mut store = Store::with_data(&engine, String::new());
/// Func::wrap(&mut store, |caller: Caller<'_, Vec<u8>>| caller.data().len() as u32)?;
/// # Ok::<(), wassay_engine::Error>(())
/// ```
pub struct Caller<'a, T: ?Sized = dyn Any + Send> {
    store: &'a mut StoreState,
    instance: Option<usize>,
    _data: PhantomData<fn(&T)>,
}

/// The arguments or results of a call, inline if they are few.
type Values = SmallVec<[Val; 8]>;

impl Func {
    /// Creates a host function with this type.
    ///
    /// The closure gets the arguments, which have the types of the parameters, and sets the
    /// results, which initially are the default values of their types. If it returns an error, all
    /// wasm code up to the host's own call is unwound. An error with an
    /// [exception](Error::exception) is caught by the first handler for it in that code.
    ///
    /// ```
    /// use wassay_engine::{Config, Engine, Func, FuncType, Store, Val, ValType};
    /// let mut store = Store::new(&Engine::new(&Config::new())?);
    /// let ty = FuncType::new([ValType::I32, ValType::I32], [ValType::I32]);
    /// let add = Func::alloc(&mut store, ty, |_, args, results| {
    ///     if let [Val::I32(a), Val::I32(b)] = args {
    ///         results[0] = Val::I32(a.wrapping_add(*b));
    ///     }
    ///     Ok(())
    /// })?;
    /// assert_eq!(add.invoke(&mut store, &[Val::I32(40), Val::I32(2)])?, [Val::I32(42)]);
    /// # Ok::<(), wassay_engine::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if there is no memory left for code, if the type has more than 1000
    /// parameters or results, or if the type of a result has no default value.
    pub fn alloc(
        store: &mut StoreState,
        ty: FuncType,
        body: impl Fn(Caller<'_>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        let defaults: Option<Values> = ty.results().iter().map(|ty| Val::default_of(*ty)).collect();
        let defaults = defaults
            .ok_or_else(|| Error::usage("the result types of a host function must have default values"))?;
        let params_and_results = ty.clone();
        let body = move |mut caller: Caller<'_>, slots: &mut [VmVal]| {
            let ty = &params_and_results;
            let params = ty.params().iter().zip(&*slots);
            let args: Values = params.map(|(ty, slot)| Val::from_vm(*slot, *ty, &caller)).collect();
            let mut results = defaults.clone();
            body(caller.reborrow(), &args, &mut results)?;
            for ((result, ty), slot) in results.iter().zip(ty.results()).zip(slots) {
                *slot = result.to_vm(*ty, &caller)?;
            }
            Ok(())
        };
        Func::host(store, &ty, body)
    }

    /// Creates a host function whose body reads its arguments from the slots and writes its results
    /// to them.
    pub(super) fn host(
        store: &mut StoreState,
        ty: &FuncType,
        body: impl Fn(Caller<'_>, &mut [VmVal]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        let type_id = store.func_type_id(ty)?;
        let trampoline = store.engine().host_trampoline(AbiSignature::of(ty))?;
        let closure: HostClosure<StoreState> =
            Box::new(move |store, instance, slots| body(Caller::new(store, instance), slots));
        Ok(Func(store.vm.add_host_function(closure, trampoline, type_id.number())))
    }

    /// The type of the function.
    ///
    /// # Panics
    ///
    /// All methods panic if the function belongs to another store.
    pub fn ty(self, store: &StoreState) -> Arc<FuncType> {
        match &store.engine().types().numbered(self.type_number(store)).func {
            Some(ty) => Arc::clone(ty),
            None => unreachable!("functions have function types"),
        }
    }

    /// The identifier of the function's type in the engine.
    pub fn defined_type(self, store: &StoreState) -> TypeId {
        store.engine().types().id(self.type_number(store))
    }

    /// What is needed to call the function.
    pub(super) fn call_info(self, store: &mut StoreState) -> Result<Arc<CallInfo>> {
        let number = self.type_number(store);
        store.call_info(number)
    }

    fn type_number(self, store: &StoreState) -> u32 {
        store.vm.function_type(self.0)
    }

    /// Calls the function.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the arguments do not match the parameters. Otherwise
    /// the reason why the call did not return: a trap, an uncaught exception, exhaustion of the
    /// stack, or an error of a host function.
    pub fn invoke(self, store: &mut StoreState, args: &[Val]) -> Result<Vec<Val>> {
        let call = self.call_info(store)?;
        let params = call.ty.params();
        if params.len() != args.len() {
            let (expected, found) = (params.len(), args.len());
            return Err(Error::usage(format!("type mismatch: expected {expected} arguments, found {found}")));
        }
        let mut slots = call.entry.slots();
        for ((slot, arg), ty) in slots.iter_mut().zip(args).zip(params) {
            *slot = arg.to_vm(*ty, store)?;
        }
        enter(store, &call.entry, self.0, &mut slots)?;
        let mut results = Vec::with_capacity(call.ty.results().len());
        for (ty, slot) in call.ty.results().iter().zip(&slots) {
            results.push(Val::from_vm(*slot, *ty, store));
        }
        Ok(results)
    }

    pub(super) fn new(record: Stored<VmFuncRef>, store: &StoreState) -> Func {
        Func(store.vm.canonical(record))
    }

    /// Creates a function from any of its records, not only the one that identifies it.
    pub(super) fn of_record(record: Stored<VmFuncRef>) -> Func {
        Func(record)
    }

    pub(super) fn record(self, store: &StoreState) -> Stored<VmFuncRef> {
        store.check(self.0.store());
        self.0
    }
}

impl<'a> Caller<'a> {
    pub(crate) fn new(store: &'a mut StoreState, instance: Option<usize>) -> Caller<'a> {
        Caller { store, instance, _data: PhantomData }
    }

    fn reborrow(&mut self) -> Caller<'_> {
        Caller::new(self.store, self.instance)
    }
}

impl<'a, T: ?Sized> Caller<'a, T> {
    /// The caller of a function that was made in a store with data of that type, or that does not
    /// ask for the data.
    pub(super) fn assume<U: ?Sized>(self) -> Caller<'a, U> {
        Caller { store: self.store, instance: self.instance, _data: PhantomData }
    }

    /// The instance whose code called the function, directly, by reference or by a tail call;
    /// `None` if the host called it.
    pub fn instance(&self) -> Option<Instance> {
        self.instance.map(|index| Instance::new(index, self.store))
    }

    /// The export of the calling instance with this name.
    pub fn export(&self, name: &str) -> Option<Extern> {
        self.instance()?.export(self, name)
    }
}

impl<T: ?Sized> Deref for Caller<'_, T> {
    type Target = StoreState;

    fn deref(&self) -> &StoreState {
        self.store
    }
}

impl<T: ?Sized> DerefMut for Caller<'_, T> {
    fn deref_mut(&mut self) -> &mut StoreState {
        self.store
    }
}

impl<T: ?Sized> fmt::Debug for Caller<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("instance", &self.instance).finish_non_exhaustive()
    }
}
