//! Functions (embedding appendix: `func_alloc`, `func_type`, `func_invoke`).

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

/// The store during a call of a host function, with the calling instance.
#[derive(Debug)]
pub struct Caller<'a> {
    store: &'a mut StoreState,
    instance: Option<usize>,
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
        let mut slots: SmallVec<[VmVal; 8]> = SmallVec::with_capacity(call.entry.slots());
        for (arg, ty) in args.iter().zip(params) {
            slots.push(arg.to_vm(*ty, store)?);
        }
        slots.resize(call.entry.slots(), VmVal::default());
        enter(store, &call.entry, self.0, &mut slots)?;
        let results = call.ty.results().iter().zip(&slots);
        Ok(results.map(|(ty, slot)| Val::from_vm(*slot, *ty, store)).collect())
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
        Caller { store, instance }
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

    fn reborrow(&mut self) -> Caller<'_> {
        Caller { store: self.store, instance: self.instance }
    }
}

impl Deref for Caller<'_> {
    type Target = StoreState;

    fn deref(&self) -> &StoreState {
        self.store
    }
}

impl DerefMut for Caller<'_> {
    fn deref_mut(&mut self) -> &mut StoreState {
        self.store
    }
}
