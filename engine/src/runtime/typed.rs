//! Host functions with integer parameters and results only, for frequent calls.

use super::data::AsStore;
use super::func::{Caller, Func};
use crate::error::{Error, Result};
use crate::types::{FuncType, ValType};
use crate::vm::layout::VmVal;

/// The arguments of a call of a numeric host function, and the slots for its results.
#[derive(Debug)]
pub struct RawValues<'a>(&'a mut [VmVal]);

impl RawValues<'_> {
    /// The bits of the argument with this index, which is an `i32`; for an `i64`, the low half.
    ///
    /// # Panics
    ///
    /// All methods panic if the function's type has neither a parameter nor a result with this
    /// index.
    pub fn u32(&self, index: usize) -> u32 {
        self.0[index].0 as u32
    }

    /// The bits of the argument with this index, which is an `i64`.
    pub fn u64(&self, index: usize) -> u64 {
        self.0[index].0 as u64
    }

    /// Sets the result with this index to the bits of an `i32` or an `i64`. Results overwrite
    /// arguments: read the arguments first.
    pub fn set(&mut self, index: usize, bits: u64) {
        self.0[index] = VmVal(u128::from(bits));
    }
}

impl Func {
    /// Like [`Func::alloc`], for types with only `i32` and `i64`. A call creates no
    /// [`Val`](super::Val)s and does not allocate.
    ///
    /// ```
    /// use wassay_engine::{Config, Engine, Func, FuncType, Store, Val, ValType};
    /// let mut store = Store::new(&Engine::new(&Config::new())?);
    /// let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::I64]);
    /// let add = Func::alloc_raw(&mut store, ty, |_, words| {
    ///     let sum = u64::from(words.u32(0)) + words.u64(1);
    ///     words.set(0, sum);
    ///     Ok(())
    /// })?;
    /// assert_eq!(add.invoke(&mut store, &[Val::I32(40), Val::I64(2)])?, [Val::I64(42)]);
    /// # Ok::<(), wassay_engine::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Func::alloc`], and an error if a parameter or a result is neither `i32` nor
    /// `i64`.
    pub fn alloc_raw<S: AsStore + ?Sized>(
        store: &mut S,
        ty: FuncType,
        body: impl Fn(Caller<'_, S::Data>, &mut RawValues<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        let mut types = ty.params().iter().chain(ty.results());
        if !types.all(|ty| matches!(ty, ValType::I32 | ValType::I64)) {
            return Err(Error::usage("the type of a numeric host function can only contain i32 and i64"));
        }
        let params = ty.params().len();
        Func::host(store.as_state(), &ty, move |caller, slots| {
            // The caller writes only the arguments; other slots have arbitrary contents.
            slots[params..].fill(VmVal::default());
            body(caller.assume(), &mut RawValues(slots))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::engine::Engine;
    use crate::error::ErrorKind;
    use crate::runtime::{Store, Val};

    #[test]
    fn numbers_are_integers() {
        let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
        for ty in [FuncType::new([ValType::F32], []), FuncType::new([], [ValType::V128])] {
            let refused = Func::alloc_raw(&mut store, ty, |_, _| Ok(())).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Usage);
        }
    }

    #[test]
    fn results_are_initially_zero() {
        let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
        let ty = FuncType::new([ValType::I64], [ValType::I64; 4]);
        let body = |_: Caller<'_, ()>, words: &mut RawValues<'_>| {
            // The first call fills the stack slots that the second one uses.
            let fill = words.u64(0);
            (0..4).for_each(|at| words.set(at, if fill == 0 { words.u64(at) } else { fill }));
            Ok(())
        };
        let func = Func::alloc_raw(&mut store, ty, body).unwrap();
        for fill in [-1, 0] {
            assert_eq!(func.invoke(&mut store, &[Val::I64(fill)]).unwrap(), vec![Val::I64(fill); 4]);
        }
    }
}
