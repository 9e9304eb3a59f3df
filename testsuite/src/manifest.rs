//! The file `wassay.toml`: how the scripts below its folder are judged.
//!
//! ```toml
//! features = "3.0,threads"         # for all scripts below this folder
//! nan-canonicalization = true      # every NaN that an instruction computes is canonical
//! dialect = "wasmtime"             # named modules are registered; has a host module `wasmtime`
//! timeout = "2m"                   # unless the command line has --timeout; at most an hour
//! links = ["../shared"]            # only in the folder of a suite: see the module `access`
//!
//! [[scripts]]                      # the same for some of them; later entries win
//! match = ["ext-gc/**", "old.wast"]
//! features = "2.0,gc"
//!
//! [[expected]]                     # an expected failure, or scripts to skip
//! script = "component-model/**"
//! outcome = "skip"
//! reason = "components are not judged"
//! ```
//!
//! Paths and globs are relative to the folder of the file. The file of a nearer folder overrides
//! those of outer ones, key by key. Entries of `[[expected]]` are those of
//! [`expectation`](crate::expectation); one that names a `suite` is for `--expectations` and has no
//! effect here.

use std::borrow::Cow;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use globset::GlobMatcher;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use crate::access::{Budget, Root, SETTINGS};
use crate::conditions::{Conditions, Dialect, MAX_TIMEOUT, duration};
use crate::expectation::{Entry, Expectations, RawEntries, Scope, glob, line_of};
use crate::paths::is_repository;

/// The maximum size of the file in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The contents of a `wassay.toml`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    /// In the order of the file; the first is for all scripts.
    rules: Vec<Rule>,
    /// Entries without a suite.
    entries: Vec<Entry>,
}

/// The settings for some scripts.
#[derive(Debug, Clone)]
struct Rule {
    /// `None` for all scripts.
    globs: Option<Vec<GlobMatcher>>,
    /// The feature expression, and the position of its setting.
    features: Option<(String, String)>,
    nan_canonicalization: Option<bool>,
    dialect: Option<Dialect>,
    timeout: Option<Duration>,
}

/// An unusable `wassay.toml`.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("{}: cannot read the settings of the folder: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// Its contents are invalid.
    #[error("{file}:{line}: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The problem, and what was expected.
        message: String,
    },
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawManifest {
    /// Checked and used by [`access`](crate::access).
    #[serde(default, rename = "links")]
    _links: Option<Vec<PathBuf>>,
    features: Option<Spanned<String>>,
    #[serde(alias = "nan_canonicalization")]
    nan_canonicalization: Option<bool>,
    dialect: Option<Dialect>,
    timeout: Option<Spanned<String>>,
    #[serde(default)]
    scripts: Vec<Spanned<RawRule>>,
    #[serde(default)]
    expected: RawEntries,
}

/// An entry of `[[scripts]]` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRule {
    #[serde(rename = "match")]
    globs: OneOrMore,
    features: Option<Spanned<String>>,
    #[serde(alias = "nan_canonicalization")]
    nan_canonicalization: Option<bool>,
    dialect: Option<Dialect>,
    timeout: Option<Spanned<String>>,
}

