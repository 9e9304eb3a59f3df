//! Which cases a folder has, and what each is called and run with.

use std::path::Path;

use wassay_testsuite::directory::{open, script};

use crate::{folder, names};

#[test]
fn scripts_are_found_at_every_depth_and_sorted() {
    let folder = folder(&[
        "b.wast",
        "a/z.wast",
        "a/b/c.wast",
        "a.wast",
        "a-b.wast",
        "x.txt",
        "x.wast.bak",
        ".git/g.wast",
    ]);
    let suite = open(folder.path()).unwrap();
    assert_eq!(names(&suite), ["a-b.wast", "a.wast", "a/b/c.wast", "a/z.wast", "b.wast"]);
    for script in suite.scripts() {
        assert_eq!(script.read().unwrap(), script.name());
        assert_eq!(script.path().unwrap(), folder.path().join(script.name()));
    }
    assert_eq!(suite.name(), folder.path().file_name().unwrap().to_str().unwrap());
    assert_eq!((suite.source(), suite.pin(), suite.is_default()), (suite.name(), None, false));
}

#[test]
fn file_extensions_ignore_case() {
    let folder = folder(&["a.WAST", "b.Wast", "c.WASM", "c.json", "d.Wat", "d.json"]);
    let suite = open(folder.path()).unwrap();
    let names: Vec<String> = suite.cases().iter().map(|case| case.name().to_owned()).collect();
    assert_eq!(names, ["a.WAST", "b.Wast", "c.WASM", "d.Wat"]);
    assert_eq!(suite.scripts().len(), 2);
}

#[test]
fn features_are_those_of_the_nearest_known_folder() {
    let folder =
        folder(&["a.wast", "legacy/a.wast", "proposals/threads/a.wast", "proposals/threads/deep/a.wast"]);
    let features = |path: &Path| -> Vec<String> {
        open(path).unwrap().scripts().iter().map(|script| script.features().to_owned()).collect()
    };
    let threads = "2.0,-reference-types,threads";
    assert_eq!(features(folder.path()), ["3.0", "3.0,legacy-exceptions", threads, threads]);
    // The known folder may also be `path` itself, or above it.
    assert_eq!(features(&folder.path().join("proposals/threads/")), [threads, threads]);
    assert_eq!(features(&folder.path().join("proposals/threads/deep")), [threads]);
    assert_eq!(features(&folder.path().join("legacy/../proposals/threads/deep/a.wast")), [threads]);
    assert_eq!(features(&folder.path().join("legacy/a.wast")), ["3.0,legacy-exceptions"]);
}

#[test]
fn a_single_file_is_a_suite_of_one() {
    let folder = folder(&["a.wast", "b.txt"]);
    for file in ["a.wast", "b.txt"] {
        let path = folder.path().join(file);
        assert_eq!(names(&open(&path).unwrap()), [file]);
        assert_eq!(script(&path).unwrap().read().unwrap(), file);
    }
}

#[test]
fn a_missing_path_is_an_error() {
    let folder = folder(&[]);
    let path = folder.path().join("gone");
    for message in [open(&path).unwrap_err().to_string(), script(&path).unwrap_err().to_string()] {
        assert!(message.starts_with(&format!("{}: cannot open: ", path.display())), "{message}");
    }
}

#[test]
fn a_folder_is_not_a_script_and_a_suite_is_not_empty() {
    let folder = folder(&["readme.txt"]);
    let path = folder.path().display();
    assert_eq!(
        script(folder.path()).unwrap_err().to_string(),
        format!("{path}: expected a regular file, found a folder")
    );
    let message = open(folder.path()).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{path}: no cases found: ")), "{message}");
}
