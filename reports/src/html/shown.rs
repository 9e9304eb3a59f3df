//! Texts on pages, and their size.

use crate::terminal::printable_lines;
use crate::text::{MAX_SHOWN, cut};

/// The maximum size in bytes of an escaped text.
pub(crate) fn cost(text: &str) -> usize {
    text.len() + 5 * text.bytes().filter(|byte| b"<>&\"'/".contains(byte)).count()
}

/// Cuts a text for display.
pub(crate) fn shown(text: &str) -> String {
    printable_lines(&cut(text, MAX_SHOWN)).into_owned()
}

/// Cuts a name for display.
pub(crate) fn name(text: &str) -> String {
    printable_lines(&cut(text, 200)).into_owned()
}
