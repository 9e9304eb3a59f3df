//! Sequences of instructions, plain, structured and folded (core spec, section 6.5).

use std::ops::Range;

use super::immediates::{catches, immediates};
use super::tokens::{Derived, Kind, Tokens};
use super::types::{Binding, type_use};
use crate::model::TextError;

/// Parses the instructions of an expression, up to the closing parenthesis around it.
pub(super) fn expression(tokens: &mut Tokens<'_>) -> Derived {
    let mut sequence = Sequence::new(tokens);
    while !(sequence.open.is_empty() && matches!(sequence.tokens.kind(), Kind::Close | Kind::End)) {
        sequence.step()?;
    }
    Ok(())
}

/// A parsed folded instruction.
pub(super) struct Folded {
    /// Where it ends.
    pub(super) end: usize,
    /// Whether it is a structured instruction or has one as an operand.
    pub(super) structured: bool,
}

/// One folded instruction.
pub(super) fn folded_instruction(tokens: &mut Tokens<'_>) -> Derived<Folded> {
    if !instruction_begins(tokens) {
        return Err(tokens.unexpected("a folded instruction"));
    }
    let mut sequence = Sequence::new(tokens);
    loop {
        sequence.step()?;
        if sequence.open.is_empty() {
            return Ok(Folded { end: sequence.end, structured: sequence.structured });
        }
    }
}

/// Whether a parenthesised instruction begins here.
pub(super) fn instruction_begins(tokens: &Tokens<'_>) -> bool {
    matches!(tokens.kind(), Kind::Open(_))
}

/// An open instruction, or an open part of one.
enum Open {
    /// A structured instruction that ends with `end`.
    Block(Block),
    /// Instructions up to `)`: the body of a folded structured instruction, or `then` or `else`.
    Body,
    /// A folded plain instruction: folded instructions alone up to `)`.
    Operands,
    /// A folded `if`, by the last part that was parsed.
    If(If),
    /// A folded `try` of the legacy exceptions.
    Try(Try),
    /// A clause of a folded `try`: instructions up to `)`.
    Clause,
}

#[derive(Clone, Copy)]
enum Block {
    /// `block`, `loop`, `try_table`, or an `if` after its `else`.
    Last,
    If,
    Try,
    Catch,
}

#[derive(Clone, Copy)]
enum If {
    Condition,
    Then,
    Else,
}

struct Try {
    /// The position of its keyword.
    word: usize,
    /// The last part that was parsed.
    part: TryPart,
    /// `delegate` and its label.
    delegate: Option<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TryPart {
    Word,
    Do,
    Catch,
    /// `catch_all` or `delegate`.
    Last,
}

/// A sequence of instructions being parsed. Open instructions are on the heap, so that nesting
/// cannot exhaust the stack.
struct Sequence<'t, 'a> {
    tokens: &'t mut Tokens<'a>,
    open: Vec<Open>,
    /// The end of the last form.
    end: usize,
    structured: bool,
}

impl<'t, 'a> Sequence<'t, 'a> {
    fn new(tokens: &'t mut Tokens<'a>) -> Self {
        Sequence { tokens, open: Vec::new(), end: 0, structured: false }
    }

    fn step(&mut self) -> Derived {
        match self.tokens.kind() {
            Kind::Open(word) => self.folded(word),
            Kind::Keyword(word) => self.plain(word),
            Kind::Close => self.close(),
            _ => Err(self.unexpected()),
        }
    }

    /// Parses `(` and the keyword after it.
    fn folded(&mut self, word: &str) -> Derived {
        match self.open.last_mut() {
            Some(Open::If(part)) => match (*part, word) {
                (If::Condition, "then") => *part = If::Then,
                (If::Then, "else") => *part = If::Else,
                (If::Condition, _) => return self.folded_instruction(word),
                _ => return Err(self.unexpected()),
            },
            Some(Open::Try(_)) => return self.clause(word),
            _ => return self.folded_instruction(word),
        }
        self.open.push(Open::Body);
        self.tokens.advance()
    }

    fn folded_instruction(&mut self, word: &str) -> Derived {
        let start = self.tokens.word().start;
        let open = match word {
            "block" | "loop" | "try_table" => Open::Body,
            "if" => Open::If(If::Condition),
            "try" => Open::Try(Try { word: start, part: TryPart::Word, delegate: None }),
            _ => {
                self.open.push(Open::Operands);
                return immediates(self.tokens, word);
            }
        };
        self.open.push(open);
        self.head(word)
    }

    /// Parses an instruction that is not folded, or a keyword between the parts of one.
    fn plain(&mut self, word: &str) -> Derived {
        if let Some(Open::Operands | Open::If(_) | Open::Try(_)) = self.open.last() {
            return Err(self.unexpected());
        }
        let block = match word {
            "block" | "loop" | "try_table" => Block::Last,
            "if" => Block::If,
            "try" => Block::Try,
            "else" | "end" | "catch" | "catch_all" | "delegate" => return self.next_part(word),
            _ => return immediates(self.tokens, word),
        };
        self.open.push(Open::Block(block));
        self.head(word)
    }

