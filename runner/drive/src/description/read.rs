//! Parses descriptions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;
use wassay_script::Features;
use wassay_script::suggest::did_you_mean;
use wassay_testsuite::access::{Budget, read_named};

use super::model::{
    BadDescription, Column, DEFAULT_COLUMN, Description, DescriptionError, Protocol, WasiWay,
};
use super::ways::{WrittenModules, WrittenWasi};
use super::words::{ANYWHERE, OF_ENGINE, Variable, command_with, not_relative, only_these, word};
use crate::quantity;
use crate::template::{Placeholder, Template, Word};

/// The maximum size of a description in bytes.
const LARGEST: u64 = 256 << 10;
/// The maximum length of a name in characters.
const LONGEST_NAME: usize = 64;

/// The contents of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: Name,
    homepage: Option<String>,
    notes: Option<String>,
    install: Option<String>,
    package: Option<String>,
    #[serde(default)]
    program: Option<Spanned<Programs>>,
    version: Option<Spanned<Template>>,
    #[serde(default, deserialize_with = "duration")]
    timeout: Option<Duration>,
    #[serde(default, deserialize_with = "limit")]
    max_memory: Option<u64>,
    expectations: Option<PathBuf>,
    protocol: Option<Spanned<WrittenProtocol>>,
    module: Option<WrittenModules>,
    wasi: Option<Spanned<WrittenWasi>>,
    #[serde(default)]
    columns: BTreeMap<Name, Spanned<WrittenColumn>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProtocol {
    command: Spanned<Template>,
    #[serde(default)]
    env: BTreeMap<Variable, Spanned<Word>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenColumn {
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default, deserialize_with = "features")]
    features: Vec<String>,
    expectations: Option<PathBuf>,
}

/// The name of an engine or a column.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
struct Name(String);

