//! The tokens of a text as the grammar sees them (core spec, section 6.3).

use wast::lexer::{Lexer, Token, TokenKind};

use super::super::model::TextError;
use super::super::split::lexer;
use super::Derived;

/// A token; a parenthesis that opens is one with the keyword after it, so that one token of lookahead is enough everywhere.
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

/// How many characters of a token a message shows.
const LONGEST_SHOWN: usize = 40;

/// The tokens of a text, without white space, comments and annotations.
pub(super) struct Tokens<'a> {
    lexer: Lexer<'a>,
    text: &'a str,
    kind: Kind<'a>,
    /// Where the current token begins.
    start: usize,
    /// Where the lexer goes on.
    position: usize,
    /// The token after a `(` that no keyword follows.
    ahead: Option<Token>,
}

impl<'a> Tokens<'a> {
    /// Begins at the first token.
    pub(super) fn new(text: &'a str) -> Derived<Self> {
        let (kind, start, position, ahead) = (Kind::End, 0, 0, None);
        let mut tokens = Tokens { lexer: lexer(text), text, kind, start, position, ahead };
        tokens.advance()?;
        Ok(tokens)
    }

    /// The current token.
    pub(super) fn kind(&self) -> Kind<'a> {
        self.kind
    }

    /// Goes to the next token.
    pub(super) fn advance(&mut self) -> Derived {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => match self.next()? {
                Some(token) => token,
                None => {
                    (self.kind, self.start) = (Kind::End, self.text.len());
                    return Ok(());
                }
            },
        };
        self.start = token.offset;
        self.kind = match token.kind {
            TokenKind::LParen => match self.next()? {
                Some(word) if word.kind == TokenKind::Keyword => Kind::Open(self.slice(&word)),
                ahead => {
                    self.ahead = ahead;
                    Kind::Open("")
                }
            },
            TokenKind::RParen => Kind::Close,
            TokenKind::Keyword => Kind::Keyword(self.slice(&token)),
            TokenKind::Id => Kind::Id,
            TokenKind::Integer(_) if self.slice(&token).starts_with(['+', '-']) => Kind::Int,
            TokenKind::Integer(_) => Kind::Nat,
            TokenKind::Float(_) => Kind::Float,
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

    /// What is wrong with the current token where something else was expected.
    pub(super) fn unexpected(&self, expected: &str) -> TextError {
        let found = match self.kind {
            Kind::End => "the end of the text".to_owned(),
            Kind::Open(word) => format!("`({word}`"),
            _ => {
                let rest = self.text.get(self.start..self.position).unwrap_or_default();
                format!("`{}`", rest.chars().take(LONGEST_SHOWN).collect::<String>())
            }
        };
        self.wrong(format!("unexpected token, expected {expected}, found {found}"))
    }

    /// An error at the current token.
    pub(super) fn wrong(&self, message: impl Into<String>) -> TextError {
        TextError { message: message.into(), offset: self.start }
    }

    fn slice(&self, token: &Token) -> &'a str {
        self.text.get(token.offset..token.offset + token.len as usize).unwrap_or_default()
    }

    /// The next token that is no white space, comment or annotation.
    fn next(&mut self) -> Derived<Option<Token>> {
        loop {
            let Some(token) = self.lex()? else { return Ok(None) };
            match token.kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => {}
                TokenKind::LParen if self.text.as_bytes().get(self.position) == Some(&b'@') => self.skip_annotation()?,
                _ => return Ok(Some(token)),
            }
        }
    }

    fn skip_annotation(&mut self) -> Derived {
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
        self.lexer
            .parse(&mut self.position)
            .map_err(|error| TextError { message: error.message(), offset: error.span().offset() })
    }
}
