//! Folders on disk as suites.

#![allow(clippy::unwrap_used)]

mod plain;
mod settings;
mod untrusted;

use std::fs;

use wassay_testsuite::{Case, Suite};

/// Creates a folder with `files`, each of which contains its own name.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    folder
}

fn names(suite: &Suite) -> Vec<String> {
    suite.scripts().iter().map(|script| script.name().to_owned()).collect()
}

/// The names of the unreadable cases, with the reasons.
fn unreadable(suite: &Suite) -> Vec<(String, String)> {
    let unreadable = suite.cases().into_iter().filter_map(|case| match case {
        Case::Unreadable(unreadable) => Some((unreadable.name().to_owned(), unreadable.reason().to_owned())),
        _ => None,
    });
    unreadable.collect()
}
