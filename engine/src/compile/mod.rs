//! Compilation of function bodies to machine code.

mod artifact;
pub(crate) mod function;
pub(crate) mod isa;
pub(crate) mod parallel;
pub(crate) mod trampoline;
