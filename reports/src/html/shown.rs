//! Texts as pages show them, and the room that they take.

use std::borrow::Cow;

use crate::text::{MAX_SHOWN, cut};

/// The bytes that a text takes at most when it is escaped.
pub(crate) fn cost(text: &str) -> usize {
    text.len() + 5 * text.bytes().filter(|byte| b"<>&\"'/".contains(byte)).count()
}

/// A text as far as it is shown.
pub(crate) fn shown(text: &str) -> String {
    visible(&cut(text, MAX_SHOWN)).into_owned()
}

/// A name as far as it is shown.
pub(crate) fn name(text: &str) -> String {
    visible(&cut(text, 200)).into_owned()
}

/// `text` with what cannot be seen, or turns the direction of what can, written out.
fn visible(text: &str) -> Cow<'_, str> {
    crate::text::escaped(text, |c| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    })
}
