//! Tips for an option that a command does not have.

use std::ffi::OsString;

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Replaces the tips for an unknown option: if other commands have it, or one whose name begins
/// with it, names them.
///
/// Does not suggest to pass an option as a value unless the words are for a guest program.
pub(crate) fn improve(cli: &Command, words: &[OsString], error: &mut clap::Error) {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return };
    if error.kind() != ErrorKind::UnknownArgument || !option.starts_with("--") {
        return;
    }
    let option = option.trim_start_matches("--").to_owned();
    if words.get(1).is_none_or(|word| word != "run") {
        error.remove(ContextKind::Suggested);
    }
    if let Some(ContextValue::String(similar)) = error.get(ContextKind::SuggestedArg)
        && similar.trim_start_matches("--").starts_with(&option)
    {
        return;
    }
    let mut owners = Vec::new();
    collect(cli, "wassay", &option, &mut owners);
    let Some(name) = owners.iter().map(|(name, _)| name).min_by_key(|name| name.len()).cloned() else {
        return;
    };
    owners.retain(|(other, _)| *other == name);
    let commands: Vec<String> = owners.into_iter().map(|(_, path)| format!("`{path}`")).collect();
    let tip = format!("`--{name}` is an option of {}", commands.join(", "));
    error.remove(ContextKind::SuggestedArg);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
}

/// Collects the options that begin with this name, each with the command that has it.
fn collect(command: &Command, path: &str, begin: &str, found: &mut Vec<(String, String)>) {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let path = format!("{path} {}", inner.get_name());
        let options = inner.get_arguments().filter(|option| !option.is_hide_set());
        let names = options.filter_map(|option| option.get_long()).filter(|name| name.starts_with(begin));
        found.extend(names.map(|name| (name.to_owned(), path.clone())));
        collect(inner, &path, begin, found);
    }
}
