//! Continuations (stack-switching proposal).

use std::sync::Arc;

use smallvec::SmallVec;

use super::gc::Root;
use super::store::StoreState;
use crate::abi::signature::AbiSignature;
use crate::error::{Error, Result};
use crate::trap::Trap;
use crate::types::layout::{
    BOUND_VALUE, CONTINUATION_BOUND, CONTINUATION_STACK, CONTINUATION_START, continuation_size,
};
use crate::types::{StorageType, TypeId, ValType};
use crate::vm::layout::VmVal;
use crate::vm::stack::prepare::StackEntry;

/// A reference to a continuation, which the host can only pass on. It keeps the continuation alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContRef(pub(super) Root);

impl ContRef {
    /// The identifier of the continuation's type in the engine.
    ///
    /// # Panics
    ///
    /// Panics if the continuation belongs to another store.
    pub fn defined_type(&self, store: &StoreState) -> TypeId {
        store.check(self.0.store());
        store.engine().types().id(store.heap.header(self.0.word()).0)
    }
}

/// What a store knows about the stacks of its continuations.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    /// How to start continuations of functions of each type, by the type's number.
    entries: Vec<Option<Arc<StackEntry>>>,
    /// The number of stacks above which a collection runs before another one is mapped.
    threshold: usize,
}

/// The lower bound of [`Stacks::threshold`].
const MIN_THRESHOLD: usize = 64;

/// The storage type of the words of a continuation.
const WORD: StorageType = StorageType::Val(ValType::I64);

/// The storage type of a bound value.
const VALUE: StorageType = StorageType::Val(ValType::V128);

/// The state of a continuation that is not consumed.
enum State {
    /// It starts with this function.
    New(u64),
    /// It is suspended, with this address of its first stack.
    Suspended(u64),
}

/// Marks the address of a stack in [`CONTINUATION_START`].
const IS_STACK: u64 = 1;

impl StoreState {
    /// Consumes a continuation whose stack is not ready to be resumed: starts it or passes the
    /// bound values. Returns the address of its first stack, for the instance that resumes it.
    ///
    /// # Errors
    ///
    /// [`Trap::ContinuationConsumed`] if it was consumed before; [`Limit`](crate::ErrorKind::Limit)
    /// if the store has no memory for another stack.
    pub(crate) fn start_continuation(&mut self, instance: usize, continuation: u64) -> Result<u64> {
        let state = self.continuation(continuation)?;
        if let State::New(_) = state {
            // This may run a collection, so the continuation keeps its function and values.
            self.provide_stack()?;
        }
        let values = self.bound_values(continuation);
        self.consume(continuation);
        match state {
            State::Suspended(stack) => {
                self.vm.pass_to_stack(stack, &values);
                Ok(stack)
            }
            State::New(function) => {
                let entry = self.stack_entry(function)?;
                match self.vm.start_stack(instance, function, &entry, &values) {
                    Some(stack) => Ok(stack),
                    None => unreachable!("a stack was provided"),
                }
            }
        }
    }

    /// Consumes a continuation, and makes one of the type with this number that has its state, its
    /// bound values, and room for `count` more.
    ///
    /// # Errors
    ///
    /// [`Trap::NullContinuationReference`] for null, [`Trap::ContinuationConsumed`] if the
    /// continuation was consumed before; otherwise those of [`StoreState::allocate_object`].
    pub(crate) fn bind_continuation(&mut self, continuation: u64, ty: u32, count: u32) -> Result<u64> {
        if continuation == 0 {
            return Err(Trap::NullContinuationReference.into());
        }
        let state = self.continuation(continuation)?;
        let values = self.bound_values(continuation);
        let total = values.len() as u32 + count;
        let bound = self.allocate_object(ty, total, continuation_size(total))?;
        for (number, value) in (0..).zip(values) {
            self.heap.set_field(bound, bound_offset(number), VALUE, value);
        }
        let (offset, word) = match state {
            State::New(function) => (CONTINUATION_START, function),
            State::Suspended(stack) if total == 0 => (CONTINUATION_STACK, stack),
            State::Suspended(stack) => (CONTINUATION_START, stack | IS_STACK),
        };
        self.heap.set_field(bound, offset as usize, WORD, VmVal(word.into()));
        self.consume(continuation);
        Ok(bound)
    }

