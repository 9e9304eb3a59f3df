//! Sequences of instructions, plain, structured and folded (core spec, section 6.5).

use super::Derived;
use super::immediates::{block_type, catches, immediates};
use super::tokens::{Kind, Tokens};

/// The instructions of an expression, up to the parenthesis that closes what is around it.
pub(super) fn expression(tokens: &mut Tokens<'_>) -> Derived {
    Sequence { tokens, open: Vec::new() }.run()
}

/// One folded instruction.
pub(super) fn folded_instruction(tokens: &mut Tokens<'_>) -> Derived {
    if !instruction_begins(tokens) {
        return Err(tokens.unexpected("a folded instruction"));
    }
    let mut sequence = Sequence { tokens, open: Vec::new() };
    loop {
        sequence.step()?;
        if sequence.open.is_empty() {
            return Ok(());
        }
    }
}

/// Whether something in parentheses begins here.
pub(super) fn instruction_begins(tokens: &Tokens<'_>) -> bool {
    matches!(tokens.kind(), Kind::Open(_))
}

/// An instruction, or a part of one, whose end is still to come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// A structured instruction that ends with `end`.
    Block(Block),
    /// Instructions up to `)`: the body of a folded structured instruction, or one of its clauses.
    Body,
    /// A folded plain instruction: folded instructions alone up to `)` (section 6.5.10).
    Operands,
    /// A folded `if`, by the last part that was read.
    If(If),
    /// A folded `try` of the legacy exceptions, by the last part that was read.
    Try(Try),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// `block`, `loop`, `try_table`, or an `if` after its `else`.
    Last,
    If,
    Try,
    Catch,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum If {
    Condition,
    Then,
    Else,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Try {
    Word,
    Do,
    Catch,
    /// After `catch_all` or `delegate`.
    Last,
}

/// A sequence of instructions while it is read; those that are open are on the heap, so that no depth ends the stack.
struct Sequence<'t, 'a> {
    tokens: &'t mut Tokens<'a>,
    open: Vec<Open>,
}

impl Sequence<'_, '_> {
    fn run(&mut self) -> Derived {
        while !(self.open.is_empty() && matches!(self.tokens.kind(), Kind::Close | Kind::End)) {
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Derived {
        match self.tokens.kind() {
            Kind::Open(word) => self.folded(word),
            Kind::Keyword(word) => self.plain(word),
            Kind::Close => self.close(),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads `(` and the word after it.
    fn folded(&mut self, word: &str) -> Derived {
        let last = self.open.last_mut();
        match last {
            Some(Open::If(part)) => match (*part, word) {
                (If::Condition, "then") => *part = If::Then,
                (If::Then, "else") => *part = If::Else,
                (If::Condition, _) => return self.folded_instruction(word),
                _ => return Err(self.unexpected()),
            },
            Some(Open::Try(part)) => {
                *part = match (*part, word) {
                    (Try::Word, "do") => Try::Do,
                    (Try::Do | Try::Catch, "catch") => Try::Catch,
                    (Try::Do | Try::Catch, "catch_all") | (Try::Do, "delegate") => Try::Last,
                    _ => return Err(self.unexpected()),
                };
                return self.clause(word);
            }
            _ => return self.folded_instruction(word),
        }
        self.tokens.advance()?;
        self.open.push(Open::Body);
        Ok(())
    }

    /// A clause of a folded `try`.
    fn clause(&mut self, word: &str) -> Derived {
        self.tokens.advance()?;
        if matches!(word, "catch" | "delegate") {
            self.tokens.index()?;
        }
        if word == "delegate" {
            return self.tokens.close();
        }
        self.open.push(Open::Body);
        Ok(())
    }

    fn folded_instruction(&mut self, word: &str) -> Derived {
        let open = match word {
            "block" | "loop" | "try_table" => Open::Body,
            "if" => Open::If(If::Condition),
            "try" => Open::Try(Try::Word),
            _ => Open::Operands,
        };
        if open == Open::Operands {
            immediates(self.tokens, word)?;
        } else {
            self.head(word)?;
        }
        self.open.push(open);
        Ok(())
    }

    /// An instruction that is not folded, or a word between the parts of one.
    fn plain(&mut self, word: &str) -> Derived {
        match self.open.last() {
            None | Some(Open::Block(_) | Open::Body) => {}
            Some(Open::Operands | Open::If(_) | Open::Try(_)) => return Err(self.unexpected()),
        }
        let block = match word {
            "block" | "loop" | "try_table" => Block::Last,
            "if" => Block::If,
            "try" => Block::Try,
            "else" | "end" | "catch" | "catch_all" | "delegate" => return self.next_part(word),
            _ => return immediates(self.tokens, word),
        };
        self.head(word)?;
        self.open.push(Open::Block(block));
        Ok(())
    }

    /// A word that ends a part of a structured instruction.
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

    /// The word of a structured instruction, its label and its type.
    fn head(&mut self, word: &str) -> Derived {
        self.tokens.advance()?;
        self.tokens.take_id()?;
        block_type(self.tokens)?;
        if word == "try_table" { catches(self.tokens) } else { Ok(()) }
    }

    fn close(&mut self) -> Derived {
        match self.open.last() {
            Some(Open::Body | Open::Operands | Open::If(If::Then | If::Else)) => {}
            Some(Open::Try(part)) if *part != Try::Word => {}
            _ => return Err(self.unexpected()),
        }
        self.open.pop();
        self.tokens.advance()
    }

    fn unexpected(&self) -> super::super::model::TextError {
        self.tokens.unexpected(match self.open.last() {
            None | Some(Open::Body) => "an instruction or `)`",
            Some(Open::Block(_)) => "an instruction or `end`",
            Some(Open::Operands) => "a folded instruction or `)`",
            Some(Open::If(If::Condition)) => "a folded instruction or `(then`",
            Some(Open::If(If::Then)) => "`(else` or `)`",
            Some(Open::If(If::Else)) => "`)`",
            Some(Open::Try(Try::Word)) => "`(do`",
            Some(Open::Try(_)) => "a clause of `try` or `)`",
        })
    }
}
