//! The matrix of engines and proposals: its rules, what engines differ on, and its renderers.

#![allow(clippy::unwrap_used)]

mod common;
mod engines;

use engines::{Ran, named, official};
use serde_json::{Value, json};
use wassay_reports::matrix::{
    Cell, Kind, Matrix, Named, State, Verdict, features_json, html, json, markdown,
};
use wassay_reports::{Apart, Engine, Outcome, Shards};

fn matrix(reports: &[Named]) -> Matrix {
    Matrix::of(reports, &[])
}

fn cell<'a>(matrix: &'a Matrix, feature: &str, column: usize) -> &'a Cell {
    let rows = matrix.groups.iter().flat_map(|group| &group.rows);
    &rows.into_iter().find(|row| row.feature == feature).unwrap().cells[column]
}

fn state(matrix: &Matrix, feature: &str, column: usize) -> State {
    cell(matrix, feature, column).state
}

fn titles(matrix: &Matrix) -> Vec<String> {
    matrix.columns.iter().map(|column| column.title()).collect()
}

#[test]
fn refusing_everything_supports_nothing() {
    let refuses = Ran::of("lazy", "1").lacks("gc").lacks("simd");
    let matrix = matrix(&[named(&Ran::of("good", "1")), named(&refuses)]);
    assert_eq!((state(&matrix, "gc", 0), state(&matrix, "gc", 1)), (State::Full, State::No));
    let cell = cell(&matrix, "gc", 1);
    // Its assertions that a module is invalid pass all the same, and two modules do not compile.
    assert!(cell.directives.passed > 0, "{:?}", cell.directives);
    assert_eq!((cell.modules.passed, cell.modules.failed), (0, 2));
    assert_eq!(cell.failing[0].failure.source, "(module (type (struct)))");
}

#[test]
fn what_is_blocked_superseded_or_beyond_a_limit_is_apart_from_what_failed() {
    let apart = |apart| matrix(&[named(&Ran::of("e", "1").apart("gc.wast", 2, apart))]);
    for (reason, words) in [
        (Apart::Blocked, "1 blocked by an earlier failure"),
        (Apart::Superseded, "1 superseded by later versions"),
        (Apart::Limit, "1 reached a limit of the engine"),
        (Apart::NotApplicable, "1 not applicable"),
    ] {
        let matrix = apart(reason);
        let cell = cell(&matrix, "gc", 0);
        assert_eq!((cell.state, cell.directives.failed, cell.apart().as_str()), (State::Full, 0, words));
        assert!(html::render(&matrix).contains(&format!("<dt>apart</dt><dd>{words}</dd>")), "{words}");
    }
}

#[test]
fn each_configuration_has_its_column_and_its_flags() {
    let all = Ran::of("node", "26").configured("all-on", &["--wasm-a", "--wasm-b"]);
    let default = Ran::of("node", "26").configured("default", &[]).lacks("gc");
    let matrix = matrix(&[named(&all), named(&default)]);
    assert_eq!(titles(&matrix), ["node 26 (default)", "node 26 (all-on)"]);
    assert_eq!((state(&matrix, "gc", 0), state(&matrix, "gc", 1)), (State::No, State::Full));
    let page = html::render(&matrix);
    assert!(page.contains("<code>--wasm-a --wasm-b</code>"));
    assert!(markdown::render(&matrix).contains("flags `--wasm-a --wasm-b`"));
}

#[test]
fn where_an_engine_lies_makes_no_column() {
    let at = |command: &str, started: &str| {
        let mut report = named(&Ran::of("node", "26").on(started));
        report.report.engine.command = Some(command.to_owned());
        report
    };
    let matrix =
        matrix(&[at("/a/node wap.js", "2026-01-01T00:00:00Z"), at("/b/node wap.js", "2026-01-02T00:00:00Z")]);
    assert_eq!((matrix.columns.len(), matrix.columns[0].runs.len()), (1, 1));
    assert_eq!(matrix.columns[0].engine.command.as_deref(), Some("/b/node wap.js"), "the newest is shown");
}

