//! Searches descriptions of engines.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use wassay_drive::description::{BadDescription, Description, DescriptionError, Places};

use super::builtin::{DESCRIPTIONS, adapters};
use super::error::EngineError;

/// The folder of a project's descriptions, below the current folder or one above it.
pub const PROJECT: &str = ".wassay/engines";

/// A description and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The description.
    pub description: Description,
    /// Its text.
    pub text: String,
    /// Where it was found.
    pub origin: Origin,
}

/// Where a description comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file named on the command line.
    Named(PathBuf),
    /// A file of the project.
    Project(PathBuf),
    /// A file of the user's configuration.
    User(PathBuf),
    /// Built into the program.
    BuiltIn,
}

/// The result of a search by name.
#[derive(Debug)]
pub struct Searched {
    /// The name.
    pub name: String,
    /// The description, or why it is unusable.
    pub found: Result<Found, EngineError>,
}

impl Origin {
    /// The file; `None` if it is built in.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Origin::Named(path) | Origin::Project(path) | Origin::User(path) => Some(path),
            Origin::BuiltIn => None,
        }
    }
}

/// The folder of the user's descriptions; `None` if the home folder is unknown.
pub fn user_folder() -> Option<PathBuf> {
    Some(ProjectDirs::from("", "", "wassay")?.config_dir().join("engines"))
}

/// The folders of the project's descriptions: in the current folder and its parents up to the root
/// of the git repository. Outside of a repository, only the current folder.
fn project_folders() -> Vec<PathBuf> {
    let Ok(current) = std::env::current_dir() else { return Vec::new() };
    let above: Vec<&Path> = current.ancestors().collect();
    let root = above.iter().position(|folder| folder.join(".git").exists());
    let of_project = above.get(..root.map_or(1, |root| root + 1)).unwrap_or_default();
    of_project.iter().map(|folder| folder.join(PROJECT)).collect()
}

/// Wraps the path of a file that was found.
type FoundIn = fn(PathBuf) -> Origin;

/// All folders to search, in order.
fn folders() -> impl Iterator<Item = (PathBuf, FoundIn)> {
    let project = project_folders().into_iter().map(|folder| (folder, Origin::Project as FoundIn));
    project.chain(user_folder().map(|folder| (folder, Origin::User as FoundIn)))
}

/// Finds an engine by name.
///
/// # Errors
///
/// Its description is unusable.
pub fn by_name(name: &str) -> Result<Option<Found>, EngineError> {
    // Only valid names may become part of a path.
    if !is_name(name) {
        return Ok(None);
    }
    for (folder, origin) in folders() {
        let path = folder.join(format!("{name}.toml"));
        if path.symlink_metadata().is_ok() {
            return in_folder(&path, origin).map(Some);
        }
    }
    DESCRIPTIONS.iter().find(|(known, _)| *known == name).map(|(name, text)| built_in(name, text)).transpose()
}

/// Reads the description in a file.
///
/// # Errors
///
/// It cannot be read, or does not describe an engine.
pub(crate) fn named(path: &Path) -> Result<Found, EngineError> {
    let (description, text) = Description::read(path)?;
    Ok(Found { description, text, origin: Origin::Named(path.to_owned()) })
}

/// All engines, each as [`by_name`] finds it.
pub fn all() -> Vec<Searched> {
    let mut all: BTreeMap<String, Result<Found, EngineError>> = BTreeMap::new();
    for (folder, origin) in folders() {
        for name in names_in(&folder) {
            let path = folder.join(format!("{name}.toml"));
            all.entry(name).or_insert_with(|| in_folder(&path, origin));
        }
    }
    for (name, text) in DESCRIPTIONS {
        all.entry((*name).to_owned()).or_insert_with(|| built_in(name, text));
    }
    all.into_iter().map(|(name, found)| Searched { name, found }).collect()
}

/// The values of placeholders in a description.
pub(crate) fn places(origin: &Origin) -> Result<Places, EngineError> {
    let system = |what: &str| {
        let what = what.to_owned();
        move |error| EngineError::System { what, error }
    };
    let adapters = adapters().map_err(system("cannot write the adapters to a temporary folder"))?;
    let wassay = std::env::current_exe().map_err(system("cannot find the path of the wassay executable"))?;
    let folder = origin.path().and_then(|path| std::path::absolute(path).ok());
    let dir = folder.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
    Ok(Places { adapters, dir, wassay })
}

fn in_folder(path: &Path, origin: FoundIn) -> Result<Found, EngineError> {
    let (description, text) = Description::read(path)?;
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) if stem == description.name => {
            Ok(Found { description, text, origin: origin(path.to_owned()) })
        }
        _ => Err(EngineError::Misnamed { path: path.to_owned(), name: description.name }),
    }
}

fn built_in(name: &str, text: &str) -> Result<Found, EngineError> {
    let description = Description::parse(&format!("{name}.toml"), text)?;
    Ok(Found { description, text: text.to_owned(), origin: Origin::BuiltIn })
}

impl From<BadDescription> for EngineError {
    fn from(error: BadDescription) -> EngineError {
        DescriptionError::from(error).into()
    }
}

/// The names of the descriptions in a folder; empty if there is no such folder.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(folder = %folder.display(), %error, "a folder of engines cannot be read");
            }
            return Vec::new();
        }
    };
    let names = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(".toml").filter(|name| is_name(name)).map(str::to_owned)
    });
    names.collect()
}

/// Whether a word can be the name of an engine.
pub(super) fn is_name(word: &str) -> bool {
    Description::is_name(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_names_are_not_searched() {
        for word in ["", ".", "..", "../x", "a/b", "/etc/passwd", "a b", "a.toml", "-x", "a:b"] {
            assert!(matches!(by_name(word), Ok(None)), "{word}");
        }
    }

    #[test]
    fn built_in_engines_are_found_and_listed() {
        let node = by_name("node").unwrap().unwrap();
        assert_eq!((node.description.name.as_str(), node.origin), ("node", Origin::BuiltIn));
        assert!(all().iter().any(|searched| searched.name == "wasmtime-c" && searched.found.is_ok()));
    }
}
