//! A lexer for parentheses, which merges other tokens (core spec, section 6.3).
//!
//! Unlike the lexer of the `wast` crate this continues after text that is not a token, in time
//! linear in the text.

use super::source::Span;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `(`
    Open,
    /// `(@name`: the start of an annotation.
    Annotation,
    /// `)`
    Close,
    /// Adjacent keywords, names, numbers and strings, or a single invalid character.
    Atom,
}

/// A token and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// An unclosed string or comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// The offset of its start.
    pub(super) offset: usize,
    pub(super) message: &'static str,
}

/// The tokens of a text, without blanks and comments. The last one is an error if a string or a
/// comment is not closed.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Result<Token, Unclosed>> + '_ {
    let mut reader = Reader { text, bytes: text.as_bytes(), position: 0 };
    let mut ended = false;
    std::iter::from_fn(move || {
        let token = if ended { None } else { reader.next().transpose() };
        ended = !matches!(token, Some(Ok(_)));
        token
    })
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    position: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Option<Token>, Unclosed> {
        self.skip_blanks()?;
        let start = self.position;
        let kind = match self.bytes.get(start) {
            None => return Ok(None),
            Some(b'(') => {
                self.position += 1;
                if self.annotation_name()? { TokenKind::Annotation } else { TokenKind::Open }
            }
            Some(b')') => {
                self.position += 1;
                TokenKind::Close
            }
            Some(_) => {
                self.atom()?;
                TokenKind::Atom
            }
        };
        Ok(Some(Token { kind, span: start..self.position }))
    }

    fn skip_blanks(&mut self) -> Result<(), Unclosed> {
        loop {
            match (self.bytes.get(self.position), self.bytes.get(self.position + 1)) {
                (Some(b' ' | b'\t' | b'\n' | b'\r'), _) => self.position += 1,
                (Some(b';'), Some(b';')) => {
                    let rest = self.bytes.get(self.position..).unwrap_or_default();
                    self.position += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                }
                (Some(b'('), Some(b';')) => self.block_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn block_comment(&mut self) -> Result<(), Unclosed> {
        let (start, mut depth) = (self.position, 0usize);
        while let Some(pair) = self.bytes.get(self.position..self.position + 2) {
            match pair {
                b"(;" => depth += 1,
                b";)" => depth -= 1,
                _ => {
                    self.position += 1;
                    continue;
                }
            }
            self.position += 2;
            if depth == 0 {
                return Ok(());
            }
        }
        let message = "`(;` is never closed: expected `;)` before the end of the file";
        Err(Unclosed { offset: start, message })
    }

    /// Takes the name of an annotation, if one follows: `@` with a name or a string directly after
    /// the parenthesis.
    fn annotation_name(&mut self) -> Result<bool, Unclosed> {
        let start = self.position;
        if self.bytes.get(start) != Some(&b'@') {
            return Ok(false);
        }
        self.position += 1;
        match self.bytes.get(self.position) {
            Some(b'"') => self.string()?,
            _ => self.idchars(),
        }
        let goes_on = self.bytes.get(self.position).is_some_and(|byte| *byte == b'"' || is_idchar(*byte));
        let is_name = self.position > start + 1 && !goes_on;
        if !is_name {
            self.position = start;
        }
        Ok(is_name)
    }

    /// Takes adjacent names, keywords, numbers and strings, or a single character.
    fn atom(&mut self) -> Result<(), Unclosed> {
        let start = self.position;
        loop {
            match self.bytes.get(self.position) {
                Some(b'"') => self.string()?,
                Some(byte) if is_idchar(*byte) => self.idchars(),
                _ => break,
            }
        }
        if self.position == start {
            let rest = self.text.get(start..).unwrap_or_default();
            self.position += rest.chars().next().map_or(1, char::len_utf8);
        }
        Ok(())
    }

    fn idchars(&mut self) {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        self.position += rest.iter().take_while(|byte| is_idchar(**byte)).count();
    }

    fn string(&mut self) -> Result<(), Unclosed> {
        let start = self.position;
        self.position += 1;
        loop {
            match self.bytes.get(self.position) {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(());
                }
                Some(b'\\') if !matches!(self.bytes.get(self.position + 1), Some(b'\n' | b'\r')) => {
                    self.position += 2;
                }
                Some(byte) if !matches!(byte, b'\n' | b'\r') => self.position += 1,
                _ => {
                    let message = "`\"` begins a string that does not end on its line";
                    return Err(Unclosed { offset: start, message });
                }
            }
        }
    }
}

/// The characters of names and words (core spec, section 6.3.5).
fn is_idchar(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'(' | b')' | b',' | b';' | b'[' | b']' | b'{' | b'}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(TokenKind, &str)> {
        tokens(text).map(|token| token.unwrap()).map(|token| (token.kind, &text[token.span])).collect()
    }

    #[test]
    fn tokens_are_those_of_the_text_format() {
        use TokenKind::{Annotation, Atom, Close, Open};
        let text = "(a$b \"(\\\")\" ;; )\r$\"x y\" (; ( (; ;) ;) (@n(@\"m\")) ( @c)\u{7}\u{e9}x,";
        let expected = [
            (Open, "("),
            (Atom, "a$b"),
            (Atom, "\"(\\\")\""),
            (Atom, "$\"x y\""),
            (Annotation, "(@n"),
            (Annotation, "(@\"m\""),
            (Close, ")"),
            (Close, ")"),
            (Open, "("),
            (Atom, "@c"),
            (Close, ")"),
            (Atom, "\u{7}"),
            (Atom, "\u{e9}"),
            (Atom, "x"),
            (Atom, ","),
        ];
        assert_eq!(seen(text), expected);
    }

    #[test]
    fn an_annotation_requires_a_name() {
        for text in ["(@)", "(@ a)", "(@a\"b\")", "(@\"a\"b)", "(@\"a\"\"b\")"] {
            assert_eq!(seen(text)[0], (TokenKind::Open, "("), "{text}");
        }
    }

    #[test]
    fn unclosed_items_end_the_tokens() {
        for (text, offset) in
            [("a (; (; ;)", 2), ("a \"b\n\"", 2), ("\"b\\\r\"", 0), ("(@\"", 2), ("\"\\", 0)]
        {
            let last = tokens(text).last().unwrap();
            assert_eq!(last.map_err(|unclosed| unclosed.offset), Err(offset), "{text:?}");
        }
    }
}
