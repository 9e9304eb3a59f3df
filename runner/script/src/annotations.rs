//! Removes annotations from the text of a module (appendix "Custom Sections and Annotations").

use std::ops::Range;

use wast::lexer::TokenKind;

use super::split::lexer;

/// Replaces every annotation by spaces; returns the text unchanged if it is not UTF-8.
pub(crate) fn without_annotations(text: &[u8]) -> Vec<u8> {
    let mut bare = text.to_vec();
    for range in std::str::from_utf8(text).map(annotations).unwrap_or_default() {
        if let Some(bytes) = bare.get_mut(range) {
            bytes.fill(b' ');
        }
    }
    bare
}

/// The spans of the outermost annotations.
fn annotations(text: &str) -> Vec<Range<usize>> {
    let lexer = lexer(text);
    let mut found = Vec::new();
    // The depth of open parentheses, and the position and depth of the open annotation.
    let (mut depth, mut open, mut position) = (0usize, None, 0);
    let mut last_paren = None;
    while let Ok(Some(token)) = lexer.parse(&mut position) {
        match token.kind {
            TokenKind::LParen => {
                depth += 1;
                last_paren = Some(token.offset);
                continue;
            }
            TokenKind::RParen => {
                if let Some((start, _)) = open.filter(|(_, outside)| *outside + 1 == depth) {
                    found.push(start..position);
                    open = None;
                }
                depth = depth.saturating_sub(1);
            }
            TokenKind::Annotation if open.is_none() => {
                open = last_paren.map(|start| (start, depth.saturating_sub(1)));
            }
            _ => {}
        }
        last_paren = None;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(text: &str) -> String {
        String::from_utf8(without_annotations(text.as_bytes())).unwrap()
    }

    #[test]
    fn annotations_and_their_contents_become_spaces() {
        assert_eq!(bare("(a (@b \")\" (c (@d))) e)"), format!("(a {} e)", " ".repeat(17)));
        assert_eq!(bare("(@a) (b) (@c)"), "     (b)     ");
        assert_eq!(bare("(a ( ;; (@b)\n c))"), "(a ( ;; (@b)\n c))");
    }

    #[test]
    fn text_without_annotations_is_unchanged() {
        assert_eq!(without_annotations(b"(a \xff)"), b"(a \xff)");
        assert_eq!(bare("(a @b))"), "(a @b))");
    }
}
