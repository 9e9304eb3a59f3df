//! Rules of the house that no lint knows: see CONTRIBUTING.md.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// How many lines a source file may have.
const MAX_LINES: usize = 600;

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    ["engine", "reports", "runner", "testsuite", "wasi"]
        .iter()
        .flat_map(|folder| {
            let files = walkdir::WalkDir::new(root.join(folder)).sort_by_file_name().into_iter();
            // Packages outside the workspace have their own build folders.
            files.filter_entry(|entry| entry.file_name() != "target")
        })
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.strip_prefix(root).unwrap().to_owned(), text)
        })
        .collect()
}

#[test]
fn a_file_has_one_subject_and_says_so() {
    let sources = sources();
    assert!(sources.len() > 50, "the sources are found");
    for (path, text) in sources {
        let lines = text.lines().count();
        assert!(
            lines <= MAX_LINES,
            "{}: {lines} lines, more than {MAX_LINES}: split it by subject",
            path.display()
        );
        let first = text.trim_start();
        assert!(
            first.starts_with("//!"),
            "{}: begin with a line `//!` that says what the file is",
            path.display()
        );
    }
}

#[test]
fn unsafe_code_stands_in_one_folder() {
    for (path, text) in sources() {
        let allowed = path.starts_with("engine/src/vm");
        let needle = ["allow(unsafe", "_code)"].concat();
        assert!(
            allowed || !text.contains(&needle),
            "{}: unsafe code belongs in engine/src/vm",
            path.display()
        );
    }
}

#[test]
fn layers_are_kept() {
    for (path, text) in sources() {
        let text = text.split("#[cfg(test)]").next().unwrap();
        if path.starts_with("engine/src/translate") {
            let reads_store = text.contains("crate::runtime");
            assert!(!reads_store, "{}: translation knows layouts, not objects of a store", path.display());
        }
        if path.starts_with("reports/src") {
            let touches =
                text.contains("std::fs") || text.contains("SystemTime") || text.contains("Instant::now");
            assert!(!touches, "{}: a report touches neither files nor the clock", path.display());
        }
    }
}
