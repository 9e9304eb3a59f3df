//! Expectations of the official test suite for an engine: its files
//! `expectations/ENGINE/SYSTEM.toml`, and older JSON files that list skipped tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use wassay_testsuite::access::{Budget, read_named};

/// The maximum size of a file in bytes.
const LARGEST: u64 = 1 << 20;

/// An unusable file of expectations.
#[derive(Debug, Error)]
#[error("{}: {why}", path.display())]
pub struct BadExpectations {
    /// The file.
    pub path: PathBuf,
    /// The problem.
    pub why: String,
}

/// The expectations for an engine, by suite and test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    tests: BTreeMap<(String, String), Expected>,
}

/// The expectation for a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is skipped, for this reason.
    Skip(String),
    /// It is expected to fail, with this text naming the file.
    Fail(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "first")]
    version: u64,
    #[serde(default)]
    suite: Vec<Suite>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    name: String,
    #[serde(default)]
    test: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    action: Option<Action>,
    expected: Option<Outcome>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Skip,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Pass,
    Fail,
}

fn first() -> u64 {
    1
}

impl Expectations {
    /// Reads a file and adds its expectations: TOML, or JSON by its extension.
    ///
    /// # Errors
    ///
    /// It cannot be read or parsed.
    pub fn add(&mut self, path: &Path) -> Result<(), BadExpectations> {
        let bad = |why: String| BadExpectations { path: path.to_owned(), why };
        let bytes = read_named(path, &mut Budget::new(LARGEST))
            .map_err(|error| bad(format!("cannot read the expectations: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| bad("expected UTF-8".to_owned()))?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_json { self.add_json(&name, &text) } else { self.add_toml(&name, &text) }.map_err(bad)
    }

    fn add_toml(&mut self, file: &str, text: &str) -> Result<(), String> {
        let read: File = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}: {}", before.matches('\n').count() + 1, error.message().replace('\n', ", "))
        })?;
        if read.version != 1 {
            return Err(format!("unsupported version {}: expected 1", read.version));
        }
        for suite in read.suite {
            for Test { name, action, expected } in suite.test {
                let what = match (action, expected) {
                    (Some(Action::Skip), _) => Expected::Skip(format!("skipped by {file}")),
                    (None, Some(Outcome::Fail)) => Expected::Fail(format!("expected to fail by {file}")),
                    (None, Some(Outcome::Pass)) => continue,
                    (None, None) => {
                        return Err(format!(
                            "test `{name}` of `{}`: expected `action` or `expected`",
                            suite.name
                        ));
                    }
                };
                self.tests.insert((suite.name.clone(), name), what);
            }
        }
        Ok(())
    }

    fn add_json(&mut self, file: &str, text: &str) -> Result<(), String> {
        let read: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (suite, tests) in read {
            for (test, reason) in tests {
                let reason = if reason.is_empty() { format!("skipped by {file}") } else { reason };
                self.tests.insert((suite.clone(), test), Expected::Skip(reason));
            }
        }
        Ok(())
    }

    /// Finds the expectation for a test. Names of suites may end with the version of WASI in
    /// brackets, which older ones lack.
    pub fn of(&self, suite: &str, test: &str) -> Option<&Expected> {
        let plain = |name: &str| name.split(" [").next().unwrap_or_default().to_owned();
        let exact = self.tests.get(&(suite.to_owned(), test.to_owned()));
        exact.or_else(|| {
            let is_same = |(known, name): &(String, String)| {
                let has_both = known.contains(" [") && suite.contains(" [");
                name == test && !has_both && plain(known) == plain(suite)
            };
            self.tests.iter().find(|(key, _)| is_same(key)).map(|(_, expected)| expected)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, text: &str) -> Result<Expectations, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        std::fs::write(&path, text).unwrap();
        let mut expectations = Expectations::default();
        expectations.add(&path).map_err(|error| error.to_string())?;
        Ok(expectations)
    }

    #[test]
    fn both_forms_are_read() {
        let text = "version = 1\n[[suite]]\nname = \"C tests [wasm32-wasip1]\"\n[[suite.test]]\nname = \"a\"\naction = \"skip\"\n\
            [[suite.test]]\nname = \"b\"\nexpected = \"fail\"\n[[suite.test]]\nname = \"c\"\nexpected = \"pass\"\n";
        let toml = read("linux.toml", text).unwrap();
        let suite = "C tests [wasm32-wasip1]";
        assert_eq!(toml.of(suite, "a"), Some(&Expected::Skip("skipped by linux.toml".to_owned())));
        assert_eq!(toml.of(suite, "b"), Some(&Expected::Fail("expected to fail by linux.toml".to_owned())));
        assert_eq!(
            (toml.of(suite, "c"), toml.of(suite, "d"), toml.of("C tests [wasm32-wasip3]", "a")),
            (None, None, None)
        );
        assert!(toml.of("C tests", "a").is_some());
        let json = read("skip.json", "{\"C tests\": {\"a\": \"a reason\", \"b\": \"\"}}").unwrap();
        assert_eq!(json.of(suite, "a"), Some(&Expected::Skip("a reason".to_owned())));
        assert_eq!(json.of("C tests", "b"), Some(&Expected::Skip("skipped by skip.json".to_owned())));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_place() {
        let told = |file: &str, text: &str| read(file, text).unwrap_err();
        assert!(told("e.toml", "version = 2").ends_with("unsupported version 2: expected 1"));
        assert!(told("e.toml", "\n[[suite]]\nname = 1").contains("line 3: "));
        let test = |more: &str| format!("[[suite]]\nname = \"s\"\n[[suite.test]]\nname = \"t\"\n{more}");
        assert!(told("e.toml", &test("")).contains("test `t` of `s`: expected `action` or `expected`"));
        assert!(told("e.toml", &test("action = \"run\"")).contains("line 5: "));
        assert!(told("e.json", "{\"s\": []}").contains("line 1"));
        assert!(read("e.toml", "\u{0}").is_err());
    }
}
