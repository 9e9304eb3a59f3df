//! Determines which rule of the text format (core spec, chapter 6) a malformed text breaks.
//!
//! The `wast` crate reports what it expected, with the same text for several rules of the
//! specification. The rule follows from the tokens at that position: an unknown keyword breaks
//! another rule than a misplaced one, and so does a number that is too large within a list of
//! lanes. The resulting message begins with the specification's text.

use wast::lexer::{Token, TokenKind};

use super::model::TextError;
use super::split::lexer;
use super::text::{is_instruction, is_nat};

/// Prefixes the message with the broken rule, if the tokens determine it.
pub(super) fn named(text: &str, error: TextError) -> TextError {
    let tokens = Tokens::of(text);
    let rule = match tokens.broken {
        Some(broken) if error.offset >= broken => tokens.lexical(broken, &error.message).map(str::to_owned),
        _ => tokens.annotation(&error).or_else(|| tokens.syntactic(&error)),
    };
    match rule {
        Some(rule) => TextError { message: format!("{rule}: {}", error.message), ..error },
        None => error,
    }
}

/// The tokens of a text without blanks and comments, up to the first invalid one.
struct Tokens<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// The position of an invalid token, if any.
    broken: Option<usize>,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        let lexer = lexer(text);
        let (mut tokens, mut position, mut broken) = (Vec::new(), 0, None);
        loop {
            let begin = position;
            match lexer.parse(&mut position) {
                Ok(Some(token)) => match token.kind {
                    TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => {}
                    _ => tokens.push(token),
                },
                Ok(None) => break,
                Err(_) => {
                    broken = Some(begin);
                    break;
                }
            }
        }
        Tokens { text, tokens, broken }
    }

    fn word(&self, token: &Token) -> &'a str {
        self.text.get(token.offset..token.offset + token.len as usize).unwrap_or_default()
    }

    /// The tokens before an offset, and those from there on.
    fn split(&self, offset: usize) -> (&[Token], &[Token]) {
        self.tokens.split_at(self.tokens.partition_point(|token| token.offset < offset))
    }

    /// The broken rule of tokens (section 6.3), for an invalid token.
    fn lexical(&self, broken: usize, message: &str) -> Option<&'static str> {
        let rest = self.text.get(broken..)?;
        if rest.starts_with("$\"") {
            return Some("empty identifier").filter(|_| message.starts_with("invalid character in string"));
        }
        if rest.starts_with("@\"") {
            return Some("empty annotation id")
                .filter(|_| message.starts_with("invalid character in string"));
        }
        if rest.starts_with("(;") {
            return Some("unclosed comment");
        }
        if !rest.starts_with('"') {
            return None;
        }
        // A line break within a string means that the string is unclosed.
        let ends = message == "unexpected end-of-file" || message.ends_with("'\\n'");
        let escape = message.starts_with("invalid string escape") || message.starts_with("invalid hex digit");
        if ends {
            Some("unclosed string")
        } else if escape {
            Some("illegal escape")
        } else {
            message
                .starts_with("invalid character in string")
                .then_some("illegal control character in string literal")
        }
    }

    /// The broken rule of annotations (appendix "Custom Sections and Annotations"), for an error at
    /// or in one.
    fn annotation(&self, error: &TextError) -> Option<String> {
        // The annotations that the parser handles; it ignores all others.
        const READ: [&str; 3] = ["custom", "name", "metadata.code.branch_hint"];
        if error.message == "unclosed annotation" || error.message.starts_with('@') {
            return None;
        }
        let (before, from) = self.split(error.offset);
        let is = |token: Option<&Token>, kind| token.is_some_and(|token| token.kind == kind);
        // At the parenthesis, or at the name after it.
        let head = match from {
            [paren, head, ..] if paren.kind == TokenKind::LParen => Some(head),
            [head, ..] if is(before.last(), TokenKind::LParen) => Some(head),
            _ => None,
        };
        let name = |token: &Token| self.word(token).trim_start_matches('@').trim_matches('"');
        let is_read = |head: &&Token| head.kind == TokenKind::Annotation && READ.contains(&name(head));
        if let Some(head) = head.filter(is_read) {
            let again = before.iter().any(|token| {
                token.kind == TokenKind::Annotation && token.offset < head.offset && name(token) == "name"
            });
            return Some(match name(head) {
                "name" if again => "@name annotation: multiple module".to_owned(),
                "metadata.code.branch_hint" => {
                    "@metadata.code.branch_hint annotation: not in a function".to_owned()
                }
                other => format!("misplaced @{other} annotation"),
            });
        }
        // The innermost open annotation.
        let mut open: Vec<usize> = Vec::new();
        for (at, token) in before.iter().enumerate() {
            match token.kind {
                TokenKind::LParen => open.push(at + 1),
                TokenKind::RParen => drop(open.pop()),
                _ => {}
            }
        }
        let begins = |at: &&usize| is(before.get(**at), TokenKind::Annotation);
        let at = *open.iter().rev().find(begins)?;
        let has_string = before.iter().skip(at).any(|token| token.kind == TokenKind::String);
        let name = Some(name(before.get(at)?)).filter(|name| READ.contains(name))?;
        Some(match (name, &*error.message) {
            ("custom", "expected a string") if has_string => {
                "@custom annotation: unexpected token".to_owned()
            }
            _ => format!("@{name} annotation"),
        })
    }

    /// The broken rule of the grammar (sections 6.4 to 6.6).
    fn syntactic(&self, error: &TextError) -> Option<String> {
        let (before, from) = self.split(error.offset);
        let token = from.first().filter(|token| token.offset == error.offset);
        if let Some(rule) = self.lanes(before, from, &error.message) {
            return Some(rule.to_owned());
        }
        if !is_syntax(&error.message) {
            return None;
        }
        match token {
            Some(token) if !self.is_known(token) => Some(format!("unknown operator {}", self.word(token))),
            _ => Some("unexpected token".to_owned()),
        }
    }

    /// The broken rule of lanes (section 6.5, "Vector Instructions"): first their number, then each
    /// lane.
    fn lanes(&self, before: &[Token], from: &[Token], message: &str) -> Option<&'static str> {
        let is_number = |token: &Token| matches!(token.kind, TokenKind::Integer(_) | TokenKind::Float(_));
        let number_before = before.iter().rev().take_while(|token| is_number(token)).count();
        let words = before.len() - number_before;
        let numbers = number_before + from.iter().take_while(|token| is_number(token)).count();
        let keyword = |back: usize| before.get(words.checked_sub(back)?).map(|token| self.word(token));
        if keyword(2) == Some("v128.const") {
            let lanes = match keyword(1)? {
                "i8x16" => 16,
                "i16x8" => 8,
                "i32x4" | "f32x4" => 4,
                "i64x2" | "f64x2" => 2,
                _ => return None,
            };
            // The token after the last number decides, unless it is an unknown keyword.
            let stops = from.get(numbers - number_before).is_none_or(|token| self.is_known(token));
            return (numbers != lanes && stops).then_some("wrong number of lane literals");
        }
        let instruction = keyword(1)?;
        let lane = from.first().filter(|token| is_number(token));
        let natural = lane.is_some_and(|token| {
            matches!(token.kind, TokenKind::Integer(_)) && !self.word(token).starts_with(['+', '-'])
        });
        let ranged = message == "malformed lane index" || message.ends_with("constant out of range");
        if instruction == "i8x16.shuffle" {
            return match (numbers, lane) {
                (16, Some(_)) if natural => Some("malformed lane index"),
                (16, Some(_)) => Some("unexpected lane index"),
                (16, None) => None,
                _ => Some("invalid lane length"),
            };
        }
        (instruction.contains("_lane") && ranged && natural).then_some("malformed lane index")
    }

    /// Whether the reference interpreter's lexer accepts the token: it reports unknown keywords as
    /// unknown operators.
    fn is_known(&self, token: &Token) -> bool {
        match token.kind {
            // An annotation without a parenthesis.
            TokenKind::Reserved | TokenKind::Annotation => false,
            TokenKind::Keyword => is_keyword(self.word(token)),
            _ => true,
        }
    }
}

