//! Splits a file into its top-level forms, so that one that does not parse fails alone.

use wast::lexer::Lexer;

use super::source::{Source, SourceError, Span};
use super::tokens::{Token, TokenKind, Unclosed, tokens};

/// The top-level forms of a source, and what else stands between them; comments and annotations are
/// left out.
///
/// # Errors
///
/// Where a parenthesis, a string or a comment does not close, or a parenthesis closes that was
/// never opened.
pub fn split(source: &Source<'_>) -> Result<Vec<Span>, SourceError> {
    let mut found = Vec::new();
    for_each_form(source, |form, _| found.push(form))?;
    Ok(found)
}

/// The same, one after the other, with how many tokens each has. Those before an error are given,
/// too.
pub(super) fn for_each_form(
    source: &Source<'_>,
    mut form: impl FnMut(Span, usize),
) -> Result<(), SourceError> {
    let (mut forms, mut count) = (Forms::default(), 0);
    // What touches is one: text without parentheses may have a token for each of its characters.
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

/// The lexer of scripts: the grammar allows every character in strings and comments (core spec,
/// sections 6.2.4 and 6.3.3).
pub fn lexer(text: &str) -> Lexer<'_> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    lexer
}

#[derive(Default)]
struct Forms {
    depth: usize,
    /// Where the open form begins.
    start: usize,
    annotation: bool,
}

impl Forms {
    /// Takes a token; gives the form that it ends.
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
                // An annotation may hold any tokens, and nothing else (core spec, section 6.3.7).
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
    fn what_is_no_form_stands_alone_and_annotations_are_left_out() {
        assert_eq!(forms("(a) b (@note (x) \")\") \"s\" (c (@d))"), ["(a)", "b", "\"s\"", "(c (@d))"]);
        assert_eq!(forms("\0\0,1,\u{e9}x(a)[] {}"), ["\0\0,1,\u{e9}x", "(a)", "[]", "{}"]);
    }

    #[test]
    fn text_that_is_no_token_spoils_only_its_own_form() {
        assert_eq!(forms("(a \"\\q)\" \u{e9}) (b)"), ["(a \"\\q)\" \u{e9})", "(b)"]);
    }

    #[test]
    fn an_annotation_that_is_malformed_is_not_left_out() {
        assert_eq!(
            forms("(@a) (@) (@a \"\\q\") (@a \u{7}) (@a (b \"c\"))"),
            ["(@)", "(@a \"\\q\")", "(@a \u{7})"]
        );
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
