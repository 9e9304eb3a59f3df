//! Implements the interface through which `vm` uses the store.

use crate::error::{Error, Result};
use crate::runtime::{ExnRef, StoreState};
use crate::vm::host::Host;
use crate::vm::store::StoreRecord;
use crate::vm::trace::VmTrace;

impl Host for StoreState {
    #[inline]
    fn record(&self) -> &StoreRecord<StoreState> {
        &self.vm
    }

    #[inline]
    fn builtin(&mut self, number: usize, instance: usize, args: [u64; 5]) -> Result<u64> {
        super::run(number, self, instance, args)
    }

    fn compile(&mut self, instance: usize, position: usize) -> Result<usize> {
        // The registers of the caller, which may hold references, are on the stack from here on.
        self.vm.note_depth();
        self.instance(instance).compile(position, self.vm.is_deep(), self.running_deadline())
    }

    fn guards(&self, address: usize) -> bool {
        self.memories.iter().any(|memory| memory.guards(address))
    }

    fn uncaught(&self, exception: u64) -> Error {
        Error::exception(ExnRef::from_word(exception, self))
    }

    fn exception_of(&self, error: &Error) -> Option<u64> {
        error.exn()?.word_in(self)
    }

    fn add_backtrace(&self, error: &mut Error, trace: &VmTrace) {
        StoreState::add_backtrace(self, error, trace);
    }
}
