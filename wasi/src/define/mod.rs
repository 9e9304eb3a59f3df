//! Defines Rust functions as WASI functions: from the raw arguments of a call to typed ones.

pub(crate) mod arg;
pub(crate) mod host_fn;

pub(crate) use host_fn::Definer;
