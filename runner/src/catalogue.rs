//! Resolves words of a command line to suites, and scripts to the features they are judged under.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use thiserror::Error;
use wassay_script::suggest::did_you_mean;
use wassay_terms::{Features, UnknownFeature};
use wassay_testsuite::access::Reach;
use wassay_testsuite::conditions::Dialect;
use wassay_testsuite::directory::{self, OpenError};
use wassay_testsuite::header::{self, EXPECTED, HeaderError, Switch};
use wassay_testsuite::text;
use wassay_testsuite::wasi::Variant;
pub use wassay_testsuite::{Script, Suite};
use wassay_testsuite::{catalogue, fetched};

use crate::fetch::{self, FetchError};

/// The prefix of a word that always names a suite of the catalogue, never a folder.
pub const SUITE: &str = "suite:";

/// The environment variable that allows symbolic links out of suite folders: a list of folders
/// separated by `:`, or `1` for those that each suite names in its own `wassay.toml`. Without it no
/// link may leave its suite.
pub const ALLOW_LINKS: &str = "WASSAY_ALLOW_LINKS";

/// The folders that links of suites may lead into, from [`ALLOW_LINKS`].
pub fn reach() -> Reach {
    reach_of(&std::env::var_os(ALLOW_LINKS).unwrap_or_default())
}

fn reach_of(value: &OsStr) -> Reach {
    if value == "1" {
        return Reach { trust_suite: true, ..Reach::default() };
    }
    let folders = std::env::split_paths(value).filter(|folder| !folder.as_os_str().is_empty());
    Reach { folders: folders.collect::<Vec<PathBuf>>(), trust_suite: false }
}

/// Resolves a word to a suite: an embedded or [fetched](fetch) one by name, else a folder or a file
/// by path. Either may be followed by `@` and the name of a [variant](Variant) for its guests.
///
/// A word that is both the name of a suite and a path is an error: `suite:spec` is the suite,
/// `./spec` the folder. Links out of the folder are followed only as far as [`ALLOW_LINKS`]
/// permits.
///
/// # Errors
///
/// There is neither a suite of that name nor such a path, or there are both; the path cannot be
/// opened, or it contains no case.
pub fn resolve(word: &str) -> Result<Suite, ResolveError> {
    resolve_within(word, &reach())
}

/// Like [`resolve`], with links allowed into other folders.
///
/// # Errors
///
/// Those of [`resolve`].
pub fn resolve_within(word: &str, reach: &Reach) -> Result<Suite, ResolveError> {
    let suite = resolve_any(word, reach)?;
    if !suite.cases().is_empty() {
        return Ok(suite);
    }
    Err(match Named::new(word).path {
        Some((path, None)) => OpenError::NoCases { path: path.into() }.into(),
        _ => ResolveError::NoGuests { word: word.to_owned() },
    })
}

/// Like [`resolve_within`], but accepts a suite without cases.
///
/// # Errors
///
/// Those of [`resolve_within`] except for that.
pub fn resolve_any(word: &str, reach: &Reach) -> Result<Suite, ResolveError> {
    let named = Named::new(word);
    let (suite, variant) = match (named.suite, named.path) {
        (Some(_), Some(_)) => return Err(ResolveError::Ambiguous { word: word.to_owned() }),
        (Some((name, variant)), None) => (of_catalogue(name)?, variant),
        (None, Some((path, variant))) => (directory::open_any(Path::new(path), reach)?, variant),
        (None, None) => return Err(ResolveError::Unknown { word: word.to_owned() }),
    };
    Ok(match variant {
        Some(variant) => suite.under(variant),
        None => suite,
    })
}

/// Resolves a word to an embedded suite. A path of the same name is an error here too, so that a
/// word has the same meaning for every command.
///
/// # Errors
///
/// There is no embedded suite of that name, or there is also such a path.
pub fn embedded(word: &str) -> Result<Suite, ResolveError> {
    let named = Named::new(word);
    let found = named.suite.and_then(|(name, variant)| Some((catalogue::find(name)?, variant)));
    match (found, named.path) {
        (Some(_), Some(_)) => Err(ResolveError::Ambiguous { word: word.to_owned() }),
        (Some((suite, None)), None) => Ok(suite.clone()),
        _ => Err(ResolveError::NotEmbedded { word: word.to_owned() }),
    }
}

