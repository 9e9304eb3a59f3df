//! The records of tags.

/// A tag. Compiled code identifies tags by the address of their record.
#[derive(Debug)]
pub(crate) struct VmTag {
    /// Not read. It gives the record a size, so that two records do not have the same address.
    _identity: u64,
}

impl VmTag {
    pub(super) const NEW: VmTag = VmTag { _identity: 0 };
}
