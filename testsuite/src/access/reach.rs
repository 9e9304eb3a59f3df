//! Which folders outside of a suite its links may lead into.
//!
//! A suite cannot grant itself anything: what it says of itself was written by the same stranger as its links. So the grant comes from the
//! user, in one of two ways. The user names the folders; or the user accepts what a suite asks for in its own `wassay.toml`, which is for
//! suites that the user trusts.
//!
//! ```toml
//! links = ["../shared"]   # folders, from that of the suite
//! ```

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::str;

use serde::Deserialize;

use super::budget::Budget;
use super::root::Root;

/// The file in which a suite says which folders its links lead into.
pub const SETTINGS: &str = "wassay.toml";

/// How large that file may be, in bytes.
const LARGEST: u64 = 1 << 20;

/// The folders outside of a suite that its links may lead into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Those that the user names.
    pub folders: Vec<PathBuf>,
    /// Whether also those that the suite itself names, in the file `wassay.toml` of its folder.
    pub as_the_suite_says: bool,
}

/// That file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    links: Vec<PathBuf>,
}

impl Reach {
    /// Lets the links of a suite lead into these folders.
    ///
    /// # Errors
    ///
    /// A folder cannot be opened, or `wassay.toml` is not understood. The path is what the error is about.
    pub(crate) fn grant(&self, root: &mut Root) -> Result<(), (PathBuf, io::Error)> {
        let mut folders = self.folders.clone();
        if self.as_the_suite_says {
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

/// What the `wassay.toml` of a suite says; nothing where there is none.
fn settings(root: &Root) -> io::Result<Settings> {
    if !root.has(Path::new(SETTINGS))? {
        return Ok(Settings::default());
    }
    let bytes = root.read(Path::new(SETTINGS), &mut Budget::new(LARGEST))?;
    let invalid = |message: String| io::Error::new(ErrorKind::InvalidData, message);
    let text = str::from_utf8(&bytes).map_err(|error| invalid(error.to_string()))?;
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        invalid(format!("line {line}: {}", error.message()))
    })
}
