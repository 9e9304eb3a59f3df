//! The folders outside of a suite that its symbolic links may lead into.
//!
//! A suite cannot grant itself access, because its settings come from the same untrusted source as
//! its links. The user grants it, either by naming the folders, or by accepting what the suite
//! requests in its own `wassay.toml`, which is meant for suites that the user trusts.
//!
//! ```toml
//! links = ["../shared"]   # folders, relative to the suite's
//! ```

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::str;

use serde::Deserialize;

use super::budget::Budget;
use super::root::Root;

/// The name of the settings file of a suite.
pub const SETTINGS: &str = "wassay.toml";

/// The maximum size of that file in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The folders outside of a suite that its symbolic links may lead into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The folders that the user named.
    pub folders: Vec<PathBuf>,
    /// Whether to also allow the folders that the suite itself names in its `wassay.toml`.
    pub trust_suite: bool,
}

/// The key of `wassay.toml` that is about links.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    links: Vec<PathBuf>,
}

impl Reach {
    /// Allows the links of a suite to lead into these folders.
    ///
    /// # Errors
    ///
    /// Returns an error, with the path that it is about, if a folder cannot be opened or
    /// `wassay.toml` is invalid.
    pub(crate) fn grant(&self, root: &mut Root) -> Result<(), (PathBuf, io::Error)> {
        let mut folders = self.folders.clone();
        if self.trust_suite {
            let file = root.join(Path::new(SETTINGS));
            let links = settings(root).map_err(|error| (file, error))?.links;
            folders.extend(links.iter().map(|link| root.join(link)));
        }
        for folder in folders {
            root.allow(&folder).map_err(|error| (folder, error))?;
        }
        Ok(())
    }
}

/// Reads the `wassay.toml` of a suite, if there is one.
fn settings(root: &Root) -> io::Result<Settings> {
    if !root.has(Path::new(SETTINGS))? {
        return Ok(Settings::default());
    }
    let bytes = root.read(Path::new(SETTINGS), &mut Budget::new(MAX_SIZE))?;
    let invalid = |message: String| io::Error::new(ErrorKind::InvalidData, message);
    let text = str::from_utf8(&bytes).map_err(|error| invalid(error.to_string()))?;
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        invalid(format!("line {line}: {}", error.message()))
    })
}
