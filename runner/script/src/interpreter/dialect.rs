//! What a dialect of scripts provides beyond the specification's interpreter.

use wassay_testsuite::conditions::Dialect;

use crate::embed::{EmbedError, Embedder};

/// The name of the host module in scripts of wasmtime.
const NAME: &str = "wasmtime";

/// `(module (func (export "gc")))`. When objects are collected is up to the engine, so the function
/// that asks for a collection does nothing.
const HOST: &[u8] =
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x06\x01\x02gc\0\0\x0a\x04\x01\x02\0\x0b";

/// Registers the host modules of a dialect, before a script begins.
pub(super) fn begin<E: Embedder>(embedder: &mut E, dialect: Dialect) -> Result<(), EmbedError> {
    match dialect {
        Dialect::Specification => Ok(()),
        Dialect::Wasmtime => {
            let module = embedder.compile(HOST)?;
            let instance = embedder.instantiate(&module)?;
            embedder.register(NAME, Some(&instance))
        }
    }
}