#[test]
fn an_incomplete_run_keeps_the_column_of_the_last_complete_one() {
    let old = named(&Ran::of("node", "26").on("2026-01-01T00:00:00Z"));
    let mut new = named(&Ran::of("node", "26").on("2026-02-01T00:00:00Z").lacks("gc"));
    new.report.interrupted = true;
    let both = matrix(&[new.clone(), old.clone()]);
    assert_eq!((both.columns.len(), state(&both, "gc", 0)), (1, State::Full));
    let note = "as of 2026-01-01T00:00:00Z, the last complete run; that of 2026-02-01T00:00:00Z is not complete (the run was interrupted)";
    assert_eq!((both.columns[0].notes.as_slice(), both.left_out.len()), (&[note.to_owned()][..], 1));
    assert!(html::render(&both).contains(note));
    // It is ignored alone; a complete run of another version replaces it.
    let alone = matrix(&[new.clone()]);
    assert_eq!((alone.columns.len(), alone.left_out[0].why.as_str()), (0, "the run was interrupted"));
    let before = named(&Ran::of("node", "25").on("2025-01-01T00:00:00Z"));
    let stays = Matrix::of(&[new.clone()], &[before]);
    assert_eq!(titles(&stays), ["node 25"]);
    assert!(stays.columns[0].notes[0].contains("of version 26 is not"), "{:?}", stays.columns[0].notes);
    // A shard is not the whole, and a run that judged nothing says nothing.
    new.report.interrupted = false;
    new.report.shards = Some(Shards { numbers: vec![1], count: 2, selection: "s".to_owned(), cases: 9 });
    assert!(matrix(&[new.clone()]).columns.is_empty());
    new.report.shards = None;
    new.report.suites.clear();
    assert_eq!(matrix(&[new]).left_out[0].why, "nothing was judged");
}

#[test]
fn a_repackaged_engine_is_named_as_such() {
    let mut report = named(&Ran::of("node", "20"));
    report.report.engine.package = Some("Debian nodejs 20.19".to_owned());
    let matrix = matrix(&[report]);
    assert_eq!(matrix.columns[0].notes, ["repackaged: Debian nodejs 20.19"]);
    assert!(html::render(&matrix).contains("repackaged: Debian nodejs 20.19"));
    let features: Value = serde_json::from_str(&features_json::render(&matrix)).unwrap();
    assert!(features["browsers"]["node (Debian nodejs 20.19)"].is_object());
}

#[test]
fn engines_are_ordered_by_version_and_rows_by_standard() {
    let matrix = matrix(&["10", "9", "10-rc.1"].map(|version| named(&Ran::of("e", version))));
    assert_eq!(titles(&matrix), ["e 9", "e 10-rc.1", "e 10"]);
    let rows: Vec<&str> =
        matrix.groups.iter().flat_map(|group| &group.rows).map(|row| row.feature.as_str()).collect();
    assert_eq!(rows, ["", "simd", "gc", "teleport"]);
    let titles: Vec<&str> = matrix.groups.iter().map(|group| group.standard.title()).collect();
    assert_eq!(titles, ["WebAssembly 1.0", "WebAssembly 2.0", "WebAssembly 3.0", "Other features"]);
}

#[test]
fn what_passed_is_what_was_judged_and_did_not_fail() {
    let fails = |name: &str, line| Ran::of(name, "1").fails("plain.wast", line);
    let matrix = matrix(&[
        named(&fails("a", 2).fails("plain.wast", 3)),
        named(&fails("b", 3)),
        named(&fails("c", 3).fails("plain.wast", 4)),
        named(&fails("d", 3).fails("plain.wast", 4)),
    ]);
    let found = &matrix.disagreements;
    let kinds: Vec<(Kind, u32)> = found.directives.iter().map(|one| (one.kind, one.line)).collect();
    assert_eq!(kinds, [(Kind::OneFails, 2), (Kind::AllFail, 3), (Kind::Differ, 4)]);
    assert_eq!((found.one_fails, found.all_fail, found.differ, found.left), (1, 1, 1, 0));
    assert_eq!(found.compared, official().directives());
    let words: Vec<&str> = found.directives[0].verdicts.iter().map(Verdict::word).collect();
    assert_eq!(words, ["failed", "passed", "passed", "passed"]);
    assert_eq!(found.directives[0].source, "(assert_return (invoke \"f2\") (i32.const 1))");
    assert!(found.uncompared.is_empty());
}

