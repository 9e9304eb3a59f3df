//! Errors of modules that the decoder or the validator refuses.

use super::limits::is_limit;
use crate::error::Error;

/// An error of reading, which is one of the binary grammar unless [the grammar](crate::grammar)
/// derives the module.
pub(crate) fn malformed(error: wasmparser::Error) -> Error {
    beyond_limits(&error).unwrap_or_else(|| Error::malformed(error.message(), error.offset()))
}

/// An error of validation.
pub(crate) fn invalid(error: wasmparser::Error) -> Error {
    beyond_limits(&error).unwrap_or_else(|| Error::invalid(error.message(), error.offset()))
}

/// The error where it says that a module is too large for the decoder.
fn beyond_limits(error: &wasmparser::Error) -> Option<Error> {
    is_limit(error.message()).then(|| Error::limit(error.message()).at(error.offset()))
}
