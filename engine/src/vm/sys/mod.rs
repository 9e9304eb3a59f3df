//! What the operating system and the processor give: mappings, signals, the bounds of a thread's stack, copies that may race.

pub(crate) mod bytes;
pub(crate) mod cause;
pub(crate) mod limits;
pub(crate) mod mmap;
pub(crate) mod signal;
pub(crate) mod stack;
pub(crate) mod watchdog;