/// The keys that the file and its entries share.
struct RawSettings {
    features: Option<Spanned<String>>,
    nan_canonicalization: Option<bool>,
    dialect: Option<Dialect>,
    timeout: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a glob or a list of globs")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Manifest {
    /// Parses a file; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// It is not TOML, or has unknown keys or invalid values.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Manifest, ManifestError> {
        let invalid =
            |line: usize, message: String| ManifestError::Invalid { file: file.to_owned(), line, message };
        let raw: RawManifest = toml::from_str(text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            invalid(line_of(text, error.span().map_or(0, |span| span.start)), message)
        })?;
        let rule = |globs, raw: RawSettings| {
            let features = raw.features.map(|features| {
                let line = line_of(text, features.span().start);
                (features.into_inner(), format!("{file}:{line}"))
            });
            let timeout = raw.timeout.map(|timeout| {
                let line = line_of(text, timeout.span().start);
                limited(timeout.get_ref()).map_err(|message| invalid(line, format!("`timeout`: {message}")))
            });
            let (nan_canonicalization, dialect) = (raw.nan_canonicalization, raw.dialect);
            Ok(Rule { globs, features, nan_canonicalization, dialect, timeout: timeout.transpose()? })
        };
        let RawManifest { features, nan_canonicalization, dialect, timeout, .. } = raw;
        let mut rules = vec![rule(None, RawSettings { features, nan_canonicalization, dialect, timeout })?];
        for raw_rule in raw.scripts {
            let line = line_of(text, raw_rule.span().start);
            let RawRule { globs, features, nan_canonicalization, dialect, timeout } = raw_rule.into_inner();
            let globs = match globs {
                OneOrMore::One(one) => vec![one],
                OneOrMore::More(more) => more,
            };
            if globs.is_empty() {
                return Err(invalid(line, "empty `match`: expected a glob such as `simd/**`".to_owned()));
            }
            let globs: Result<Vec<GlobMatcher>, String> = globs.iter().map(|text| glob(text)).collect();
            let globs = globs.map_err(|message| invalid(line, message))?;
            let settings = RawSettings { features, nan_canonicalization, dialect, timeout };
            rules.push(rule(Some(globs), settings)?);
        }
        let entries = Expectations::of_entries(file, text, raw.expected)
            .map_err(|error| invalid(error.line, error.message))?
            .entries;
        Ok(Manifest { rules, entries: entries.into_iter().filter(|entry| entry.suite.is_none()).collect() })
    }

    /// Reads the file in a folder of a suite, if there is one. Its size counts towards the budget.
    ///
    /// # Errors
    ///
    /// It is not a readable regular file, or invalid.
    pub(crate) fn read(
        root: &Root,
        folder: &Path,
        budget: &mut Budget,
    ) -> Result<Option<Manifest>, ManifestError> {
        let below = folder.join(SETTINGS);
        let path = root.join(&below);
        let io = |error| ManifestError::Io { path: path.clone(), error };
        if !root.has(&below).map_err(io)? {
            return Ok(None);
        }
        let bytes = root.read(&below, &mut Budget::new(MAX_SIZE)).map_err(io)?;
        budget.spend(bytes.len() as u64).map_err(io)?;
        let file = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|error| ManifestError::Invalid {
            file: file.clone(),
            line: line_of(&String::from_utf8_lossy(error.as_bytes()), error.utf8_error().valid_up_to()),
            message: "invalid UTF-8".to_owned(),
        })?;
        Manifest::parse(&file, &text).map(Some)
    }

    /// Reads the files in the folders above a canonical one, from the outermost on, each with the
    /// path from there to the folder. The search ends at the root of the folder's repository. A
    /// file that belongs to another user, who could write to a folder such as `/tmp`, is ignored.
    ///
    /// # Errors
    ///
    /// One of the files is invalid.
    pub(crate) fn above(folder: &Path) -> Result<Vec<(String, Manifest)>, ManifestError> {
        let owner = |path: &Path| path.symlink_metadata().map(|metadata| metadata.uid()).ok();
        let (own, mut found) = (owner(folder), Vec::new());
        for above in folder.ancestors().skip(1) {
            let Ok(within) = folder.strip_prefix(above) else { break };
            let child = within.components().next().map(|child| above.join(child)).unwrap_or_default();
            if is_repository(&child) {
                break;
            }
            if owner(&above.join(SETTINGS)).is_none_or(|owner| owner != 0 && Some(owner) != own) {
                continue;
            }
            let within = within.to_string_lossy().into_owned();
            let root =
                Root::open(above).map_err(|error| ManifestError::Io { path: above.join(SETTINGS), error })?;
            let manifest = Manifest::read(&root, Path::new(""), &mut Budget::new(MAX_SIZE))?;
            found.extend(manifest.map(|manifest| (within, manifest)));
        }
        found.reverse();
        Ok(found)
    }

    /// Applies the settings for the script at this path, relative to the folder of the file.
    pub(crate) fn apply(&self, path: &str, conditions: &mut Conditions) {
        let is_for = |rule: &&Rule| {
            rule.globs.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob.is_match(path)))
        };
        for rule in self.rules.iter().filter(is_for) {
            if let Some((features, origin)) = &rule.features {
                conditions.features = Cow::Owned(features.clone());
                conditions.origin = Some(origin.clone());
            }
            conditions.nan_canonicalization =
                rule.nan_canonicalization.unwrap_or(conditions.nan_canonicalization);
            conditions.dialect = rule.dialect.unwrap_or(conditions.dialect);
            conditions.timeout = rule.timeout.or(conditions.timeout);
        }
    }

    /// The expectations for the suite with this name or path, relative to which the file is at
    /// `scope`.
    pub(crate) fn entries(&self, suite: &str, scope: &Scope) -> impl Iterator<Item = Entry> {
        self.entries.iter().map(move |entry| entry.clone().in_folder(suite, scope.clone()))
    }
}

