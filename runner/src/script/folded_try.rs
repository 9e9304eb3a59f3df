//! The folded form of legacy exceptions, which the parser of the `wast` crate does not know.
//!
//! The proposal's grammar folds `try` as it folds `if`:
//!
//! ```text
//! (try label? blocktype (do instr*) (catch x instr*)* (catch_all instr*)?)   =   try .. instr* catch x instr* .. end
//! (try label? blocktype (do instr*) (delegate l))                            =   try .. instr* delegate l
//! ```
//!
//! Any other folded instruction stands behind its operands when unfolded. So `(end try .. catch x ..)` means to the parser what is on the
//! right: the last word is put first, and the parentheses of the clauses, with the `do`, give way to blanks. A `try` that this
//! grammar does not derive stays as it is, and the parser finds what is wrong with it.

use std::borrow::Cow;
use std::ops::Range;

use wast::lexer::{Token, TokenKind};

use super::split::lexer;

/// A text without folded `try`s, of which every place is still known.
#[derive(Debug)]
pub(crate) struct Unfolded<'a> {
    /// The text to parse.
    pub(crate) text: Cow<'a, str>,
    /// What was put in, in order.
    insertions: Vec<Insertion>,
}

/// A stretch that stands in the unfolded text alone.
#[derive(Debug)]
struct Insertion {
    /// Where it stands there.
    at: usize,
    len: usize,
    /// What places in it are called: the offset of what it says in the original.
    origin: usize,
    /// How much longer the text is up to its end than the original.
    longer: usize,
}

impl Unfolded<'_> {
    /// The offset in the original text of what stands at an offset.
    pub(crate) fn original(&self, offset: usize) -> usize {
        let before = self.insertions.partition_point(|insertion| insertion.at <= offset);
        match before.checked_sub(1).and_then(|last| self.insertions.get(last)) {
            None => offset,
            Some(last) if offset < last.at + last.len => last.origin + (offset - last.at),
            Some(last) => offset - last.longer,
        }
    }
}

/// Unfolds every `try`.
pub(crate) fn unfold(text: &str) -> Unfolded<'_> {
    let unchanged = Unfolded { text: Cow::Borrowed(text), insertions: Vec::new() };
    if memchr::memmem::find(text.as_bytes(), b"try").is_none() {
        return unchanged;
    }
    let mut reader = Reader { text, open: Vec::new(), done: Vec::new() };
    let lexer = lexer(text);
    let (mut position, mut paren) = (0, None);
    // What is no token ends the reading: the parser will not come farther either.
    while let Ok(Some(token)) = lexer.parse(&mut position) {
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => continue,
            _ => {}
        }
        if let Some(at) = paren.take() {
            reader.open(at, &token);
            if matches!(token.kind, TokenKind::Keyword | TokenKind::Annotation) {
                continue;
            }
        }
        match token.kind {
            TokenKind::LParen => paren = Some(token.offset),
            TokenKind::RParen => reader.close(token.offset),
            _ => reader.atom(&token),
        }
    }
    if reader.done.is_empty() { unchanged } else { rewrite(text, reader.done) }
}

/// A folded `try` while it is read.
#[derive(Debug)]
struct Try {
    /// Where the word is.
    word: usize,
    /// The last part that was read.
    part: Part,
    /// What gives way to blanks.
    blanks: Vec<Range<usize>>,
    /// `delegate` and its label.
    delegate: Option<Range<usize>>,
    /// Whether the grammar derives it so far.
    derived: bool,
}

/// The parts of a `try`, in the order in which they can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Word,
    Label,
    BlockType,
    Do,
    Catch,
    CatchAll,
    Delegate,
}

/// What a parenthesis that is open belongs to.
#[derive(Debug)]
enum Open {
    Try(Try),
    /// A clause of the `try` around it, and how many atoms and parentheses were directly in it.
    Clause(usize),
    Other,
}

struct Reader<'a> {
    text: &'a str,
    open: Vec<Open>,
    done: Vec<Try>,
}

