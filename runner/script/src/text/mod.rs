//! The grammar of modules in the text format (core spec, chapter 6).
//!
//! The parser of the `wast` crate derives more than the specification does: it leaves out what it
//! can do without, and knows forms that no version of the specification has. It also lacks a few.
//! So every text is read here first, token by token. What the grammar does not derive is malformed,
//! and a form that the crate lacks is rewritten for it. The work is divided: here are the
//! productions, the order of imports and the number of start functions; what depends on identifiers
//! and on the ranges of numbers the crate judges.
//!
//! Beside the specification's own productions there are those of the proposals that
//! [`wassay_testsuite::features`] names.

mod control;
mod elements;
mod fields;
mod immediates;
mod instructions;
mod rewrite;
#[cfg(test)]
mod tests;
mod tokens;
mod types;
mod version;

pub(crate) use immediates::is_nat;
use rewrite::{Edits, Rewritten};
use tokens::{Derived, Kind, Tokens};
pub use version::Grammar;

/// Whether a word is an instruction or a part of a structured one, in any version.
pub(crate) fn is_instruction(word: &str) -> bool {
    const STRUCTURED: [&str; 9] =
        ["block", "loop", "if", "else", "end", "try", "try_table", "catch_all", "delegate"];
    STRUCTURED.contains(&word) || instructions::of(word).is_some()
}

/// A text, read by the grammar.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    /// The text for the parser of the `wast` crate.
    pub(crate) rewritten: Rewritten<'a>,
    /// What the grammar does not derive, with its offset in the text.
    pub(crate) derived: Derived,
}

impl<'a> Checked<'a> {
    fn new(text: &'a str, grammar: Grammar, production: fn(&mut Tokens<'a>) -> Derived) -> Self {
        let (derived, edits) = match Tokens::new(text, grammar) {
            Ok(mut tokens) => (production(&mut tokens), tokens.edits),
            Err(error) => (Err(error), Edits::default()),
        };
        Checked { rewritten: edits.apply(text), derived }
    }

    /// Reads the text of one module: one in its parentheses, or its fields without them (section
    /// 6.6.13).
    pub(crate) fn module(text: &'a str, grammar: Grammar) -> Self {
        Checked::new(text, grammar, module)
    }

    /// Reads the text of a script: every module that it has in place, or the fields of the only one
    /// (section 6.6.13).
    pub(crate) fn script(text: &'a str, grammar: Grammar) -> Self {
        Checked::new(text, grammar, |tokens| match tokens.kind() {
            Kind::Open(word) if fields::is_field(word) => module(tokens),
            _ => directives(tokens),
        })
    }

    /// Reads the text of every module that directives have in place.
    pub(crate) fn directives(text: &'a str, grammar: Grammar) -> Self {
        Checked::new(text, grammar, directives)
    }
}

fn module(tokens: &mut Tokens<'_>) -> Derived {
    if tokens.take(Kind::Open("module"))? {
        tokens.take_id()?;
        fields::fields(tokens)?;
        tokens.close()?;
    } else {
        fields::fields(tokens)?;
    }
    match tokens.kind() {
        Kind::End => Ok(()),
        _ => Err(tokens.unexpected("the end of the module")),
    }
}

fn directives(tokens: &mut Tokens<'_>) -> Derived {
    loop {
        match tokens.kind() {
            Kind::End => return Ok(()),
            Kind::Open("module") => {
                tokens.advance()?;
                module_in_script(tokens)?;
            }
            // Components have module types of their own.
            Kind::Open("component") => tokens.skip_form()?,
            _ => tokens.skip_to(&["module", "component"])?,
        }
    }
}

/// What follows `(module` in a script, where that is text; goes no farther where it is given as
/// strings, or where there is no module.
fn module_in_script(tokens: &mut Tokens<'_>) -> Derived {
    match tokens.kind() {
        Kind::Keyword("instance") => return Ok(()),
        Kind::Keyword("definition") => tokens.advance()?,
        _ => {}
    }
    tokens.take_id()?;
    match tokens.kind() {
        Kind::Keyword("binary" | "quote") => Ok(()),
        _ => {
            fields::fields(tokens)?;
            tokens.close()
        }
    }
}
