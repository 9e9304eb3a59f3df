//! Files that belong to cases: `manifest.json`, and names of files and folders.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde::Deserialize;

use super::spec::{SpecError, parse_json};

/// The file that makes the modules in its folder cases.
pub(super) const NAME: &str = "manifest.json";

/// The version of WASI in manifests for preview 1, and the default.
const VERSION: &str = "wasm32-wasip1";

/// The extensions of files beside a module that belong to its case.
const BESIDE: [&str; 5] = ["json", "stdin", "stdout", "stderr", "fs"];

/// The extensions of modules.
const MODULES: [&str; 4] = ["wasm", "wat", "WASM", "WAT"];

/// The contents of a manifest.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
}

/// The version of WASI in a manifest, if it is not preview 1.
pub(super) fn other_version(file: &str, bytes: &[u8]) -> Result<Option<String>, SpecError> {
    let manifest: Manifest = parse_json(file, &String::from_utf8_lossy(bytes))?;
    Ok(manifest.version.filter(|version| version != VERSION))
}

/// The suite name in a manifest.
pub(super) fn name(file: &str, bytes: &[u8]) -> Result<Option<String>, SpecError> {
    let manifest: Manifest = parse_json(file, &String::from_utf8_lossy(bytes))?;
    Ok(manifest.name)
}

/// Whether a file is a module, by its extension. Case is ignored.
pub fn is_module_name(path: &Path) -> bool {
    has_suffix(path, "wasm") || has_suffix(path, "wat")
}

/// Whether a file has this extension. Case is ignored.
pub(crate) fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(suffix))
}

/// The names of the entries of a folder.
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

    /// Whether `name` is the module of a case.
    pub(crate) fn is_module(&self, name: &Path) -> bool {
        is_module(name, |beside| self.has(beside))
    }

    /// Whether `name` is a folder that belongs to a case: the golden folder of a guest (`NAME.fs`
    /// beside `NAME.wasm` or `NAME.wat`), or a folder for guests (`NAME.dir` beside a JSON file).
    pub(crate) fn is_guest_folder(&self, name: &Path) -> bool {
        match name.extension().and_then(OsStr::to_str) {
            Some("fs") => self.is_beside_module(name),
            Some("dir") => self.has_json,
            _ => false,
        }
    }

    /// Whether `name` is another file that belongs to a case.
    pub(crate) fn is_file_of_case(&self, name: &Path) -> bool {
        let extension = name.extension().and_then(OsStr::to_str);
        name == Path::new(NAME)
            || extension.is_some_and(|extension| BESIDE.contains(&extension)) && self.is_beside_module(name)
    }

    fn is_beside_module(&self, name: &Path) -> bool {
        MODULES.iter().any(|extension| self.has(&name.with_extension(extension)))
    }
}

/// Whether a file is the module of a case: there is a JSON file with its name or a manifest beside
/// it.
pub(crate) fn is_module(path: &Path, has: impl Fn(&Path) -> bool) -> bool {
    is_module_name(path) && (has(&path.with_extension("json")) || has(&path.with_file_name(NAME)))
}
