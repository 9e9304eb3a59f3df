//! What a `wassay.toml` says about the scripts of a suite.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use wassay_testsuite::directory::{conditions_at, open, script};
use wassay_testsuite::expectation::Expected;

use crate::{folder, names, unreadable};

/// The names and features of the scripts in a folder.
fn features(path: &Path) -> Vec<(String, String)> {
    let scripts = open(path).unwrap().scripts();
    scripts.iter().map(|script| (script.name().to_owned(), script.features().to_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, features)| ((*name).to_owned(), (*features).to_owned())).collect()
}

#[test]
fn settings_hold_for_everything_below_their_folder() {
    let folder = folder(&["a.wast", "x/b.wast", "x/y/c.wast", "x/threads/d.wast", "legacy/e.wast"]);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "x/wassay.toml",
        "features = \"2.0\"\ntimeout = \"5s\"\n[[scripts]]\nmatch = \"y/*\"\nfeatures = \"1.0\"",
    );
    assert_eq!(
        features(folder.path()),
        pairs(&[
            ("a.wast", "3.0"),
            ("legacy/e.wast", "3.0,legacy-exceptions"),
            ("x/b.wast", "2.0"),
            // The settings come before the names of folders.
            ("x/threads/d.wast", "2.0"),
            ("x/y/c.wast", "1.0"),
        ])
    );
    // The nearest settings decide, key by key.
    write("x/y/wassay.toml", "nan-canonicalization = true");
    write("wassay.toml", "features = \"3.0,threads\"\nnan-canonicalization = false\ntimeout = \"1m\"");
    let suite = open(folder.path()).unwrap();
    let conditions: Vec<_> = suite.scripts().iter().map(|script| script.conditions().clone()).collect();
    assert_eq!((&*conditions[0].features, &*conditions[1].features), ("3.0,threads", "3.0,threads"));
    assert_eq!((&*conditions[4].features, conditions[4].nan_canonicalization), ("1.0", true));
    let timeouts: Vec<_> =
        conditions.iter().map(|conditions| conditions.timeout.unwrap().as_secs()).collect();
    assert_eq!(timeouts, [60, 60, 5, 5, 5]);
    let origin = conditions[4].origin.clone().unwrap();
    assert_eq!(origin, format!("{}:5", folder.path().join("x/wassay.toml").display()));
}

#[test]
fn settings_above_a_folder_hold_too() {
    let folder = folder(&["x/y/a.wast", "x/y/z/b.wast"]);
    let path = |name: &str| folder.path().join(name);
    fs::write(
        path("wassay.toml"),
        "features = \"1.0\"\n[[scripts]]\nmatch = \"x/y/z/**\"\nfeatures = \"2.0\"",
    )
    .unwrap();
    assert_eq!(features(&path("x/y")), pairs(&[("a.wast", "1.0"), ("z/b.wast", "2.0")]));
    assert_eq!(features(&path("x/y/z/b.wast")), pairs(&[("b.wast", "2.0")]));
    assert_eq!(script(&path("x/y/a.wast")).unwrap().features(), "1.0");
    assert_eq!(conditions_at(&path("x/y/z/new.wast")).unwrap().features, "2.0");
    // A repository is judged as it says itself.
    fs::create_dir(path("x/.git")).unwrap();
    fs::write(path("x/.git/HEAD"), "").unwrap();
    assert_eq!(features(&path("x/y")), pairs(&[("a.wast", "3.0"), ("z/b.wast", "3.0")]));
    fs::write(path("x/wassay.toml"), "timeout = \"3s\"").unwrap();
    assert_eq!(conditions_at(&path("x/y/a.wast")).unwrap().timeout, Some(Duration::from_secs(3)));
    fs::write(path("x/wassay.toml"), "time = \"3s\"").unwrap();
    for error in
        [open(&path("x/y")).unwrap_err().to_string(), script(&path("x/y/a.wast")).unwrap_err().to_string()]
    {
        assert!(error.contains("x/wassay.toml:1: unknown field `time`"), "{error}");
    }
}

#[test]
fn expectations_are_relative_to_the_folder_of_their_settings() {
    let folder = folder(&["a.wast", "x/a.wast", "x/y/a.wast"]);
    let entry = |script: &str, outcome: &str, reason: &str| {
        format!("[[expected]]\nscript = \"{script}\"\noutcome = \"{outcome}\"\nreason = \"{reason}\"\n")
    };
    let path = |name: &str| folder.path().join(name);
    fs::write(path("wassay.toml"), entry("x/**", "xfail", "outer") + &entry("a.wast", "skip", "own"))
        .unwrap();
    fs::write(path("x/wassay.toml"), entry("y/*.wast", "skip", "inner")).unwrap();
    let expected = |path: &Path| -> Vec<_> {
        let scripts = open(path).unwrap().scripts();
        let of = |script: &wassay_testsuite::Script| {
            let first = script.expectations().first()?;
            Some((first.outcome, first.reason.clone()))
        };
        scripts.iter().map(of).collect()
    };
    let some = |outcome, reason: &str| Some((outcome, reason.to_owned()));
    let (own, outer, inner) =
        (some(Expected::Skip, "own"), some(Expected::Xfail, "outer"), some(Expected::Skip, "inner"));
    assert_eq!(expected(folder.path()), [own, outer.clone(), inner.clone()]);
    assert_eq!(expected(&path("x")), [outer.clone(), inner.clone()]);
    assert_eq!(expected(&path("x/y")), [inner]);
    assert_eq!(expected(&path("x/a.wast")), [outer]);
    // A script that is opened by itself is judged as it is.
    assert!(script(&path("x/a.wast")).unwrap().expectations().is_empty());
}

#[test]
fn a_folder_with_invalid_settings_is_a_failing_case() {
    let folder = folder(&["a.wast", "x/b.wast", "y/c.wast", "secret"]);
    fs::write(folder.path().join("x/wassay.toml"), "\nfeature = 1").unwrap();
    symlink("/proc/self/environ", folder.path().join("y/wassay.toml")).unwrap();
    let suite = open(folder.path()).unwrap();
    assert_eq!(names(&suite), ["a.wast"]);
    let cases = unreadable(&suite);
    assert_eq!((cases[0].0.as_str(), cases[1].0.as_str()), ("x", "y"));
    assert!(cases[0].1.contains("x/wassay.toml:2: unknown field `feature`"), "{cases:?}");
    assert!(cases[1].1.contains("symbolic link leads out of the suite"), "{cases:?}");
}
