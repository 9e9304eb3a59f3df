//! Fetched suites in a clone of their repository.

use std::path::Path;

use crate::case::Case;
use crate::directory::{self, OpenError};
use crate::fetched::Fetched;
use crate::suite::{Origin, Suite};

impl Fetched {
    /// Opens the suite in a clone of the repository.
    ///
    /// # Errors
    ///
    /// Those of [`directory::open`].
    pub fn open(&self, clone: &Path) -> Result<Suite, OpenError> {
        let mut cases = directory::open(&self.cases_in(clone))?.cases();
        if let Some(folder) = self.only {
            cases.retain(|case: &Case| case.name().split('/').any(|name| name == folder));
        }
        Ok(Suite {
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
        })
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
}
