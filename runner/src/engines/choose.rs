//! Resolves the value of `--engine`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wassay_drive::description::{Description, Places, Unstartable, find};
use wassay_drive::modules::{self, Modules};
use wassay_drive::wasi::Runtime;
use wassay_drive::{Command, Driven, Known, Limits, Published, Way, version};
use wassay_script::suggest::did_you_mean;

use super::error::EngineError;
use super::folder::Scratch;
use super::search::{Found, Origin, all, by_name, is_name, named, places};

/// The extension of a description.
const FILE: &str = ".toml";

/// An engine that can be started, in one of its columns.
#[derive(Clone, Debug)]
pub struct Chosen {
    word: String,
    start: Start,
    described: Option<Described>,
}

/// How to start an engine for scripts.
#[derive(Clone, Debug)]
enum Start {
    /// An adapter that implements wap/1.
    Adapter(Command),
    /// One process per module.
    Modules(Box<modules::Command>),
    /// Not supported: the engine runs WASI programs only.
    Never,
}

/// The description of an engine.
#[derive(Clone, Debug)]
struct Described {
    published: Published,
    /// The origin of the description.
    origin: Origin,
    timeout: Option<Duration>,
    max_memory: Option<u64>,
    expectations: Option<PathBuf>,
    version: Option<Command>,
    description: Box<Description>,
    column: String,
    places: Places,
}

/// Finds the engine that a word names, without starting it.
///
/// # Errors
///
/// The word names no engine, a description is unusable, or the engine is not installed.
pub fn choose(word: &str) -> Result<Chosen, EngineError> {
    if let Some((path, column)) = as_file(word) {
        return described(word, named(Path::new(path))?, column);
    }
    let (name, column) = word.split_once(':').map_or((word, None), |(name, column)| (name, Some(column)));
    if !is_name(name) || column.is_some_and(|column| !is_name(column)) {
        return command(word);
    }
    if let Some(found) = by_name(name)? {
        return described(word, found, column);
    }
    if find(word).is_some() {
        return command(word);
    }
    let names: Vec<String> = all().into_iter().map(|searched| searched.name).collect();
    let meant = did_you_mean(name, names.iter().map(String::as_str));
    Err(EngineError::Unknown { word: word.to_owned(), meant })
}

/// The engine for an adapter command.
fn command(word: &str) -> Result<Chosen, EngineError> {
    let start = Start::Adapter(Command::read(word)?);
    Ok(Chosen { word: word.to_owned(), start, described: None })
}

/// Splits a word into the path of a description and a column, if it is one. A path with blanks must
/// exist: otherwise the word is a command.
fn as_file(word: &str) -> Option<(&str, Option<&str>)> {
    let (path, column) = match word.rsplit_once(':') {
        Some((path, column)) if path.ends_with(FILE) && is_name(column) => (path, Some(column)),
        _ => (word, None),
    };
    let is_one_word = !path.contains(char::is_whitespace);
    (path.ends_with(FILE) && (is_one_word || Path::new(path).is_file())).then_some((path, column))
}

fn described(word: &str, found: Found, column: Option<&str>) -> Result<Chosen, EngineError> {
    let Found { description, origin, .. } = found;
    let places = places(&origin)?;
    let (column, configured) = description.column(column)?;
    let (start, published) = match description.module_command(column, &places)? {
        Some((command, published)) if description.protocol.is_none() => {
            (Start::Modules(Box::new(command)), published)
        }
        None if description.protocol.is_none() => (Start::Never, Published::default()),
        _ => {
            let (command, published) = description.adapter(column, &places)?;
            (Start::Adapter(command), published)
        }
    };
    let expectations = configured.expectations.as_ref().or(description.expectations.as_ref());
    let described = Described {
        published,
        timeout: description.timeout,
        max_memory: description.max_memory,
        expectations: expectations.map(|file| places.dir.join(file)),
        version: description.version_command(configured, &places)?,
        origin,
        column: column.to_owned(),
        description: Box::new(description.clone()),
        places,
    };
    Ok(Chosen { word: word.to_owned(), start, described: Some(described) })
}

impl Chosen {
    /// The word that named it.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The command of its adapter, if it has one.
    pub fn command(&self) -> Option<&Command> {
        match &self.start {
            Start::Adapter(command) => Some(command),
            Start::Modules(_) | Start::Never => None,
        }
    }

    /// How it is driven, for display: its command, or a note that it runs WASI programs only.
    pub fn shown(&self) -> String {
        match &self.start {
            Start::Adapter(command) => command.to_string(),
            Start::Modules(command) => command.words.join(" "),
            Start::Never => "WASI programs only".to_owned(),
        }
    }

    /// The origin of its description; `None` for a command.
    pub fn origin(&self) -> Option<&Origin> {
        self.described.as_ref().map(|described| &described.origin)
    }

