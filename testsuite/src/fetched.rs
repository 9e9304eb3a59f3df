//! The suites that are not embedded: where to fetch each, its expected size, and what is known of
//! its scripts.

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
    /// What is known of its scripts, as in a `wassay.toml` in that folder: their features, and
    /// which of them cannot be judged.
    pub manifest: &'static str,
}

/// All fetched suites.
pub fn all() -> &'static [Fetched] {
    &ALL
}

/// The fetched suite with this name.
pub fn find(name: &str) -> Option<&'static Fetched> {
    all().iter().find(|fetched| fetched.name == name)
}

static ALL: [Fetched; 12] = [
    Fetched {
        name: "wasi-official",
        title: "The official suite of WASI preview 1",
        repository: "WebAssembly/wasi-testsuite",
        branch: "prod/testsuite-base",
        commit: "9f80ca35444cfd9e63100725615140a346652e6c",
        folder: "tests",
        only: Some("wasm32-wasip1"),
        features: crate::features::DEFAULT,
        pin: pin(72, 145),
        manifest: "",
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
        pin: pin(258, 65_294),
        manifest: "",
    },
    proposal(
        "stack-switching",
        "WebAssembly/stack-switching",
        "c5f2622c776dcd20e36badf6a2fe972f4180e47c",
        "test/core/stack-switching",
        "3.0,stack-switching",
        (pin(4, 161), ""),
    ),
    proposal(
        "compact-import-section",
        "WebAssembly/compact-import-section",
        "baa86dc09c869a4ae7beefa0f2749335502a8668",
        "test/core/compact-import-section",
        "3.0,compact-import-section",
        (pin(2, 34), ""),
    ),
    proposal(
        "acquire-release-atomics",
        "WebAssembly/acquire-release-atomics",
        "bb67a5f5d38031bfb587c5150599d079a8b422e4",
        "test/core/acquire-release-atomics",
        "3.0,threads,acquire-release-atomics",
        (pin(1, 309), ""),
    ),
    // The repository has no scripts about the proposal yet: these are the specification's.
    proposal(
        "multibyte-array-access",
        "WebAssembly/multibyte-array-access",
        "2ba8253e3f94f34b7401e54f698b80a58e0f1388",
        "test/core",
        "3.0,multibyte-array-access",
        (pin(258, 65_212), include_str!("../suites/multibyte-array-access.toml")),
    ),
    proposal(
        "shared-everything-threads",
        "WebAssembly/shared-everything-threads",
        "065aa53822e17eea69bfc049df67a16cbd03d9ce",
        "test/core/shared-everything-threads",
        "3.0,threads,acquire-release-atomics,shared-everything-threads",
        (pin(11, 419), include_str!("../suites/shared-everything-threads.toml")),
    ),
    proposal(
        "custom-descriptors",
        "WebAssembly/custom-descriptors",
        "b7b4a91ed933aa4653a09d09311f9c39f3195112",
        "test/core/custom-descriptors",
        "3.0,custom-descriptors",
        (pin(11, 679), ""),
    ),
    proposal(
        "threads",
        "WebAssembly/threads",
        "979d0fcb994439423d63b2f0a8a7332d6285dd84",
        "test/core/threads",
        "3.0,threads",
        (pin(13, 459), ""),
    ),
    Fetched {
        title: "The regression tests of wasmtime",
        ..proposal(
            "wasmtime-misc",
            "bytecodealliance/wasmtime",
            "e6b33de5139d915a48127fc78b790e2d306cf896",
            "tests/misc_testsuite",
            crate::features::DEFAULT,
            (pin(380, 3_381), include_str!("../suites/wasmtime-misc.toml")),
        )
    },
    Fetched {
        title: "The regression tests of Wizard",
        branch: "master",
        ..proposal(
            "wizard",
            "titzer/wizard-engine",
            "55814f46c48dd3b6cb391bc9466a6bd49df5bc18",
            "test/regress",
            crate::features::DEFAULT,
            (pin(2825, 65_516), include_str!("../suites/wizard.toml")),
        )
    },
    Fetched {
        title: "The scripts of Binaryen, in its dialect",
        ..proposal(
            "binaryen-spec",
            "WebAssembly/binaryen",
            "bb0caa3fc547e1281391b1235c93f1ed84541c2e",
            "test/spec",
            crate::features::DEFAULT,
            (pin(129, 5_063), include_str!("../suites/binaryen-spec.toml")),
        )
    },
];

const fn pin(cases: usize, directives: usize) -> Pin {
    Pin { cases, directives }
}

/// The scripts of a proposal in its repository, with their number and what is known of them.
const fn proposal(
    name: &'static str,
    repository: &'static str,
    commit: &'static str,
    folder: &'static str,
    features: &'static str,
    (pin, manifest): (Pin, &'static str),
) -> Fetched {
    let title = "The scripts of a proposal in its repository";
    Fetched { name, title, repository, branch: "main", commit, folder, only: None, features, pin, manifest }
}

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
