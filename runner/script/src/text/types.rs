//! Types (core spec, section 6.4), with the exact references, descriptors, continuations and shared
//! types of their proposals.

use super::tokens::{Derived, Kind, Tokens};

/// Whether the word stands for a number or vector type, or is short for a reference type.
fn is_val_type(word: &str) -> bool {
    matches!(word, "i32" | "i64" | "f32" | "f64" | "v128") || is_short_ref_type(word)
}

fn is_short_ref_type(word: &str) -> bool {
    word.strip_suffix("ref").is_some_and(|heap| {
        matches!(
            heap,
            "any"
                | "eq"
                | "i31"
                | "struct"
                | "array"
                | "null"
                | "func"
                | "nullfunc"
                | "exn"
                | "nullexn"
                | "extern"
                | "nullextern"
                | "cont"
                | "nullcont"
        )
    })
}

fn is_heap_type(word: &str) -> bool {
    matches!(
        word,
        "any"
            | "eq"
            | "i31"
            | "struct"
            | "array"
            | "none"
            | "func"
            | "nofunc"
            | "exn"
            | "noexn"
            | "extern"
            | "noextern"
            | "cont"
            | "nocont"
    )
}

/// Whether a reference type begins here.
pub(super) fn begins_ref_type(tokens: &Tokens<'_>) -> bool {
    match tokens.kind() {
        Kind::Keyword(word) => is_short_ref_type(word),
        Kind::Open("ref") => true,
        _ => begins_shared(tokens),
    }
}

/// Whether a shared type begins here (proposal of shared-everything threads).
fn begins_shared(tokens: &Tokens<'_>) -> bool {
    tokens.grammar.shared && tokens.kind() == Kind::Open("shared")
}

/// Takes the beginning of a shared type, if there is one.
fn take_open_shared(tokens: &mut Tokens<'_>) -> Derived<bool> {
    if begins_shared(tokens) { tokens.take(Kind::Open("shared")) } else { Ok(false) }
}

/// Takes the keyword of something shared, if there is one.
pub(super) fn take_shared(tokens: &mut Tokens<'_>) -> Derived<bool> {
    if tokens.grammar.shared { tokens.take(Kind::Keyword("shared")) } else { Ok(false) }
}

fn begins_val_type(tokens: &Tokens<'_>) -> bool {
    matches!(tokens.kind(), Kind::Keyword(word) if is_val_type(word))
        || tokens.kind() == Kind::Open("ref")
        || begins_shared(tokens)
}

pub(super) fn ref_type(tokens: &mut Tokens<'_>) -> Derived {
    if !begins_ref_type(tokens) {
        return Err(tokens.unexpected("a reference type"));
    }
    if take_open_shared(tokens)? {
        match tokens.kind() {
            Kind::Keyword(word) if is_short_ref_type(word) => tokens.advance()?,
            _ => return Err(tokens.unexpected("a reference type such as `anyref`")),
        }
        return tokens.close();
    }
    if !tokens.take(Kind::Open("ref"))? {
        return tokens.advance();
    }
    tokens.take(Kind::Keyword("null"))?;
    heap_type(tokens)?;
    tokens.close()
}

pub(super) fn heap_type(tokens: &mut Tokens<'_>) -> Derived {
    match tokens.kind() {
        Kind::Keyword(word) if is_heap_type(word) => tokens.advance(),
        Kind::Open("exact") => {
            tokens.advance()?;
            tokens.index()?;
            tokens.close()
        }
        _ if begins_shared(tokens) => {
            tokens.advance()?;
            match tokens.kind() {
                Kind::Keyword(word) if is_heap_type(word) => tokens.advance()?,
                _ => return Err(tokens.unexpected("an abstract heap type")),
            }
            tokens.close()
        }
        Kind::Nat | Kind::Id => tokens.advance(),
        _ => Err(tokens.unexpected("a heap type")),
    }
}

pub(super) fn val_type(tokens: &mut Tokens<'_>) -> Derived {
    match tokens.kind() {
        Kind::Keyword(word) if is_val_type(word) => tokens.advance(),
        _ if begins_ref_type(tokens) => ref_type(tokens),
        _ => Err(tokens.unexpected("a value type")),
    }
}