impl Reader<'_> {
    /// Reads `(` and what follows it.
    fn open(&mut self, paren: usize, token: &Token) {
        let range = range_of(token);
        let word = if token.kind == TokenKind::Keyword { &self.text[range.clone()] } else { "" };
        let open = match self.open.last_mut() {
            Some(Open::Try(outer)) => match clause(word) {
                Some(part) => {
                    outer.begin(part, paren, range);
                    Open::Clause(0)
                }
                None => {
                    let block_type =
                        matches!(word, "type" | "param" | "result") && outer.part <= Part::BlockType;
                    outer.part = outer.part.max(Part::BlockType);
                    outer.derived &= block_type || token.kind == TokenKind::Annotation;
                    Open::Other
                }
            },
            Some(Open::Clause(inside)) => {
                *inside += 1;
                // What begins so would be taken as the type of the `try`, whose `do` is gone.
                let misread = matches!(word, "type" | "param" | "result");
                if let Some(outer) = self.enclosing_try() {
                    outer.derived &= !misread && outer.part != Part::Delegate;
                }
                self.instruction(word, range)
            }
            Some(Open::Other) | None => self.instruction(word, range),
        };
        self.open.push(open);
    }

    fn instruction(&self, word: &str, range: Range<usize>) -> Open {
        if word != "try" {
            return Open::Other;
        }
        let (part, blanks) = (Part::Word, Vec::new());
        Open::Try(Try { word: range.start, part, blanks, delegate: None, derived: true })
    }

    /// Reads what is no parenthesis and not right behind `(`.
    fn atom(&mut self, token: &Token) {
        match self.open.last_mut() {
            Some(Open::Try(outer)) => {
                outer.derived &= token.kind == TokenKind::Id && outer.part == Part::Word;
                outer.part = outer.part.max(Part::Label);
            }
            Some(Open::Clause(inside)) => {
                *inside += 1;
                let first = *inside == 1;
                if let Some(outer) = self.enclosing_try() {
                    match outer.part {
                        // It would be taken as the label of the `try`.
                        Part::Do => outer.derived &= !(first && token.kind == TokenKind::Id),
                        Part::Delegate => outer.target(range_of(token), first),
                        _ => {}
                    }
                }
            }
            Some(Open::Other) | None => {}
        }
    }

    fn close(&mut self, paren: usize) {
        match self.open.pop() {
            Some(Open::Try(closed)) if closed.derived && closed.part >= Part::Do => self.done.push(closed),
            Some(Open::Clause(inside)) => {
                if let Some(Open::Try(outer)) = self.open.last_mut() {
                    outer.blanks.push(paren..paren + 1);
                    outer.derived &= outer.part != Part::Delegate || inside == 1;
                }
            }
            _ => {}
        }
    }

    /// The `try` whose clause is the innermost that is open.
    fn enclosing_try(&mut self) -> Option<&mut Try> {
        match self.open.iter_mut().nth_back(1) {
            Some(Open::Try(outer)) => Some(outer),
            _ => None,
        }
    }
}

impl Try {
    /// Begins a clause.
    fn begin(&mut self, part: Part, paren: usize, word: Range<usize>) {
        self.derived &= match part {
            Part::Do => self.part < Part::Do,
            Part::Delegate => self.part == Part::Do,
            _ => self.part >= Part::Do && self.part < Part::CatchAll,
        };
        self.part = part;
        self.blanks.push(paren..paren + 1);
        match part {
            Part::Do => self.blanks.push(word),
            Part::Delegate => {
                self.blanks.push(word.clone());
                self.delegate = Some(word);
            }
            _ => {}
        }
    }

    /// Takes the label of a `delegate`.
    fn target(&mut self, label: Range<usize>, first: bool) {
        self.derived &= first;
        self.delegate = self.delegate.take().map(|word| word.start..label.end);
        self.blanks.push(label);
    }
}

fn clause(word: &str) -> Option<Part> {
    Some(match word {
        "do" => Part::Do,
        "catch" => Part::Catch,
        "catch_all" => Part::CatchAll,
        "delegate" => Part::Delegate,
        _ => return None,
    })
}

fn range_of(token: &Token) -> Range<usize> {
    token.offset..token.offset + token.len as usize
}

