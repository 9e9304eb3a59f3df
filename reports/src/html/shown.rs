//! Texts as pages show them, and the room that they take.

use crate::terminal::printable_lines;
use crate::text::{MAX_SHOWN, cut};

/// The bytes that a text takes at most when it is escaped.
pub(crate) fn cost(text: &str) -> usize {
    text.len() + 5 * text.bytes().filter(|byte| b"<>&\"'/".contains(byte)).count()
}

/// A text as far as it is shown.
pub(crate) fn shown(text: &str) -> String {
    printable_lines(&cut(text, MAX_SHOWN)).into_owned()
}

/// A name as far as it is shown.
pub(crate) fn name(text: &str) -> String {
    printable_lines(&cut(text, 200)).into_owned()
}
