//! The grammar of modules in the text format (core spec, chapter 6), checked beside the parser of the `wast` crate.
//!
//! The crate derives more than the specification does: it leaves out what it can do without, and knows forms that no
//! version of the specification has. So a text that it accepts is read once more here, token by token, and whatever the
//! grammar does not derive is malformed. The work is divided: here are the productions, the order of imports and the
//! number of start functions; what depends on identifiers and on the ranges of numbers the crate judges.
//!
//! Beside the specification's own productions there are those of the proposals that [`wassay_testsuite::features`] names.

mod control;
mod elements;
mod fields;
mod immediates;
mod instructions;
mod tokens;
mod types;

use super::model::TextError;
use tokens::{Kind, Tokens};

/// Whether the text conforms to a production.
type Derived<T = ()> = Result<T, TextError>;

/// Checks the text of one module: one in its parentheses, or its fields without them (section 6.6.13).
///
/// # Errors
///
/// What the grammar does not derive, with its offset.
pub(crate) fn check_module(text: &str) -> Derived {
    let mut tokens = Tokens::new(text)?;
    if tokens.kind() == Kind::Open("module") {
        tokens.advance()?;
        tokens.take_id()?;
        fields::fields(&mut tokens)?;
        tokens.close()?;
    } else {
        fields::fields(&mut tokens)?;
    }
    match tokens.kind() {
        Kind::End => Ok(()),
        _ => Err(tokens.unexpected("the end of the module")),
    }
}

/// Checks the text of a script: every module that it has in place, or the fields of the only one (section 6.6.13).
///
/// # Errors
///
/// What the grammar does not derive, with its offset.
pub(crate) fn check_script(text: &str) -> Derived {
    match Tokens::new(text)?.kind() {
        Kind::Open(word) if fields::is_field(word) => check_module(text),
        _ => check_directives(text),
    }
}

/// Checks the text of every module that directives have in place.
///
/// # Errors
///
/// What the grammar does not derive, with its offset.
pub(crate) fn check_directives(text: &str) -> Derived {
    let mut tokens = Tokens::new(text)?;
    loop {
        match tokens.kind() {
            Kind::End => return Ok(()),
            Kind::Open("module") => {
                tokens.advance()?;
                module_in_script(&mut tokens)?;
            }
            // Components have module types of their own.
            Kind::Open("component") => tokens.skip_form()?,
            _ => tokens.advance()?,
        }
    }
}

/// Checks what follows `(module` in a script, where that is text; goes no farther where it is given as strings, or where
/// there is no module.
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
