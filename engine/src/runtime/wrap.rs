//! Typed functions: host functions from closures, and typed calls.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::data::AsStore;
use super::func::{Caller, Func};
use super::store::{CallInfo, StoreState};
use crate::error::{Error, Result};
use crate::types::{FuncType, ValType};
use crate::vm::call::enter;
use crate::vm::layout::VmVal;

/// A Rust type with a corresponding value type: `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, and
/// `u128` for vectors.
pub trait WasmTy: private::Sealed + Copy + Send + Sync + 'static {
    /// The value type.
    const TYPE: ValType;

    #[doc(hidden)]
    fn from_slot(slot: Slot) -> Self;

    #[doc(hidden)]
    fn into_slot(self) -> Slot;
}

mod private {
    use super::VmVal;

    /// Prevents other implementations of the traits.
    pub trait Sealed {}

    /// A value in the representation of compiled code.
    #[derive(Clone, Copy, Debug)]
    pub struct Slot(pub(super) VmVal);

    impl Sealed for () {}
}

use private::Slot;

macro_rules! wasm_ty {
    ($($ty:ty, $wasm:ident, $value:ident => $to:expr, $bits:ident => $from:expr;)*) => {$(
        impl private::Sealed for $ty {}

        impl WasmTy for $ty {
            const TYPE: ValType = ValType::$wasm;

            #[inline]
            fn from_slot(Slot(VmVal($bits)): Slot) -> Self {
                $from
            }

            #[inline]
            fn into_slot(self) -> Slot {
                let $value = self;
                Slot(VmVal(u128::from($to)))
            }
        }
    )*};
}

wasm_ty! {
    i32, I32, value => value.cast_unsigned(), bits => bits as i32;
    u32, I32, value => value, bits => bits as u32;
    i64, I64, value => value.cast_unsigned(), bits => bits as i64;
    u64, I64, value => value, bits => bits as u64;
    f32, F32, value => value.to_bits(), bits => f32::from_bits(bits as u32);
    f64, F64, value => value.to_bits(), bits => f64::from_bits(bits as u64);
    u128, V128, value => value, bits => bits;
}

/// The parameters or the results of a function: nothing, one [`WasmTy`], or a tuple of up to eight.
pub trait WasmTuple: private::Sealed + Send + Sync + 'static {
    #[doc(hidden)]
    const TYPES: &'static [ValType];

    #[doc(hidden)]
    fn read(slots: impl Fn(usize) -> Slot) -> Self;

    #[doc(hidden)]
    fn write(self, set: impl FnMut(usize, Slot));
}

impl<T: WasmTy> WasmTuple for T {
    const TYPES: &'static [ValType] = &[T::TYPE];

    #[inline]
    fn read(slots: impl Fn(usize) -> Slot) -> T {
        T::from_slot(slots(0))
    }

    #[inline]
    fn write(self, mut set: impl FnMut(usize, Slot)) {
        set(0, self.into_slot());
    }
}

impl WasmTuple for () {
    const TYPES: &'static [ValType] = &[];

    fn read(_: impl Fn(usize) -> Slot) {}

    fn write(self, _: impl FnMut(usize, Slot)) {}
}

/// The result of a closure: values, or a `Result` of them whose error converts into a boxed one.
/// [`HostResult`] allows `?` on any error.
pub trait IntoResults {
    #[doc(hidden)]
    type Results: WasmTuple;

    #[doc(hidden)]
    fn into_results(self) -> Result<Self::Results>;
}

/// The result of a host function that can fail with any error.
pub type HostResult<T> = std::result::Result<T, Box<dyn StdError + Send + Sync>>;

impl<T: WasmTuple> IntoResults for T {
    type Results = T;

    #[inline]
    fn into_results(self) -> Result<T> {
        Ok(self)
    }
}

impl<T: WasmTuple, E: Into<Box<dyn StdError + Send + Sync>>> IntoResults for std::result::Result<T, E> {
    type Results = T;

    #[inline]
    fn into_results(self) -> Result<T> {
        self.map_err(Error::from_source)
    }
}

