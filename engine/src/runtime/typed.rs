//! Host functions with integer parameters and results only, for frequent calls.

use std::any::Any;

use super::func::{Caller, Func};
use super::memory::Memory;
use super::store::StoreState;
use crate::error::{Error, Result};
use crate::types::{FuncType, ValType};
use crate::vm::layout::VmVal;

/// The arguments of a call of a numeric host function, and the slots for its results.
#[derive(Debug)]
pub struct Words<'a>(&'a mut [VmVal]);

impl Words<'_> {
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
    /// let add = Func::alloc_numeric(&mut store, ty, |_, words| {
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
    pub fn alloc_numeric(
        store: &mut StoreState,
        ty: FuncType,
        body: impl Fn(Caller<'_>, &mut Words<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        let mut types = ty.params().iter().chain(ty.results());
        if !types.all(|ty| matches!(ty, ValType::I32 | ValType::I64)) {
            return Err(Error::usage("the type of a numeric host function can only contain i32 and i64"));
        }
        let params = ty.params().len();
        Func::host(store, &ty, move |caller, slots| {
            // The caller writes only the arguments; other slots have arbitrary contents.
            slots[params..].fill(VmVal::default());
            body(caller, &mut Words(slots))
        })
    }
}

impl StoreState {
    /// The bytes of a memory and the value that was
    /// [stored for host functions](StoreState::set_data), both mutable; `None` if there is no value
    /// of this type, or if the memory is shared.
    ///
    /// # Panics
    ///
    /// Panics if the memory belongs to another store.
    pub fn memory_and_data<T: Any>(&mut self, memory: Memory) -> Option<(&mut [u8], &mut T)> {
        let index = memory.index(self);
        let data = self.data.as_mut()?.downcast_mut()?;
        Some((self.memories[index].own_bytes_mut()?, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::engine::Engine;
    use crate::error::ErrorKind;
    use crate::runtime::{Store, Val};
    use crate::types::MemoryType;

    #[test]
    fn numbers_are_integers() {
        let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
        for ty in [FuncType::new([ValType::F32], []), FuncType::new([], [ValType::V128])] {
            let refused = Func::alloc_numeric(&mut store, ty, |_, _| Ok(())).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Usage);
        }
    }

    #[test]
    fn results_are_initially_zero() {
        let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
        let ty = FuncType::new([ValType::I64], [ValType::I64; 4]);
        let body = |_: Caller<'_>, words: &mut Words<'_>| {
            // The first call fills the stack slots that the second one uses.
            let fill = words.u64(0);
            (0..4).for_each(|at| words.set(at, if fill == 0 { words.u64(at) } else { fill }));
            Ok(())
        };
        let func = Func::alloc_numeric(&mut store, ty, body).unwrap();
        for fill in [-1, 0] {
            assert_eq!(func.invoke(&mut store, &[Val::I64(fill)]).unwrap(), vec![Val::I64(fill); 4]);
        }
    }

    #[test]
    fn a_memory_and_data_are_borrowed_together() {
        let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
        let memory = Memory::alloc(&mut store, MemoryType::new(1, None)).unwrap();
        assert!(store.memory_and_data::<u8>(memory).is_none());
        store.set_data(5u8);
        assert!(store.memory_and_data::<u32>(memory).is_none());
        let (bytes, data) = store.memory_and_data::<u8>(memory).unwrap();
        bytes[7] = *data;
        *data += 1;
        assert_eq!((memory.bytes(&store).unwrap()[7], store.data::<u8>()), (5, Some(&6)));
    }
}
