//! A store for tests in this folder: a record without code.

use super::host::Host;
use super::store::StoreRecord;
use super::trace::VmTrace;
use crate::error::{Error, Result};

/// A host without instances.
pub(super) struct NoHost(TestStore);

/// The record of a [`NoHost`].
pub(super) type TestStore = StoreRecord<NoHost>;

/// Creates a record.
pub(super) fn record() -> TestStore {
    StoreRecord::new(1 << 20)
}

impl Host for NoHost {
    fn record(&self) -> &TestStore {
        &self.0
    }

    fn builtin(&mut self, _: usize, _: usize, _: [u64; 5]) -> Result<u64> {
        Err(Error::host("no builtins"))
    }

    fn compile(&mut self, _: usize, _: usize) -> Result<usize> {
        Err(Error::host("no functions"))
    }

    fn guards(&self, _: usize) -> bool {
        false
    }

    fn uncaught(&self, _: u64) -> Error {
        Error::host("no exceptions")
    }

    fn exception_of(&self, _: &Error) -> Option<u64> {
        None
    }

    fn add_backtrace(&self, _: &mut Error, _: &VmTrace) {}
}
