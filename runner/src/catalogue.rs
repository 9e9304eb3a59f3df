//! From the words of a command line to suites, and from a script to the features it is judged under.

use std::path::Path;

use thiserror::Error;
use wassay_engine::{Features, UnknownFeature};
use wassay_testsuite::directory::{self, OpenError};
use wassay_testsuite::fetched;
use wassay_testsuite::header::{self, HeaderError};
use wassay_testsuite::text;
use wassay_testsuite::wasi::Variant;
pub use wassay_testsuite::{Script, Suite};

use crate::fetch::{self, FetchError};

/// The suite that a word names: an embedded or [fetched](fetch) one by its name, else a folder or a file by its path. A folder that has the name
/// of a suite is reached by another path to it, such as `./spec`. Behind either an `@` and the name of a [variant](Variant) may stand.
///
/// # Errors
///
/// There is neither a suite of that name nor such a path, or the path cannot be opened as scripts.
pub fn resolve(word: &str) -> Result<Suite, ResolveError> {
    if let Some(suite) = wassay_testsuite::catalogue::find(word) {
        return Ok(suite.clone());
    }
    for variant in Variant::ALL {
        let suffix = format!("@{}", variant.name());
        if let Some(word) = word.strip_suffix(&suffix) {
            return Ok(resolve(word)?.under(variant));
        }
    }
    if let Some(fetched) = fetched::find(word) {
        return Ok(fetch::open(fetched)?);
    }
    let path = Path::new(word);
    // A link that leads nowhere is there, and is what there is to complain about.
    if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Err(ResolveError::Unknown { word: word.to_owned() });
    }
    Ok(directory::open(path)?)
}

/// The features that a script is judged under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judging {
    /// The features.
    pub features: Features,
    /// What is odd in the script's header: one line each, with file and line.
    pub warnings: Vec<String>,
}

/// The features of a script with this text: those that `override_by` gives, else those of its [header], else those of its
/// [place](Script::features). `label` is what messages call the script.
///
/// # Errors
///
/// The header is not understood, also where its features are overridden, or an expression names an unknown feature.
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
    let of_header = of_header.transpose()?;
    let features = match override_by.or(of_header) {
        Some(features) => features,
        None => script.features().parse().map_err(|error| FeaturesError::Place {
            file: label.to_owned(),
            expression: script.features(),
            error,
        })?,
    };
    Ok(Judging { features, warnings: header.warnings })
}

/// Whether a line of a header sets its features.
fn is_features(line: &str) -> bool {
    line.trim_start().strip_prefix(";;!").is_some_and(|rest| rest.trim_start().starts_with("features"))
}

/// A word that names no suite.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// There is nothing of that name.
    #[error("{word}: neither a suite (`wassay suite list` shows them) nor a folder or file that exists")]
    Unknown {
        /// The word.
        word: String,
    },
    /// The path cannot be opened as scripts.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The suite has to be fetched first.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// Why the features of a script cannot be told.
#[derive(Debug, Error)]
pub enum FeaturesError {
    /// The header is not understood.
    #[error(transparent)]
    NoHeader(#[from] HeaderError),
    /// The header names an unknown feature.
    #[error("{file}:{line}: header: {error}")]
    Header {
        /// What messages call the script.
        file: String,
        /// The line of the expression, from 1.
        line: usize,
        /// What is wrong with it.
        error: UnknownFeature,
    },
    /// The catalogue names a feature that this engine does not know.
    #[error("{file}: the features of its place are `{expression}`: {error}")]
    Place {
        /// What messages call the script.
        file: String,
        /// The expression.
        expression: &'static str,
        /// What is wrong with it.
        error: UnknownFeature,
    },
}

impl FeaturesError {
    /// The line and the column that the message names, from 1; a column of 0 where it names none.
    pub fn place(&self) -> Option<(usize, usize)> {
        match self {
            FeaturesError::NoHeader(error) => Some((error.line, error.column)),
            FeaturesError::Header { line, .. } => Some((*line, 0)),
            FeaturesError::Place { .. } => None,
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
        for suite in wassay_testsuite::catalogue::suites() {
            assert!(suite.features().parse::<Features>().is_ok(), "{}: {}", suite.name(), suite.features());
            for script in suite.scripts() {
                let text = script.read().unwrap();
                let judging = judging(&script, script.name(), &text, None);
                assert!(judging.is_ok(), "{}: {}", script.name(), judging.unwrap_err());
            }
        }
        for name in wassay_testsuite::features::NAMES {
            assert!(name.parse::<Features>().is_ok(), "{name}");
        }
        assert!(wassay_testsuite::features::DEFAULT.parse::<Features>().is_ok());
    }

    #[test]
    fn an_option_goes_before_the_header_and_the_header_before_the_place() {
        let features = |text: &str, by| judged(text, by).unwrap().features;
        let text = ";;! features = \"1.0\"\n(module)";
        assert_eq!(features("(module)", None), "2.0,-reference-types,threads".parse().unwrap());
        assert_eq!(features(text, None), Features::V1);
        assert_eq!(features(text, Some(Features::V3)), Features::V3);
    }

    #[test]
    fn a_bad_header_is_an_error_with_its_line_also_where_it_is_overridden() {
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
        let judging = judged(";;! gc = true\n(module)", None).unwrap();
        assert_eq!(judging.warnings.len(), 1);
        assert!(judging.warnings[0].starts_with("a.wast:1:5: unknown key `gc`"), "{:?}", judging.warnings);
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
    }
}
