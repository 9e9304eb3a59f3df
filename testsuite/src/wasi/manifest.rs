//! Which files belong to cases: `manifest.json`, and the names of files and folders.

use std::path::Path;

use serde::Deserialize;

use super::files::Files;
use super::spec::{SpecError, parse_json};

/// The file that says of a folder that its modules are cases.
pub(super) const NAME: &str = "manifest.json";

/// The version of WASI that cases are for where the manifest names none.
const VERSION: &str = "wasm32-wasip1";

/// What a manifest says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Manifest {
    #[serde(rename = "name")]
    _name: Option<String>,
    version: Option<String>,
}

/// The version that a manifest names, where that is another than preview 1.
pub(super) fn other_version(file: &str, bytes: &[u8]) -> Result<Option<String>, SpecError> {
    let manifest: Manifest = parse_json(file, &String::from_utf8_lossy(bytes))?;
    Ok(manifest.version.filter(|version| version != VERSION))
}

/// Whether a file is a module by its name. Suffixes are compared as file systems do that fold case.
pub fn is_module_name(path: &Path) -> bool {
    has_suffix(path, "wasm") || has_suffix(path, "wat")
}

/// Whether a file has this suffix, in capitals or not.
pub(crate) fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(suffix))
}

/// Whether a file is the module of a case: it has a JSON file of its name beside it, or lies beside a manifest.
pub(crate) fn is_module(files: Files, path: &Path) -> bool {
    is_module_name(path) && (files.has(&path.with_extension("json")) || files.has(&path.with_file_name(NAME)))
}

/// Whether a folder is part of a case: what its guest leaves behind (`NAME.fs` beside `NAME.wasm` or `NAME.wat`), or what guests are given
/// (`NAME.dir` beside a manifest, or the JSON of a case).
pub(crate) fn is_of_guest(files: Files, folder: &Path) -> bool {
    match folder.extension().and_then(|extension| extension.to_str()) {
        Some("fs") => ["wasm", "wat", "WASM", "WAT"]
            .iter()
            .any(|extension| files.has(&folder.with_extension(extension))),
        Some("dir") => folder.parent().is_some_and(|parent| files.has_json_in(parent)),
        _ => false,
    }
}
