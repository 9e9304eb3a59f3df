//! The user's settings: a TOML file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use wassay_drive::quantity::{size, written};

/// The environment variable with the path of a file to use instead of the user's.
pub(crate) const VARIABLE: &str = "WASSAY_CONFIG";

/// The default maximum size of the cache.
const MAX_SIZE: u64 = 1 << 30;

/// Why the settings cannot be used.
#[derive(Debug, Error)]
#[error("{}: {what}", file.display())]
pub(crate) struct ConfigError {
    file: PathBuf,
    what: String,
}

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The cache for machine code.
    #[serde(default)]
    pub(crate) cache: CacheConfig,
}

/// The settings of the cache for machine code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct CacheConfig {
    /// Whether it is used.
    pub(crate) enabled: bool,
    /// Its folder, if it is not the default one.
    directory: Option<PathBuf>,
    /// Its maximum size in bytes.
    #[serde(deserialize_with = "bytes")]
    pub(crate) max_size: u64,
}

impl Default for CacheConfig {
    fn default() -> CacheConfig {
        CacheConfig { enabled: true, directory: None, max_size: MAX_SIZE }
    }
}

/// Reads a size such as `"512MiB"`.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    size(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl CacheConfig {
    /// The folder. `None` if it is the default one, and there is no home folder.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.directory.clone().or_else(|| Some(cache_folder()?.join("code")))
    }
}

/// The folder for what can be made again, in the user's cache (`XDG_CACHE_HOME`, otherwise
/// `~/.cache`). `None` if there is no home folder: that of a service account often does not exist,
/// and it is not created.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let base = BaseDirs::new()?;
    if base.cache_dir().starts_with(base.home_dir()) && !base.home_dir().is_dir() {
        return None;
    }
    Some(ProjectDirs::from("", "", "wassay")?.cache_dir().to_owned())
}

/// The file of the user's settings: that of [`VARIABLE`], otherwise the default one. `None` if
/// the home folder is unknown.
pub(crate) fn file() -> Option<PathBuf> {
    let variable = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let default = || Some(ProjectDirs::from("", "", "wassay")?.config_dir().join("config.toml"));
    variable.map(PathBuf::from).or_else(default)
}

/// Reads the user's settings, and returns the file they are from. Without a file they have their
/// defaults.
///
/// # Errors
///
/// The file cannot be read or has errors, or the file of [`VARIABLE`] does not exist.
pub(crate) fn load() -> Result<(Config, Option<PathBuf>), ConfigError> {
    let Some(file) = file() else { return Ok((Config::default(), None)) };
    match fs::read_to_string(&file) {
        Ok(text) => Ok((parse(&text, &file)?, Some(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && std::env::var_os(VARIABLE).is_none() => {
            Ok((Config::default(), None))
        }
        Err(error) => Err(ConfigError { file, what: format!("cannot read the settings: {error}") }),
    }
}

fn parse(text: &str, file: &Path) -> Result<Config, ConfigError> {
    let failed = |what: String| ConfigError { file: file.to_owned(), what };
    let config: Config =
        toml::from_str(text).map_err(|error| failed(error.to_string().trim_end().to_owned()))?;
    if let Some(directory) = config.cache.directory.as_ref().filter(|directory| !directory.is_absolute()) {
        return Err(failed(format!(
            "cache.directory: `{}` is relative; expected an absolute path",
            directory.display()
        )));
    }
    Ok(config)
}

/// The text of a file with these settings.
pub(crate) fn text(config: &Config) -> String {
    let CacheConfig { enabled, directory, max_size } = &config.cache;
    let folder = config.cache.folder().unwrap_or_default();
    let comment = if directory.is_some() { "" } else { "# " };
    // Sizes that are not whole units are written in bytes.
    let max_size = match written(*max_size).replace(' ', "") {
        text if size(&text) == Ok(*max_size) => text,
        _ => max_size.to_string(),
    };
    format!(
        "\
# The machine code of programs that `wassay run` has compiled, which it uses when it runs them again.
[cache]
# Whether the cache is used. `--no-cache` turns it off for one run.
enabled = {enabled}
# Its folder, an absolute path. No other user may be able to write to it.
{comment}directory = {folder}
# Its maximum size; code that was not used for the longest time is removed first.
max-size = \"{max_size}\"
",
        folder = toml::Value::String(folder.display().to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        parse(text, Path::new("c.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_text_of_settings_has_these_settings() {
        let default = Config::default();
        assert_eq!(parsed(&text(&default)), Ok(default));
        for max_size in [0, 1000, 512 << 20, (1 << 30) + 1] {
            let directory = Some(PathBuf::from("/a \"b\"\\c"));
            let config = Config { cache: CacheConfig { enabled: false, directory, max_size } };
            assert_eq!(parsed(&text(&config)), Ok(config));
        }
    }

    #[test]
    fn keys_that_are_not_set_have_their_defaults() {
        assert_eq!(parsed(""), Ok(Config::default()));
        let config = parsed("[cache]\nmax-size = \"2MiB\"").unwrap();
        assert_eq!(config.cache, CacheConfig { max_size: 2 << 20, ..CacheConfig::default() });
    }

    #[test]
    fn errors_name_the_file_the_line_and_what_is_expected() {
        for (text, expected) in [
            ("[cache]\nenabeld = true", "unknown field `enabeld`, expected one of `enabled`"),
            ("[cahce]\n", "unknown field `cahce`"),
            ("[cache]\nenabled = 1", "line 2"),
            ("[cache]\nmax-size = \"1 KB\"", "invalid size `1 KB`"),
            ("[cache]\nmax-size = 5", "line 2"),
            ("[cache]\ndirectory = \"code\"", "expected an absolute path"),
            ("[cache", "line 1"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with("c.toml: ") && error.contains(expected), "{text}: {error}");
        }
    }
}