fn val_types(tokens: &mut Tokens<'_>) -> Derived {
    while begins_val_type(tokens) {
        val_type(tokens)?;
    }
    Ok(())
}

/// Whether a production may bind identifiers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    Allowed,
    /// In types of blocks and of indirect calls (sections 6.5.2 and 6.5.3).
    Forbidden,
}

/// Types in a form such as `param`: one with an identifier, or any number without.
///
/// The parenthesis and its keyword have been read.
pub(super) fn val_types_in(tokens: &mut Tokens<'_>, binding: Binding) -> Derived {
    if binding == Binding::Allowed && tokens.take_id()? {
        val_type(tokens)?;
    } else {
        val_types(tokens)?;
    }
    tokens.close()
}

/// Parameters, then results.
fn func_type(tokens: &mut Tokens<'_>, binding: Binding) -> Derived {
    func_type_with(tokens, binding, Empty::Kept)
}

/// What becomes of a `param` or `result` without any type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    Kept,
    /// After a type's index it means nothing, by its abbreviation (section 6.4.5), but the `wast`
    /// crate takes it for the type.
    Blanked,
}

fn func_type_with(tokens: &mut Tokens<'_>, binding: Binding, empty: Empty) -> Derived {
    for (word, binding) in [("param", binding), ("result", Binding::Forbidden)] {
        let mut start = tokens.range().start;
        while tokens.take(Kind::Open(word))? {
            if empty == Empty::Blanked && tokens.kind() == Kind::Close {
                tokens.edits.blank(start..tokens.range().end);
            }
            val_types_in(tokens, binding)?;
            start = tokens.range().start;
        }
    }
    match tokens.kind() {
        Kind::Open("param") => Err(tokens.wrong("result before parameter (or unexpected token): `(param`")),
        _ => Ok(()),
    }
}

pub(super) fn results(tokens: &mut Tokens<'_>) -> Derived {
    while tokens.take(Kind::Open("result"))? {
        val_types_in(tokens, Binding::Forbidden)?;
    }
    Ok(())
}

/// A type use (section 6.4.13).
pub(super) fn type_use(tokens: &mut Tokens<'_>, binding: Binding) -> Derived {
    if tokens.take(Kind::Open("type"))? {
        tokens.index()?;
        tokens.close()?;
        return func_type_with(tokens, binding, Empty::Blanked);
    }
    func_type(tokens, binding)
}

/// A field's type, or, without packed types, a global's.
fn mutable(tokens: &mut Tokens<'_>, inner: fn(&mut Tokens<'_>) -> Derived) -> Derived {
    if tokens.take(Kind::Open("mut"))? {
        inner(tokens)?;
        return tokens.close();
    }
    inner(tokens)
}

pub(super) fn global_type(tokens: &mut Tokens<'_>) -> Derived {
    if take_open_shared(tokens)? {
        tokens.take(Kind::Keyword("mut"))?;
        val_type(tokens)?;
        return tokens.close();
    }
    mutable(tokens, val_type)
}

fn storage_type(tokens: &mut Tokens<'_>) -> Derived {
    match tokens.kind() {
        Kind::Keyword("i8" | "i16") => tokens.advance(),
        _ => val_type(tokens),
    }
}

fn field_type(tokens: &mut Tokens<'_>) -> Derived {
    mutable(tokens, storage_type)
}

/// Fields of a structure: one with an identifier, or any number without.
fn field(tokens: &mut Tokens<'_>) -> Derived {
    tokens.advance()?;
    if tokens.take_id()? {
        field_type(tokens)?;
    } else {
        while tokens.kind() != Kind::Close {
            field_type(tokens)?;
        }
    }
    tokens.close()
}

/// A composite type in its parentheses.
fn comp_type(tokens: &mut Tokens<'_>) -> Derived {
    let Kind::Open(word @ ("func" | "struct" | "array" | "cont")) = tokens.kind() else {
        return Err(tokens.unexpected("`(func`, `(struct` or `(array`"));
    };
    tokens.advance()?;
    match word {
        "func" => func_type(tokens, Binding::Allowed)?,
        "struct" => {
            while tokens.kind() == Kind::Open("field") {
                field(tokens)?;
            }
        }
        "array" => field_type(tokens)?,
        _ => tokens.index()?,
    }
    tokens.close()
}

