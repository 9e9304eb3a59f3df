//! Errors of custom sections.

use crate::error::{Error, ErrorKind};

/// What breaks the grammar of a section.
pub(super) fn malformed_custom(section: &str, message: &str, offset: u64) -> Error {
    Error::new(ErrorKind::MalformedCustom, format!("{section} section: {message}")).at(offset)
}

/// What breaks a rule of a section that its grammar derives.
pub(super) fn invalid_custom(section: &str, message: &str, offset: u64) -> Error {
    Error::new(ErrorKind::InvalidCustom, format!("{section} section: {message}")).at(offset)
}
