//! Functions that take a descriptor.

pub(crate) mod number;
pub(crate) mod readdir;
pub(crate) mod seek;
pub(crate) mod space;
pub(crate) mod stat;
pub(crate) mod transfer;