/// The parts of a word: a name or a path, and a variant.
struct Named<'a> {
    suite: Option<(&'a str, Option<Variant>)>,
    path: Option<(&'a str, Option<Variant>)>,
}

impl Named<'_> {
    fn new(word: &str) -> Named<'_> {
        let is_suite = |name: &str| catalogue::find(name).is_some() || fetched::find(name).is_some();
        if let Some(name) = word.strip_prefix(SUITE) {
            return Named { suite: first(name, is_suite), path: None };
        }
        Named { suite: first(word, is_suite), path: first(word, is_path) }
    }
}

/// Returns the word if `is_one` accepts it, else the part before the name of a variant if `is_one`
/// accepts that.
fn first(word: &str, is_one: impl Fn(&str) -> bool) -> Option<(&str, Option<Variant>)> {
    let under = Variant::ALL.iter().filter_map(|variant| Some((variant.strip(word)?, Some(*variant))));
    [(word, None)].into_iter().chain(under).find(|(word, _)| is_one(word))
}

/// Whether something exists at a path. Dangling links and inaccessible files count, so that errors
/// are about them.
fn is_path(word: &str) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let found = Path::new(word).symlink_metadata().map_err(|error| error.kind());
    !word.is_empty() && !matches!(found, Err(NotFound | NotADirectory))
}

fn of_catalogue(name: &str) -> Result<Suite, ResolveError> {
    match (catalogue::find(name), fetched::find(name)) {
        (Some(suite), _) => Ok(suite.clone()),
        (None, Some(fetched)) => Ok(fetch::open(fetched)?),
        (None, None) => Err(ResolveError::Unknown { word: name.to_owned() }),
    }
}

/// The hint for an unknown suite: the most similar name, also by its last part alone.
fn meant(word: &str) -> String {
    let word = word.strip_prefix(SUITE).unwrap_or(word);
    let fetched = fetched::all().iter().map(|fetched| fetched.name);
    let names = || catalogue::suites().iter().map(Suite::name).chain(fetched.clone());
    let by_end = names().find(|name| name.rsplit_once('/').is_some_and(|(_, end)| end == word));
    by_end.map_or_else(|| did_you_mean(word, names()), |name| format!("; did you mean `{name}`?"))
}

/// The features that a script is judged under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judging {
    /// The features.
    pub features: Features,
    /// Whether every NaN that an instruction computes is canonical.
    pub nan_canonicalization: bool,
    /// The dialect of the script.
    pub dialect: Dialect,
    /// Warnings about the script's header: one line each, with file and line.
    pub warnings: Vec<String>,
}

/// Determines how a script with this text is judged. The features are `override_by`, else those of
/// its [header], else those of its [folder or suite](Script::features), in both cases with the
/// features that the header switches by name. `label` is its name in messages.
///
/// # Errors
///
/// The header is invalid, even if its features are overridden, or an expression names an unknown
/// feature.
pub fn judging(
    script: &Script,
    label: &str,
    text: &str,
    override_by: Option<Features>,
) -> Result<Judging, FeaturesError> {
    let header = header::parse(label, text)?;
    let of_header = header.features.as_deref().map(|expression| {
        let line = text::lines(text).position(is_features).map_or(1, |index| index + 1);
        let bad = |error| FeaturesError::Header { file: label.to_owned(), line, error };
        expression.parse::<Features>().map_err(bad)
    });
    let mut features = match of_header.transpose()? {
        Some(features) => features,
        None => of_place(script, label)?,
    };
    let (mut nan_canonicalization, mut warnings) =
        (script.conditions().nan_canonicalization, header.warnings);
    for Switch { key, on, line, column } in header.switches {
        if key == NAN_CANONICALIZATION {
            nan_canonicalization = on;
        } else if !features.set(&key, on) && !is_without_effect(&key) {
            let meant = did_you_mean(&key, Features::names());
            warnings.push(format!("{label}:{line}:{column}: unknown header key `{key}`: {EXPECTED}{meant}"));
        }
    }
    let dialect = script.conditions().dialect;
    Ok(Judging { features: override_by.unwrap_or(features), nan_canonicalization, dialect, warnings })
}

