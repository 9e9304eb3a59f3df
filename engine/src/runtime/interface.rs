//! Functions of an interface whose parameters have types of its own, as those of WASI do.

use crate::types::ValType;

/// A type of parameters of [interface functions](InterfaceFunc): made of one or more arguments,
/// which it takes from the context `C` of a call. `E` says why arguments are not a value of the
/// type.
pub trait Param<C, E>: Sized {
    /// The types of the arguments that it is made of.
    const TYPES: &'static [ValType];

    /// Takes the next arguments.
    ///
    /// # Errors
    ///
    /// If they are not a value of the type.
    fn take(context: &mut C) -> Result<Self, E>;
}

/// A function of a context `C` and up to eight [parameters](Param): what an interface defines host
/// functions from, by one function for all numbers and types of parameters.
///
/// ```
/// use wassay_engine::{
///     Caller, Config, Engine, Error, Func, FuncType, InterfaceFunc, Param, Result, Store,
///     StoreState, ValType, RawValues,
/// };
///
/// /// What the functions of the interface work on.
/// struct Call<'a> {
///     balances: &'a mut Vec<u64>,
///     arguments: &'a RawValues<'a>,
///     next: usize,
/// }
///
/// /// The number of an account: a parameter that is checked once, here.
/// struct Account(usize);
///
/// impl Param<Call<'_>, Error> for Account {
///     const TYPES: &'static [ValType] = &[ValType::I32];
///
///     fn take(call: &mut Call<'_>) -> Result<Account> {
///         let number = call.arguments.u32(call.next) as usize;
///         call.next += 1;
///         match call.balances.get(number) {
///             Some(_) => Ok(Account(number)),
///             None => Err(Error::host("no account")),
///         }
///     }
/// }
///
/// fn close(call: &mut Call<'_>, account: Account) -> u64 {
///     std::mem::take(&mut call.balances[account.0])
/// }
///
/// fn join(call: &mut Call<'_>, one: Account, other: Account) -> u64 {
///     call.balances[one.0] += close(call, other);
///     call.balances[one.0]
/// }
///
/// fn define<P, F>(store: &mut Store<Vec<u64>>, function: F) -> Result<Func>
/// where
///     F: for<'a> InterfaceFunc<Call<'a>, Error, P, Output = u64>,
/// {
///     let ty = FuncType::new(F::params(), [ValType::I64]);
///     Func::alloc_raw(store, ty, move |mut caller: Caller<'_, Vec<u64>>, words| {
///         let mut call = Call { balances: caller.data_mut(), arguments: words, next: 0 };
///         let balance = function.call(&mut call)?;
///         words.set(0, balance);
///         Ok(())
///     })
/// }
///
/// let mut store = Store::with_data(&Engine::new(&Config::new())?, vec![40, 2]);
/// let join = define(&mut store, join)?.typed::<(u32, u32), u64>(&mut store)?;
/// let close = define(&mut store, close)?.typed::<u32, u64>(&mut store)?;
/// assert_eq!(join.call(&mut store, (0, 1))?, 42);
/// assert_eq!(close.call(&mut store, 1)?, 0);
/// assert_eq!(close.call(&mut store, 2).unwrap_err().message(), "no account");
/// # Ok::<(), Error>(())
/// ```
pub trait InterfaceFunc<C, E, Params>: Send + Sync + 'static {
    /// What the function returns.
    type Output;

    /// The types of the arguments.
    fn params() -> Vec<ValType>;

    /// Takes all parameters, then calls the function.
    ///
    /// # Errors
    ///
    /// That of the first parameter that could not be made.
    fn call(&self, context: &mut C) -> Result<Self::Output, E>;
}

macro_rules! interface_func {
    ($($param:ident $value:ident),*) => {
        impl<C, E, F, O, $($param: Param<C, E>),*> InterfaceFunc<C, E, ($($param,)*)> for F
        where
            F: Fn(&mut C, $($param),*) -> O + Send + Sync + 'static,
        {
            type Output = O;

            fn params() -> Vec<ValType> {
                let params: &[&[ValType]] = &[$($param::TYPES),*];
                params.concat()
            }

            #[inline]
            fn call(&self, context: &mut C) -> Result<O, E> {
                $(let $value = $param::take(context);)*
                Ok(self(context, $($value?),*))
            }
        }
    };
}

interface_func!();
interface_func!(P1 p1);
interface_func!(P1 p1, P2 p2);
interface_func!(P1 p1, P2 p2, P3 p3);
interface_func!(P1 p1, P2 p2, P3 p3, P4 p4);
interface_func!(P1 p1, P2 p2, P3 p3, P4 p4, P5 p5);
interface_func!(P1 p1, P2 p2, P3 p3, P4 p4, P5 p5, P6 p6);
interface_func!(P1 p1, P2 p2, P3 p3, P4 p4, P5 p5, P6 p6, P7 p7);
interface_func!(P1 p1, P2 p2, P3 p3, P4 p4, P5 p5, P6 p6, P7 p7, P8 p8);