    /// The time limit for a script in its description.
    pub fn timeout(&self) -> Option<Duration> {
        self.described.as_ref()?.timeout
    }

    /// The file of expected failures in its description.
    pub fn expectations(&self) -> Option<&Path> {
        self.described.as_ref()?.expectations.as_deref()
    }

    /// The command that prints its version, if its description has one.
    pub(crate) fn version_command(&self) -> Option<&Command> {
        self.described.as_ref()?.version.as_ref()
    }

    /// The limits of its process: `max_memory` bytes, else those of its description, else the
    /// default.
    pub fn limits(&self, max_memory: Option<u64>) -> Limits {
        let described = self.described.as_ref();
        let memory = max_memory.or(described.and_then(|described| described.max_memory));
        let defaults = Limits::default();
        Limits {
            memory: memory.or(defaults.memory),
            script: self.timeout().unwrap_or(defaults.script),
            ..defaults
        }
    }

    /// Starts it to query its identity.
    ///
    /// # Errors
    ///
    /// It cannot be started, does not implement the protocol, or its exit codes do not depend on
    /// the modules that it runs.
    pub fn ask(&self, max_memory: Option<u64>) -> Result<Way, EngineError> {
        let limits = self.limits(max_memory);
        match &self.start {
            Start::Adapter(command) => {
                let known = Known::ask(command.clone(), limits)?;
                let Some(described) = &self.described else { return Ok(Way::Protocol(Arc::new(known))) };
                let mut published = described.published.clone();
                if known.hello().version.is_empty() {
                    published.version = self.version();
                }
                Ok(Way::Protocol(Arc::new(known.published_as(published))))
            }
            Start::Modules(command) => {
                let mut command = modules::Command::clone(command);
                command.identity.version = self.version();
                Ok(Way::Modules(Arc::new(Modules::new(command, limits, Box::new(Scratch::new()?))?)))
            }
            Start::Never => {
                let runtime = self.runtime(max_memory)?;
                let identity =
                    runtime.map_or_else(|| Published::default().identity(), |runtime| runtime.identity);
                Ok(Way::Neither(Box::new(identity)))
            }
        }
    }

    /// The runtime for WASI programs on it; `None` if its description has none.
    ///
    /// # Errors
    ///
    /// It is not installed, its adapter does not answer, or its expectations cannot be read.
    pub fn runtime(&self, max_memory: Option<u64>) -> Result<Option<Runtime>, EngineError> {
        let Some(described) = &self.described else { return Ok(None) };
        let runtime = described.description.runtime(&described.column, &described.places)?;
        Ok(runtime.map(|mut runtime| {
            runtime.memory = max_memory.or(runtime.memory).or(Limits::default().memory);
            if runtime.identity.version.is_empty() {
                runtime.identity.version = self.version();
            }
            runtime
        }))
    }

    /// The version that it prints, or an empty string.
    fn version(&self) -> String {
        let command = self.described.as_ref().and_then(|described| described.version.as_ref());
        command.and_then(version::of).unwrap_or_default()
    }

    /// Returns a factory of drivers, each with its own process, for
    /// [`harness::run_with`](crate::harness::run_with) and similar functions.
    ///
    /// # Errors
    ///
    /// Those of [`ask`](Chosen::ask).
    pub fn drivers(
        &self,
        max_memory: Option<u64>,
    ) -> Result<impl Fn() -> Driven + Clone + Send + Sync + use<>, EngineError> {
        let way = self.ask(max_memory)?;
        Ok(move || way.driver())
    }
}

impl EngineError {
    /// Whether the engine is described but not installed.
    pub fn is_not_installed(&self) -> bool {
        matches!(self, EngineError::Unstartable(Unstartable::NotInstalled { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_ends_in_toml() {
        assert_eq!(as_file("a/b.toml"), Some(("a/b.toml", None)));
        assert_eq!(as_file("b.toml:all"), Some(("b.toml", Some("all"))));
        for word in ["a", "a:all", "node x.toml", "a.toml --flag", "a.toml:"] {
            assert_eq!(as_file(word), None, "{word}");
        }
    }

    #[test]
    fn a_word_is_an_engine_a_program_or_a_command() {
        let unknown = choose("nodee").unwrap_err().to_string();
        assert!(unknown.contains("did you mean `node`?"), "{unknown}");
        assert!(choose("sh").unwrap().origin().is_none());
        assert_eq!(choose("a/b c").unwrap().command().unwrap().words(), ["a/b", "c"]);
        assert_eq!(choose("wassay").unwrap().origin(), Some(&Origin::BuiltIn));
        let column = choose("wassay:all").unwrap_err().to_string();
        assert_eq!(column, "wassay has no column `all`; expected one of default");
        assert!(matches!(choose(""), Err(EngineError::Command(_))));
        assert!(matches!(choose("gone.toml"), Err(EngineError::Description(_))));
    }
}
