//! Values of the host's that wasm code refers to.

use std::any::Any;

use crate::error::{Error, Result};
use crate::runtime::StoreState;

/// What marks a reference to a value of the host's, in the two lowest bits.
pub(crate) const HOST: u64 = 0b10;
/// The bits that tell such references from others.
pub(super) const TAG: u64 = 0b11;
/// The reference to the first value; that to the next is 4 more. So large a number is hardly on a
/// stack unless it is such a reference.
const FIRST: u64 = 1 << 62 | HOST;

/// How many values one store keeps at most.
const MAX: usize = 1 << 30;
/// The least number of values for which looking for those that nothing refers to any more is worth
/// it.
const ENOUGH: usize = 4096;

/// A value of the host's.
pub(super) type HostValue = Box<dyn Any + Send + Sync>;

/// The values of the host's in one store.
#[derive(Debug, Default)]
pub(crate) struct HostValues {
    values: Vec<Option<HostValue>>,
    /// The places in which there is no value.
    vacant: Vec<u32>,
    /// The places that a collection has found referred to.
    marks: Vec<u64>,
    /// How many there may be before a collection.
    enough: usize,
}

impl HostValues {
    /// Keeps a value and gives the reference to it, or `None` if there are as many as there may be.
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

    /// The value that a word refers to, where it refers to one.
    pub(crate) fn get(&self, word: u64) -> Option<&(dyn Any + Send + Sync)> {
        self.values.get(index_of(word)?)?.as_deref()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len() - self.vacant.len()
    }

    /// Whether there are twice as many as the last collection left.
    pub(crate) fn are_many(&self) -> bool {
        self.len() >= self.enough.clamp(ENOUGH, MAX)
    }

    /// Begins a collection.
    pub(super) fn unmark(&mut self) {
        self.marks.clear();
        self.marks.resize(self.values.len().div_ceil(64), 0);
    }

    /// Keeps the value that a word refers to, if it refers to one.
    pub(super) fn mark(&mut self, word: u64) {
        if let Some(index) = index_of(word)
            && let Some(marks) = self.marks.get_mut(index / 64)
        {
            *marks |= 1 << (index % 64);
        }
    }

    /// Takes out the values that were not marked. To drop them runs code of the host's.
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
        self.enough = self.len() * 2;
        self.shrink();
        dead
    }
}

impl HostValues {
    /// Frees the empty places at the end, where they are many.
    fn shrink(&mut self) {
        let used = self.values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let room = self.enough.max(ENOUGH);
        if self.values.len() - used > room {
            self.values.truncate(used);
            self.vacant.retain(|index| (*index as usize) < used);
            self.values.shrink_to(room);
            self.vacant.shrink_to(room);
        }
    }
}

/// The number of the value that a word refers to, if it is such a reference.
fn index_of(word: u64) -> Option<usize> {
    let distance = word.checked_sub(FIRST)?;
    (distance & TAG == 0).then_some((distance >> 2) as usize)
}

impl StoreState {
    /// Keeps a value of the host's and gives the reference to it.
    pub(in crate::runtime) fn add_host_value(&mut self, value: HostValue) -> Result<u64> {
        if self.host_values.are_many() || self.engine().config().collect_always {
            // A store that was interrupted, or that another thread runs, keeps them all.
            let _ = self.collect();
        }
        let word = self.host_values.insert(value);
        word.ok_or_else(|| Error::limit(format!("a store keeps at most {MAX} values of the host's")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_that_are_gone_leave_little_room() {
        let mut values = HostValues::default();
        let words: Vec<u64> = (0..100_000u32).map(|value| values.insert(Box::new(value)).unwrap()).collect();
        values.unmark();
        values.mark(words[7]);
        values.sweep();
        assert!(values.values.capacity() <= 2 * ENOUGH && values.vacant.capacity() <= 2 * ENOUGH);
        assert_eq!(values.get(words[7]).unwrap().downcast_ref(), Some(&7u32));
        let again = values.insert(Box::new(8u32)).unwrap();
        assert!(words[..8].contains(&again) && again != words[7], "the places below are used first");
        assert_eq!(values.len(), 2);
    }

    #[test]
    fn what_is_not_marked_makes_room() {
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
            assert!(words.contains(&values.insert(Box::new(value)).unwrap()), "a place is used again");
        }
        assert_eq!(values.len(), 100);
    }
}
