//! What the operating system gives: mappings, signals and the bounds of a thread's stack.

pub(crate) mod mmap;
pub(crate) mod signal;
pub(crate) mod stack;
pub(crate) mod watchdog;
