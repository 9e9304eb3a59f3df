//! What another process prints, passed on line by line.

use wassay_reports::terminal::{MAX_DATUM, Text, printable_bytes};

use super::stream::tell;

/// Passes on to standard error what a process prints, each line escaped when it is complete. What
/// is left when this value goes is passed on as a line.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    /// The beginning of a line whose end is still to come.
    line: Vec<u8>,
}

impl Relay {
    /// Passes on what the process has printed.
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
            // A line that does not end is passed on in parts.
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
    fn a_line_is_escaped_however_it_comes_in_pieces() {
        let (mut relay, mut text) = (Relay::default(), Text::new(true));
        for piece in [&b"a\xc2"[..], b"\x9b2J\n\x1b[31mred\n::err", b"or::x\nrest"] {
            relay.take(piece, &mut text);
        }
        assert_eq!(text, "a\\u{9b}2J\n\\u{1b}[31mred\n\\u{3a}:error::x\n");
        assert_eq!(std::mem::take(&mut relay.line), b"rest");
    }

    #[test]
    fn a_line_without_an_end_is_not_kept() {
        let (mut relay, mut text) = (Relay::default(), Text::new(false));
        (0..100).for_each(|_| relay.take(&[b'x'; 5000], &mut text));
        assert!(relay.line.len() < MAX_DATUM && text.len() > 5000 * 80);
        relay.line.clear();
    }
}
