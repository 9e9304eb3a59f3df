//! Splits a file into top-level forms, so that an unparsable form fails alone.

use wast::lexer::Lexer;

use super::source::{Source, SourceError, Span};
use super::tokens::{Token, TokenKind, Unclosed, tokens};

/// The top-level forms of a source, and other text between them, without comments and annotations.
///
/// # Errors
///
/// A parenthesis, string or comment is not closed, or a closing parenthesis is unmatched.
pub fn split(source: &Source<'_>) -> Result<Vec<Span>, SourceError> {
    let mut found = Vec::new();
    for_each_form(source, |form, _| found.push(form))?;
    Ok(found)
}

/// Calls a function for each form, with its number of tokens, including forms before an error.
pub(super) fn for_each_form(
    source: &Source<'_>,
    mut form: impl FnMut(Span, usize),
) -> Result<(), SourceError> {
    let (mut forms, mut count) = (Forms::default(), 0);
    // Merge adjacent tokens: text without parentheses may have a token for each character.
    let mut outside: Option<Span> = None;
    for token in tokens(source.text()) {
        let token = token.map_err(|Unclosed { offset, message }| unbalanced(source, offset, message))?;
        if forms.depth == 0 && token.kind == TokenKind::Atom {
            match &mut outside {
                Some(span) if span.end == token.span.start => span.end = token.span.end,
                _ => outside.replace(token.span).into_iter().for_each(|span| form(span, 1)),
            }
            continue;
        }
        outside.take().into_iter().for_each(|span| form(span, 1));
        count += 1;
        if let Some(span) = forms.take(token, source)? {
            form(span, count);
            count = 0;
        }
    }
    outside.take().into_iter().for_each(|span| form(span, 1));
    forms.finish(source)
}

/// Creates the lexer for scripts: the grammar allows every character in strings and comments (core
/// spec, sections 6.2.4 and 6.3.3).
pub fn lexer(text: &str) -> Lexer<'_> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    lexer
}

#[derive(Default)]
struct Forms {
    depth: usize,
    /// The start of the open form.
    start: usize,
    annotation: bool,
}

impl Forms {
    /// Handles a token; returns the form that it ends.
    fn take(
        &mut self,
        Token { kind, span }: Token,
        source: &Source<'_>,
    ) -> Result<Option<Span>, SourceError> {
        match kind {
            TokenKind::Open | TokenKind::Annotation => {
                if self.depth == 0 {
                    self.start = span.start;
                    self.annotation = kind == TokenKind::Annotation;
                }
                self.depth += 1;
            }
            TokenKind::Close => {
                self.depth = self.depth.checked_sub(1).ok_or_else(|| {
                    unbalanced(source, span.start, "`)` closes nothing: no `(` is open here")
                })?;
                let form = self.start..span.end;
                // An annotation may contain any valid tokens (core spec, section 6.3.7).
                if self.depth == 0 && !(self.annotation && is_tokens(source.slice(&form))) {
                    return Ok(Some(form));
                }
            }
            TokenKind::Atom => {}
        }
        Ok(None)
    }

    fn finish(self, source: &Source<'_>) -> Result<(), SourceError> {
        if self.depth > 0 {
            return Err(unbalanced(
                source,
                self.start,
                "`(` is never closed: expected `)` before the end of the file",
            ));
        }
        Ok(())
    }
}

fn is_tokens(text: &str) -> bool {
    lexer(text).iter(0).all(|token| token.is_ok())
}

fn unbalanced(source: &Source<'_>, offset: usize, message: &str) -> SourceError {
    let name = source.name().to_owned();
    SourceError { name, place: source.place(offset), message: message.to_owned() }
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
    fn other_text_is_separate_and_annotations_are_omitted() {
        assert_eq!(forms("(a) b (@note (x) \")\") \"s\" (c (@d))"), ["(a)", "b", "\"s\"", "(c (@d))"]);
        assert_eq!(forms("\0\0,1,\u{e9}x(a)[] {}"), ["\0\0,1,\u{e9}x", "(a)", "[]", "{}"]);
    }

    #[test]
    fn invalid_tokens_affect_only_their_form() {
        assert_eq!(forms("(a \"\\q)\" \u{e9}) (b)"), ["(a \"\\q)\" \u{e9})", "(b)"]);
    }

    #[test]
    fn a_malformed_annotation_is_not_omitted() {
        assert_eq!(
            forms("(@a) (@) (@a \"\\q\") (@a \u{7}) (@a (b \"c\"))"),
            ["(@)", "(@a \"\\q\")", "(@a \u{7})"]
        );
    }

    #[test]
    fn unclosed_items_are_errors_with_a_position() {
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
