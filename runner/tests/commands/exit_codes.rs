//! The same mistake has the same exit code with every command, and the codes are documented.

use std::path::Path;

use crate::common::{FAILS, Folder, PASSES, wassay};

fn folder() -> Folder {
    Folder::new(&[
        ("pass.wast", PASSES),
        ("fail.wast", FAILS),
        ("bad", "(neither JSON nor TOML nor a script"),
        ("program.wat", "(module (func (export \"_start\")))"),
    ])
}

/// Replaces words in braces, which are files of a folder; there is no file `gone`.
fn arguments(folder: &Folder, line: &str) -> Vec<String> {
    let word = |word: &str| match (word.find('{'), word.find('}')) {
        (Some(begin), Some(end)) => {
            format!("{}{}{}", &word[..begin], folder.arg(&word[begin + 1..end]), &word[end + 1..])
        }
        _ => word.to_owned(),
    };
    line.split_whitespace().map(word).collect()
}

fn assert_code(folder: &Folder, line: &str, code: i32) {
    let ran = wassay(&arguments(folder, line));
    assert_eq!(ran.code, code, "wassay {line}: {}{}", ran.out, ran.err);
    if code == 2 {
        assert!(
            ran.err.starts_with("error: ") && ran.err.contains("gone") | ran.err.contains("bad"),
            "{}",
            ran.err
        );
    }
}

/// Every option and argument that names a file to read.
const INPUTS: &[&str] = &[
    "run {FILE}",
    "run --preload m={FILE} {program.wat}",
    "wast {FILE}",
    "wast --engine {FILE}.toml {pass.wast}",
    "test {FILE}",
    "test --expectations {FILE} {pass.wast}",
    "test --baseline {FILE} {pass.wast}",
    "test --shard 1/1 --timings {FILE} {pass.wast}",
    "test --engine {FILE}.toml {pass.wast}",
    "report render {FILE} --to html",
    "report merge {FILE}",
    "report diff {FILE} {FILE}",
    "matrix {FILE} -o -",
    "matrix {FILE} --history {FILE} -o -",
    "plan {FILE} -o {plan}",
    "judge {FILE} {FILE}",
    "suite show {FILE}",
    "engine show {FILE}.toml",
    "engine check {FILE}.toml",
    "engine add {FILE}.toml",
    "compile {FILE} -o {out.cwasm}",
    "wasm2obj {FILE} -o {out.o}",
];

#[test]
fn a_missing_file_is_wrong_usage_with_every_command() {
    let folder = folder();
    for line in INPUTS {
        assert_code(&folder, &line.replace("{FILE}", "{gone}"), 2);
    }
}

#[test]
fn a_file_that_is_not_understood_is_wrong_usage() {
    let folder = folder();
    for line in [
        "wast {bad}",
        "test --expectations {bad} {pass.wast}",
        "test --baseline {bad} {pass.wast}",
        "report render {bad} --to html",
        "report merge {bad}",
        "report diff {bad} {bad}",
        "matrix {bad} -o -",
        "judge {bad} {bad}",
        "engine add {bad}",
    ] {
        assert_code(&folder, line, 2);
    }
}

#[test]
fn failures_and_wrong_usage_have_different_exit_codes() {
    let folder = folder();
    for (line, code) in [
        ("wast {pass.wast}", 0),
        ("wast {fail.wast}", 1),
        ("test {pass.wast}", 0),
        ("test {fail.wast}", 1),
        ("run {program.wat}", 0),
        // A module that cannot be run is a failure of the program, not of the command line.
        ("run {bad}", 1),
    ] {
        assert_code(&folder, line, code);
    }
}

#[test]
fn the_help_and_the_readme_have_the_same_codes() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let section = readme.split("## Exit codes").nth(1).unwrap().split("## ").next().unwrap();
    let documented: Vec<(&str, &str)> = section
        .lines()
        .filter_map(|row| {
            let [_, code, meaning, _] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                return None;
            };
            code.parse::<u8>().ok().map(|_| (code, meaning))
        })
        .collect();
    assert_eq!(documented.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["0", "1", "2", "130"]);
    // The help wraps its lines.
    let help = wassay(&["--help"]).out.split_whitespace().collect::<Vec<_>>().join(" ");
    for (code, meaning) in documented {
        assert!(help.contains(&format!(" {code} {meaning}")), "{code} {meaning}: {help}");
    }
}
