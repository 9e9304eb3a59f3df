//! Errors of modules that the decoder or the validator rejects.

use super::limits::is_limit;
use crate::error::Error;

/// Converts an error of the decoder. It is an error of the binary grammar unless
/// [the grammar](crate::grammar) accepts the module.
pub(crate) fn malformed(error: wasmparser::Error) -> Error {
    beyond_limits(&error).unwrap_or_else(|| Error::malformed(error.message(), error.offset()))
}

/// Converts an error of validation.
pub(crate) fn invalid(error: wasmparser::Error) -> Error {
    beyond_limits(&error).unwrap_or_else(|| Error::invalid(error.message(), error.offset()))
}

/// Converts the error if it reports that a module exceeds a limit of the decoder.
fn beyond_limits(error: &wasmparser::Error) -> Option<Error> {
    is_limit(error.message()).then(|| Error::limit(error.message()).at(error.offset()))
}