/// The text with the last words first and blanks where something gives way.
fn rewrite(text: &str, mut tries: Vec<Try>) -> Unfolded<'_> {
    let mut blank = text.as_bytes().to_vec();
    for range in tries.iter().flat_map(|found| &found.blanks) {
        if let Some(bytes) = blank.get_mut(range.clone()) {
            bytes.fill(b' ');
        }
    }
    tries.sort_unstable_by_key(|found| found.word);
    let (mut unfolded, mut insertions) = (Vec::with_capacity(text.len() + 8 * tries.len()), Vec::new());
    let (mut copied, mut longer) = (0, 0);
    for found in &tries {
        unfolded.extend_from_slice(blank.get(copied..found.word).unwrap_or_default());
        copied = found.word;
        let (last, origin) = match &found.delegate {
            Some(range) => (text.get(range.clone()).unwrap_or_default(), range.start),
            None => ("end", found.word),
        };
        let at = unfolded.len();
        unfolded.extend_from_slice(last.as_bytes());
        unfolded.push(b' ');
        let len = unfolded.len() - at;
        longer += len;
        insertions.push(Insertion { at, len, origin, longer });
    }
    unfolded.extend_from_slice(blank.get(copied..).unwrap_or_default());
    // Blanks stand for whole tokens, so that it is text still.
    match String::from_utf8(unfolded) {
        Ok(unfolded) => Unfolded { text: Cow::Owned(unfolded), insertions },
        Err(_) => Unfolded { text: Cow::Borrowed(text), insertions: Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolded(text: &str) -> String {
        unfold(text).text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_last_word_comes_first_and_clauses_lose_their_parentheses() {
        for (folded, flat) in [
            ("(try (do (nop)))", "(end try (nop) )"),
            (
                "(try $l (result i32) (do a) (catch $e b) (catch_all (c)))",
                "(end try $l (result i32) a catch $e b catch_all (c) )",
            ),
            ("(try (do (a)) (delegate $l))", "(delegate $l try (a) )"),
            ("(if (try (do)) (then (try (do (try (do))))))", "(if (end try ) (then (end try (end try ) )))"),
            ("(try(do(a))(catch 0(b)))", "(end try (a) catch 0(b) )"),
            ("(; ( ;) ( try ;; )\n (do \")\"))", "(; ( ;) ( end try ;; ) \")\" )"),
            ("(try (@a (do)) (do) (@b))", "(end try (@a (do)) (@b))"),
        ] {
            assert_eq!(unfolded(folded), flat);
        }
    }

    #[test]
    fn what_the_grammar_does_not_derive_stays() {
        for text in [
            "try (do) (catch $e)",
            "(try)",
            "(try (nop))",
            "(try (catch $e))",
            "(try (do) (do))",
            "(try (do) (catch_all) (catch $e))",
            "(try (do) (catch_all) (catch_all))",
            "(try (do) (catch $e) (delegate 0))",
            "(try (do) (delegate 0) (catch $e))",
            "(try (do) (delegate) (delegate 0))",
            "(try (do) (delegate))",
            "(try (do) (delegate 0 1))",
            "(try (do) (delegate 0 (nop)))",
            "(try (do) nop)",
            "(try nop (do))",
            "(try (do) $l)",
            "(try (do $l))",
            "(try (do (result i32)))",
            "(try (do) (result i32))",
            "(try_table (do))",
            "(a \"(try (do))\")",
        ] {
            assert_eq!(unfold(text).text, text);
        }
        assert_eq!(unfolded("(try (nop) (do (try (do))))"), "(try (nop) (do (end try )))");
    }

    #[test]
    fn every_place_is_known() {
        let text = "(a) (try (do (try (do \"é\")\n (delegate $l)) x) (catch $e y)) z";
        let unfolded = unfold(text);
        assert_ne!(unfolded.text, text);
        for word in ["(a)", "é", "x", "catch", "$e", "y", "z", "$l", "delegate"] {
            let at = unfolded.text.find(word).unwrap();
            assert_eq!(unfolded.original(at), text.find(word).unwrap(), "{word}");
        }
        for (at, _) in unfolded.text.match_indices("try") {
            assert!(text[unfolded.original(at)..].starts_with("try"), "{at}");
        }
        assert_eq!(unfolded.original(unfolded.text.len()), text.len());
        assert_eq!(unfolded.original(unfolded.text.find("end").unwrap()), text.find("try").unwrap());
    }

    #[test]
    fn text_that_is_no_script_is_left_to_the_parser() {
        for text in ["(try (do \u{7}", "(try (do", ")) (try (do", "(try \"", ""] {
            assert_eq!(unfold(text).text, text);
        }
    }
}