/// Whether a message is a syntax error.
fn is_syntax(message: &str) -> bool {
    const BEGINS: [&str; 7] = [
        "expected ",
        "unexpected token",
        "unknown operator or unexpected token",
        "extra tokens remaining after parse",
        "unexpected end-of-file",
        "previous `if` had no `then`",
        // `offset=` and `align=` with anything but a natural number.
        "u64 constant out of range",
    ];
    BEGINS.iter().any(|text| message.starts_with(text))
}

/// Whether a word is a keyword of the text format or of scripts, in any version.
fn is_keyword(word: &str) -> bool {
    match word.split_once('=') {
        Some(("offset" | "align", digits)) => is_nat(digits),
        Some(_) => false,
        None => KEYWORDS.contains(&word) || is_instruction(word),
    }
}

/// The keywords that are not instructions.
const KEYWORDS: &[&str] = &[
    // Proposals.
    "seqcst",
    "acqrel",
    // Types.
    "i32",
    "i64",
    "f32",
    "f64",
    "v128",
    "i8",
    "i16",
    "any",
    "eq",
    "i31",
    "struct",
    "array",
    "none",
    "func",
    "nofunc",
    "exn",
    "noexn",
    "extern",
    "noextern",
    "anyref",
    "eqref",
    "i31ref",
    "structref",
    "arrayref",
    "nullref",
    "funcref",
    "nullfuncref",
    "exnref",
    "nullexnref",
    "externref",
    "nullexternref",
    "ref",
    "null",
    "param",
    "result",
    "mut",
    "field",
    "sub",
    "final",
    "rec",
    "shared",
    "pagesize",
    "cont",
    "contref",
    "nocont",
    "nullcontref",
    "exact",
    "describes",
    "descriptor",
    // Instructions.
    "then",
    "do",
    "catch",
    "catch_ref",
    "catch_all_ref",
    "i8x16",
    "i16x8",
    "i32x4",
    "i64x2",
    "f32x4",
    "f64x2",
    "on",
    // Modules and scripts.
    "type",
    "import",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "elem",
    "data",
    "tag",
    "local",
    "offset",
    "item",
    "declare",
    "module",
    "binary",
    "quote",
    "definition",
    "instance",
    "register",
    "invoke",
    "get",
    "script",
    "input",
    "output",
    "assert_malformed",
    "assert_invalid",
    "assert_unlinkable",
    "assert_return",
    "assert_trap",
    "assert_exception",
    "assert_exhaustion",
    "assert_suspension",
    "assert_malformed_custom",
    "assert_invalid_custom",
    "nan:canonical",
    "nan:arithmetic",
    "either",
    "ref.extern",
    "ref.host",
    "before",
    "after",
    "first",
    "last",
];