/// Parses a time limit that a suite may set.
fn limited(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if time > MAX_TIMEOUT => Err(format!("`{text}` is more than an hour; use --timeout")),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "features = \"3.0,threads\"\ntimeout = \"2m\"\n\n[[scripts]]\n\
        match = [\"gc/**\", \"old.wast\"]\nfeatures = \"2.0\"\nnan-canonicalization = true\n\n\
        [[scripts]]\nmatch = \"gc/new/*\"\nfeatures = \"1.0\"\ntimeout = \"1s\"\n";

    fn of(manifest: &Manifest, path: &str) -> Conditions {
        let mut conditions = Conditions::from("3.0");
        manifest.apply(path, &mut conditions);
        conditions
    }

    fn error(text: &str) -> String {
        Manifest::parse("w.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn later_entries_override_earlier_ones_key_by_key() {
        let manifest = Manifest::parse("w.toml", FILE).unwrap();
        let short = |path: &str| {
            let Conditions { features, origin, nan_canonicalization, timeout, .. } = of(&manifest, path);
            (features.into_owned(), origin.unwrap(), nan_canonicalization, timeout.unwrap().as_secs())
        };
        assert_eq!(short("a.wast"), ("3.0,threads".into(), "w.toml:1".into(), false, 120));
        assert_eq!(short("old.wast"), ("2.0".into(), "w.toml:6".into(), true, 120));
        assert_eq!(short("gc/deep/a.wast"), ("2.0".into(), "w.toml:6".into(), true, 120));
        assert_eq!(short("gc/new/a.wast"), ("1.0".into(), "w.toml:11".into(), true, 1));
        assert_eq!(of(&Manifest::parse("w.toml", "").unwrap(), "a.wast"), Conditions::from("3.0"));
    }

    #[test]
    fn an_invalid_file_is_an_error_with_its_line() {
        for (text, message) in [
            ("\nfeature = \"3.0\"", "w.toml:2: unknown field `feature`"),
            ("features = [", "w.toml:1: "),
            ("dialect = \"v8\"", "w.toml:1: unknown variant `v8`"),
            ("links = 3", "w.toml:1: invalid type"),
            ("\ntimeout = \"2h\"", "w.toml:2: `timeout`: `2h` is more than an hour"),
            ("timeout = \"2\"", "w.toml:1: `timeout`: invalid duration `2`"),
            ("\n[[scripts]]\nfeatures = \"2.0\"", "w.toml:2: missing field `match`"),
            ("[[scripts]]\nmatch = []", "w.toml:1: empty `match`"),
            ("[[scripts]]\nmatch = \"a[\"", "w.toml:1: invalid glob `a[`"),
            ("[[scripts]]\nmatch = 3", "w.toml:2: expected a glob or a list of globs"),
            (
                "\n[[expected]]\nscript = \"a.wast\"\noutcome = \"skip\"\nreason = \"\"",
                "w.toml:2: empty `reason`",
            ),
        ] {
            let found = error(text);
            assert!(found.starts_with(message), "{text}: {found}");
        }
    }

    #[test]
    fn expectations_for_a_suite_are_left_to_the_command_line() {
        let entry = "[[expected]]\nscript = \"a.wast\"\noutcome = \"skip\"\nreason = \"slow\"\n";
        let text = format!("{entry}{}", entry.replace("script", "suite = \"spec\"\nscript"));
        let manifest = Manifest::parse("w.toml", &text).unwrap();
        let scope = Scope::Above(String::new());
        let entries: Vec<Entry> = manifest.entries("s", &scope).collect();
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].suite(), entries[0].to_string()), (Some("s"), "a.wast".to_owned()));
    }
}