/// One program or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a program, or a list of paths to try")]
enum Programs {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Name, String> {
        match Description::is_name(&name) {
            true => Ok(Name(name)),
            false => Err(format!(
                "invalid name `{name}`: expected at most {LONGEST_NAME} letters, digits and any of `-_.+`, beginning with a letter or a digit"
            )),
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    quantity::duration(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    quantity::limit(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

fn features<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    for name in &names {
        let unknown =
            |name: &str| format!("unknown feature `{name}`{}", did_you_mean(name, Features::names()));
        name.parse::<Features>().map_err(|error| de::Error::custom(unknown(error.name())))?;
    }
    Ok(names)
}

impl Description {
    /// Parses a description; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// It is not TOML, has an unknown key or an invalid value, or does not say how to drive the
    /// engine.
    pub fn parse(file: &str, text: &str) -> Result<Description, BadDescription> {
        let bad = |offset: usize, message: String| {
            let line = text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
            BadDescription { file: file.to_owned(), line, message }
        };
        let written: Written = toml::from_str(text)
            .map_err(|error| bad(error.span().map_or(0, |span| span.start), one_line(error.message())))?;
        described(written).map_err(|(offset, message)| bad(offset, message))
    }

    /// Reads a regular file of at most 256 KiB, and also returns its text.
    ///
    /// # Errors
    ///
    /// It cannot be read or parsed.
    pub fn read(path: &Path) -> Result<(Description, String), DescriptionError> {
        let unreadable = |error| DescriptionError::Unreadable { path: path.to_owned(), error };
        let bytes = read_named(path, &mut Budget::new(LARGEST)).map_err(unreadable)?;
        let file = path.display().to_string();
        match String::from_utf8(bytes) {
            Ok(text) => Ok((Description::parse(&file, &text)?, text)),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let line = error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count() + 1;
                Err(BadDescription { file, line, message: "expected UTF-8".to_owned() }.into())
            }
        }
    }

    /// Whether a word can be the name of an engine or a column: at most 64 letters, digits and any
    /// of `-_.+`, the first a letter or a digit, and not the name of a TOML file.
    pub fn is_name(word: &str) -> bool {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        let begins_well = word.starts_with(|c: char| c.is_ascii_alphanumeric());
        begins_well && word.len() <= LONGEST_NAME && word.chars().all(is_plain) && !word.ends_with(".toml")
    }
}

/// The message of the TOML parser in one line, with a suggestion for an unknown key.
fn one_line(message: &str) -> String {
    let line = message.lines().collect::<Vec<_>>().join(", ");
    let mut names = line.split('`').skip(1).step_by(2);
    match (line.starts_with("unknown field"), names.next()) {
        (true, Some(unknown)) => format!("{line}{}", did_you_mean(unknown, names)),
        _ => line,
    }
}

/// Checks constraints between values. Errors have an offset.
fn described(written: Written) -> Result<Description, (usize, String)> {
    let Written {
        name: Name(name),
        homepage,
        notes,
        install,
        package,
        timeout,
        max_memory,
        expectations,
        ..
    } = written;
    let program = written.program.map(programs).transpose()?.unwrap_or_default();
    let has_program = !program.is_empty();
    let version = written.version.map(|version| command("version", version, has_program)).transpose()?;
    let mut takes_flags =
        version.iter().flat_map(Template::placeholders).any(|placeholder| placeholder.is_list());
    let protocol = written.protocol.map(|protocol| {
        let WrittenProtocol { command: template, env } = protocol.into_inner();
        let command = command("command", template, has_program)?;
        takes_flags |= command.placeholders().any(|placeholder| placeholder == Placeholder::Flags);
        let env = env.into_iter().map(|(Variable(name), value)| Ok((name, word("env", value, ANYWHERE)?)));
        Ok(Protocol { command, env: env.collect::<Result<_, _>>()? })
    });
    let protocol = protocol.transpose()?;
    let modules = written.module.map(|modules| modules.modules(has_program)).transpose()?;
    let wasi = written.wasi.map(|wasi| {
        let at = wasi.span().start;
        wasi.into_inner().wasi(at, has_program)
    });
    let wasi = wasi.transpose()?;
    let run = modules.iter().map(|modules| &modules.run);
    let run = run.chain(wasi.iter().filter_map(|wasi| match &wasi.way {
        WasiWay::Templates { command, .. } => Some(command),
        WasiWay::Adapter { .. } => None,
    }));
    takes_flags |= run.flat_map(Template::placeholders).any(|placeholder| placeholder == Placeholder::Flags);
    if protocol.is_none() && modules.is_none() && wasi.is_none() {
        let message = "expected a table `[protocol]` with the command of an adapter, `[module]` with a command that \
        runs a module, or `[wasi]` with a command that runs a WASI program";
        return Err((0, message.to_owned()));
    }
    let mut columns = BTreeMap::new();
    for (Name(name), column) in written.columns {
        let at = column.span().start;
        let WrittenColumn { flags, features, expectations } = column.into_inner();
        if !flags.is_empty() && !takes_flags {
            let message =
                format!("column `{name}` has flags, but no command uses them: add the word `{{flags}}`");
            return Err((at, message));
        }
        columns.insert(name, Column { flags, features, expectations });
    }
    if columns.is_empty() {
        columns.insert(DEFAULT_COLUMN.to_owned(), Column::default());
    }
    Ok(Description {
        name,
        homepage,
        notes,
        install,
        package,
        program,
        version,
        timeout,
        max_memory,
        expectations,
        protocol,
        modules,
        wasi,
        columns,
    })
}

fn programs(programs: Spanned<Programs>) -> Result<Vec<Word>, (usize, String)> {
    let span = programs.span();
    let places = match programs.into_inner() {
        Programs::One(place) => vec![place],
        Programs::Several(places) => places,
    };
    if places.is_empty() || places.iter().any(String::is_empty) {
        return Err((span.start, "expected a program, or a list of paths to try".to_owned()));
    }
    let place = |place| {
        let place = Word::try_from(place).map_err(|message| (span.start, message))?;
        only_these("program", place.placeholders(), ANYWHERE).map_err(|message| (span.start, message))?;
        not_relative(&place).map_err(|message| (span.start, message))?;
        Ok(place)
    };
    places.into_iter().map(place).collect()
}

/// Checks a command that runs the engine.
fn command(key: &str, template: Spanned<Template>, has_program: bool) -> Result<Template, (usize, String)> {
    command_with(key, template, OF_ENGINE, has_program)
}
