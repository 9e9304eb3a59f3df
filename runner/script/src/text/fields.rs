//! Module fields and their order (core spec, section 6.6).

use super::control::{expression, instruction_begins};
use super::elements::{elem, elem_list, offset};
use super::tokens::{Derived, Kind, Tokens};
use super::types::{
    Binding, addr_type, begins_ref_type, extern_type, extern_type_with, global_type, mem_type,
    mem_type_without_address, page_size, rec_type, ref_type, table_type, table_type_without_address,
    take_shared, type_def, type_use, val_types_in,
};

/// Whether the word begins a module field.
pub(super) fn is_field(word: &str) -> bool {
    matches!(
        word,
        "type"
            | "rec"
            | "import"
            | "func"
            | "table"
            | "memory"
            | "global"
            | "tag"
            | "export"
            | "start"
            | "elem"
            | "data"
    )
}

/// Parses any number of fields.
pub(super) fn fields(tokens: &mut Tokens<'_>) -> Derived {
    let mut fields = Fields { defined: None, started: false };
    while let Kind::Open(word) = tokens.kind() {
        if !is_field(word) {
            return Err(tokens.unexpected("a module field"));
        }
        fields.field(tokens, word)?;
    }
    Ok(())
}

/// The state of a module's earlier fields that later ones depend on.
struct Fields {
    /// The kind of the first definition.
    defined: Option<&'static str>,
    /// Whether there is a start function.
    started: bool,
}

impl Fields {
    fn field(&mut self, tokens: &mut Tokens<'_>, word: &str) -> Derived {
        match word {
            "type" => return type_def(tokens),
            "rec" => return rec_type(tokens),
            "import" => self.import(tokens)?,
            "func" => self.item(tokens, "function", func)?,
            "table" => self.item(tokens, "table", table)?,
            "memory" => self.item(tokens, "memory", memory)?,
            "global" => self.item(tokens, "global", global)?,
            "tag" => self.item(tokens, "tag", tag)?,
            "export" => export(tokens)?,
            "start" => self.start(tokens)?,
            "elem" => elem(tokens)?,
            _ => data(tokens)?,
        }
        tokens.close()
    }

    fn import(&mut self, tokens: &mut Tokens<'_>) -> Derived {
        self.ordered(tokens)?;
        tokens.advance()?;
        tokens.string()?;
        if tokens.grammar.import_groups && tokens.kind() != Kind::String {
            return import_group(tokens);
        }
        tokens.string()?;
        extern_type(tokens)
    }

    /// Imports come before definitions (section 6.6.13, the predicate "ordered").
    fn ordered(&self, tokens: &Tokens<'_>) -> Derived {
        match self.defined {
            Some(kind) => Err(tokens.wrong(format!("import after {kind}"))),
            None => Ok(()),
        }
    }

