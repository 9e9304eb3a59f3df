//! Words of a description: which placeholders they may have, and where.

use serde::Deserialize;
use toml::Spanned;

use crate::template::{Placeholder, Template, Word};

/// The placeholders allowed in every command.
pub(super) const ANYWHERE: &[Placeholder] = &[Placeholder::Adapters, Placeholder::Dir, Placeholder::Wassay];

/// The placeholders allowed in commands that run the engine.
pub(super) const OF_ENGINE: &[Placeholder] =
    &[Placeholder::Adapters, Placeholder::Dir, Placeholder::Flags, Placeholder::Program, Placeholder::Wassay];

/// The name of an environment variable.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
pub(super) struct Variable(pub(super) String);

impl TryFrom<String> for Variable {
    type Error = String;

    fn try_from(name: String) -> Result<Variable, String> {
        match name.is_empty() || name.contains(['=', '\0']) {
            true => Err(format!("invalid name `{name}` of an environment variable")),
            false => Ok(Variable(name)),
        }
    }
}

/// Checks a command that may have these placeholders.
pub(super) fn command_with(
    key: &str,
    template: Spanned<Template>,
    allowed: &[Placeholder],
    has_program: bool,
) -> Result<Template, (usize, String)> {
    let at = template.span().start;
    let template = template.into_inner();
    let checked = only_these(key, template.placeholders(), allowed)
        .and_then(|()| template.program().map_or(Ok(()), not_relative));
    checked.map_err(|message| (at, message))?;
    if !has_program && template.placeholders().any(|placeholder| placeholder == Placeholder::Program) {
        return Err((at, "it uses `{program}`, but there is no key `program`".to_owned()));
    }
    if template.program().is_some_and(|word| word.placeholders().any(Placeholder::is_list)) {
        return Err((at, "the program cannot be `{flags}`".to_owned()));
    }
    Ok(template)
}

pub(super) fn word(key: &str, word: Spanned<Word>, allowed: &[Placeholder]) -> Result<Word, (usize, String)> {
    let at = word.span().start;
    let word = word.into_inner();
    only_these(key, word.placeholders(), allowed).map_err(|message| (at, message))?;
    Ok(word)
}

pub(super) fn only_these(
    key: &str,
    placeholders: impl Iterator<Item = Placeholder>,
    allowed: &[Placeholder],
) -> Result<(), String> {
    for placeholder in placeholders {
        if !allowed.contains(&placeholder) {
            let allowed = allowed.iter().map(Placeholder::to_string).collect::<Vec<_>>().join(", ");
            return Err(format!("`{key}` cannot have {placeholder}: expected {allowed} or none"));
        }
    }
    Ok(())
}

/// Rejects paths relative to the current folder.
pub(super) fn not_relative(program: &Word) -> Result<(), String> {
    match program.is_relative_path() {
        true => {
            Err("the program is a relative path: begin it with `{dir}/`, the folder of this file".to_owned())
        }
        false => Ok(()),
    }
}
