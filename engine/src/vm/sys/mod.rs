//! What the operating system and the processor provide: mappings, limits, the bounds of a thread's
//! stack, copies that may race.

pub(crate) mod bytes;
pub(crate) mod limits;
pub(crate) mod mmap;
pub(crate) mod stack;
pub(crate) mod twin;
