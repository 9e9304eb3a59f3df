//! Rewrites text for the `wast` crate.
//!
//! The crate lacks a few forms of the grammar. They are rewritten to forms that it supports: some
//! text is replaced by blanks, some text is inserted, and positions can be mapped back.

use std::borrow::Cow;
use std::ops::Range;

/// A text that may differ from the original.
#[derive(Debug)]
pub(crate) struct Rewritten<'a> {
    /// The text to parse.
    pub(crate) text: Cow<'a, str>,
    /// The insertions, in order.
    stretches: Vec<Inserted>,
}

/// Inserted text.
#[derive(Debug)]
struct Inserted {
    /// Its offset in the rewritten text.
    at: usize,
    len: usize,
    /// The offset in the original that its positions map to.
    origin: usize,
    /// The total length inserted up to its end.
    longer: usize,
}

/// Changes to a text, collected in any order.
#[derive(Debug, Default)]
pub(super) struct Edits<'a> {
    blanks: Vec<Range<usize>>,
    insertions: Vec<Insertion<'a>>,
}

#[derive(Debug)]
struct Insertion<'a> {
    /// The offset in the original where it is inserted.
    at: usize,
    text: &'a str,
    origin: usize,
}

impl<'a> Edits<'a> {
    /// Replaces complete tokens by blanks.
    pub(super) fn blank(&mut self, range: Range<usize>) {
        self.blanks.push(range);
    }

    /// Inserts text at an offset; positions in it map to `origin`. Insertions at the same offset
    /// keep their order.
    pub(super) fn insert(&mut self, at: usize, text: &'a str, origin: usize) {
        self.insertions.push(Insertion { at, text, origin });
    }

    /// Applies all changes.
    pub(super) fn apply(mut self, original: &'a str) -> Rewritten<'a> {
        let unchanged = Rewritten { text: Cow::Borrowed(original), stretches: Vec::new() };
        if self.blanks.is_empty() && self.insertions.is_empty() {
            return unchanged;
        }
        let mut blank = original.as_bytes().to_vec();
        for range in self.blanks {
            if let Some(bytes) = blank.get_mut(range) {
                bytes.fill(b' ');
            }
        }
        self.insertions.sort_by_key(|insertion| insertion.at);
        let (mut text, mut stretches) =
            (Vec::with_capacity(blank.len() + 16 * self.insertions.len()), Vec::new());
        let (mut copied, mut longer) = (0, 0);
        for Insertion { at, text: inserted, origin } in self.insertions {
            text.extend_from_slice(blank.get(copied..at).unwrap_or_default());
            copied = at;
            let stretch = text.len();
            text.extend_from_slice(inserted.as_bytes());
            text.push(b' ');
            let len = text.len() - stretch;
            longer += len;
            stretches.push(Inserted { at: stretch, len, origin, longer });
        }
        text.extend_from_slice(blank.get(copied..).unwrap_or_default());
        // Blanks replace complete tokens, so it is still UTF-8.
        match String::from_utf8(text) {
            Ok(text) => Rewritten { text: Cow::Owned(text), stretches },
            Err(_) => unchanged,
        }
    }
}

impl Rewritten<'_> {
    /// Maps an offset to the original text.
    pub(crate) fn original(&self, offset: usize) -> usize {
        let before = self.stretches.partition_point(|stretch| stretch.at <= offset);
        match before.checked_sub(1).and_then(|last| self.stretches.get(last)) {
            None => offset,
            Some(last) if offset < last.at + last.len => last.origin + (offset - last.at),
            Some(last) => offset - last.longer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_known() {
        let original = "(é (b) c)";
        let mut edits = Edits::default();
        edits.insert(8, "late", 8);
        edits.insert(1, "first", 5);
        edits.insert(1, "second", 6);
        edits.blank(4..7);
        let rewritten = edits.apply(original);
        assert_eq!(rewritten.text, "(first second é     late c)");
        for word in ["(", "é", "c)"] {
            let at = rewritten.text.find(word).unwrap();
            assert_eq!(rewritten.original(at), original.find(word).unwrap(), "{word}");
        }
        assert_eq!(rewritten.original(rewritten.text.find("first").unwrap()), 5);
        assert_eq!(rewritten.original(rewritten.text.find("second").unwrap()), 6);
        assert_eq!(rewritten.original(rewritten.text.len()), original.len());
    }
}
