//! The records of tags.

use super::ptr::VmPtr;

/// A tag: compiled code tells tags apart by the address of their record.
#[derive(Debug)]
pub(crate) struct VmTag {
    /// The place of the tag in its store.
    pub(crate) index: usize,
}

impl VmPtr<VmTag> {
    /// The place of the tag in its store.
    pub(crate) fn index(self) -> usize {
        // SAFETY: pointers to the records of tags are made only from the tags of live stores and from what exceptions of theirs hold; a
        // store keeps its tags, and never writes to their records.
        unsafe { (*self.as_ptr()).index }
    }

    /// The tag that an exception holds as a word; `None` for null.
    pub(crate) fn from_word(word: u64) -> Option<VmPtr<VmTag>> {
        VmPtr::new(word as usize as *mut VmTag)
    }

    /// The tag as exceptions hold it.
    pub(crate) fn to_word(self) -> u64 {
        self.as_ptr() as usize as u64
    }
}
