//! The immediates of instructions (core spec, section 6.5).

use super::instructions::{Immediates, in_version};
use super::tokens::{Derived, Kind, Tokens};
use super::types::{Binding, heap_type, ref_type, results, type_use};

/// A plain instruction's word and its immediates.
pub(super) fn immediates(tokens: &mut Tokens<'_>, word: &str) -> Derived {
    let Some(immediates) = in_version(tokens.grammar, word) else {
        return Err(match word {
            "" | "end" | "else" | "then" | "catch" | "catch_all" | "delegate" => {
                tokens.unexpected("an instruction")
            }
            "seqcst" | "acqrel" if tokens.grammar.orderings => tokens.unexpected("an instruction"),
            _ => tokens.unknown(word),
        });
    };
    tokens.advance()?;
    match immediates {
        Immediates::None => Ok(()),
        Immediates::Index => tokens.index(),
        Immediates::TwoIndices => two_indices(tokens),
        Immediates::IndexOrNone => tokens.take_index().map(drop),
        Immediates::TwoIndicesOrNone => {
            if tokens.take_index()? {
                tokens.index()
            } else {
                Ok(())
            }
        }
        Immediates::OneOrTwoIndices => {
            tokens.index()?;
            tokens.take_index().map(drop)
        }
        Immediates::Labels => {
            tokens.index()?;
            tokens.indices()
        }
        Immediates::IndexAndLength => {
            tokens.index()?;
            tokens.nat()
        }
        Immediates::HeapType => heap_type(tokens),
        Immediates::RefType => ref_type(tokens),
        Immediates::Cast => {
            tokens.index()?;
            ref_type(tokens)?;
            ref_type(tokens)
        }
        Immediates::Memory => accessed(tokens),
        Immediates::Atomic => {
            accessed(tokens)?;
            take_ordering(tokens).map(drop)
        }
        Immediates::Ordering => take_ordering(tokens).map(drop),
        Immediates::OrderedIndex => {
            ordering(tokens)?;
            tokens.index()
        }
        Immediates::OrderedIndexOrNone => {
            ordering(tokens)?;
            tokens.take_index().map(drop)
        }
        Immediates::OrderedTwoIndices => {
            ordering(tokens)?;
            two_indices(tokens)
        }
        Immediates::MemoryLane => memory_lane(tokens),
        Immediates::Lane => tokens.nat(),
        Immediates::Lanes => (0..16).try_for_each(|_| tokens.nat()),
        Immediates::Number => number(tokens),
        Immediates::Vector => vector(tokens),
        Immediates::Select => results(tokens),
        Immediates::CallIndirect => {
            tokens.take_index()?;
            type_use(tokens, Binding::Forbidden)
        }
        Immediates::Resume => {
            tokens.index()?;
            handlers(tokens)
        }
        Immediates::ResumeThrow => {
            two_indices(tokens)?;
            handlers(tokens)
        }
    }
}

fn two_indices(tokens: &mut Tokens<'_>) -> Derived {
    tokens.index()?;
    tokens.index()
}

/// What is accessed, a memory or the bytes of an array (proposal of multibyte array access), and a
/// memory argument.
fn accessed(tokens: &mut Tokens<'_>) -> Derived {
    if tokens.take(Kind::Open("type"))? {
        tokens.index()?;
        tokens.close()?;
    } else {
        tokens.take_index()?;
    }
    memory_argument(tokens)
}

/// An ordering (proposals of acquire-release atomics and shared-everything threads).
fn ordering(tokens: &mut Tokens<'_>) -> Derived {
    if take_ordering(tokens)? { Ok(()) } else { Err(tokens.unexpected("`seqcst` or `acqrel`")) }
}

/// Takes an ordering if there is one, and says whether there was. The `wast` crate does not have
/// the words that older scripts use.
fn take_ordering(tokens: &mut Tokens<'_>) -> Derived<bool> {
    if !tokens.grammar.orderings {
        return Ok(false);
    }
    let current = match tokens.kind() {
        Kind::Keyword("seqcst" | "acqrel") => None,
        Kind::Keyword("seq_cst") => Some("seqcst"),
        Kind::Keyword("acq_rel") => Some("acqrel"),
        _ => return Ok(false),
    };
    if let Some(current) = current {
        let range = tokens.range();
        tokens.edits.insert(range.start, current, range.start);
        tokens.edits.blank(range);
    }
    tokens.advance().map(|()| true)
}

/// An offset, then an alignment, each one keyword with its number (section 6.5.6).
fn memory_argument(tokens: &mut Tokens<'_>) -> Derived {
    for word in ["offset=", "align="] {
        let Kind::Keyword(found) = tokens.kind() else { return Ok(()) };
        if let Some(number) = found.strip_prefix(word) {
            if !is_nat(number) {
                return Err(tokens.unknown(found));
            }
            tokens.advance()?;
        }
    }
    Ok(())
}

/// Whether the text is a natural number (section 6.3.1).
pub(crate) fn is_nat(text: &str) -> bool {
    let (digits, is_digit): (&str, fn(&u8) -> bool) = match text.strip_prefix("0x") {
        Some(digits) => (digits, u8::is_ascii_hexdigit),
        None => (text, u8::is_ascii_digit),
    };
    digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| is_digit(&byte)))
}

/// A memory argument and a lane. A number alone is the lane.
fn memory_lane(tokens: &mut Tokens<'_>) -> Derived {
    if matches!(tokens.kind(), Kind::Id | Kind::Open("type")) {
        accessed(tokens)?;
        return tokens.nat();
    }
    let number = tokens.take(Kind::Nat)?;
    let argument = matches!(tokens.kind(), Kind::Keyword(word) if word.starts_with("offset=") || word.starts_with("align="));
    memory_argument(tokens)?;
    if number && !argument { tokens.take(Kind::Nat).map(drop) } else { tokens.nat() }
}

fn number(tokens: &mut Tokens<'_>) -> Derived {
    match tokens.kind() {
        Kind::Nat | Kind::Int | Kind::Float => tokens.advance(),
        _ => Err(tokens.unexpected("a number")),
    }
}

/// The shape of a vector and its lanes.
fn vector(tokens: &mut Tokens<'_>) -> Derived {
    let lanes = match tokens.kind() {
        Kind::Keyword("i8x16") => 16,
        Kind::Keyword("i16x8") => 8,
        Kind::Keyword("i32x4" | "f32x4") => 4,
        Kind::Keyword("i64x2" | "f64x2") => 2,
        _ => return Err(tokens.unexpected("the shape of a vector")),
    };
    tokens.advance()?;
    (0..lanes).try_for_each(|_| number(tokens))
}

/// The clauses of a `try_table`.
pub(super) fn catches(tokens: &mut Tokens<'_>) -> Derived {
    while let Kind::Open(word @ ("catch" | "catch_ref" | "catch_all" | "catch_all_ref")) = tokens.kind() {
        tokens.advance()?;
        tokens.index()?;
        if matches!(word, "catch" | "catch_ref") {
            tokens.index()?;
        }
        tokens.close()?;
    }
    Ok(())
}

/// The handlers of a resumption: a tag, then a label or `switch` (proposal of stack switching).
fn handlers(tokens: &mut Tokens<'_>) -> Derived {
    while tokens.take(Kind::Open("on"))? {
        tokens.index()?;
        if !tokens.take(Kind::Keyword("switch"))? {
            tokens.index()?;
        }
        tokens.close()?;
    }
    Ok(())
}