#[test]
fn failures_of_only_one_engine_are_grouped() {
    let matrix = matrix(&[
        named(&Ran::of("a", "1").fails("plain.wast", 3).fails("simd.wast", 2)),
        named(&Ran::of("b", "1").fails("plain.wast", 2).fails("gc.wast", 3)),
        named(&Ran::of("c", "1")),
        named(&Ran::of("d", "1").fails("simd.wast", 4)),
    ]);
    let found: Vec<(&str, u32)> =
        matrix.disagreements.directives.iter().map(|one| (one.case.as_str(), one.line)).collect();
    let expected = [("plain.wast", 3), ("simd.wast", 2), ("plain.wast", 2), ("gc.wast", 3), ("simd.wast", 4)];
    assert_eq!(found, expected);
}

#[test]
fn configurations_of_one_engine_are_one_voice() {
    let all = Ran::of("a", "1").configured("all-on", &["-x"]).fails("plain.wast", 2);
    let reports = [Ran::of("a", "1").fails("plain.wast", 2), all, Ran::of("b", "1"), Ran::of("c", "1")];
    let one = matrix(&reports.each_ref().map(named));
    assert_eq!(one.disagreements.directives[0].kind, Kind::OneFails);
    // An engine does not bear itself out: what only its versions fail is not failed by all.
    let alone = matrix(&[named(&reports[0]), named(&reports[1])]);
    assert!(alone.disagreements.directives.is_empty());
}

#[test]
fn engines_without_a_feature_are_ignored_for_it() {
    // Without the feature, every assertion that something is invalid passes.
    let lacks = Ran::of("b", "1").lacks("gc");
    let matrix =
        matrix(&[named(&Ran::of("a", "1").fails("gc.wast", 4)), named(&lacks), named(&Ran::of("c", "1"))]);
    let found = &matrix.disagreements.directives;
    assert_eq!(
        (found.len(), found[0].kind, found[0].line),
        (1, Kind::Differ, 4),
        "nothing is said of what is lacked"
    );
    assert_eq!(found[0].verdicts[1], Verdict::Lacks { feature: "gc".to_owned() });
}

#[test]
fn scripts_that_are_not_the_same_are_not_compared() {
    let mut other = named(&Ran::of("b", "1").fails("plain.wast", 2));
    let case = &mut other.report.suites[0].cases[0];
    case.keys[0] = common::key(250);
    let matrix = matrix(&[named(&Ran::of("a", "1")), other.clone(), named(&Ran::of("c", "1"))]);
    let uncompared = &matrix.disagreements.uncompared;
    assert_eq!((uncompared.len(), uncompared[0].columns.as_slice()), (1, &["b 1".to_owned()][..]));
    assert!(matrix.disagreements.directives.is_empty());
    assert!(matrix.warnings[0].starts_with("`spec` was run in 2 versions"), "{:?}", matrix.warnings);
    let digests: Vec<&str> =
        matrix.columns.iter().map(|column| column.runs[0].suites[0].digest.as_str()).collect();
    assert!(digests[0] == digests[2] && digests[0] != digests[1]);
    assert!(html::render(&matrix).contains("was run in 2 versions"));
}

#[test]
fn a_report_that_does_not_account_for_its_counts_is_not_believed_to_have_passed() {
    let mut vague = named(&Ran::of("b", "1").fails("plain.wast", 2));
    vague.report.suites[0].cases[0].failures.clear();
    let fails = |name: &str| named(&Ran::of(name, "1").fails("plain.wast", 2));
    let matrix = matrix(&[fails("a"), vague, fails("c")]);
    let found = &matrix.disagreements;
    assert_eq!(found.directives[0].verdicts[1], Verdict::Unknown);
    assert_eq!(found.directives[0].kind, Kind::AllFail);
    assert_eq!(found.uncompared[0].why, "its report does not say what became of each directive");
}

#[test]
fn a_suite_does_not_depend_on_its_folder() {
    let mut other = named(&Ran::of("b", "1").fails("plain.wast", 2));
    other.report.suites[0].name = "./elsewhere".to_owned();
    let matrix = matrix(&[named(&Ran::of("a", "1")), other, named(&Ran::of("c", "1"))]);
    // All directives of that script are.
    assert_eq!(matrix.disagreements.uncompared.len(), 0);
    let found = &matrix.disagreements;
    assert_eq!((found.compared, found.directives.len()), (official().directives(), 1));
}

