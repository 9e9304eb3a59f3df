//! Forwards the output of another process line by line.

use wassay_reports::terminal::{MAX_DATUM, Text, printable_bytes};

use super::stream::tell;

/// Forwards the output of a process to standard error, escaping each complete line. An incomplete
/// last line is forwarded on drop.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    /// The first part of an incomplete line.
    line: Vec<u8>,
}

impl Relay {
    /// Forwards output.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        let mut text = Text::new(false);
        self.take(bytes, &mut text);
        if !text.is_empty() {
            tell(&text);
        }
    }

    fn take(&mut self, bytes: &[u8], text: &mut Text) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
            // Very long lines are forwarded in parts.
            if piece.ends_with(b"\n") || self.line.len() >= MAX_DATUM {
                text.line(printable_bytes(&std::mem::take(&mut self.line)));
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            let mut text = Text::new(false);
            text.line(printable_bytes(&self.line));
            tell(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_escaped_whatever_pieces_they_arrive_in() {
        let (mut relay, mut text) = (Relay::default(), Text::new(true));
        for piece in [&b"a\xc2"[..], b"\x9b2J\n\x1b[31mred\n::err", b"or::x\nrest"] {
            relay.take(piece, &mut text);
        }
        assert_eq!(text, "a\\u{9b}2J\n\\u{1b}[31mred\n\\u{3a}:error::x\n");
        assert_eq!(std::mem::take(&mut relay.line), b"rest");
    }

    #[test]
    fn an_endless_line_is_not_buffered() {
        let (mut relay, mut text) = (Relay::default(), Text::new(false));
        (0..100).for_each(|_| relay.take(&[b'x'; 5000], &mut text));
        assert!(relay.line.len() < MAX_DATUM && text.len() > 5000 * 80);
        relay.line.clear();
    }
}
