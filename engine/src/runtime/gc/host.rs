//! Host values that wasm code refers to.

use std::any::Any;

use crate::error::{Error, Result};
use crate::runtime::StoreState;

/// The tag of a reference to a host value, in the two lowest bits.
pub(crate) const HOST: u64 = 0b10;
/// The bits that distinguish such references from others.
pub(super) const TAG: u64 = 0b11;
/// The reference to the first value. Each further reference is greater by 4. Other numbers of this
/// size are unlikely to be found on a stack.
const FIRST: u64 = 1 << 62 | HOST;

/// The maximum number of values in one store.
const MAX: usize = 1 << 30;
/// The lower bound of the number of values that triggers a collection.
const MIN_THRESHOLD: usize = 4096;

/// A host value.
pub(super) type HostValue = Box<dyn Any + Send + Sync>;

/// The host values of one store.
#[derive(Debug, Default)]
pub(crate) struct HostValues {
    values: Vec<Option<HostValue>>,
    /// The indices without a value.
    vacant: Vec<u32>,
    /// The indices of the values that a collection has marked.
    marks: Vec<u64>,
    /// The number of values that triggers a collection.
    threshold: usize,
}

impl HostValues {
    /// Adds a value and returns the reference to it, or `None` if the maximum is reached.
    pub(crate) fn insert(&mut self, value: HostValue) -> Option<u64> {
        let index = match self.vacant.pop() {
            Some(index) => {
                self.values[index as usize] = Some(value);
                u64::from(index)
            }
            None if self.values.len() < MAX => {
                self.values.push(Some(value));
                self.values.len() as u64 - 1
            }
            None => return None,
        };
        Some(FIRST + (index << 2))
    }

    /// The value that a word refers to, if it refers to one.
    pub(crate) fn get(&self, word: u64) -> Option<&(dyn Any + Send + Sync)> {
        self.values.get(index_of(word)?)?.as_deref()
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.values.len() - self.vacant.len()
    }

    /// Whether there are twice as many values as the last collection left.
    pub(crate) fn are_many(&self) -> bool {
        self.len() >= self.threshold.clamp(MIN_THRESHOLD, MAX)
    }

    /// Removes all marks, at the start of a collection.
    pub(super) fn unmark(&mut self) {
        self.marks.clear();
        self.marks.resize(self.values.len().div_ceil(64), 0);
    }

    /// Marks the value that a word refers to, if it refers to one.
    pub(super) fn mark(&mut self, word: u64) {
        if let Some(index) = index_of(word)
            && let Some(marks) = self.marks.get_mut(index / 64)
        {
            *marks |= 1 << (index % 64);
        }
    }

    /// Removes and returns the values that were not marked. Dropping them runs code of the host.
    pub(super) fn sweep(&mut self) -> Vec<HostValue> {
        let mut dead = Vec::new();
        for (index, value) in self.values.iter_mut().enumerate() {
            if self.marks[index / 64] & (1 << (index % 64)) == 0
                && let Some(value) = value.take()
            {
                self.vacant.push(index as u32);
                dead.push(value);
            }
        }
        self.threshold = self.len() * 2;
        self.shrink();
        dead
    }
}

impl HostValues {
    /// Frees the unused entries at the end if there are many.
    fn shrink(&mut self) {
        let used = self.values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let kept = self.threshold.max(MIN_THRESHOLD);
        if self.values.len() - used > kept {
            self.values.truncate(used);
            self.vacant.retain(|index| (*index as usize) < used);
            self.values.shrink_to(kept);
            self.vacant.shrink_to(kept);
        }
    }
}

/// The index of the value that a word refers to, if it is such a reference.
fn index_of(word: u64) -> Option<usize> {
    let distance = word.checked_sub(FIRST)?;
    (distance & TAG == 0).then_some((distance >> 2) as usize)
}

impl StoreState {
    /// Adds a host value and returns the reference to it.
    pub(in crate::runtime) fn add_host_value(&mut self, value: HostValue) -> Result<u64> {
        if self.host_values.are_many() || self.engine().config().collect_always {
            // A store that was interrupted, or whose code runs on another thread, keeps all values.
            let _ = self.collect();
        }
        let word = self.host_values.insert(value);
        word.ok_or_else(|| Error::limit(format!("a store can have at most {MAX} host values")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_many_freed_values_is_released() {
        let mut values = HostValues::default();
        let words: Vec<u64> = (0..100_000u32).map(|value| values.insert(Box::new(value)).unwrap()).collect();
        values.unmark();
        values.mark(words[7]);
        values.sweep();
        assert!(
            values.values.capacity() <= 2 * MIN_THRESHOLD && values.vacant.capacity() <= 2 * MIN_THRESHOLD
        );
        assert_eq!(values.get(words[7]).unwrap().downcast_ref(), Some(&7u32));
        let again = values.insert(Box::new(8u32)).unwrap();
        assert!(words[..8].contains(&again) && again != words[7], "the lowest index is used first");
        assert_eq!(values.len(), 2);
    }

    #[test]
    fn indices_of_unmarked_values_are_reused() {
        let mut values = HostValues::default();
        let words: Vec<u64> = (0..100u32).map(|value| values.insert(Box::new(value)).unwrap()).collect();
        values.unmark();
        values.mark(words[70]);
        values.mark(words[99] + 4);
        let dead = values.sweep();
        assert_eq!((dead.len(), values.len()), (99, 1));
        assert_eq!(values.get(words[70]).unwrap().downcast_ref(), Some(&70u32));
        assert!(values.get(words[71]).is_none() && values.get(words[70] ^ HOST).is_none());
        for value in 0..99u32 {
            assert!(words.contains(&values.insert(Box::new(value)).unwrap()), "an index is reused");
        }
        assert_eq!(values.len(), 100);
    }
}
