//! Suites on disk: a folder of scripts and guests, or a single file.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use thiserror::Error;

use crate::access::{Budget, Identity, Kind, Listed, Reach, Root, SETTINGS};
use crate::case::{Case, Unreadable};
use crate::conditions::Conditions;
use crate::expectation::{Entry, Expectations, Scope};
use crate::features;
use crate::folders;
use crate::manifest::{Manifest, ManifestError};
use crate::naming;
use crate::paths::real;
use crate::script::Script;
use crate::suite::{Origin, Suite};
use crate::wasi::{self, Files, Guest, Names};

/// Opens `path` as a suite.
///
/// A folder is a suite of all the `.wast` files (in any case) and [guests](crate::wasi) below it. A
/// single file is a guest if its name ends in `.wasm` or `.wat`, and a script otherwise. The cases
/// are listed now and read later. The folders `.git` and `.wassay` are skipped, and so are folders
/// that belong to guests. Symbolic links are followed as far as [`access`](crate::access) allows.
///
/// [Unreadable cases](Unreadable) stand for files that are cases by their names but not regular
/// files, and for unreadable folders and broken links, which could contain cases.
///
/// The features of a script are those of a `wassay.toml` above it, or else those of the nearest
/// known folder, or [`features::DEFAULT`]. Either may be inside `path` or above it.
///
/// # Errors
///
/// Returns an error if `path` does not exist, is unreadable, or is neither a folder nor a regular
/// file, if there are no cases, if there are too many files to list, or if a `wassay.toml` in the
/// folder or above it is invalid.
pub fn open(path: &Path) -> Result<Suite, OpenError> {
    match open_any(path, &Reach::default())? {
        Suite { origin: Origin::Folder(cases), .. } if cases.is_empty() => {
            Err(OpenError::NoCases { path: path.to_owned() })
        }
        suite => Ok(suite),
    }
}

/// Opens `path` as a suite that may be empty. Symbolic links may also lead into the folders of
/// `reach`.
///
/// # Errors
///
/// Those of [`open`] except for empty suites, and an error if a folder of `reach` cannot be opened.
pub fn open_any(path: &Path, reach: &Reach) -> Result<Suite, OpenError> {
    let real_path = real(path);
    let word = real_path.display().to_string();
    let (cases, entries) = if metadata(path)?.is_dir() {
        let place = Place { suite: &word, real: &real_path, features: features::DEFAULT };
        walk(rooted(path, reach)?, &place, Manifest::above(&real_path)?)?
    } else {
        file(path, reach, &word)?
    };
    let suite = suite(naming::name(&real_path), Some(real_path), cases);
    Ok(if entries.is_empty() { suite } else { suite.expecting(Expectations { entries }.into()) })
}

/// Opens a folder whose scripts are judged as `manifest` says, for the suite with this name and
/// these features. The folders above it and their names are ignored. Returns the cases, and the
/// expectations of the manifest.
pub(crate) fn open_under(
    folder: &Path,
    manifest: &Manifest,
    suite: &str,
    features: &'static str,
) -> Result<(Vec<Case>, Vec<Entry>), OpenError> {
    metadata(folder)?;
    let above = vec![(String::new(), manifest.clone())];
    walk(rooted(folder, &Reach::default())?, &Place { suite, real: Path::new(""), features }, above)
}

fn rooted(folder: &Path, reach: &Reach) -> Result<Arc<Root>, OpenError> {
    let mut root = Root::open(folder).map_err(|error| OpenError::Io { path: folder.to_owned(), error })?;
    reach.grant(&mut root).map_err(|(path, error)| OpenError::Reach { path, error })?;
    Ok(Arc::new(root))
}

fn suite(name: String, path: Option<PathBuf>, cases: Vec<Case>) -> Suite {
    Suite {
        title: "A folder".into(),
        source: name.clone().into(),
        name: name.into(),
        features: features::DEFAULT,
        pin: None,
        by_default: false,
        origin: Origin::Folder(cases),
        variant: None,
        path,
        expectations: Vec::new(),
    }
}

/// Opens the file `path` as one script, whatever its name. Its features are those that [`open`]
/// would choose.
///
/// # Errors
///
/// Returns an error if `path` does not exist or is not a regular file, or if a `wassay.toml` above
/// it is invalid.
pub fn script(path: &Path) -> Result<Script, OpenError> {
    let name = file_name(path)?;
    Ok(Script::named(name.to_owned(), conditions_at(path)?, path.to_owned()))
}

