//! From function bodies to machine code.

pub(crate) mod artifact;
pub(crate) mod function;
pub(crate) mod isa;
pub(crate) mod parallel;
pub(crate) mod places;
pub(crate) mod signature;
pub(crate) mod trampoline;