    /// Parses a field that defines an item, or imports it inline.
    fn item(
        &mut self,
        tokens: &mut Tokens<'_>,
        kind: &'static str,
        rest: fn(&mut Tokens<'_>, Origin) -> Derived,
    ) -> Derived {
        tokens.advance()?;
        tokens.take_id()?;
        while tokens.take(Kind::Open("export"))? {
            tokens.string()?;
            tokens.close()?;
        }
        if tokens.kind() == Kind::Open("import") {
            self.ordered(tokens)?;
            tokens.advance()?;
            tokens.string()?;
            tokens.string()?;
            tokens.close()?;
            return rest(tokens, Origin::Import);
        }
        self.defined.get_or_insert(kind);
        rest(tokens, Origin::Definition)
    }

    fn start(&mut self, tokens: &mut Tokens<'_>) -> Derived {
        if self.started {
            return Err(tokens.wrong("multiple start sections"));
        }
        self.started = true;
        tokens.advance()?;
        tokens.index()
    }
}

/// What follows the module name of several imports (proposal of compact imports): items with a type
/// each, or names alone and the type of all, which binds no identifier.
fn import_group(tokens: &mut Tokens<'_>) -> Derived {
    let (mut typed, mut untyped) = (false, false);
    while tokens.kind() == Kind::Open("item") {
        tokens.advance()?;
        tokens.string()?;
        if tokens.kind() == Kind::Close {
            untyped = true;
        } else {
            typed = true;
            if untyped {
                return Err(tokens.unexpected("`)`"));
            }
            extern_type(tokens)?;
        }
        if typed && untyped {
            return Err(tokens.unexpected("the type of the item"));
        }
        tokens.close()?;
    }
    if typed || (!untyped && tokens.kind() == Kind::Close) {
        return Ok(());
    }
    match tokens.kind() {
        Kind::Open(_) => extern_type_with(tokens, Binding::Forbidden),
        _ => Err(tokens.unexpected("a string or `(item`")),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Import,
    Definition,
}

fn func(tokens: &mut Tokens<'_>, origin: Origin) -> Derived {
    if origin == Origin::Import {
        if tokens.take(Kind::Open("exact"))? {
            type_use(tokens, Binding::Allowed)?;
            return tokens.close();
        }
        return type_use(tokens, Binding::Allowed);
    }
    type_use(tokens, Binding::Allowed)?;
    while tokens.take(Kind::Open("local"))? {
        val_types_in(tokens, Binding::Allowed)?;
    }
    expression(tokens)
}

fn table(tokens: &mut Tokens<'_>, origin: Origin) -> Derived {
    if origin == Origin::Import {
        return table_type(tokens);
    }
    take_shared(tokens)?;
    addr_type(tokens)?;
    if !begins_ref_type(tokens) {
        table_type_without_address(tokens)?;
        return expression(tokens);
    }
    ref_type(tokens)?;
    if !tokens.take(Kind::Open("elem"))? {
        return Err(tokens.unexpected("`(elem`"));
    }
    elem_list(tokens)?;
    tokens.close()
}

fn memory(tokens: &mut Tokens<'_>, origin: Origin) -> Derived {
    if origin == Origin::Import {
        return mem_type(tokens);
    }
    addr_type(tokens)?;
    if tokens.kind() == Kind::Nat {
        return mem_type_without_address(tokens);
    }
    page_size(tokens)?;
    if !tokens.take(Kind::Open("data"))? {
        return Err(tokens.unexpected("limits or `(data`"));
    }
    data_string(tokens)?;
    tokens.close()
}

fn global(tokens: &mut Tokens<'_>, origin: Origin) -> Derived {
    global_type(tokens)?;
    match origin {
        Origin::Import => Ok(()),
        Origin::Definition => expression(tokens),
    }
}

fn tag(tokens: &mut Tokens<'_>, _origin: Origin) -> Derived {
    type_use(tokens, Binding::Allowed)
}

fn export(tokens: &mut Tokens<'_>) -> Derived {
    tokens.advance()?;
    tokens.string()?;
    let Kind::Open("func" | "table" | "memory" | "global" | "tag") = tokens.kind() else {
        return Err(tokens.unexpected("`(func`, `(table`, `(memory`, `(global` or `(tag`"));
    };
    tokens.advance()?;
    tokens.index()?;
    tokens.close()
}

/// A data segment, from its `(data` on.
fn data(tokens: &mut Tokens<'_>) -> Derived {
    tokens.advance()?;
    tokens.take_id()?;
    let mut active = tokens.grammar.is_first && tokens.take(Kind::Nat)?;
    if !active && tokens.take(Kind::Open("memory"))? {
        tokens.index()?;
        tokens.close()?;
        active = true;
    }
    if active || instruction_begins(tokens) {
        offset(tokens)?;
    }
    data_string(tokens)
}

fn data_string(tokens: &mut Tokens<'_>) -> Derived {
    while tokens.take(Kind::String)? {}
    Ok(())
}
