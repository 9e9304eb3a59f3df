//! Tests of project rules that lints do not cover: see CONTRIBUTING.md.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// The maximum number of lines of a source file.
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

/// The maximum width of a line of prose.
const MAX_WIDTH: usize = 100;

/// Folders whose comments are wrapped at [`MAX_WIDTH`].
const WRAPPED: [&str; 7] = [".ci", "engine", "examples", "reports", "runner", "testsuite", "wasi"];

/// The comments that are checked, by the extension of the file.
const COMMENTS: [(&str, &str); 4] = [("rs", "//"), ("sh", "#"), ("toml", "#"), ("wast", ";;")];

#[test]
fn comments_are_wrapped() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut comments, mut wide) = (0, Vec::new());
    for folder in WRAPPED {
        let files = walkdir::WalkDir::new(root.join(folder)).sort_by_file_name().into_iter();
        for entry in files.filter_entry(|entry| entry.file_name() != "target") {
            let path = entry.unwrap().into_path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            // The scripts of CI have no extension.
            let extension = extension.or((folder == ".ci" && path.is_file()).then_some("sh"));
            let Some((_, mark)) = COMMENTS.into_iter().find(|(known, _)| Some(*known) == extension) else {
                continue;
            };
            let text = std::fs::read_to_string(&path).unwrap();
            for (line, content) in (1..).zip(text.lines()) {
                let Some(comment) = content.trim_start().strip_prefix(mark) else { continue };
                comments += 1;
                // URLs and the rows of tables cannot be wrapped.
                let is_table = comment.trim_start_matches(['/', '!']).trim_start().starts_with('|');
                if content.chars().count() > MAX_WIDTH && !is_table && !comment.contains("://") {
                    wide.push(format!("{}:{line}", path.strip_prefix(root).unwrap().display()));
                }
            }
        }
    }
    assert!(comments > 1000, "the comments are found");
    assert!(wide.is_empty(), "comments wider than {MAX_WIDTH} columns: {wide:#?}");
}

#[test]
fn unsafe_code_is_in_one_folder() {
    for (path, text) in sources() {
        // A handler of signals is registered by a function that cannot know what it will do, memory
        // that two processes share is mapped, and machine code of the user's files is trusted.
        let others =
            ["runner/src/scratch/signal.rs", "runner/src/batch/mark.rs", "runner/src/own/run/cached.rs"];
        let allowed =
            path.starts_with("engine/src/vm") || others.iter().any(|other| path == Path::new(other));
        let needle = ["allow(unsafe", "_code)"].concat();
        assert!(
            allowed || !text.contains(&needle),
            "{}: unsafe code belongs in engine/src/vm",
            path.display()
        );
    }
}

/// Where something else than the printer may write to the streams of the process, and why it may is
/// said there.
const WRITERS: [&str; 9] = [
    "engine/build.rs",
    "engine/src/vm/call.rs",
    "engine/src/vm/fault.rs",
    "engine/src/vm/cause.rs",
    "runner/src/fetch.rs",
    "runner/src/own/serve.rs",
    "runner/src/printer",
    "testsuite/build.rs",
    "wasi/src/ctx.rs",
];

#[test]
fn the_printer_is_the_one_way_to_print() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let rules = std::fs::read_to_string(root.join("clippy.toml")).unwrap();
    for way in ["print", "println", "eprint", "eprintln", "io::stdout", "io::stderr", "panic::set_hook"] {
        assert!(rules.contains(&format!("\"std::{way}\"")), "clippy.toml forbids std::{way}");
    }
    // Clippy says where they are used; this, where it was told not to.
    let needle = ["clippy::", "disallowed_"].concat();
    for (path, text) in sources() {
        let is_test =
            path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches");
        let may = is_test || WRITERS.iter().any(|writer| path.starts_with(writer));
        assert!(may || !text.contains(&needle), "{}: print by `crate::printer`", path.display());
        let opened = ["/dev/", "tty"].concat();
        assert!(may || !text.contains(&opened), "{}: print by `crate::printer`", path.display());
    }
}

/// Layers inside the crates are checked by `engine/tests/layers`.
#[test]
fn folders_keep_to_their_subject() {
    for (path, text) in sources() {
        let text = text.split("#[cfg(test)]").next().unwrap();
        if path.starts_with("runner/script") {
            let imports = text.contains("wassay_engine") || text.contains("wassay_wasi");
            assert!(!imports, "{}: scripts are judged on any engine", path.display());
        }
        // Tests that the build without an engine excludes.
        let of_engine = ["runner/src/own", "runner/src/wasi_case", "runner/src/tests"];
        if path.starts_with("runner/src") && !of_engine.iter().any(|folder| path.starts_with(folder)) {
            let text = text.replace("#[cfg(feature = \"engine\")]\npub use wassay_engine::classify;", "");
            let links = text.contains("wassay_engine") || text.contains("wassay_wasi");
            assert!(!links, "{}: what needs the engine is in runner/src/own", path.display());
        }
        // Files of suites are opened in one place, which knows what a stranger may have put there.
        let of_suites =
            ["testsuite/src", "runner/src/wasi_case"].iter().any(|folder| path.starts_with(folder));
        if of_suites && !path.starts_with("testsuite/src/access") {
            for opens in
                ["fs::read", "fs::write", "fs::copy", "File::open", "File::create", "OpenOptions", "WalkDir"]
            {
                assert!(!text.contains(opens), "{}: `{opens}`: use `access`", path.display());
            }
        }
        if path.starts_with("reports/src") {
            let touches =
                text.contains("std::fs") || text.contains("SystemTime") || text.contains("Instant::now");
            assert!(!touches, "{}: a report touches neither files nor the clock", path.display());
        }
    }
}

#[path = "../adapters/wap/src/features.rs"]
#[allow(dead_code, unreachable_pub)]
mod adapter_features;

#[test]
fn versions_have_the_same_features_in_adapters() {
    for version in ["1.0", "2.0", "3.0"] {
        let features: wassay::Features = version.parse().unwrap();
        let adapter = adapter_features::Features::parse(version);
        for name in wassay::Features::names() {
            assert_eq!(adapter.has(name), features.contains(name), "{name} in {version}");
        }
    }
}