    /// Parses a keyword that ends a part of a structured instruction.
    fn next_part(&mut self, word: &str) -> Derived {
        let Some(Open::Block(block)) = self.open.last_mut() else { return Err(self.unexpected()) };
        match (*block, word) {
            (_, "end") | (Block::Try, "delegate") => {
                self.open.pop();
            }
            (Block::If, "else") | (Block::Try | Block::Catch, "catch_all") => *block = Block::Last,
            (Block::Try | Block::Catch, "catch") => *block = Block::Catch,
            _ => return Err(self.unexpected()),
        }
        self.tokens.advance()?;
        match word {
            "catch" | "delegate" => self.tokens.index(),
            "catch_all" => Ok(()),
            _ => self.tokens.take_id().map(drop),
        }
    }

    /// Parses the keyword of a structured instruction, its label and its type, which binds no
    /// identifiers.
    fn head(&mut self, word: &str) -> Derived {
        self.structured = true;
        self.tokens.advance()?;
        self.tokens.take_id()?;
        type_use(self.tokens, Binding::Forbidden)?;
        if word == "try_table" { catches(self.tokens) } else { Ok(()) }
    }

    fn close(&mut self) -> Derived {
        let range = self.tokens.range();
        match self.open.last() {
            Some(Open::Body | Open::Operands | Open::If(If::Then | If::Else)) => {}
            Some(Open::Clause) => self.tokens.edits.blank(range.clone()),
            Some(Open::Try(Try { part, .. })) if *part != TryPart::Word => {}
            _ => return Err(self.unexpected()),
        }
        if let Some(Open::Try(closed)) = self.open.pop() {
            self.unfold(closed);
        }
        self.end = range.end;
        self.tokens.advance()
    }

    fn unexpected(&self) -> TextError {
        self.tokens.unexpected(match self.open.last() {
            None | Some(Open::Body | Open::Clause) => "an instruction or `)`",
            Some(Open::Block(_)) => "an instruction or `end`",
            Some(Open::Operands) => "a folded instruction or `)`",
            Some(Open::If(If::Condition)) => "a folded instruction or `(then`",
            Some(Open::If(If::Then)) => "`(else` or `)`",
            Some(Open::If(If::Else)) => "`)`",
            Some(Open::Try(Try { part: TryPart::Word, .. })) => "`(do`",
            Some(Open::Try(_)) => "a clause of `try` or `)`",
        })
    }
}

/// The folded form of legacy exceptions, which the parser of the `wast` crate does not support.
///
/// The proposal's grammar folds `try` as it folds `if`:
///
/// ```text
/// (try label? blocktype (do instr*) (catch x instr*)* (catch_all instr*)?)
///     = try .. instr* catch x instr* .. end
/// (try label? blocktype (do instr*) (delegate l))
///     = try .. instr* delegate l
/// ```
///
/// Any other folded instruction follows its operands when unfolded. So the parser interprets
/// `(end try .. catch x ..)` as the right-hand side: the last keyword is moved to the front, and
/// the parentheses of the clauses, with the `do`, are replaced by blanks.
impl Sequence<'_, '_> {
    /// Parses a clause of the innermost `try`, up to its instructions.
    fn clause(&mut self, word: &str) -> Derived {
        let Some(Open::Try(open)) = self.open.last_mut() else { return Err(self.unexpected()) };
        open.part = match (open.part, word) {
            (TryPart::Word, "do") => TryPart::Do,
            (TryPart::Do | TryPart::Catch, "catch") => TryPart::Catch,
            (TryPart::Do | TryPart::Catch, "catch_all") | (TryPart::Do, "delegate") => TryPart::Last,
            _ => return Err(self.unexpected()),
        };
        let (paren, keyword) = (self.tokens.range(), self.tokens.word());
        self.tokens.edits.blank(paren);
        self.tokens.advance()?;
        match word {
            "do" => self.tokens.edits.blank(keyword),
            "catch" => self.tokens.index()?,
            "delegate" => {
                let last = keyword.start..self.tokens.range().end;
                self.tokens.index()?;
                self.tokens.edits.blank(last.start..self.tokens.range().end);
                open.delegate = Some(last);
                return self.tokens.close();
            }
            _ => {}
        }
        self.open.push(Open::Clause);
        Ok(())
    }

    /// Moves the last keyword of a `try` to the front.
    fn unfold(&mut self, closed: Try) {
        let (last, origin) = match closed.delegate {
            Some(range) => (self.tokens.text_of(range.clone()), range.start),
            None => ("end", closed.word),
        };
        self.tokens.edits.insert(closed.word, last, origin);
    }
}
