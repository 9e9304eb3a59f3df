//! Fetched suites in a clone of their repository.

use std::path::Path;

use crate::case::Case;
use crate::directory::{self, OpenError};
use crate::expectation::Expectations;
use crate::fetched::Fetched;
use crate::manifest::Manifest;
use crate::suite::{Origin, Suite};

impl Fetched {
    /// Opens the suite in a clone of the repository.
    ///
    /// # Errors
    ///
    /// Those of [`directory::open`].
    pub fn open(&self, clone: &Path) -> Result<Suite, OpenError> {
        let folder = self.cases_in(clone);
        let manifest = Manifest::parse(&format!("suites/{}.toml", self.name), self.manifest)?;
        let (mut cases, entries) = directory::open_under(&folder, &manifest, self.name, self.features)?;
        if cases.is_empty() {
            return Err(OpenError::NoCases { path: folder });
        }
        if let Some(folder) = self.only {
            cases.retain(|case: &Case| case.name().split('/').any(|name| name == folder));
        }
        let suite = Suite {
            name: self.name.into(),
            title: self.title.into(),
            source: self.source().into(),
            features: self.features,
            pin: Some(self.pin),
            by_default: false,
            origin: Origin::Folder(cases),
            variant: None,
            path: None,
            expectations: Vec::new(),
        };
        Ok(if entries.is_empty() { suite } else { suite.expecting(Expectations { entries }.into()) })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fetched::find;

    #[test]
    fn opening_a_clone_selects_its_cases() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["c/wasm32-wasip1/a.wasm", "c/wasm32-wasip3/b.wasm", "c/wasm32-wasip1/manifest.json"] {
            let path = folder.path().join("tests").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        fs::write(folder.path().join("tests/c/wasm32-wasip3/b.json"), "{}").unwrap();
        let suite = find("wasi-official").unwrap().open(folder.path()).unwrap();
        assert_eq!(
            (suite.name(), suite.source()),
            ("wasi-official", "WebAssembly/wasi-testsuite 9f80ca35444c")
        );
        assert_eq!(suite.cases().iter().map(Case::name).collect::<Vec<_>>(), ["c/wasm32-wasip1/a.wasm"]);
        assert!(find("spec-official").unwrap().open(folder.path()).is_err());
    }

    #[test]
    fn every_manifest_parses_and_names_its_reasons() {
        for fetched in crate::fetched::all() {
            let manifest = Manifest::parse(fetched.name, fetched.manifest);
            assert!(manifest.is_ok(), "{}", manifest.unwrap_err());
        }
    }

    #[test]
    fn scripts_have_the_features_of_the_suite_and_of_its_folders_only() {
        let clone = tempfile::tempdir().unwrap();
        let folder = clone.path().join("threads/wizard");
        for name in ["core/a.wast", "ext:threads/a.wast", "ext:legacy-eh/a.wast"] {
            let path = folder.join("test/regress").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "(module)").unwrap();
        }
        let suite = find("wizard").unwrap().open(&folder).unwrap();
        let features = suite.scripts().iter().map(|s| s.features().to_owned()).collect::<Vec<_>>();
        assert_eq!(features, ["3.0", "3.0,legacy-exceptions", "3.0,threads"]);
    }
}