/// What the proposal of custom descriptors puts before a composite type.
fn descriptors(tokens: &mut Tokens<'_>) -> Derived {
    for word in ["describes", "descriptor"] {
        if tokens.take(Kind::Open(word))? {
            tokens.index()?;
            tokens.close()?;
        }
    }
    Ok(())
}

/// A composite type with what proposals put around it.
fn described_type(tokens: &mut Tokens<'_>) -> Derived {
    if take_open_shared(tokens)? {
        descriptors(tokens)?;
        comp_type(tokens)?;
        return tokens.close();
    }
    descriptors(tokens)?;
    comp_type(tokens)
}

/// A subtype: with its supertypes, or a composite type alone.
fn sub_type(tokens: &mut Tokens<'_>) -> Derived {
    if tokens.take(Kind::Open("sub"))? {
        tokens.take(Kind::Keyword("final"))?;
        tokens.indices()?;
        described_type(tokens)?;
        return tokens.close();
    }
    described_type(tokens)
}

/// A type definition, from its `(type` on.
pub(super) fn type_def(tokens: &mut Tokens<'_>) -> Derived {
    tokens.advance()?;
    tokens.take_id()?;
    sub_type(tokens)?;
    tokens.close()
}

/// A recursive type, from its `(rec` on.
pub(super) fn rec_type(tokens: &mut Tokens<'_>) -> Derived {
    tokens.advance()?;
    while tokens.kind() == Kind::Open("type") {
        type_def(tokens)?;
    }
    tokens.close()
}

/// Takes an address type if there is one.
pub(super) fn addr_type(tokens: &mut Tokens<'_>) -> Derived {
    if matches!(tokens.kind(), Kind::Keyword("i32" | "i64")) {
        tokens.advance()?;
    }
    Ok(())
}

fn limits(tokens: &mut Tokens<'_>) -> Derived {
    tokens.nat()?;
    tokens.take(Kind::Nat)?;
    Ok(())
}

/// What follows the address type of a memory's type: limits, then what threads and custom page
/// sizes add.
pub(super) fn mem_type_without_address(tokens: &mut Tokens<'_>) -> Derived {
    limits(tokens)?;
    tokens.take(Kind::Keyword("shared"))?;
    page_size(tokens)
}

/// Takes a page size if there is one.
pub(super) fn page_size(tokens: &mut Tokens<'_>) -> Derived {
    if tokens.take(Kind::Open("pagesize"))? {
        tokens.nat()?;
        tokens.close()?;
    }
    Ok(())
}

pub(super) fn mem_type(tokens: &mut Tokens<'_>) -> Derived {
    addr_type(tokens)?;
    mem_type_without_address(tokens)
}

/// What follows the address type of a table's type.
pub(super) fn table_type_without_address(tokens: &mut Tokens<'_>) -> Derived {
    limits(tokens)?;
    ref_type(tokens)
}

pub(super) fn table_type(tokens: &mut Tokens<'_>) -> Derived {
    take_shared(tokens)?;
    addr_type(tokens)?;
    table_type_without_address(tokens)
}

/// An imported item's type in its parentheses.
pub(super) fn extern_type(tokens: &mut Tokens<'_>) -> Derived {
    extern_type_with(tokens, Binding::Allowed)
}

/// An imported item's type, which may bind an identifier or not.
pub(super) fn extern_type_with(tokens: &mut Tokens<'_>, binding: Binding) -> Derived {
    let Kind::Open(word @ ("func" | "table" | "memory" | "global" | "tag")) = tokens.kind() else {
        return Err(tokens.unexpected("`(func`, `(table`, `(memory`, `(global` or `(tag`"));
    };
    tokens.advance()?;
    if binding == Binding::Allowed {
        tokens.take_id()?;
    }
    match word {
        "func" if tokens.take(Kind::Open("exact"))? => {
            type_use(tokens, Binding::Allowed)?;
            tokens.close()?;
        }
        "func" | "tag" => type_use(tokens, Binding::Allowed)?,
        "table" => table_type(tokens)?,
        "memory" => mem_type(tokens)?,
        _ => global_type(tokens)?,
    }
    tokens.close()
}
