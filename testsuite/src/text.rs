//! Lines and columns of the text of a script.

/// The text without the byte order mark that some editors add. It is not part of the text format
/// (core spec, section 6.2.1).
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The offset of the start of each line; the first is 0. A line ends with a line feed, a carriage
/// return, or both (core spec, section 6.3.3).
pub fn line_starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = text.as_bytes();
    let breaks = memchr::memchr2_iter(b'\n', b'\r', bytes)
        .filter(|at| !(bytes.get(*at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n')));
    std::iter::once(0).chain(breaks.map(|at| at + 1))
}

/// The lines of a text without their line endings. An empty text has none.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> = line_starts(text).filter(|start| *start < text.len()).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]).collect::<Vec<_>>();
    let line = |(start, end): (usize, usize)| text.get(start..end).unwrap_or_default();
    starts.into_iter().zip(ends).map(move |range| line(range).trim_end_matches(['\r', '\n']))
}

/// The line and column of an offset, both from 1. Columns count characters.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let (line, start) = line_starts(text)
        .take_while(|start| *start <= offset)
        .zip(1..)
        .last()
        .map_or((1, 0), |(start, line)| (line, start));
    (line, text.get(start..offset).map_or(0, |before| before.chars().count()) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_at_any_newline() {
        let text = "a\rb\r\nc\n\rd";
        assert_eq!(line_starts(text).collect::<Vec<_>>(), [0, 2, 5, 7, 8]);
        assert_eq!(lines(text).collect::<Vec<_>>(), ["a", "b", "c", "", "d"]);
        assert_eq!(lines("a\r").collect::<Vec<_>>(), ["a"]);
        assert_eq!(lines("").count(), 0);
        assert_eq!((position(text, 0), position(text, 8)), ((1, 1), (5, 1)));
        assert_eq!(position("é\r\u{e9}b", 5), (2, 2));
    }

    #[test]
    fn only_one_leading_byte_order_mark_is_removed() {
        assert_eq!(without_bom("\u{feff}(a)"), "(a)");
        assert_eq!(without_bom("\u{feff}\u{feff}"), "\u{feff}");
        assert_eq!(without_bom("(a)\u{feff}"), "(a)\u{feff}");
    }
}
