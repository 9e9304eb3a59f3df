//! Scripts with more directives that fail, or are not reached, than can be listed: they cost little
//! time and memory, and are all counted.

use std::process::Command;

use crate::common::{Folder, run};
use wassay_reports::{Case, Outcome, Report, json};

/// How many failures of a script are listed.
const LISTED: usize = 10_000;

/// Runs a script with these options: the case of the report, the size of the report, and what was
/// printed.
fn judged(text: &str, options: &[&str]) -> (Case, usize, String) {
    let folder = Folder::new(&[("a.wast", text)]);
    let reports = Folder::new::<&str>(&[]);
    let report = format!("json={}", reports.arg("r.json"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["test", "--jobs", "1", "--report", &report]);
    let ran = run(command.args(options).arg(folder.path()));
    assert_eq!(ran.code, 1, "{ran:?}");
    let text = std::fs::read_to_string(reports.file("r.json")).unwrap();
    let report: Report = json::parse(&text).unwrap();
    (report.suites[0].cases[0].clone(), text.len(), ran.out)
}

#[test]
fn failures_are_listed_up_to_a_number_and_all_are_counted() {
    const COUNT: usize = 400_000;
    let text = format!("(module)\n{}(module)", "(nope)\n".repeat(COUNT));
    for options in [&["--timeout", "60s"][..], &["--timeout", "60s", "--isolate"]] {
        let (case, size, out) = judged(&text, options);
        let counts = case.directives;
        assert_eq!((counts.passed, counts.failed, case.outcome), (2, COUNT as u64, Outcome::Failed));
        assert_eq!(case.failures.len(), LISTED + 1);
        let last = case.failures.last().unwrap();
        let told = "390000 more directives did not pass and are not listed";
        assert_eq!((last.kind.as_str(), last.message.as_str(), last.line), ("not-listed", told, 0));
        assert!(out.contains(&format!("/a.wast: {told}\n")), "{}", &out[out.len() - 300..]);
        // What is known of no directive is not taken for one that passed.
        assert_eq!(case.keys.len(), LISTED + 2);
        assert!(size < 8 << 20, "{size}");
    }
}

#[test]
fn directives_after_the_deadline_are_counted() {
    const COUNT: usize = 1_500_000;
    let text = format!(
        "(module (func (export \"f\") (loop (br 0))))\n(invoke \"f\")\n{}",
        "(invoke \"f\")".repeat(COUNT)
    );
    // The millions take seconds; if each took longer the more there are, they would take hours.
    let (case, size, _) = judged(&text, &["--timeout", "300ms"]);
    assert_eq!((case.outcome, case.directives.failed), (Outcome::Timeout, COUNT as u64 + 1));
    assert!(size < 8 << 20, "{size}");
}

#[test]
fn contiguous_text_outside_of_forms_is_one_directive() {
    for character in ["\0", "\u{7}", "é", ",1"] {
        let text = format!("(module)\n{} x", character.repeat(2_000_000));
        let (case, ..) = judged(&text, &["--timeout", "20s"]);
        assert_eq!((case.directives.passed, case.directives.failed), (1, 2), "{character:?}");
    }
}
