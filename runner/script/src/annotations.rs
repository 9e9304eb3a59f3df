//! The text of a module without its annotations (appendix "Custom Sections and Annotations").

use std::ops::Range;

use wast::lexer::TokenKind;

use super::split::lexer;

/// The text with a space in the place of every annotation; unchanged where it is no text at all.
pub(crate) fn without_annotations(text: &[u8]) -> Vec<u8> {
    let mut bare = text.to_vec();
    for range in std::str::from_utf8(text).map(annotations).unwrap_or_default() {
        if let Some(bytes) = bare.get_mut(range) {
            bytes.fill(b' ');
        }
    }
    bare
}

/// Where the outermost annotations stand.
fn annotations(text: &str) -> Vec<Range<usize>> {
    let lexer = lexer(text);
    let mut found = Vec::new();
    // How deep the open parentheses are, and where and how deep the open annotation began.
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
    fn annotations_give_way_to_spaces_with_all_that_is_in_them() {
        assert_eq!(bare("(a (@b \")\" (c (@d))) e)"), format!("(a {} e)", " ".repeat(17)));
        assert_eq!(bare("(@a) (b) (@c)"), "     (b)     ");
        assert_eq!(bare("(a ( ;; (@b)\n c))"), "(a ( ;; (@b)\n c))");
    }

    #[test]
    fn text_without_annotations_stays_as_it_is() {
        assert_eq!(without_annotations(b"(a \xff)"), b"(a \xff)");
        assert_eq!(bare("(a @b))"), "(a @b))");
    }
}
