//! Escapes characters that can control a terminal or mislead its reader.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character must be escaped: it moves the cursor, ends a line, changes the text
/// direction, or is invisible.
///
/// These are the control characters (general category Cc), the separators of lines and paragraphs
/// (Zl, Zp), the format characters that have no glyph (Cf), the other characters that are ignored
/// by default (Unicode Standard, section 5.21), and noncharacters.
pub fn is_hidden(c: char) -> bool {
    // Fast path: most text is ASCII.
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Escapes `text` for use within a line: [hidden](is_hidden) characters become for example `\n`,
/// `\u{1b}` or `\u{202e}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

/// Escapes `text` of one or more lines: tabs and line feeds are kept.
pub(crate) fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_hidden(c) && c != '\n' && c != '\t')
}

/// Escapes bytes for use within a line: [hidden](is_hidden) characters, and bytes that are not
/// UTF-8, as `\xff`.
pub fn printable_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(&printable(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Escapes the characters of `text` that are `bad`.
pub(crate) fn escaped(text: &str, bad: fn(char) -> bool) -> Cow<'_, str> {
    replaced(text, |c, out| {
        let is_bad = bad(c);
        if is_bad {
            match c {
                '\t' | '\n' | '\r' => out.extend(c.escape_default()),
                c => out.extend(c.escape_unicode()),
            }
        }
        is_bad
    })
}

/// Replaces the characters of `text` for which `replace` writes a replacement and returns true.
pub(crate) fn replaced(text: &str, replace: impl Fn(char, &mut String) -> bool) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let mut instead = String::new();
    for (at, c) in text.char_indices() {
        let is_replaced = replace(c, &mut instead);
        match &mut out {
            Some(out) if is_replaced => out.push_str(&instead),
            Some(out) => out.push(c),
            None if is_replaced => {
                let mut begun = String::with_capacity(text.len() + 16);
                begun.push_str(text.get(..at).unwrap_or_default());
                begun.push_str(&instead);
                out = Some(begun);
            }
            None => {}
        }
        instead.clear();
    }
    out.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_invisible_characters_are_escaped() {
        for (text, expected) in [
            ("a\u{1b}[2J\r\nb\t", "a\\u{1b}[2J\\r\\nb\\t"),
            ("\u{0}\u{7}\u{7f}\u{80}\u{9b}", "\\u{0}\\u{7}\\u{7f}\\u{80}\\u{9b}"),
            ("\u{202e}txt\u{2066}\u{61c}\u{200f}", "\\u{202e}txt\\u{2066}\\u{61c}\\u{200f}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("a\u{200b}\u{ad}\u{feff}\u{fe0f}\u{e0041}", "a\\u{200b}\\u{ad}\\u{feff}\\u{fe0f}\\u{e0041}"),
            ("\u{ffff}\u{10fffe}\u{fdd0}", "\\u{ffff}\\u{10fffe}\\u{fdd0}"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn visible_characters_are_kept() {
        for text in ["", "a b", "i32.add \\u{1b}", "größer 漢字 العربية עברית 😀 e\u{301}", "\u{a0}\u{3000}"]
        {
            assert!(matches!(printable(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn every_control_and_bidirectional_character_is_hidden() {
        let bidirectional = [0x61c, 0x200e, 0x200f];
        let bidirectional = bidirectional.into_iter().chain(0x202a..=0x202e).chain(0x2066..=0x2069);
        let control = (0..0x20).chain(0x7f..0xa0);
        for c in control.chain(bidirectional).filter_map(char::from_u32) {
            assert!(is_hidden(c), "{c:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_escaped_one_by_one() {
        assert_eq!(printable_bytes(b"a\xff\xc3\xa9\xe2\x82\x1b"), "a\\xffé\\xe2\\x82\\u{1b}");
        assert_eq!(printable_bytes(b""), "");
    }
}
