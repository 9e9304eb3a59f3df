//! Tokens of the grammar (core spec, section 6.3).

use std::ops::Range;

use memchr::{memchr2, memchr3};
use wast::lexer::{Lexer, Token, TokenKind};

use super::rewrite::Edits;
use super::version::Grammar;
use crate::grammar::text_error;
use crate::model::TextError;
use crate::split::lexer;

/// The result of parsing a production.
pub(super) type Derived<T = ()> = Result<T, TextError>;

/// A token; an opening parenthesis includes the keyword after it, so that one token of lookahead
/// suffices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// `(` and the keyword after it; empty where no keyword follows.
    Open(&'a str),
    /// `)`.
    Close,
    Keyword(&'a str),
    Id,
    /// An integer without a sign.
    Nat,
    /// An integer with a sign.
    Int,
    Float,
    String,
    /// A reserved token, which no production derives.
    Reserved,
    /// The end of the text.
    End,
}

/// The maximum number of characters of a token in a message.
const LONGEST_SHOWN: usize = 40;

/// The tokens of a text, without white space, comments and annotations.
pub(super) struct Tokens<'a> {
    lexer: Lexer<'a>,
    text: &'a str,
    kind: Kind<'a>,
    /// The range of the current token; for an opening parenthesis without the keyword.
    range: Range<usize>,
    /// The range of the current token's keyword.
    word: Range<usize>,
    /// The position of the lexer.
    position: usize,
    /// The token after a `(` without a keyword.
    ahead: Option<Token>,
    /// The version of the grammar.
    pub(super) grammar: Grammar,
    /// The rewrites for the parser of the `wast` crate.
    pub(super) edits: Edits<'a>,
}

impl<'a> Tokens<'a> {
    /// Starts at the first token.
    pub(super) fn new(text: &'a str, grammar: Grammar) -> Derived<Self> {
        let mut tokens = Tokens {
            lexer: lexer(text),
            text,
            kind: Kind::End,
            range: 0..0,
            word: 0..0,
            position: 0,
            ahead: None,
            grammar,
            edits: Edits::default(),
        };
        tokens.advance()?;
        Ok(tokens)
    }