/// The features that the folder or suite of a script says.
fn of_place(script: &Script, label: &str) -> Result<Features, FeaturesError> {
    let expression = script.features().to_owned();
    expression.parse().map_err(|error: UnknownFeature| match &script.conditions().origin {
        Some(origin) => FeaturesError::Manifest { origin: origin.clone(), error },
        None => FeaturesError::Place { file: label.to_owned(), expression, error },
    })
}

/// The key of a header for an engine whose NaNs are canonical.
const NAN_CANONICALIZATION: &str = "nan-canonicalization";

/// Whether a key of a header is one that wasmtime knows, and that changes nothing here: settings of
/// its tests, types that are always there, hints, and components, which are not judged at all.
fn is_without_effect(key: &str) -> bool {
    matches!(key, "hogs-memory" | "spec-test" | "gc-types" | "branch-hinting")
        || key.starts_with("component-model")
}

/// Whether a line of a header sets its features.
fn is_features(line: &str) -> bool {
    line.trim_start().strip_prefix(";;!").is_some_and(|rest| rest.trim_start().starts_with("features"))
}

/// The error for a word that names no suite.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// Neither a suite nor a path has that name.
    #[error(
        "{word}: neither a suite (`wassay suite list` shows them) nor a folder or file that exists{}",
        meant(word)
    )]
    Unknown {
        /// The word.
        word: String,
    },
    /// Both a suite and a folder or file have that name.
    #[error(
        "{word}: both a suite of wassay and a path here: write `{SUITE}{word}` for the suite, `./{word}` for the path"
    )]
    Ambiguous {
        /// The word.
        word: String,
    },
    /// An embedded suite is required.
    #[error("unknown suite `{word}`; `wassay suite list` lists the suites{}", meant(word))]
    NotEmbedded {
        /// The word.
        word: String,
    },
    /// Variants apply to guests only.
    #[error("{word}: the suite has no WASI cases; variants apply to WASI cases only")]
    NoGuests {
        /// The word.
        word: String,
    },
    /// The path cannot be opened as a suite.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The suite has to be fetched first.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// Why the features of a script cannot be determined.