/// The case with this name in the folder of a suite.
pub fn case_in(root: Root, name: &str) -> Case {
    let (root, path) = (Arc::new(root), Path::new(name));
    match wasi::has_suffix(path, "wast") {
        true => {
            let features = features_of(&real(root.path()).join(path));
            Case::Script(Script::in_suite(name.to_owned(), features.into(), root))
        }
        false => Case::Guest(Guest::new(name.to_owned(), Files::Disk(root))),
    }
}

/// The feature expression that the folders in a path say.
fn features_of(path: &Path) -> &'static str {
    folders::of_folder(path).unwrap_or(features::DEFAULT)
}

/// The conditions for a script at this path, whether or not the file exists.
///
/// # Errors
///
/// Returns an error if a `wassay.toml` above it is invalid.
pub fn conditions_at(path: &Path) -> Result<Conditions, OpenError> {
    let (path, manifests) = manifests_at(path)?;
    let mut conditions = Conditions::from(features_of(&path));
    for (scope, manifest) in &manifests {
        apply(manifest, scope, &name_of(&path), &mut conditions);
    }
    Ok(conditions)
}

/// The canonical path of a file, and the manifests of its folder and those above, from the
/// outermost on.
fn manifests_at(path: &Path) -> Result<(PathBuf, Vec<(Scope, Manifest)>), OpenError> {
    let folder = real(folder_of(path));
    let above = Manifest::above(&folder)?;
    let mut manifests: Vec<_> =
        above.into_iter().map(|(within, manifest)| (Scope::Above(within), manifest)).collect();
    if let Ok(root) = Root::open(&folder) {
        let own = Manifest::read(&root, Path::new(""), &mut Budget::of_listing())?;
        manifests.extend(own.map(|own| (Scope::Above(String::new()), own)));
    }
    Ok((folder.join(path.file_name().unwrap_or_default()), manifests))
}

/// The name of a file for matching it with globs.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Applies a manifest to the script with this name in its suite, if the script is below it.
fn apply(manifest: &Manifest, scope: &Scope, name: &str, conditions: &mut Conditions) {
    if let Some(path) = scope.path(name) {
        manifest.apply(&path, conditions);
    }
}

/// A suite of a single script.
pub fn of_script(script: Script) -> Suite {
    let name = script.path().map_or_else(|| script.name().to_owned(), |path| path.display().to_string());
    suite(name, None, vec![Case::Script(script)])
}

/// Opens the file `path` as one case, with the expectations for it. The other files of a guest are
/// read from the same folder. `suite` is the name of the suite that the case becomes.
fn file(path: &Path, reach: &Reach, suite: &str) -> Result<(Vec<Case>, Vec<Entry>), OpenError> {
    let case = single(path, reach)?;
    let (_, manifests) = manifests_at(path)?;
    let entries = manifests.iter().rev().flat_map(|(scope, manifest)| manifest.entries(suite, scope));
    let entries = entries.filter(|entry| entry.is_for_case(case.name())).collect();
    Ok((vec![case], entries))
}

fn single(path: &Path, reach: &Reach) -> Result<Case, OpenError> {
    if wasi::is_module(path, |beside| beside.symlink_metadata().is_ok()) {
        let name = file_name(path)?.to_owned();
        return Ok(Case::Guest(Guest::new(name, Files::Disk(rooted(folder_of(path), reach)?))));
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wasm")) {
        return Err(OpenError::Module { path: path.to_owned() });
    }
    script(path).map(Case::Script)
}

/// The folder that contains a path.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Checks that `path` is a regular file, and returns its name.
fn file_name(path: &Path) -> Result<&str, OpenError> {
    let kind = metadata(path)?;
    if !kind.is_file() {
        let found = if kind.is_dir() { "a folder" } else { "a device, socket or pipe" };
        return Err(OpenError::NotAFile { path: path.to_owned(), found });
    }
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| OpenError::Name { path: path.to_owned() })
}

