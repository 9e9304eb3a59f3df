//! The programs in C and Rust that lie in the repository are what their sources say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::Folder;
use crate::guests::{ELSEWHERE, not_run, sources};

/// What says by which compilers the programs of a folder were built.
const COMPILERS: &str = "compilers";

/// Builds the programs of a language into a folder, with compilers that are here; says why where that cannot be.
fn build(language: &str, to: &Path) -> Option<()> {
    let mut build = Command::new(sources().join("build.sh"));
    let built = build.arg(language).arg(to).output().unwrap();
    match built.status.code() {
        Some(0) => Some(()),
        Some(3) => {
            let why = String::from_utf8_lossy(&built.stdout);
            let why = why.trim_end();
            not_run(&format!("{why}: guests/{language}/*.wasm are not compared with their sources"));
            None
        }
        _ => panic!("{}", String::from_utf8_lossy(&built.stderr)),
    }
}

/// The programs of a folder, by name, with their bytes.
fn programs(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

/// With the compilers that built them, each program is built again to the byte; what other compilers build does what it should.
fn compare(language: &str) {
    if std::env::var_os(ELSEWHERE).is_some() {
        return;
    }
    let folder = Folder::new::<&str>(&[]);
    let (ours, theirs) = (sources().join(language), folder.file(language));
    let Some(()) = build(language, &theirs) else { return };
    let compilers = |folder: &Path| fs::read_to_string(folder.join(COMPILERS)).unwrap();
    let (ours_programs, theirs_programs) = (programs(&ours), programs(&theirs));
    let names = |programs: &BTreeMap<String, Vec<u8>>| programs.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours_programs), names(&theirs_programs), "each source has its program");
    if compilers(&ours) == compilers(&theirs) {
        for (name, bytes) in &ours_programs {
            assert!(
                bytes == &theirs_programs[name],
                "guests/{language}/{name} is not what its source says: run testsuite/guests/build.sh {language}"
            );
        }
        return;
    }
    // The tests of the other language run the repository's programs.
    for other in ["c", "rust"].into_iter().filter(|other| *other != language) {
        fs::create_dir(folder.file(other)).unwrap();
        for (name, bytes) in programs(&sources().join(other)) {
            fs::write(folder.file(other).join(name), bytes).unwrap();
        }
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    let output = again.args(["checks::", "tutorial::"]).env(ELSEWHERE, folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "built by {}:\n{text}", compilers(&theirs));
    assert!(text.contains("test result: ok. ") && !text.contains(" 0 passed"), "{text}");
}

#[test]
fn programs_in_c_are_what_their_sources_say() {
    compare("c");
}

#[test]
fn programs_in_rust_are_what_their_sources_say() {
    compare("rust");
}

#[test]
fn programs_are_small() {
    for language in ["c", "rust"] {
        for (name, bytes) in programs(&sources().join(language)) {
            assert!(bytes.len() < 150_000, "{language}/{name}: {} bytes", bytes.len());
        }
    }
}