#[test]
fn older_reports_tell_since_when() {
    let version = |version: &str, lacks: bool| {
        let ran = Ran::of("e", version).on(&format!("20{version}-01-01T00:00:00Z"));
        named(&if lacks { ran.lacks("gc") } else { ran })
    };
    let newest = [version("26", false)];
    let history = [version("24", false), version("20", true), version("22", true), version("25", false)];
    let since = |history: &[Named]| {
        let matrix = Matrix::of(&newest, history);
        assert_eq!(matrix.columns.len(), 1, "history is not a column");
        cell(&matrix, "gc", 0).since.clone()
    };
    let known = since(&history).unwrap();
    assert_eq!((known.version.as_str(), known.not_in.as_deref()), ("24", Some("22")));
    assert_eq!(known.words(), "since 24");
    let least = since(&history[..1]).unwrap();
    assert_eq!((least.words().as_str(), least.not_in), ("since 24 at least", None));
    assert_eq!(since(&[]), None);
    // Support that went away in between began anew.
    let again = since(&[version("20", false), version("25", true)]).unwrap();
    assert_eq!((again.version.as_str(), again.not_in.as_deref()), ("26", Some("25")));
    // Another configuration is another story.
    let other = named(&Ran::of("e", "20").configured("all-on", &["-x"]).lacks("gc"));
    assert_eq!(since(&[other]), None);
}

#[test]
fn the_shape_of_features_json() {
    let version = |version: &str| Ran::of("e", version).on(&format!("20{version}-01-01T00:00:00Z"));
    let flag = version("26").configured("all-on", &["--gc"]);
    let default = version("26").configured("default", &[]).lacks("gc").fails("simd.wast", 3);
    let old = version("20").configured("default", &[]).lacks("gc").lacks("simd");
    let matrix = Matrix::of(&[named(&flag), named(&default)], &[named(&old)]);
    let features: Value = serde_json::from_str(&features_json::render(&matrix)).unwrap();
    assert_eq!(
        features["browsers"]["e"]["features"],
        json!({ "gc": ["flag", "Requires `--gc`"], "simd": ["26", "1 of 5 directives fail"] })
    );
    assert_eq!(features["features"]["gc"]["phase"], 5);
    assert_eq!(features["features"]["gc"].as_object().unwrap().len(), 3, "description, url, phase");
    let evidence = &features["evidence"]["e"];
    assert_eq!(evidence["configurations"][1]["engine"]["flags"], json!(["--gc"]));
    assert_eq!(evidence["features"]["gc"][0]["state"], "no");
    assert_eq!(evidence["configurations"][0]["suites"][0]["digest"].as_str().unwrap().len(), 16);
    let only_partly = Ran::of("e", "1").fails("gc.wast", 1);
    let matrix = Matrix::of(&[named(&only_partly)], &[]);
    let features: Value = serde_json::from_str(&features_json::render(&matrix)).unwrap();
    let status = &features["browsers"]["e"]["features"]["gc"];
    assert_eq!(status, &json!([false, "1 of 2 modules compile; 1 of 5 directives fail"]));
}