/// A closure that can be a host function in a store with data of type `T`. Its parameters are
/// [`WasmTy`]s, optionally preceded by a [`Caller<'_, T>`](Caller) or a `Caller<'_>`.
pub trait IntoFunc<T: ?Sized, Params, Results>: Send + Sync + 'static {
    #[doc(hidden)]
    fn ty() -> FuncType;

    #[doc(hidden)]
    fn call_with(&self, caller: Caller<'_>, slots: impl Fn(usize) -> Slot) -> Result<Results>;
}

/// Closures of that many parameters: without a caller, with a typed and with an untyped one.
macro_rules! functions {
    ($($number:tt $param:ident),*) => {
        impl<T: ?Sized, F, R, $($param: WasmTy),*> IntoFunc<T, ($($param,)*), R::Results> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            R: IntoResults,
        {
            functions!(@ |function, _caller| function(); $($number $param),*);
        }

        impl<T: Any + Send, F, R, $($param: WasmTy),*> IntoFunc<T, (Caller<'_, T>, $($param,)*), R::Results> for F
        where
            F: Fn(Caller<'_, T>, $($param),*) -> R + Send + Sync + 'static,
            R: IntoResults,
        {
            functions!(@ |function, caller| function(caller.assume(),); $($number $param),*);
        }

        impl<T: ?Sized, F, R, $($param: WasmTy),*> IntoFunc<T, (Caller<'_>, $($param,)*), R::Results> for F
        where
            F: Fn(Caller<'_>, $($param),*) -> R + Send + Sync + 'static,
            R: IntoResults,
        {
            functions!(@ |function, caller| function(caller,); $($number $param),*);
        }
    };
    (@ |$function:ident, $caller:ident| $called:ident($($first:tt)*); $($number:tt $param:ident),*) => {
        fn ty() -> FuncType {
            FuncType::new([$($param::TYPE),*], R::Results::TYPES.iter().copied())
        }

        #[inline]
        fn call_with(&self, $caller: Caller<'_>, _slots: impl Fn(usize) -> Slot) -> Result<R::Results> {
            let $function = self;
            $called($($first)* $($param::from_slot(_slots($number))),*).into_results()
        }
    };
}

macro_rules! tuples {
    ($($number:tt $param:ident),*) => {
        impl<$($param: WasmTy),*> private::Sealed for ($($param,)*) {}

        impl<$($param: WasmTy),*> WasmTuple for ($($param,)*) {
            const TYPES: &'static [ValType] = &[$($param::TYPE),*];

            #[inline]
            fn read(slots: impl Fn(usize) -> Slot) -> Self {
                ($($param::from_slot(slots($number)),)*)
            }

            #[inline]
            fn write(self, mut set: impl FnMut(usize, Slot)) {
                $(set($number, self.$number.into_slot());)*
            }
        }
    };
}

functions!();
functions!(0 A);
functions!(0 A, 1 B);
functions!(0 A, 1 B, 2 C);
functions!(0 A, 1 B, 2 C, 3 D);
functions!(0 A, 1 B, 2 C, 3 D, 4 E);
functions!(0 A, 1 B, 2 C, 3 D, 4 E, 5 G);
functions!(0 A, 1 B, 2 C, 3 D, 4 E, 5 G, 6 H);
functions!(0 A, 1 B, 2 C, 3 D, 4 E, 5 G, 6 H, 7 I);
tuples!(0 A);
tuples!(0 A, 1 B);
tuples!(0 A, 1 B, 2 C);
tuples!(0 A, 1 B, 2 C, 3 D);
tuples!(0 A, 1 B, 2 C, 3 D, 4 E);
tuples!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F);
tuples!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G);
tuples!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G, 7 H);

/// A function whose type was checked once, for calls without [`Val`](super::Val)s.
///
/// It belongs to the store of the [`Func`] from which it was created.
pub struct TypedFunc<P, R> {
    func: Func,
    call: Arc<CallInfo>,
    _types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        TypedFunc { func: self.func, call: Arc::clone(&self.call), _types: PhantomData }
    }
}

impl<P, R> fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedFunc").field(&self.func).finish()
    }
}

