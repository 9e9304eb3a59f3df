//! Tests that command lines in documents and workflows are valid.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

/// The command lines of a text, from the word after `wassay` to the end of the command.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("${{ matrix.shard }}/4", "K/N").replace("$CI_NODE_INDEX/$CI_NODE_TOTAL", "K/N");
    let mut lines = Vec::new();
    for piece in text.lines().flat_map(|line| line.split(['`', ';'])) {
        let words: Vec<&str> = piece.split_whitespace().map(|word| word.trim_matches('"')).collect();
        let program = words.iter().position(|word| matches!(*word, "wassay" | "./wassay" | "bin/wassay"));
        let Some(words) = program.and_then(|at| words.get(at + 1..)) else { continue };
        // A remark may follow after a colon.
        let command = words.split_inclusive(|word| word.ends_with(':')).next().unwrap_or_default();
        let words: Vec<&str> = command.iter().map(|word| word.trim_end_matches(':')).collect();
        if !matches!(
            words.first(),
            Some(
                &("test"
                    | "wast"
                    | "suite"
                    | "report"
                    | "matrix"
                    | "engine"
                    | "plan"
                    | "judge"
                    | "audit"
                    | "compile"
                    | "wasm2obj"
                    | "config"
                    | "cache"
                    | "fuzz")
            )
        ) || words.len() < 2
        {
            continue;
        }
        let ends = |word: &&&str| !matches!(**word, "#" | ">" | ">>" | "|" | "||" | "&&" | "\\");
        let value = |word: &&str| match *word {
            "K/N" => "1/4".to_owned(),
            "N" => "2".to_owned(),
            word => word.to_owned(),
        };
        // A shell puts words in the place of these, or none.
        let words = words.iter().take_while(ends).filter(|word| !word.starts_with('$'));
        lines.push(words.map(value).collect());
    }
    lines
}

#[test]
fn what_is_documented_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let named = ["README.md", "CONTRIBUTING.md", ".github/workflows/conformance.yml"];
    let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut seen = 0;
    for file in named.iter().map(|file| root.join(file)).chain(pages) {
        for words in command_lines(&std::fs::read_to_string(&file).unwrap()) {
            // Help comes last, so that everything else on the line is read first.
            let output =
                Command::new(env!("CARGO_BIN_EXE_wassay")).args(&words).arg("--help").output().unwrap();
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: wassay {}: {message}", file.display(), words.join(" "));
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen} command lines");
}

#[test]
fn command_lines_are_found_in_text_and_code() {
    let text = "| a | `wassay test --retries N` |\n  ./wassay report merge a b -o \"c\" || status=$?\n- run: if x; then bin/wassay wast a.wast; fi\n`wassay test` alone";
    let lines = command_lines(text);
    assert_eq!(
        lines.iter().map(|words| words.join(" ")).collect::<Vec<_>>(),
        ["test --retries 2", "report merge a b -o c", "wast a.wast"]
    );
}

#[test]
fn the_lines_that_are_filters_have_directives() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("docs/cargo-test.md")).unwrap();
    let words = text
        .lines()
        .filter(|line| line.starts_with("cargo test --test suites "))
        .flat_map(str::split_whitespace);
    let filters = words.filter_map(|word| word.rsplit_once(':')).filter(|(name, _)| name.ends_with(".wast"));
    let mut seen = 0;
    for (name, line) in filters {
        let (suite, script) = name.split_once("::").unwrap();
        let suite = wassay_testsuite::catalogue::find(suite).unwrap();
        let script = suite.scripts().into_iter().find(|other| other.name() == script).unwrap();
        let text = script.read().unwrap();
        let parsed = wassay::script::parse(wassay::script::source::Source::new(name, &text)).unwrap();
        let line: usize = line.parse().unwrap();
        let begins =
            parsed.directives.iter().any(|directive| parsed.source.line(directive.span.start) == line);
        assert!(begins, "no directive of {name} begins on line {line}");
        seen += 1;
    }
    assert!(seen > 0);
}

/// Each row of docs/judging.md names an existing test.
#[test]
fn the_tests_that_hold_a_green_run_to_its_word_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources: String = ["runner", "reports", "engine"]
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(root.join(folder)))
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| std::fs::read_to_string(entry.path()).unwrap())
        .collect();
    let page = std::fs::read_to_string(root.join("docs/judging.md")).unwrap();
    assert!(!page.contains("<!--"), "a row has no test");
    let quoted = page.split('`').skip(1).step_by(2);
    let is_test = |word: &&str| {
        word.matches('_').count() > 1
            && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let names: Vec<&str> = quoted.filter(is_test).collect();
    assert!(names.len() > 30, "{} tests", names.len());
    for name in names {
        assert!(sources.contains(&format!("fn {name}(")), "no test is called `{name}`");
    }
}
