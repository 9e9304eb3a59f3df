//! Which files belong to cases: `manifest.json`, and the names of files and folders.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde::Deserialize;

use super::spec::{SpecError, parse_json};

/// The file that says of a folder that its modules are cases.
pub(super) const NAME: &str = "manifest.json";

/// The version of WASI that cases are for where the manifest names none.
const VERSION: &str = "wasm32-wasip1";

/// How the names of the files beside a module end that belong to its case.
const BESIDE: [&str; 5] = ["json", "stdin", "stdout", "stderr", "fs"];

/// How the names of modules end.
const MODULES: [&str; 4] = ["wasm", "wat", "WASM", "WAT"];

/// What a manifest says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
}

/// The version that a manifest names, where that is another than preview 1.
pub(super) fn other_version(file: &str, bytes: &[u8]) -> Result<Option<String>, SpecError> {
    let manifest: Manifest = parse_json(file, &String::from_utf8_lossy(bytes))?;
    Ok(manifest.version.filter(|version| version != VERSION))
}

/// The name that a manifest gives its suite.
pub(super) fn name(file: &str, bytes: &[u8]) -> Result<Option<String>, SpecError> {
    let manifest: Manifest = parse_json(file, &String::from_utf8_lossy(bytes))?;
    Ok(manifest.name)
}

/// Whether a file is a module by its name. Suffixes are compared as file systems do that fold case.
pub fn is_module_name(path: &Path) -> bool {
    has_suffix(path, "wasm") || has_suffix(path, "wat")
}

/// Whether a file has this suffix, in capitals or not.
pub(crate) fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(suffix))
}

/// The names of all that is in a folder.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: HashSet<OsString>,
    has_json: bool,
}

impl<'a> FromIterator<&'a OsStr> for Names {
    fn from_iter<I: IntoIterator<Item = &'a OsStr>>(names: I) -> Names {
        let names: HashSet<OsString> = names.into_iter().map(OsStr::to_owned).collect();
        let is_json =
            |name: &OsString| Path::new(name).extension().is_some_and(|extension| extension == "json");
        Names { has_json: names.iter().any(is_json), names }
    }
}

impl Names {
    fn has(&self, name: &Path) -> bool {
        self.names.contains(name.as_os_str())
    }

    /// Whether a name is that of the module of a case.
    pub(crate) fn make_module(&self, name: &Path) -> bool {
        is_module(name, |beside| self.has(beside))
    }

    /// Whether a name is that of a folder which is part of a case: what its guest leaves behind (`NAME.fs` beside `NAME.wasm` or `NAME.wat`),
    /// or what guests are given (`NAME.dir` beside a manifest, or the JSON of a case).
    pub(crate) fn make_folder_of_guest(&self, name: &Path) -> bool {
        match name.extension().and_then(OsStr::to_str) {
            Some("fs") => self.is_beside_module(name),
            Some("dir") => self.has_json,
            _ => false,
        }
    }

    /// Whether a name is that of something else that is read with a case.
    pub(crate) fn make_part_of_case(&self, name: &Path) -> bool {
        let extension = name.extension().and_then(OsStr::to_str);
        name == Path::new(NAME)
            || extension.is_some_and(|extension| BESIDE.contains(&extension)) && self.is_beside_module(name)
    }

    fn is_beside_module(&self, name: &Path) -> bool {
        MODULES.iter().any(|extension| self.has(&name.with_extension(extension)))
    }
}

/// Whether a file is the module of a case: it has a JSON file of its name beside it, or lies beside a manifest.
pub(crate) fn is_module(path: &Path, has: impl Fn(&Path) -> bool) -> bool {
    is_module_name(path) && (has(&path.with_extension("json")) || has(&path.with_file_name(NAME)))
}