/// Lists the cases in the folder of a suite, and the expectations of its manifests. `above` are
/// those of the folders above it, each with the path from there.
fn walk(
    root: Arc<Root>,
    place: &Place<'_>,
    above: Vec<(String, Manifest)>,
) -> Result<(Vec<Case>, Vec<Entry>), OpenError> {
    let mut walk = Walk {
        root,
        place,
        above: above.into_iter().map(|(within, manifest)| (Scope::Above(within), manifest)).collect(),
        budget: Budget::of_listing(),
        cases: Vec::new(),
        entries: Vec::new(),
        unreadable: HashSet::new(),
        pending: vec![(PathBuf::new(), None)],
    };
    let own = Manifest::read(&walk.root, Path::new(""), &mut walk.budget)?;
    walk.above.extend(own.map(|own| (Scope::Above(String::new()), own)));
    for (scope, manifest) in &walk.above {
        walk.entries.push(manifest.entries(place.suite, scope).collect());
    }
    // Each folder is opened by its path from the root, so that no descriptors stay open, however
    // deep it is.
    while let Some((below, above)) = walk.pending.pop() {
        let listed = walk.root.list_identified(&below, &mut walk.budget);
        let added = match listed {
            Ok((identity, listed)) => match walk.manifest(&below, &listed) {
                Ok(manifest) => {
                    let level = Level { below: below.clone(), identity, manifest, above };
                    walk.add_folder(&Rc::new(level), &listed)
                }
                Err(error) => {
                    walk.add_unreadable(&below, &error);
                    Ok(())
                }
            },
            Err(error) if below.as_os_str().is_empty() || Budget::is_exceeded(&error) => Err(error),
            Err(error) => {
                walk.add_unreadable(&below, &error);
                Ok(())
            }
        };
        added.map_err(|error| {
            let path = walk.root.path().to_owned();
            if Budget::is_exceeded(&error) {
                OpenError::TooMany { path }
            } else {
                OpenError::Io { path, error }
            }
        })?;
    }
    // Those of an inner folder override those of outer ones.
    Ok((walk.cases, walk.entries.into_iter().rev().flatten().collect()))
}

/// Folders without cases: the history of a repository, and descriptions of engines.
const SKIPPED: [&str; 2] = [".git", ".wassay"];

/// The suite that a folder becomes.
struct Place<'a> {
    /// What its expectations call it.
    suite: &'a str,
    /// The canonical path of the folder, whose names say features; empty if they do not.
    real: &'a Path,
    /// The feature expression of scripts in no known folder.
    features: &'static str,
}

/// A folder between the root and the current one.
struct Level {
    /// The path from the root.
    below: PathBuf,
    identity: Identity,
    /// The settings in the folder, except for the root's.
    manifest: Option<(Scope, Manifest)>,
    above: Option<Rc<Level>>,
}

struct Walk<'a> {
    root: Arc<Root>,
    place: &'a Place<'a>,
    /// The settings of the folders above the root, and of the root, from the outermost on.
    above: Vec<(Scope, Manifest)>,
    budget: Budget,
    cases: Vec<Case>,
    /// The expectations of all settings, from the outermost on.
    entries: Vec<Vec<Entry>>,
    /// The names of the unreadable cases so far.
    unreadable: HashSet<String>,
    /// Folders that have not been listed yet, by their paths from the root, with their parent
    /// folders.
    pending: Vec<(PathBuf, Option<Rc<Level>>)>,
}

