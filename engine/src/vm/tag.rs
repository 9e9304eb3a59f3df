//! The records of tags.

/// A tag. Compiled code tells tags apart by the address of their record.
#[derive(Debug)]
pub(crate) struct VmTag {
    /// Not read: it gives the record a size, so that no two records have the same address.
    _identity: u64,
}

impl VmTag {
    pub(super) const NEW: VmTag = VmTag { _identity: 0 };
}
