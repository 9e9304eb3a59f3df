//! Errors of custom sections.

use crate::error::{Error, ErrorKind};

/// Creates an error for a malformed section.
pub(super) fn malformed_custom(section: &str, message: &str, offset: u64) -> Error {
    Error::new(ErrorKind::MalformedCustom, format!("{section} section: {message}")).at(offset)
}

/// Creates an error for a section that is well-formed but invalid.
pub(super) fn invalid_custom(section: &str, message: &str, offset: u64) -> Error {
    Error::new(ErrorKind::InvalidCustom, format!("{section} section: {message}")).at(offset)
}