#[derive(Debug, Error)]
pub enum FeaturesError {
    /// The header is invalid.
    #[error(transparent)]
    NoHeader(#[from] HeaderError),
    /// The header names an unknown feature.
    #[error("{file}:{line}: header: {error}{}", did_you_mean(error.name(), Features::names()))]
    Header {
        /// The name of the script in messages.
        file: String,
        /// The line of the expression, from 1.
        line: usize,
        /// The cause.
        error: UnknownFeature,
    },
    /// A `wassay.toml` names an unknown feature.
    #[error("{origin}: {error}{}", did_you_mean(error.name(), Features::names()))]
    Manifest {
        /// The file and the line.
        origin: String,
        /// The cause.
        error: UnknownFeature,
    },
    /// The catalogue names an unknown feature.
    #[error("{file}: the default features of its suite are `{expression}`: {error}")]
    Place {
        /// The name of the script in messages.
        file: String,
        /// The expression.
        expression: String,
        /// The cause.
        error: UnknownFeature,
    },
}

impl FeaturesError {
    /// The line and the column in the message, from 1; the column is 0 if there is none.
    pub fn place(&self) -> Option<(usize, usize)> {
        match self {
            FeaturesError::NoHeader(error) => Some((error.line, error.column)),
            FeaturesError::Header { line, .. } => Some((*line, 0)),
            FeaturesError::Manifest { .. } | FeaturesError::Place { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn script(text: &str) -> (tempfile::TempDir, Script) {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("proposals/threads");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("a.wast"), text).unwrap();
        let script = directory::script(&place.join("a.wast")).unwrap();
        (folder, script)
    }

    fn judged(text: &str, override_by: Option<Features>) -> Result<Judging, FeaturesError> {
        let (_folder, script) = script(text);
        judging(&script, "a.wast", text, override_by)
    }

    #[test]
    fn every_feature_expression_of_the_catalogue_parses() {
        for suite in catalogue::suites() {
            assert!(suite.features().parse::<Features>().is_ok(), "{}: {}", suite.name(), suite.features());
            for script in suite.scripts() {
                let text = script.read().unwrap();
                let judging = judging(&script, script.name(), &text, None);
                assert!(judging.is_ok(), "{}: {}", script.name(), judging.unwrap_err());
            }
        }
        assert!(wassay_testsuite::features::DEFAULT.parse::<Features>().is_ok());
    }

    #[test]
    fn an_option_overrides_the_header_and_the_header_overrides_the_suite() {
        let features = |text: &str, by| judged(text, by).unwrap().features;
        let text = ";;! features = \"1.0\"\n(module)";
        assert_eq!(features("(module)", None), "2.0,-reference-types,threads".parse().unwrap());
        assert_eq!(features(text, None), Features::V1);
        assert_eq!(features(text, Some(Features::V3)), Features::V3);
    }

    #[test]
    fn an_invalid_header_is_an_error_with_its_line_even_if_it_is_overridden() {
        let text = ";; c\n;;! reason = \"features\"\n;;! features = \"2.0,teleport\"\n(module)";
        for by in [None, Some(Features::V2)] {
            let error = judged(text, by).unwrap_err();
            assert!(error.to_string().starts_with("a.wast:3: header: unknown feature `teleport`"), "{error}");
            assert_eq!(error.place(), Some((3, 0)));
        }
        let error = judged(";;! features = 2\n", Some(Features::V2)).unwrap_err();
        assert_eq!((error.place(), error.to_string().starts_with("a.wast:1:5: ")), (Some((1, 5)), true));
    }

    #[test]
    fn an_unknown_key_of_a_header_is_passed_on_as_a_warning() {
        for text in [";;! teleport = true\n(module)", ";;! gc = 1\n(module)"] {
            let judging = judged(text, None).unwrap();
            assert_eq!(judging.warnings.len(), 1);
            assert!(
                judging.warnings[0].starts_with("a.wast:1:5: unknown header key `"),
                "{:?}",
                judging.warnings
            );
        }
    }

    #[test]
    fn a_header_switches_features_of_the_folder_by_name() {
        let judging = |text: &str| judged(text, None).unwrap();
        let text = ";;! gc = true\n;;! reference-types = true\n;;! bulk_memory = false\n(module)";
        assert_eq!(judging(text).features, "2.0,threads,gc,-bulk-memory".parse().unwrap());
        assert_eq!(judged(text, Some(Features::V1)).unwrap().features, Features::V1);
        let text = ";;! features = \"1.0\"\n;;! tail_call = true\n;;! nan_canonicalization = true\n";
        assert_eq!(judging(text).features, "1.0,tail-call".parse().unwrap());
        assert!(judging(text).nan_canonicalization && !judging("(module)").nan_canonicalization);
        let without = judging(";;! hogs_memory = true\n;;! component_model_async = true\n");
        assert_eq!(without.warnings, Vec::<String>::new());
    }

    #[test]
    fn a_word_is_a_suite_or_a_path() {
        assert_eq!(resolve("spec-v1").unwrap().name(), "spec-v1");
        let (folder, _script) = script("(module)");
        let path = folder.path().to_str().unwrap();
        assert_eq!(resolve(path).unwrap().scripts().len(), 1);
        let gone = format!("{path}/gone");
        let message = resolve(&gone).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{gone}: neither a suite")), "{message}");
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        assert!(matches!(resolve(empty.to_str().unwrap()), Err(ResolveError::Open(_))));
        assert!(matches!(resolve(""), Err(ResolveError::Unknown { .. })));
        assert_eq!(resolve("suite:spec-v1").unwrap().name(), "spec-v1");
        let unknown = resolve("suite:spce-v1").unwrap_err().to_string();
        assert!(unknown.ends_with("; did you mean `spec-v1`?"), "{unknown}");
    }

    #[test]
    fn a_variant_of_a_suite_without_guests_is_an_error() {
        assert!(matches!(resolve("spec-v1@no-openat2"), Err(ResolveError::NoGuests { .. })));
        assert!(resolve("wasi@no-openat2").is_ok() && resolve("suite:wasi@no-openat2").is_ok());
        assert!(resolve_any("spec-v1@no-openat2", &Reach::default()).unwrap().cases().is_empty());
        assert!(matches!(embedded("wasi-official"), Err(ResolveError::NotEmbedded { .. })));
    }
}