impl Walk<'_> {
    /// Reads the settings in a folder, except for the root's.
    fn manifest(&mut self, below: &Path, listed: &[Listed]) -> io::Result<Option<(Scope, Manifest)>> {
        if below.as_os_str().is_empty() || listed.iter().all(|entry| entry.name != SETTINGS) {
            return Ok(None);
        }
        let read = Manifest::read(&self.root, below, &mut self.budget).map_err(io::Error::other)?;
        let Some((manifest, below)) = read.zip(name(below)) else { return Ok(None) };
        let scope = Scope::Below(below);
        self.entries.push(manifest.entries(self.place.suite, &scope).collect());
        Ok(Some((scope, manifest)))
    }

    /// The conditions for a script in a folder.
    fn conditions(&self, level: &Rc<Level>, name: &str) -> Conditions {
        let of_folder = folders::of_folder(&self.place.real.join(name));
        let mut conditions = Conditions::from(of_folder.unwrap_or(self.place.features));
        let levels = std::iter::successors(Some(level), |level| level.above.as_ref());
        let mut below: Vec<&(Scope, Manifest)> = levels.filter_map(|level| level.manifest.as_ref()).collect();
        below.reverse();
        for (scope, manifest) in self.above.iter().chain(below) {
            apply(manifest, scope, name, &mut conditions);
        }
        conditions
    }

    /// Adds the cases of a folder. Returns an error only if the budget is exceeded.
    fn add_folder(&mut self, level: &Rc<Level>, listed: &[Listed]) -> io::Result<()> {
        let names: Names = listed.iter().map(|entry| entry.name.as_os_str()).collect();
        for entry in listed {
            let name = Path::new(&entry.name);
            if SKIPPED.iter().any(|skipped| entry.name == *skipped) || names.is_guest_folder(name) {
                continue;
            }
            let is_script = wasi::has_suffix(name, "wast");
            let is_case = is_script || names.is_module(name);
            let path = level.below.join(name);
            let kind = match entry.kind {
                Kind::Link if names.is_file_of_case(name) => continue,
                Kind::Link => match self.follow(level, &path) {
                    Ok(kind) => kind,
                    Err(error) if Budget::is_exceeded(&error) => return Err(error),
                    Err(error) => {
                        self.add_unreadable(&path, &error);
                        continue;
                    }
                },
                kind => kind,
            };
            match kind {
                Kind::Folder => self.pending.push((path, Some(Rc::clone(level)))),
                kind if is_case => self.add_case(level, &path, kind, is_script),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns what a symbolic link in a folder leads to.
    fn follow(&mut self, level: &Rc<Level>, link: &Path) -> io::Result<Kind> {
        let found = self.root.find(link)?;
        if found.kind == Kind::Folder {
            self.budget.spend_link()?;
            let levels = std::iter::successors(Some(level), |level| level.above.as_ref());
            if let Some(same) = levels.into_iter().find(|level| level.identity == found.identity) {
                let same = self.root.join(&same.below);
                let message = format!("symbolic link loop back to {}", same.display());
                return Err(io::Error::other(message));
            }
        }
        Ok(found.kind)
    }

    /// Adds a file that is a case by its name.
    fn add_case(&mut self, level: &Rc<Level>, path: &Path, kind: Kind, is_script: bool) {
        let name = name(path).ok_or_else(|| io::Error::other("the name of a case must be UTF-8; rename it"));
        match kind.regular().and(name) {
            Ok(name) if is_script => {
                let conditions = self.conditions(level, &name);
                let script = Script::in_suite(name, conditions, Arc::clone(&self.root));
                self.cases.push(Case::Script(script));
            }
            Ok(name) => self.cases.push(Case::Guest(Guest::new(name, Files::Disk(Arc::clone(&self.root))))),
            Err(error) => self.add_unreadable(path, &error),
        }
    }

    /// Adds an unreadable case.
    fn add_unreadable(&mut self, path: &Path, error: &io::Error) {
        let shown = path.to_string_lossy();
        let mut name = shown.clone().into_owned();
        let mut number = 1;
        // Names that differ may be displayed alike.
        while !self.unreadable.insert(name.clone()) {
            number += 1;
            name = format!("{shown} ({number})");
        }
        let (path, reason) = (self.root.join(path), error.to_string());
        self.cases.push(Case::Unreadable(Unreadable { name, path, reason }));
    }
}

/// The path with `/` between its components, or `None` if one is not UTF-8.
fn name(path: &Path) -> Option<String> {
    let names: Option<Vec<&str>> =
        path.components().map(|component| component.as_os_str().to_str()).collect();
    Some(names?.join("/"))
}

fn metadata(path: &Path) -> Result<std::fs::Metadata, OpenError> {
    path.metadata().map_err(|error| OpenError::Io { path: path.to_owned(), error })
}

/// An error of opening a path as a suite.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The path does not exist or is not readable.
    #[error("{}: cannot open: {error}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// There are too many files and folders to list.
    #[error(
        "{}: too many files and folders to list; run a subfolder, or remove links to large folders",
        path.display()
    )]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that links may lead into cannot be opened, or the suite's settings are invalid.
    #[error("{}: cannot allow links: {error}", path.display())]
    Reach {
        /// The folder, or the file with the settings.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A `wassay.toml` is invalid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A script or module is not a regular file.
    #[error("{}: expected a regular file, found {found}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
    },
    /// A module without a file that makes it a case.
    #[error(
        "{}: a module is not a case by itself: expected a script, or a NAME.json or manifest.json beside \
         the module; use `wassay run` to run it",
        path.display()
    )]
    Module {
        /// The module.
        path: PathBuf,
    },
    /// The name of a case is not UTF-8, so that reports could not contain it.
    #[error("{}: the name of a case must be UTF-8; rename it", path.display())]
    Name {
        /// The path.
        path: PathBuf,
    },
    /// The folder contains no cases, which is probably a mistake.
    #[error(
        "{}: no cases found: expected .wast files, or modules with a NAME.json or manifest.json beside them",
        path.display()
    )]
    NoCases {
        /// The folder.
        path: PathBuf,
    },
}