    /// The current token.
    pub(super) fn kind(&self) -> Kind<'a> {
        self.kind
    }

    /// The range of the current token; for an opening parenthesis without the keyword.
    pub(super) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The range of the current token's keyword.
    pub(super) fn word(&self) -> Range<usize> {
        self.word.clone()
    }

    /// The text of a range.
    pub(super) fn text_of(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// Advances to the next token.
    pub(super) fn advance(&mut self) -> Derived {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => match self.next()? {
                Some(token) => token,
                None => {
                    (self.kind, self.range) = (Kind::End, self.text.len()..self.text.len());
                    return Ok(());
                }
            },
        };
        self.range = range_of(&token);
        let slice = self.text_of(range_of(&token));
        self.kind = match token.kind {
            TokenKind::LParen => match self.next()? {
                Some(word) if word.kind == TokenKind::Keyword => {
                    self.word = range_of(&word);
                    Kind::Open(self.text_of(range_of(&word)))
                }
                ahead => {
                    self.ahead = ahead;
                    Kind::Open("")
                }
            },
            TokenKind::RParen => Kind::Close,
            TokenKind::Keyword => {
                self.word = range_of(&token);
                Kind::Keyword(slice)
            }
            TokenKind::Id => Kind::Id,
            TokenKind::Integer(_) if slice.starts_with(['+', '-']) => Kind::Int,
            TokenKind::Integer(_) => Kind::Nat,
            TokenKind::Float(_) => Kind::Float,
            TokenKind::String if has_odd_escape(slice) => {
                return Err(self.wrong("illegal escape: two underscores in a row"));
            }
            TokenKind::String => Kind::String,
            _ => Kind::Reserved,
        };
        Ok(())
    }

    /// Takes an identifier if there is one, and says whether there was.
    pub(super) fn take_id(&mut self) -> Derived<bool> {
        self.take(Kind::Id)
    }

    /// Takes the token if it is the current one, and says whether it was.
    pub(super) fn take(&mut self, kind: Kind<'_>) -> Derived<bool> {
        let found = self.kind == kind;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Takes an index, numeric or symbolic, if there is one, and says whether there was.
    pub(super) fn take_index(&mut self) -> Derived<bool> {
        let found = matches!(self.kind, Kind::Nat | Kind::Id);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn index(&mut self) -> Derived {
        if self.take_index()? { Ok(()) } else { Err(self.unexpected("an index")) }
    }

    /// Takes indices as long as there are any.
    pub(super) fn indices(&mut self) -> Derived {
        while self.take_index()? {}
        Ok(())
    }

    /// Takes a natural number.
    pub(super) fn nat(&mut self) -> Derived {
        if self.take(Kind::Nat)? { Ok(()) } else { Err(self.unexpected("a number without a sign")) }
    }

    pub(super) fn string(&mut self) -> Derived {
        if self.take(Kind::String)? { Ok(()) } else { Err(self.unexpected("a string")) }
    }

    pub(super) fn close(&mut self) -> Derived {
        if self.take(Kind::Close)? { Ok(()) } else { Err(self.unexpected("`)`")) }
    }

    /// Takes everything up to the parenthesis that closes the current one.
    pub(super) fn skip_form(&mut self) -> Derived {
        let mut depth = 0usize;
        loop {
            match self.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::End => return Ok(()),
                _ => {}
            }
            self.advance()?;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Skips to the next form that begins with one of the words, or to the end. Only strings and
    /// comments are recognised on the way: scripts are mostly assertions, and this is much faster
    /// than reading their tokens.
    pub(super) fn skip_to(&mut self, words: &[&str]) -> Derived {
        self.ahead = None;
        let bytes = self.text.as_bytes();
        let from = |position: usize| bytes.get(position..).unwrap_or_default();
        while let Some(found) = memchr3(b'"', b';', b'(', from(self.position)) {
            self.position += found;
            let rest = from(self.position + 1);
            let skipped = match (bytes.get(self.position), rest.first()) {
                (Some(b'"'), _) => string_end(rest),
                (Some(b';'), Some(b';')) => memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()),
                (Some(b'('), Some(b'a'..=b'z'))
                    if !words.iter().any(|word| rest.starts_with(word.as_bytes())) =>
                {
                    0
                }
                (Some(b'('), _) => {
                    self.advance()?;
                    match self.kind {
                        Kind::Open(word) if words.contains(&word) => return Ok(()),
                        _ => continue,
                    }
                }
                _ => 0,
            };
            self.position += 1 + skipped;
        }
        (self.kind, self.range) = (Kind::End, self.text.len()..self.text.len());
        Ok(())
    }

    /// The error for an unexpected current token.
    pub(super) fn unexpected(&self, expected: &str) -> TextError {
        let found = match self.kind {
            Kind::End => "the end of the text".to_owned(),
            Kind::Open(word) => format!("`({word}`"),
            _ => {
                format!("`{}`", self.text_of(self.range()).chars().take(LONGEST_SHOWN).collect::<String>())
            }
        };
        self.wrong(format!("unexpected token, expected {expected}, found {found}"))
    }

    /// The error for an unknown instruction.
    pub(super) fn unknown(&self, word: &str) -> TextError {
        TextError { message: format!("unknown operator {word}"), offset: self.word.start }
    }

    /// An error at the current token.
    pub(super) fn wrong(&self, message: impl Into<String>) -> TextError {
        TextError { message: message.into(), offset: self.range.start }
    }

    /// The next token other than white space, comments and annotations.
    fn next(&mut self) -> Derived<Option<Token>> {
        loop {
            let Some(token) = self.lex()? else { return Ok(None) };
            match token.kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => {}
                TokenKind::LParen if self.text.as_bytes().get(self.position) == Some(&b'@') => {
                    self.skip_annotation()?
                }
                _ => return Ok(Some(token)),
            }
        }
    }

    /// Takes an annotation, whose parenthesis has been read.
    fn skip_annotation(&mut self) -> Derived {
        let start = self.position;
        // The lexer merges the identifier with adjacent characters; the grammar does not (section
        // 6.3.4).
        if self.lex()?.is_some_and(|token| token.kind == TokenKind::Reserved) {
            let end = start + annotation_id(self.text_of(start..self.position));
            self.edits.insert(end, "", end);
        }
        let mut depth = 1usize;
        while depth > 0 {
            match self.lex()?.map(|token| token.kind) {
                Some(TokenKind::LParen) => depth += 1,
                Some(TokenKind::RParen) => depth -= 1,
                Some(_) => {}
                None => return Err(self.wrong("unclosed annotation")),
            }
        }
        Ok(())
    }

    fn lex(&mut self) -> Derived<Option<Token>> {
        self.lexer.parse(&mut self.position).map_err(text_error)
    }
}

fn range_of(token: &Token) -> Range<usize> {
    token.offset..token.offset + token.len as usize
}

/// The length of the identifier at the start of the text, including `@`.
fn annotation_id(text: &str) -> usize {
    match text.strip_prefix("@\"") {
        Some(rest) => text.len() - rest.len() + string_end(rest.as_bytes()),
        None => text.find('"').unwrap_or(text.len()),
    }
}

/// The length of a string after its opening quotation mark, including the closing one.
fn string_end(text: &[u8]) -> usize {
    let mut end = 0;
    while let Some(found) = memchr2(b'"', b'\\', text.get(end..).unwrap_or_default()) {
        end += found + 1;
        if text.get(end - 1) == Some(&b'"') {
            return end;
        }
        end += 1;
    }
    text.len()
}

/// Whether a `\u{…}` of a string has two underscores in a row (section 6.3.3), which the lexer of
/// the `wast` crate accepts.
fn has_odd_escape(string: &str) -> bool {
    let mut rest = string.contains("__").then_some(string);
    while let Some((_, after)) = rest.and_then(|text| text.split_once('\\')) {
        let digits = after.strip_prefix("u{").and_then(|text| text.split('}').next());
        if digits.is_some_and(|digits| digits.contains("__")) {
            return true;
        }
        // Skip the character after a backslash.
        rest = after.char_indices().nth(1).and_then(|(at, _)| after.get(at..));
    }
    false
}
