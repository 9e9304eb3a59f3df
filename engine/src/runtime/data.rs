//! The host's data in a store, and what knows its type.

use std::any::Any;

use super::func::Caller;
use super::memory::Memory;
use super::store::{Store, StoreState};

/// A store with the type of the host's data: a [`Store`], or the [`Caller`] of a host function.
///
/// A [`StoreState`] is one, too. The type of its data is not known, so that host functions made in
/// it take a `Caller<'_>`.
pub trait AsStore: private::Sealed {
    /// The type of the host's data.
    type Data: ?Sized;

    /// The store, whatever data it has.
    fn as_state(&mut self) -> &mut StoreState;
}

mod private {
    /// Keeps the trait to the types here: the type of the data is relied upon.
    pub trait Sealed {}
}

impl<T: Any + Send> private::Sealed for Store<T> {}

impl<T: Any + Send> AsStore for Store<T> {
    type Data = T;

    fn as_state(&mut self) -> &mut StoreState {
        self
    }
}

impl<T: ?Sized> private::Sealed for Caller<'_, T> {}

impl<T: ?Sized> AsStore for Caller<'_, T> {
    type Data = T;

    fn as_state(&mut self) -> &mut StoreState {
        self
    }
}

impl private::Sealed for StoreState {}

impl AsStore for StoreState {
    type Data = dyn Any + Send;

    fn as_state(&mut self) -> &mut StoreState {
        self
    }
}

impl<T: Any + Send> Store<T> {
    /// The host's data.
    pub fn data(&self) -> &T {
        &self.0.data
    }

    /// The host's data, mutable.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.0.data
    }

    /// Drops the store and returns the host's data.
    pub fn into_data(self) -> T {
        self.0.data
    }

    /// The bytes of a memory and the host's data, both mutable; `None` if the memory is shared.
    ///
    /// # Panics
    ///
    /// If the memory belongs to another store.
    pub fn memory_and_data(&mut self, memory: Memory) -> Option<(&mut [u8], &mut T)> {
        let index = memory.index(self);
        let state = &mut *self.0;
        Some((state.memories[index].own_bytes_mut()?, &mut state.data))
    }
}

impl<T: Any + Send> Caller<'_, T> {
    /// The host's data.
    pub fn data(&self) -> &T {
        match self.any_data().downcast_ref() {
            Some(data) => data,
            None => unreachable!("a host function is called in the store that it was made in"),
        }
    }

    /// The host's data, mutable.
    pub fn data_mut(&mut self) -> &mut T {
        typed_mut(self.any_data_mut())
    }

    /// The bytes of a memory and the host's data, both mutable; `None` if the memory is shared.
    ///
    /// ```
    /// use wassay_engine::{Caller, Config, Engine, Extern, HostResult, Linker, Module, Store};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let text = r#"(module (import "log" "text" (func $log (param i32 i32)))
    ///     (memory (export "memory") 1) (data (i32.const 8) "hello")
    ///     (func (export "run") (call $log (i32.const 8) (i32.const 5))))"#;
    /// let module = Module::new(&engine, &wat::parse_str(text)?)?;
    /// let (mut store, mut linker) = (Store::with_data(&engine, String::new()), Linker::new());
    /// let log = |mut caller: Caller<'_, String>, start: u32, length: u32| -> HostResult<()> {
    ///     let memory = caller.export("memory").and_then(Extern::memory).ok_or("no memory")?;
    ///     let (bytes, log) = caller.memory_and_data(memory).ok_or("a shared memory")?;
    ///     let text = bytes.get(start as usize..).and_then(|bytes| bytes.get(..length as usize));
    ///     log.push_str(std::str::from_utf8(text.ok_or("out of bounds")?)?);
    ///     Ok(())
    /// };
    /// linker.func_wrap(&mut store, "log", "text", log)?;
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
    /// assert_eq!(store.data(), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the memory belongs to another store.
    pub fn memory_and_data(&mut self, memory: Memory) -> Option<(&mut [u8], &mut T)> {
        let (bytes, data) = self.memory_and_any_data(memory)?;
        Some((bytes, typed_mut(data)))
    }
}

fn typed_mut<T: Any>(data: &mut (dyn Any + Send)) -> &mut T {
    match data.downcast_mut() {
        Some(data) => data,
        None => unreachable!("a host function is called in the store that it was made in"),
    }
}

impl StoreState {
    /// The host's data, for what does not know its type.
    #[inline]
    pub fn any_data(&self) -> &(dyn Any + Send) {
        &self.data
    }

    /// [`StoreState::any_data`], mutable.
    #[inline]
    pub fn any_data_mut(&mut self) -> &mut (dyn Any + Send) {
        &mut self.data
    }

    /// The bytes of a memory and the host's data, both mutable; `None` if the memory is shared.
    ///
    /// # Panics
    ///
    /// If the memory belongs to another store.
    #[inline]
    pub fn memory_and_any_data(&mut self, memory: Memory) -> Option<(&mut [u8], &mut (dyn Any + Send))> {
        let index = memory.index(self);
        Some((self.memories[index].own_bytes_mut()?, &mut self.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::engine::Engine;
    use crate::runtime::Func;
    use crate::types::MemoryType;

    #[test]
    fn a_memory_and_data_are_changed_together() {
        let mut store = Store::with_data(&Engine::new(&Config::new()).unwrap(), 5u8);
        let memory = Memory::alloc(&mut store, MemoryType::new(1, None)).unwrap();
        let (bytes, data) = store.memory_and_data(memory).unwrap();
        bytes[7] = *data;
        *data += 1;
        assert_eq!((memory.bytes(&store).unwrap()[7], *store.data()), (5, 6));
        let func = Func::wrap(&mut store, move |mut caller: Caller<'_, u8>| {
            let (bytes, data) = caller.memory_and_data(memory).unwrap();
            (bytes[8], *data) = (*data, 9);
        });
        func.unwrap().typed::<(), ()>(&mut store).unwrap().call(&mut store, ()).unwrap();
        assert_eq!((memory.bytes(&store).unwrap()[8], *store.data()), (6, 9));
        assert_eq!(store.any_data().downcast_ref(), Some(&9u8));
        let shared = MemoryType { shared: true, ..MemoryType::new(1, Some(1)) };
        let shared = Memory::alloc(&mut store, shared).unwrap();
        assert!(store.memory_and_data(shared).is_none());
        assert_eq!(store.into_data(), 9);
    }
}
