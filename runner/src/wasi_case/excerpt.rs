//! Excerpts of a guest's output: a failure quotes a few kilobytes, and states the total size.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::str;

/// The maximum number of bytes that a failure quotes.
pub(super) const TEXT: usize = 4 << 10;

/// How many of them are from the beginning, for texts whose end is more informative.
const BEGIN: usize = 1 << 10;

/// The beginning of a text or binary, with a note if there is more.
pub(super) fn beginning(bytes: &[u8]) -> String {
    let begin = bytes.get(..TEXT).unwrap_or(bytes);
    let is_cut = begin.len() < bytes.len();
    let mut text = readable(begin, is_cut).into_owned();
    if is_cut {
        let shown = begin.len() - unfinished(begin);
        let _ = write!(text, "\n… {shown} of {} bytes", bytes.len());
    }
    text
}

/// The beginning and the end of a text.
pub(super) fn ends(bytes: &[u8]) -> String {
    if bytes.len() <= TEXT {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let (begin, rest) = bytes.split_at(BEGIN);
    let (left_out, end) = rest.split_at(rest.len() - (TEXT - BEGIN));
    let [begin, end] = [begin, end].map(String::from_utf8_lossy);
    format!("{begin}\n… {} bytes are left out …\n{end}", left_out.len())
}

/// Cuts a text that is too long, with a note.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let length = text.len();
        text.truncate(text.floor_char_boundary(most));
        let _ = write!(text, "\n… {} of {length} bytes", text.len());
    }
    text
}

/// Bytes as text, with invalid sequences escaped. A character cut at the end is omitted.
fn readable(bytes: &[u8], is_cut: bool) -> Cow<'_, str> {
    text(bytes, is_cut).map_or_else(|| escaped(bytes).into(), Cow::Borrowed)
}

/// Bytes as text if they are valid, without a character cut at the end.
pub(super) fn text(bytes: &[u8], is_cut: bool) -> Option<&str> {
    let whole = if is_cut { bytes.get(..bytes.len() - unfinished(bytes)).unwrap_or(bytes) } else { bytes };
    str::from_utf8(whole).ok().filter(|text| !text.contains('\0'))
}

/// The number of bytes at the end that belong to an incomplete character.
fn unfinished(bytes: &[u8]) -> usize {
    let begin = bytes.len().saturating_sub(3);
    let tail = bytes.get(begin..).unwrap_or_default();
    // Skip continuation bytes.
    let lead = tail.iter().rposition(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let Some(tail) = lead.and_then(|lead| tail.get(lead..)) else { return 0 };
    match str::from_utf8(tail) {
        Err(error) if error.error_len().is_none() => tail.len(),
        _ => 0,
    }
}

/// Bytes line by line, with non-ASCII bytes escaped.
pub(super) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = line.strip_suffix(b"\n").map_or((line, ""), |line| (line, "\n"));
        let _ = write!(text, "{}{end}", line.escape_ascii());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omitted_parts_are_noted() {
        assert_eq!(beginning(b"short"), "short");
        let long = beginning(&b"a".repeat(TEXT + 1));
        assert!(long.ends_with("a\n… 4096 of 4097 bytes"), "{long}");
        assert_eq!(ends(b"short \xff"), "short \u{fffd}");
        let long = ends(&[&b"begin"[..], &b"-".repeat(60 << 20), b"end"].concat());
        assert!(long.starts_with("begin---") && long.ends_with("---end") && long.len() < TEXT + 100);
        assert!(long.contains(&format!("\n… {} bytes are left out …\n", (60 << 20) + 8 - TEXT)));
    }

    #[test]
    fn a_character_is_never_cut_in_two() {
        let text = "aé€😀".as_bytes();
        for end in 0..=text.len() {
            let cut = readable(&text[..end], true);
            assert!("aé€😀".starts_with(&*cut), "{cut}");
        }
        assert_eq!(readable(b"a\xff", true), "a\\xff");
        let shown = beginning(format!("a{}", "é".repeat(TEXT)).as_bytes());
        assert!(shown.ends_with("é\n… 4095 of 8193 bytes"), "{shown}");
    }
}