#[test]
fn guests_of_wasi_are_a_row_and_compared_as_cases() {
    use Outcome::{Failed, Passed, Skipped, Timeout};
    let reports = [
        Ran::of("a", "1").guests(&[Passed, Passed, Failed]),
        Ran::of("b", "1").guests(&[Passed, Passed, Passed]),
        Ran::of("c", "1").guests(&[Timeout, Passed, Failed]),
        Ran::of("d", "1").guests(&[Failed, Failed, Failed]),
        Ran::of("e", "1"),
        Ran::of("f", "1").guests(&[Skipped, Skipped, Skipped]),
    ];
    let matrix = matrix(&reports.each_ref().map(named));
    let group = matrix.groups.last().unwrap();
    assert_eq!((group.standard.title(), group.rows[0].title.as_str()), ("WASI cases", "wasi"));
    let cells: Vec<(State, String, String)> =
        group.rows[0].cells.iter().map(|cell| (cell.state, cell.words(), cell.passed())).collect();
    let cell = |state, words: &str, passed: &str| (state, words.to_owned(), passed.to_owned());
    let expected = [
        cell(State::Deviates, "1 fail", "2 / 3"),
        cell(State::Full, "yes", "3"),
        cell(State::Deviates, "2 fail", "1 / 3"),
        cell(State::No, "no", ""),
        cell(State::NotRun, "not run", ""),
        cell(State::Unknown, "unknown", ""),
    ];
    assert_eq!(cells, expected);
    let failing = &group.rows[0].cells[2].failing;
    assert_eq!((failing.len(), failing[1].case.as_str()), (2, "guest-2.wasm"));
    // A guest is one unit, and its steps are not counted.
    let found = &matrix.disagreements;
    assert_eq!(found.compared, official().directives() + 3);
    let told: Vec<(Kind, &str, &str)> =
        found.directives.iter().map(|one| (one.kind, one.case.as_str(), one.verdicts[4].word())).collect();
    let expected = [
        (Kind::OneFails, "guest-1.wasm", "not run"),
        (Kind::Differ, "guest-0.wasm", "not run"),
        (Kind::Differ, "guest-2.wasm", "not run"),
    ];
    assert_eq!(told, expected);
    assert_eq!(found.directives[0].verdicts[5].word(), "skipped");
    assert!(found.uncompared.is_empty(), "{:?}", found.uncompared);
    let page = html::render(&matrix);
    assert!(page.contains("<dt>cases</dt><dd>1 of 3 cases passed</dd>"));
    assert!(page.contains("wrong-exit-code: it ended with exit code 71"));
    assert!(markdown::render(&matrix).contains("| **WASI cases** |"));
}

#[test]
fn other_guests_of_the_same_name_are_not_compared() {
    let mut other = named(&Ran::of("b", "1").guests(&[Outcome::Failed]));
    other.report.suites[1].cases[0].guest = Some(common::key(9));
    let passed = |name: &str| named(&Ran::of(name, "1").guests(&[Outcome::Passed]));
    let matrix = matrix(&[passed("a"), other, passed("c")]);
    let found = &matrix.disagreements;
    assert_eq!((found.directives.len(), found.uncompared[0].case.as_str()), (0, "guest-0.wasm"));
    assert!(matrix.warnings[0].starts_with("`wasi` was run in 2 versions"), "{:?}", matrix.warnings);
}

#[test]
fn older_reports_tell_since_when_guests_run() {
    let ran = |version: &str, outcome| named(&Ran::of("e", version).guests(&[outcome]));
    let matrix = Matrix::of(&[ran("2", Outcome::Passed)], &[ran("1", Outcome::Failed)]);
    let since = matrix.groups.last().unwrap().rows[0].cells[0].since.clone().unwrap();
    assert_eq!((since.version.as_str(), since.not_in.as_deref()), ("2", Some("1")));
}

#[test]
fn a_suite_that_cannot_be_run_is_not_run_and_makes_no_noise() {
    let skipped = |name: &str| {
        let mut named = named(&Ran::of(name, "1").guests(&[Outcome::Skipped]));
        named.report.suites[1].cases[0].guest = None;
        named
    };
    let ours = named(&Ran::of("a", "1").guests(&[Outcome::Passed]));
    let matrix = matrix(&[ours, skipped("b"), skipped("c")]);
    let states: Vec<State> =
        matrix.groups.last().unwrap().rows[0].cells.iter().map(|cell| cell.state).collect();
    assert_eq!(states, [State::Full, State::NotRun, State::NotRun]);
    assert!(matrix.disagreements.uncompared.is_empty(), "{:?}", matrix.disagreements.uncompared);
}

#[test]
fn goldens() {
    let node = |version: &str| {
        let ran = Ran::of("node", version).on(&format!("20{version}-01-01T00:00:00Z"));
        ran.configured("default", &[])
    };
    let mut debian = named(&node("26").fails("plain.wast", 2).fails("simd.wast", 3));
    debian.report.engine = Engine {
        package: Some("Debian nodejs".to_owned()),
        command: Some("node wap.js".to_owned()),
        ..debian.report.engine
    };
    let reports = [
        named(&Ran::of("wassay", "0.1.0")),
        debian,
        named(&Ran::of("other", "2").lacks("gc").apart("plain.wast", 5, Apart::Limit)),
    ];
    let matrix = Matrix::of(&reports, &[named(&node("20").lacks("gc"))]);
    insta::assert_snapshot!("markdown", markdown::render(&matrix));
    insta::assert_snapshot!("json", json::render(&matrix));
    let page = html::render(&matrix);
    insta::assert_snapshot!("html", page.split_once("<body>").unwrap().1);
}

