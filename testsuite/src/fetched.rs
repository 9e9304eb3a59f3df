//! The official suites that are not embedded: where to fetch each, and its expected size.

use std::path::{Path, PathBuf};

use crate::suite::Pin;

/// A suite in a git repository.
#[derive(Debug, Clone, Copy)]
pub struct Fetched {
    /// The name of the suite.
    pub name: &'static str,
    /// A short description.
    pub title: &'static str,
    /// The GitHub repository, as `OWNER/NAME`.
    pub repository: &'static str,
    /// The branch that contains the commit.
    pub branch: &'static str,
    /// The full commit hash.
    pub commit: &'static str,
    /// The folder of the repository that contains the cases.
    pub folder: &'static str,
    /// Restricts the suite to cases below a folder of this name; `None` for all cases.
    pub only: Option<&'static str>,
    /// The feature expression of the suite.
    pub features: &'static str,
    /// The size of the suite at that commit.
    pub pin: Pin,
}

/// All fetched suites.
pub fn all() -> &'static [Fetched] {
    &ALL
}

/// The fetched suite with this name.
pub fn find(name: &str) -> Option<&'static Fetched> {
    all().iter().find(|fetched| fetched.name == name)
}

static ALL: [Fetched; 2] = [
    Fetched {
        name: "wasi-official",
        title: "The official suite of WASI preview 1",
        repository: "WebAssembly/wasi-testsuite",
        branch: "prod/testsuite-base",
        commit: "9f80ca35444cfd9e63100725615140a346652e6c",
        folder: "tests",
        only: Some("wasm32-wasip1"),
        features: crate::features::DEFAULT,
        pin: Pin { cases: 72, directives: 145 },
    },
    Fetched {
        name: "spec-official",
        title: "The scripts of the specification's repository",
        repository: "WebAssembly/spec",
        branch: "main",
        commit: "285a9032950cbad6a9f84de11183008e286092a2",
        folder: "test/core",
        only: None,
        features: crate::features::DEFAULT,
        pin: Pin { cases: 258, directives: 65_294 },
    },
];

impl Fetched {
    /// The URL of the repository.
    pub fn url(&self) -> String {
        format!("https://github.com/{}", self.repository)
    }

    /// The source of the suite, for reports.
    pub fn source(&self) -> String {
        format!("{} {}", self.repository, self.commit.get(..12).unwrap_or(self.commit))
    }

    /// The folder of the cases in a clone of the repository.
    pub fn cases_in(&self, clone: &Path) -> PathBuf {
        clone.join(self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn names_are_unique_and_commits_are_full_hashes() {
        for fetched in all() {
            assert!(catalogue::find(fetched.name).is_none() && find(fetched.name).is_some());
            assert!(
                fetched.commit.len() == 40 && fetched.commit.bytes().all(|byte| byte.is_ascii_hexdigit())
            );
        }
    }
}
