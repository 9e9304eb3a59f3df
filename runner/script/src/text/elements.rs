//! Element segments and the expressions in segments (core spec, sections 6.6.8 and 6.6.9).

use super::control::{expression, folded_instruction};
use super::tokens::{Derived, Kind, Tokens};
use super::types::{begins_ref_type, ref_type};

/// An element segment, from its `(elem` on.
pub(super) fn elem(tokens: &mut Tokens<'_>) -> Derived {
    tokens.advance()?;
    tokens.take_id()?;
    if tokens.take(Kind::Keyword("declare"))? || begins_typed_list(tokens) {
        return typed_list(tokens);
    }
    if tokens.take(Kind::Open("table"))? {
        tokens.index()?;
        tokens.close()?;
        offset(tokens)?;
        return typed_list(tokens);
    }
    if tokens.grammar.is_first {
        tokens.take(Kind::Nat)?;
    }
    offset(tokens)?;
    // Without a table, `func` may be left out.
    if begins_typed_list(tokens) { typed_list(tokens) } else { tokens.indices() }
}

/// The elements of a segment inside a table's definition: as in a segment, but the type is the
/// table's.
pub(super) fn elem_list(tokens: &mut Tokens<'_>) -> Derived {
    match tokens.kind() {
        Kind::Open(_) => expressions(tokens),
        _ => tokens.indices(),
    }
}

fn begins_typed_list(tokens: &Tokens<'_>) -> bool {
    tokens.kind() == Kind::Keyword("func") || begins_ref_type(tokens)
}

fn typed_list(tokens: &mut Tokens<'_>) -> Derived {
    if tokens.take(Kind::Keyword("func"))? {
        return tokens.indices();
    }
    ref_type(tokens)?;
    expressions(tokens)
}

fn expressions(tokens: &mut Tokens<'_>) -> Derived {
    while matches!(tokens.kind(), Kind::Open(_)) {
        expression_or_instruction(tokens, "item", "(item")?;
    }
    Ok(())
}

/// The offset of an active segment.
pub(super) fn offset(tokens: &mut Tokens<'_>) -> Derived {
    expression_or_instruction(tokens, "offset", "(offset")
}

/// An expression in a form that begins with `word`, or one folded instruction; if that is
/// structured, the `wast` crate has to read it in the form, which begins with `open`.
fn expression_or_instruction(tokens: &mut Tokens<'_>, word: &str, open: &'static str) -> Derived {
    if tokens.take(Kind::Open(word))? {
        expression(tokens)?;
        return tokens.close();
    }
    let start = tokens.range().start;
    let folded = folded_instruction(tokens)?;
    if folded.structured {
        tokens.edits.insert(start, open, start);
        tokens.edits.insert(folded.end, ")", start);
    }
    Ok(())
}