    /// Consumes a continuation into which an exception is thrown. Returns the address of its first
    /// stack, or 0 if it was not started.
    ///
    /// # Errors
    ///
    /// [`Trap::ContinuationConsumed`] if it was consumed before.
    pub(crate) fn throw_into_continuation(&mut self, continuation: u64) -> Result<u64> {
        let state = self.continuation(continuation)?;
        self.consume(continuation);
        Ok(match state {
            State::Suspended(stack) => stack,
            State::New(_) => 0,
        })
    }

    fn continuation(&self, continuation: u64) -> Result<State> {
        let word = |offset: u32| self.heap.field(continuation, offset as usize, WORD).0 as u64;
        match (word(CONTINUATION_STACK), word(CONTINUATION_START)) {
            (0, 0) => Err(Trap::ContinuationConsumed.into()),
            (0, start) if start & IS_STACK == 0 => Ok(State::New(start)),
            (0, start) => Ok(State::Suspended(start & !IS_STACK)),
            (stack, _) => Ok(State::Suspended(stack)),
        }
    }

    fn bound_values(&self, continuation: u64) -> SmallVec<[VmVal; 8]> {
        let (_, count) = self.heap.header(continuation);
        (0..count).map(|number| self.heap.field(continuation, bound_offset(number), VALUE)).collect()
    }

    fn consume(&mut self, continuation: u64) {
        for offset in [CONTINUATION_STACK, CONTINUATION_START] {
            self.heap.set_field(continuation, offset as usize, WORD, VmVal(0));
        }
    }

    /// Ensures that there is a free stack. If there are many, a collection finds those of
    /// continuations that are unreachable first.
    fn provide_stack(&mut self) -> Result<()> {
        let mut collect = self.engine().config().collect_always;
        if !collect && self.vm.has_free_stack() {
            return Ok(());
        }
        collect |= self.vm.stack_count() >= self.stacks.threshold.max(MIN_THRESHOLD);
        if collect {
            self.collect()?;
            if self.vm.has_free_stack() {
                return Ok(());
            }
        }
        match self.add_stack() {
            Err(_) if !collect => {
                self.collect()?;
                if self.vm.has_free_stack() { Ok(()) } else { self.add_stack() }
            }
            result => result,
        }
    }

    fn add_stack(&mut self) -> Result<()> {
        let size = self.vm.stack_size();
        self.budget.charge(size)?;
        self.vm.add_stack().map_err(|error| {
            self.budget.release(size);
            Error::limit("cannot allocate memory for the stack of a continuation").caused_by(error)
        })
    }

    /// Sets the number of stacks that the last collection has kept.
    pub(super) fn keep_stacks(&mut self, kept: usize) {
        self.stacks.threshold = kept * 2;
    }

    /// How to start a continuation with a function.
    fn stack_entry(&mut self, function: u64) -> Result<Arc<StackEntry>> {
        let Some(record) = self.vm.function_at(function) else {
            unreachable!("a continuation starts with a function of the store")
        };
        let number = self.vm.function_type(record);
        let index = number as usize;
        if let Some(Some(entry)) = self.stacks.entries.get(index) {
            return Ok(Arc::clone(entry));
        }
        let Some(ty) = self.engine().types().numbered(number).func.clone() else {
            unreachable!("functions have function types")
        };
        let trampoline = self.engine().continuation_trampoline(AbiSignature::of(&ty))?;
        let entry = Arc::new(StackEntry::new(trampoline, number));
        if self.stacks.entries.len() <= index {
            self.stacks.entries.resize(index + 1, None);
        }
        self.stacks.entries[index] = Some(Arc::clone(&entry));
        Ok(entry)
    }
}

fn bound_offset(number: u32) -> usize {
    CONTINUATION_BOUND as usize + number as usize * BOUND_VALUE as usize
}
