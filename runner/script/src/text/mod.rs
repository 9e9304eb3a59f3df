//! The grammar of modules in the text format (core spec, chapter 6).
//!
//! The parser of the `wast` crate accepts more than the specification: it does not check
//! everything, and supports forms that no version of the specification has. It also lacks a few. So
//! every text is checked here first, token by token. Text that the grammar does not derive is
//! malformed, and forms that the crate lacks are rewritten for it. This module checks the
//! productions, the order of imports and the number of start functions; the crate checks
//! identifiers and ranges of numbers.
//!
//! Besides the specification's productions it supports those of the proposals in
//! [`wassay_testsuite::features`].

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

/// Whether a word is an instruction or part of a structured one, in any version.
pub(crate) fn is_instruction(word: &str) -> bool {
    const STRUCTURED: [&str; 9] =
        ["block", "loop", "if", "else", "end", "try", "try_table", "catch_all", "delegate"];
    STRUCTURED.contains(&word) || instructions::of(word).is_some()
}

/// A text that was checked against the grammar.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    /// The text for the parser of the `wast` crate.
    pub(crate) rewritten: Rewritten<'a>,
    /// The first grammar error, with its offset in the text.
    pub(crate) derived: Derived,
}

impl<'a> Checked<'a> {
    fn new(text: &'a str, grammar: Grammar, production: fn(&mut Tokens<'a>) -> Derived) -> Self {
        let derive = |grammar| match Tokens::new(text, grammar) {
            Ok(mut tokens) => (production(&mut tokens), tokens.edits),
            Err(error) => (Err(error), Edits::default()),
        };
        let (mut derived, edits) = derive(grammar);
        if let Err(error) = &mut derived {
            // A form that another feature has is derived at least up to a later place with it.
            let hint =
                grammar.hint(|more| derive(more).0.err().is_none_or(|later| later.offset > error.offset));
            error.message.push_str(&hint.unwrap_or_default());
        }
        Checked { rewritten: edits.apply(text), derived }
    }

    /// Checks the text of a module, parenthesised or only its fields (section 6.6.13).
    pub(crate) fn module(text: &'a str, grammar: Grammar) -> Self {
        Checked::new(text, grammar, module)
    }

    /// Checks the text of a script: every module in place, or the fields of the only one (section
    /// 6.6.13).
    pub(crate) fn script(text: &'a str, grammar: Grammar) -> Self {
        Checked::new(text, grammar, |tokens| match tokens.kind() {
            Kind::Open(word) if fields::is_field(word) => module(tokens),
            _ => directives(tokens),
        })
    }

    /// Checks the text of every module in place within directives.
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
            // Components have their own module types.
            Kind::Open("component") => tokens.skip_form()?,
            _ => tokens.skip_to(&["module", "component"])?,
        }
    }
}

/// Parses what follows `(module` in a script, unless the module is given as strings or there is
/// none.
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
