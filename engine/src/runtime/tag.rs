//! Exception tags (embedding appendix: `tag_alloc`, `tag_type`).

use super::store::StoreState;
use crate::error::Result;
use crate::types::{FuncType, TagType};
use crate::vm::ptr::StoreId;
use crate::vm::ptr::Stored;
use crate::vm::tag::VmTag;

/// A tag in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    store: StoreId,
    index: usize,
}

/// A tag, and the record whose address identifies it in compiled code.
#[derive(Debug)]
pub(crate) struct TagEntity {
    pub(super) ty: TagType,
    pub(super) record: Stored<VmTag>,
}

impl Tag {
    /// Creates a tag for exceptions with fields of these types.
    ///
    /// # Errors
    ///
    /// Returns an error if the engine holds the maximum number of types, if the type has more than
    /// 1000 parameters or results, or if it refers to a type that the engine does not hold.
    pub fn alloc(store: &mut StoreState, ty: &FuncType) -> Result<Tag> {
        let ty = store.func_type_id(ty)?;
        let index = store.add_tag(TagType { ty });
        Ok(Tag::new(index, store))
    }

    /// The type of the tag.
    ///
    /// # Panics
    ///
    /// Panics if the tag belongs to another store.
    pub fn ty(self, store: &StoreState) -> TagType {
        store.tags[self.index(store)].ty
    }

    pub(super) fn new(index: usize, store: &StoreState) -> Tag {
        Tag { store: store.id(), index }
    }

    pub(super) fn index(self, store: &StoreState) -> usize {
        store.check(self.store);
        self.index
    }
}

impl StoreState {
    pub(super) fn add_tag(&mut self, ty: TagType) -> usize {
        let index = self.tags.len();
        let record = self.vm.add_tag();
        self.tags.push(TagEntity { ty, record });
        index
    }
}
