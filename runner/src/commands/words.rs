//! Splits a command line of `wassay run` into options, the file, and the guest's arguments.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{ArgAction, Command};
use wassay_script::suggest::closest;
use wassay_testsuite::naming::is_of_catalogue;

use crate::catalogue::SUITE;

/// Normalises a command line that runs a file to the form that clap parses:
/// `wassay run OPTIONS -- FILE ARGS`.
///
/// Command lines that begin with a command, `--help` or `--version` are unchanged, except for
/// `run`, where every word after FILE belongs to the guest. All others are in the short form:
/// options of `run` may also follow FILE, up to the first other word or `--`.
pub(crate) fn canonical(cli: &Command, words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let words: Vec<OsString> = words.into_iter().collect();
    let (Some(first), Some(run)) = (words.get(1), cli.find_subcommand("run")) else { return words };
    if first == "run" {
        return arrange(&words[0], run, &words[2..], false);
    }
    let is_command = first == "help" || cli.find_subcommand(first).is_some();
    let is_flag = ["-h", "--help", "-V", "--version"].iter().any(|flag| first == flag);
    if is_command || is_flag { words } else { arrange(&words[0], run, &words[1..], true) }
}

/// The command or suite that the user may have meant by a short form whose first word is not a
/// file.
pub(crate) fn meant(cli: &Command, words: &[OsString]) -> Option<String> {
    let word = words.get(1)?.to_str()?;
    let commands = || cli.get_subcommands().map(Command::get_name).chain(["help"]);
    let is_short = !word.starts_with('-') && commands().all(|command| command != word);
    if !is_short || Path::new(word).symlink_metadata().is_ok() {
        return None;
    }
    if is_of_catalogue(word.strip_prefix(SUITE).unwrap_or(word)) {
        return Some(format!("test {word}"));
    }
    closest(word, commands()).map(str::to_owned)
}

fn arrange(program: &OsStr, run: &Command, words: &[OsString], options_follow: bool) -> Vec<OsString> {
    let mut options = vec![program.to_owned(), OsString::from("run")];
    let mut rest = take_options(run, words, &mut options);
    if let Some((word, after)) = rest.split_first() {
        match word.to_str() {
            Some("--") => rest = after,
            // Neither an option nor a file: clap reports it or shows help.
            Some(word) if word.len() > 1 && word.starts_with('-') => return [&options, rest].concat(),
            _ => {}
        }
    }
    let Some((file, mut args)) = rest.split_first() else { return options };
    if options_follow {
        args = take_options(run, args, &mut options);
        args = args.strip_prefix(&[OsString::from("--")]).unwrap_or(args);
    }
    options.extend([OsString::from("--"), file.clone()]);
    options.extend_from_slice(args);
    options
}

/// Moves leading options to `options`, each joined with its value, and returns the remaining words.
fn take_options<'a>(run: &Command, mut words: &'a [OsString], options: &mut Vec<OsString>) -> &'a [OsString] {
    while let Some((word, after)) = words.split_first() {
        let Some(takes_value) = option(run, word) else { break };
        let mut option = word.clone();
        words = after;
        if takes_value && let Some((value, after)) = words.split_first() {
            option.push("=");
            option.push(value);
            words = after;
        }
        options.push(option);
    }
    words
}

/// Whether the next word is the value of this option; `None` if this is not an option.
fn option(run: &Command, word: &OsStr) -> Option<bool> {
    // The value after `=` need not be UTF-8.
    let bytes = word.as_encoded_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=');
    let name = bytes[..equals.unwrap_or(bytes.len())].strip_prefix(b"--")?;
    let known = run.get_arguments().find(|arg| arg.get_long().map(str::as_bytes) == Some(name))?;
    let takes_value = matches!(known.get_action(), ArgAction::Set | ArgAction::Append);
    Some(takes_value && equals.is_none())
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    /// The normalised form of a command line, without `wassay`.
    fn canonical_of(line: &str) -> String {
        let run = Command::new("run")
            .arg(Arg::new("dir").long("dir").action(ArgAction::Append))
            .arg(Arg::new("trace").long("trace").action(ArgAction::SetTrue));
        let cli = Command::new("wassay").subcommand(run).subcommand(Command::new("test"));
        let words = ["wassay"].into_iter().chain(line.split_whitespace()).map(OsString::from);
        let words = canonical(&cli, words).into_iter().skip(1).map(|word| word.into_string().unwrap());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn in_the_long_form_every_word_after_the_file_is_the_guests() {
        for (line, expected) in [
            ("run a.wasm", "run -- a.wasm"),
            ("run a.wasm --dir=. -- x", "run -- a.wasm --dir=. -- x"),
            ("run a.wasm -- x", "run -- a.wasm -- x"),
            ("run --dir . --trace a.wasm --trace", "run --dir=. --trace -- a.wasm --trace"),
            ("run -- --trace --trace", "run -- --trace --trace"),
            ("run - x", "run -- - x"),
        ] {
            assert_eq!(canonical_of(line), expected, "{line}");
        }
    }

    #[test]
    fn in_the_short_form_options_may_follow_the_file() {
        for (line, expected) in [
            ("a.wasm", "run -- a.wasm"),
            ("a.wasm --dir=. .", "run --dir=. -- a.wasm ."),
            ("a.wasm --dir . --trace x --trace", "run --dir=. --trace -- a.wasm x --trace"),
            ("--trace a.wasm --dir=. -- --trace", "run --trace --dir=. -- a.wasm --trace"),
            ("a.wasm -- -- x", "run -- a.wasm -- x"),
            ("a.wasm --verbose --trace", "run -- a.wasm --verbose --trace"),
            ("a.wasm --help", "run -- a.wasm --help"),
            ("a.wasm -x", "run -- a.wasm -x"),
            ("./test", "run -- ./test"),
        ] {
            assert_eq!(canonical_of(line), expected, "{line}");
        }
    }

    #[test]
    fn a_mistyped_command_is_recognised_if_no_such_file_exists() {
        let cli = Command::new("wassay").subcommand(Command::new("run")).subcommand(Command::new("test"));
        let meant = |word: &str| meant(&cli, &["wassay".into(), word.into()]);
        assert_eq!(meant("tset").as_deref(), Some("test"));
        assert_eq!(meant("hlep").as_deref(), Some("help"));
        assert_eq!(meant("spec-v1").as_deref(), Some("test spec-v1"));
        assert_eq!(meant("suite:spec-v1").as_deref(), Some("test suite:spec-v1"));
        for word in ["test", "help", "a.wasm", "--trace", "src", "Cargo.toml", "/", ""] {
            assert_eq!(meant(word), None, "{word}");
        }
    }

    #[test]
    fn commands_and_mistakes_are_left_to_clap() {
        for line in
            ["", "test a --trace", "help run", "--version", "-h", "run", "run --help", "run --bogus a"]
        {
            assert_eq!(canonical_of(line), line);
        }
        assert_eq!(canonical_of("--bogus a"), "run --bogus a");
        assert_eq!(canonical_of("a.wasm --dir"), "run --dir -- a.wasm");
    }
}
