//! Interfaces to the operating system and the processor: mappings, limits, priorities, the bounds
//! of a thread's stack, and copies that permit data races.

pub(crate) mod bytes;
pub(crate) mod limits;
pub(crate) mod mmap;
pub(crate) mod populate;
pub(crate) mod priority;
pub(crate) mod read;
pub(crate) mod stack;
pub(crate) mod twin;