impl<P: WasmTuple, R: WasmTuple> TypedFunc<P, R> {
    /// Calls the function.
    ///
    /// # Errors
    ///
    /// The reason why the call did not return: see [`Func::invoke`].
    ///
    /// # Panics
    ///
    /// Panics if the function belongs to another store.
    pub fn call(&self, store: &mut StoreState, params: P) -> Result<R> {
        let mut slots = self.call.entry.slots();
        params.write(|index, Slot(value)| slots[index] = value);
        enter(store, &self.call.entry, self.func.record(store), &mut slots)?;
        Ok(R::read(|index| Slot(slots[index])))
    }

    /// The untyped function.
    pub fn func(&self) -> Func {
        self.func
    }
}

impl Func {
    /// Creates a host function from a closure, whose parameters and results determine its type.
    ///
    /// The closure's first parameter can be a [`Caller`], which gives access to the store and the
    /// [host's data](super::Store::with_data). The closure returns nothing, a value, a tuple of
    /// values, or a `Result` of one of these. An error unwinds the wasm code that called the
    /// function.
    ///
    /// ```
    /// use wassay_engine::{Caller, Config, Engine, Func, HostResult, Store};
    ///
    /// let mut store = Store::new(&Engine::new(&Config::new())?);
    /// let add = Func::wrap(&mut store, |a: i32, b: i64| i64::from(a) + b)?;
    /// assert_eq!(add.typed::<(i32, i64), i64>(&mut store)?.call(&mut store, (40, 2))?, 42);
    ///
    /// // An error of any type becomes the source of the error that the call returns.
    /// let parse = Func::wrap(&mut store, |_: Caller<'_>, digit: u32| -> HostResult<u32> {
    ///     let digit = char::from_u32(digit).unwrap_or(' ').to_string();
    ///     Ok(digit.parse::<u32>()?)
    /// })?;
    /// let parse = parse.typed::<u32, u32>(&mut store)?;
    /// assert_eq!(parse.call(&mut store, 0x37)?, 7);
    /// let error = parse.call(&mut store, 0x78).unwrap_err();
    /// assert_eq!(error.message(), "invalid digit found in string");
    /// assert!(std::error::Error::source(&error).unwrap().is::<std::num::ParseIntError>());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Limit`](crate::ErrorKind::Limit) if the engine cannot hold another type, or if there is no
    /// memory left for the trampoline.
    pub fn wrap<S: AsStore + ?Sized, Params, Results: WasmTuple>(
        store: &mut S,
        body: impl IntoFunc<S::Data, Params, Results>,
    ) -> Result<Func> {
        wrap(store.as_state(), body)
    }

    /// Types the function with Rust's types.
    ///
    /// ```
    /// use wassay_engine::{Config, Engine, Instance, Module, Store};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let text = r#"(module (func (export "add") (param i32 i32) (result i32)
    ///     (i32.add (local.get 0) (local.get 1))))"#;
    /// let module = Module::new(&engine, &wat::parse_str(text)?)?;
    /// let mut store = Store::new(&engine);
    /// let instance = Instance::instantiate(&mut store, &module, &[])?;
    /// let add = instance.get_func(&store, "add").expect("an exported function");
    /// let add = add.typed::<(i32, i32), i32>(&mut store)?;
    /// assert_eq!(add.call(&mut store, (40, 2))?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the function has other parameters or results.
    ///
    /// # Panics
    ///
    /// Panics if the function belongs to another store.
    pub fn typed<P: WasmTuple, R: WasmTuple>(self, store: &mut StoreState) -> Result<TypedFunc<P, R>> {
        let call = self.call_info(store)?;
        let (params, results) = (call.ty.params(), call.ty.results());
        if (params, results) != (P::TYPES, R::TYPES) {
            let wanted = FuncType::new(P::TYPES.iter().copied(), R::TYPES.iter().copied());
            return Err(Error::usage(format!("type mismatch: expected {wanted}, found {}", call.ty)));
        }
        Ok(TypedFunc { func: self, call, _types: PhantomData })
    }
}

fn wrap<T: ?Sized, Params, Results: WasmTuple, F: IntoFunc<T, Params, Results>>(
    store: &mut StoreState,
    body: F,
) -> Result<Func> {
    Func::host(store, &F::ty(), move |caller, slots| {
        let results = body.call_with(caller, |index| Slot(slots[index]))?;
        results.write(|index, Slot(value)| slots[index] = value);
        Ok(())
    })
}
