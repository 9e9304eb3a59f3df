//! Computes a number that identifies the build of the engine: machine code of one build must not
//! run in another one, because it depends on layouts and on the meaning of its tables.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

#[expect(clippy::disallowed_macros, reason = "instructions to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=src");
    let mut files = Vec::new();
    find(Path::new("src"), &mut files);
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let text = fs::read(&file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
        (file, text).hash(&mut hasher);
    }
    // The compiler chooses some of the layouts.
    let compiler = env::var_os("RUSTC").map(|rustc| Command::new(rustc).arg("--version").output());
    compiler.and_then(Result::ok).map(|output| output.stdout).hash(&mut hasher);
    println!("cargo::rustc-env=ENGINE_BUILD={:016x}", hasher.finish());
}

/// Adds all files below a folder.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() { find(&path, files) } else { files.push(path) }
    }
}
