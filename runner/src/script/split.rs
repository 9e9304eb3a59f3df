//! Falls a file into its top-level forms, so that one that does not parse fails alone.

use std::ops::ControlFlow;

use wast::lexer::{LexError, Lexer, TokenKind};

use super::source::{Source, SourceError, Span};

/// The top-level forms of a source, and what else stands between them; comments and annotations are left out.
///
/// # Errors
///
/// Where a parenthesis, a string or a comment does not close, or a parenthesis closes that was never opened.
pub(crate) fn split(source: &Source<'_>) -> Result<Vec<Span>, SourceError> {
    let lexer = lexer(source.text());
    let mut forms = Forms::default();
    let mut position = 0;
    loop {
        let start = position;
        match lexer.parse(&mut position) {
            Ok(None) => break,
            Ok(Some(token)) => forms.take(token.kind, start..position, source)?,
            Err(error) => {
                let end = resume(source.text(), start, error.lex_error());
                position = end.map_err(|unclosed| unclosed.in_source(source))?;
                forms.take(TokenKind::Reserved, start..position, source)?;
            }
        }
    }
    forms.finish(source)
}

/// The lexer of scripts: the grammar allows every character in strings and comments (core spec, sections 6.2.4 and 6.3.3).
pub(crate) fn lexer(text: &str) -> Lexer<'_> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    lexer
}

#[derive(Default)]
struct Forms {
    found: Vec<Span>,
    depth: usize,
    /// Where the open form begins.
    start: usize,
    /// Whether the open form has no token yet, so that an annotation's name would make it an annotation.
    fresh: bool,
    annotation: bool,
}

impl Forms {
    fn take(&mut self, kind: TokenKind, span: Span, source: &Source<'_>) -> Result<(), SourceError> {
        match kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => return Ok(()),
            TokenKind::LParen => {
                if self.depth == 0 {
                    self.start = span.start;
                    self.annotation = false;
                }
                self.fresh = self.depth == 0;
                self.depth += 1;
                return Ok(());
            }
            TokenKind::RParen => {
                self.depth = self.depth.checked_sub(1).ok_or_else(|| {
                    unbalanced(source, span.start, "`)` closes nothing: no `(` is open here")
                })?;
                if self.depth == 0 && !self.annotation {
                    self.found.push(self.start..span.end);
                }
            }
            TokenKind::Annotation if self.fresh => self.annotation = true,
            _ if self.depth == 0 => self.found.push(span),
            _ => {}
        }
        self.fresh = false;
        Ok(())
    }

    fn finish(self, source: &Source<'_>) -> Result<Vec<Span>, SourceError> {
        if self.depth > 0 {
            return Err(unbalanced(
                source,
                self.start,
                "`(` is never closed: expected `)` before the end of the file",
            ));
        }
        Ok(self.found)
    }
}

fn unbalanced(source: &Source<'_>, offset: usize, message: &str) -> SourceError {
    let name = source.name().to_owned();
    SourceError { name, place: source.place(offset), message: message.to_owned() }
}

/// A string or comment without an end.
struct Unclosed {
    offset: usize,
    message: &'static str,
}

impl Unclosed {
    fn in_source(self, source: &Source<'_>) -> SourceError {
        unbalanced(source, self.offset, self.message)
    }
}

/// Where to go on after text that is no token: behind the string that it is part of, else behind the character.
fn resume(text: &str, start: usize, error: Option<&LexError>) -> Result<usize, Unclosed> {
    if matches!(error, Some(LexError::DanglingBlockComment)) {
        return Err(Unclosed {
            offset: start,
            message: "`(;` is never closed: expected `;)` before the end of the file",
        });
    }
    let rest = text.get(start..).unwrap_or_default();
    let character = rest.chars().next().map_or(1, char::len_utf8);
    if let Some(LexError::Unexpected(_)) = error {
        return Ok(start + character);
    }
    let Some(quote) = rest.find('"').map(|at| start + at) else { return Ok(start + character) };
    let mut escaped = false;
    let end = text.bytes().enumerate().skip(quote + 1).try_for_each(|(at, byte)| match byte {
        b'\n' => ControlFlow::Break(None),
        b'"' if !escaped => ControlFlow::Break(Some(at + 1)),
        _ => {
            escaped = byte == b'\\' && !escaped;
            ControlFlow::Continue(())
        }
    });
    match end {
        ControlFlow::Break(Some(end)) => Ok(end),
        _ => Err(Unclosed { offset: quote, message: "`\"` begins a string that does not end on its line" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Vec<&str> {
        let source = Source::new("t.wast", text);
        split(&source).unwrap().iter().map(|span| source.slice(span)).collect()
    }

    fn error(text: &str) -> String {
        split(&Source::new("t.wast", text)).unwrap_err().to_string()
    }

    #[test]
    fn strings_and_comments_hide_their_parentheses() {
        let text = "(a \")\\\"(\") ;; )\n(; (; ) ;) ( ;) (b (c)) (d)";
        assert_eq!(forms(text), ["(a \")\\\"(\")", "(b (c))", "(d)"]);
    }

    #[test]
    fn what_is_no_form_stands_alone_and_annotations_are_left_out() {
        assert_eq!(forms("(a) b (@note (x) \")\") \"s\" (c (@d))"), ["(a)", "b", "\"s\"", "(c (@d))"]);
    }

    #[test]
    fn text_that_is_no_token_spoils_only_its_own_form() {
        assert_eq!(forms("(a \"\\q)\" \u{e9}) (b)"), ["(a \"\\q)\" \u{e9})", "(b)"]);
    }

    #[test]
    fn what_does_not_close_is_named_with_its_place() {
        assert_eq!(
            error("(a)\n  (b (c)\n"),
            "t.wast:2:3: `(` is never closed: expected `)` before the end of the file"
        );
        assert_eq!(error("(a))\n(b)"), "t.wast:1:4: `)` closes nothing: no `(` is open here");
        assert_eq!(
            error("(a)\n(b (; c)"),
            "t.wast:2:4: `(;` is never closed: expected `;)` before the end of the file"
        );
        assert_eq!(
            error("(a \"b)\n(c \"d\")"),
            "t.wast:1:4: `\"` begins a string that does not end on its line"
        );
        assert_eq!(error("(a \"b"), "t.wast:1:4: `\"` begins a string that does not end on its line");
    }
}