#[test]
fn everything_is_escaped() {
    let nasty = "</style><script>alert(1)</script><img src=x onerror=\"a\">'\"&{{ 7 * 7 }}|`\n# x\u{0}\u{202e}##[error]";
    let mut bad = named(&Ran::of(nasty, nasty).fails("plain.wast", 2).configured(nasty, &[nasty]));
    let report = &mut bad.report;
    report.engine.command = Some(nasty.to_owned());
    report.engine.adapter = Some(nasty.to_owned());
    report.engine.package = Some(nasty.to_owned());
    (report.host, report.harness) = (nasty.to_owned(), Some(Engine::new(nasty, nasty)));
    report.suites[0].name = nasty.to_owned();
    report.suites[0].source = nasty.to_owned();
    report.suites[0].url = Some(format!("javascript:{nasty}"));
    for case in &mut report.suites[0].cases {
        case.needs.iter_mut().flat_map(|needs| &mut needs.features).for_each(|name| name.push_str(nasty));
        for failure in &mut case.failures {
            (failure.kind, failure.message, failure.source) =
                (nasty.to_owned(), nasty.to_owned(), nasty.to_owned());
            (failure.expected, failure.actual) = (Some(nasty.to_owned()), Some(nasty.to_owned()));
        }
    }
    let mut cut = bad.clone();
    (cut.name, cut.report.interrupted, cut.report.started) = (nasty.to_owned(), true, format!("9{nasty}"));
    let reports = [bad, cut, named(&Ran::of("b", "1")), named(&Ran::of("c", "1"))];
    let matrix = matrix(&reports);
    let page = html::render(&matrix);
    assert!(page.matches("alert(1)").count() > 20, "it is all shown");
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("onerror=\""));
    assert_eq!(page.matches("</style").count(), 1);
    assert!(!page.contains("href=\"javascript:") && !page.contains("49}}"));
    assert!(!page.contains('\0') && !page.contains('\u{202e}'));
    assert!(page.contains("default-src 'none'") && !page.contains("script-src"));
    for loading in ["src=", "@import", "url(", "<link rel=\"stylesheet", "http-equiv=\"refresh"] {
        assert!(!page.replace("<img src=x", "").contains(loading) || loading == "src=", "{loading}");
    }
    let text = markdown::render(&matrix);
    assert!(!text.lines().any(|line| line.starts_with("# x")), "a line feed does not begin a heading");
    let columns = text.lines().find(|line| line.starts_with("| |")).unwrap().replace("\\|", "");
    assert_eq!(columns.matches('|').count(), 5, "{columns}");
    let documents = [json::render(&matrix), features_json::render(&matrix)];
    for document in &documents {
        serde_json::from_str::<Value>(document).unwrap();
    }
    for document in documents.iter().chain([&text, &page]) {
        assert!(!document.contains('\u{202e}') && !document.contains("##[error]"), "{document}");
    }
}

#[test]
fn pages_have_a_limit_and_say_what_they_leave_out() {
    let mut reports = Vec::new();
    for number in 0..70 {
        let mut report =
            named(&Ran::of(&format!("engine-{number}"), "1").fails("gc.wast", 4).fails("plain.wast", 2));
        let suite = &mut report.report.suites[0];
        for case in &mut suite.cases {
            case.failures.iter_mut().for_each(|failure| failure.source = "<".repeat(1 << 16));
            let more = case.needs.clone().into_iter().enumerate().map(|(at, mut needs)| {
                needs.features = (0..50).map(|name| format!("f{at}-{name}{}", "<".repeat(500))).collect();
                needs
            });
            case.needs = case.needs.iter().cloned().chain(more).collect();
        }
        report.report.host = "<".repeat(1 << 16);
        report.report.engine.flags = vec!["\"".repeat(1 << 16)];
        reports.push(report);
    }
    let matrix = matrix(&reports);
    assert_eq!((matrix.columns.len(), matrix.left_out.len()), (64, 6));
    let page = html::render(&matrix);
    assert!(page.len() < html::MAX_LENGTH, "{}", page.len());
    assert!(page.contains("more columns, in the JSON matrix"));
    assert!(markdown::render(&matrix).len() <= markdown::MAX_LENGTH);
    assert!(json::render(&matrix).len() < 100 << 20);
}
