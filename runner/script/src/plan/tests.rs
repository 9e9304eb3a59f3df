//! Tests of the requests of plans, and of judging their answers.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::file::{Header, MAGIC, Plan, ScriptHeader, SuiteHeader, Writer, replies, reply};
use super::{Alter, Engine, Reply, ScriptPlan, Want, compile};
use crate::options::Options;
use crate::source::Source;
use crate::verdict::Outcome;
use crate::wap::Hello;
use crate::{keys, parse};

fn plan_with(text: &str, features: &str, alter: Option<Alter>) -> ScriptPlan {
    let script = parse(Source::new("a.wast", text)).unwrap();
    let options = Options { features: features.parse().unwrap(), ..Options::default() };
    compile(&script, &options, &keys::of(&script), alter)
}

fn plan(text: &str) -> ScriptPlan {
    plan_with(text, "3.0", None)
}

/// The first words of the requests: their kind and handles.
fn requests(plan: &ScriptPlan) -> Vec<String> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let shown = match words[0] {
            "C" => 2,
            "L" => 3,
            _ => words.len(),
        };
        words[..shown].join(" ")
    };
    plan.requests.text().lines().map(line).collect()
}

/// Judges answers; requests without an answer here succeed.
fn judge(plan: &ScriptPlan, hello: &str, answers: &[(&str, &str)]) -> Vec<String> {
    let replies: Vec<Reply> = requests(plan)
        .iter()
        .map(|request| {
            let given = answers.iter().find(|(of, _)| of == request).map(|(_, answer)| *answer);
            reply(given.unwrap_or(match request.split(' ').next() {
                Some("V") => "v 0",
                Some("B" | "E") => "ok a.wast",
                _ => "ok",
            }))
        })
        .collect();
    assert_eq!(plan.in_step(&replies), Ok(()));
    let hello = Hello::read(&format!("ok engine=e {hello}").parse().unwrap()).unwrap();
    let result = plan.judge(&replies, &Engine { hello, ..Engine::default() });
    let directives = result.directives.iter();
    directives
        .map(|directive| match &directive.outcome {
            Outcome::Passed if directive.coarse => "coarse".to_owned(),
            Outcome::Passed => "pass".to_owned(),
            Outcome::Failed(failure) => match &failure.actual {
                Some(actual) => format!("{}: {actual}", failure.kind),
                None => failure.kind.to_string(),
            },
            Outcome::Apart(apart, _) => apart.word().to_owned(),
            other => format!("{other:?}"),
        })
        .collect()
}

const MODULE: &str = "(module (func (export \"f\") (param i32) (result i32) (local.get 0)) (func (export \"d\") (result f64 i64) (unreachable)))";

#[test]
fn calls_on_one_instance_share_a_wrapper() {
    let plan = plan(&format!(
        "{MODULE} (register \"m\") (assert_return (invoke \"f\" (i32.const 1)) (i32.const 1)) (invoke \"f\" (i32.const 2))
         (assert_trap (invoke \"d\") \"unreachable\") (module) (assert_malformed (module quote \"(\") \"x\")"
    ));
    assert_eq!(
        requests(&plan),
        [
            "B a.wast features=3.0",
            "C 0",
            "I 1 0",
            "N 1 m",
            "L 2 1",
            "V 2 0",
            "V 2 1",
            "V 2 2",
            "V 2 a0",
            "V 2 a1",
            "C 3",
            "I 4 3",
            "E a.wast"
        ]
    );
    assert_eq!(
        judge(&plan, "", &[("V 2 2", "E trap boom")]),
        ["pass", "pass", "pass", "pass", "pass", "pass", "not applicable"]
    );
    assert!(plan.directives.iter().all(|planned| planned.key.is_some()));
}

#[test]
fn calls_on_instances_in_turns_take_a_wrapper_for_each_and_keep_their_order() {
    let plan = plan(&format!(
        "(module $a (func (export \"g\"))) {MODULE}
         (invoke $a \"g\") (assert_return (invoke \"f\" (i32.const 1)) (i32.const 1)) (invoke $a \"g\")
         (assert_return (invoke \"f\" (i32.const 2)) (i32.const 3)) (module) (invoke $a \"g\")"
    ));
    let requests = requests(&plan);
    let of_calls = &requests[5..requests.len() - 1];
    assert_eq!(
        of_calls,
        ["L 4 1", "L 5 3", "V 4 0", "V 5 0", "V 4 1", "V 5 1", "V 5 a0", "C 6", "I 7 6", "L 8 1", "V 8 0"]
    );
    let noted = [("V 5 1", "v 1"), ("V 5 a0", "v 2"), ("V 4 1", "E trap boom")];
    let wrong = "wrong-value: i32 2 (0x00000002)";
    assert_eq!(
        judge(&plan, "", &noted),
        ["pass", "pass", "pass", "pass", "unexpected-trap", wrong, "pass", "pass"]
    );
}

#[test]
fn wrappers_are_valid_and_have_what_is_asked_of_them() {
    let script = "(module (type $s (struct)) (tag $t) (global (export \"g\") v128 (v128.const i32x4 1 2 3 4))
        (func (export \"e\") (param externref) (result externref anyref (ref null $s) funcref exnref) (unreachable))
        (func (export \"t\") (throw $t)))
      (assert_return (invoke \"e\" (ref.extern 1)) (ref.extern 1) (ref.host 2) (ref.null) (ref.func) (ref.null exn))
      (assert_return (get \"g\") (v128.const f32x4 nan:canonical 1 2 nan:arithmetic))
      (assert_return (get \"g\") (either (v128.const i8x16 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0) (v128.const i64x2 1 2)))
      (assert_exception (invoke \"t\"))";
    for alter in [None, Some(Alter(0)), Some(Alter(3)), Some(Alter(15))] {
        let plan = plan_with(script, "3.0", alter);
        let wrappers = plan.requests.text().lines().filter_map(|line| line.strip_prefix("L "));
        let mut count = 0;
        for wrapper in wrappers {
            let bytes = data_encoding::BASE64.decode(wrapper.rsplit(' ').next().unwrap().as_bytes()).unwrap();
            let mut validator = wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all());
            validator.validate_all(&bytes).unwrap();
            count += 1;
        }
        // One that needs the host, one that catches, one for the rest.
        assert_eq!(count, if alter.is_none() { 3 } else { 2 });
    }
}

#[test]
fn unexpected_results_are_shown_if_they_were_recorded() {
    let plan = plan(&format!(
        "{MODULE} (assert_return (invoke \"f\" (i32.const 1)) (i32.const 1)) (assert_return (invoke \"f\" (i32.const 1)) (i32.const 2))
         (assert_return (invoke \"d\") (f64.const nan:canonical) (i64.const 3))"
    ));
    let noted = [("V 2 1", "v 1"), ("V 2 a0", "v -7"), ("V 2 a1", "v 0")];
    assert_eq!(judge(&plan, "", &noted), ["pass", "pass", "wrong-value: i32 -7 (0xfffffff9)", "pass"]);
    let last = [("V 2 1", "v 1"), ("V 2 2", "v 2"), ("V 2 a0", "v 5"), ("V 2 a1", "v 0")];
    let long = "wrong-value: …; i64 5 (0x0000000000000005)";
    assert_eq!(judge(&plan, "", &last), ["pass", "pass", "wrong-value", long]);
    let nan = [("V 2 2", "v 1"), ("V 2 a0", "v 0"), ("V 2 a1", "v 1072693248")];
    assert_eq!(judge(&plan, "", &nan)[3], "wrong-nan: f64 1.0 (0x3ff0000000000000); …");
    assert_eq!(judge(&plan, "", &[("V 2 2", "v 3")])[3], "unexpected-internal");
    assert_eq!(judge(&plan, "", &[("V 2 2", "ok")])[3], "unexpected-internal");
    assert_eq!(plan.not_noted(&[]), []);
}

#[test]
fn directives_on_a_rejected_module_are_blocked() {
    let text = format!(
        "{MODULE} (register \"m\") (invoke \"f\" (i32.const 1)) (module (import \"m\" \"f\" (func)))
         (assert_unlinkable (module (import \"m\" \"g\" (func))) \"unknown import\") (module) (module instance)"
    );
    let plan = plan(&text);
    let refused = [
        ("C 0", "E compile no"),
        ("I 1 0", "E nohandle"),
        ("N 1 m", "E nohandle"),
        ("L 2 1", "E nohandle"),
        ("V 2 0", "E nohandle"),
        ("I 4 3", "E link missing"),
        ("I 6 5", "E link missing"),
    ];
    // A missing module does not satisfy `assert_unlinkable`.
    assert_eq!(
        judge(&plan, "", &refused),
        ["unexpected-refused", "blocked", "blocked", "blocked", "blocked", "pass", "pass"]
    );
}

#[test]
fn failures_because_of_a_rejected_module_are_blocked() {
    let text =
        "(module $m (memory (export \"mem\") 1) (func (export \"f\") (result i32) (i32.load (i32.const 0))))
        (register \"m\") (module (import \"m\" \"mem\" (memory 1)) (data (i32.const 0) \"a\"))
        (assert_return (invoke $m \"f\") (i32.const 97)) (assert_return (invoke $m \"f\") (i32.const 97))";
    let plan = plan(text);
    let failed = [("V 4 0", "v 1")];
    assert_eq!(judge(&plan, "", &failed)[3..], ["wrong-value: i32 0 (0x00000000)", "pass"]);
    let refused = [("C 2", "E unsupported no"), ("I 3 2", "E nohandle"), ("V 4 0", "v 1")];
    assert_eq!(judge(&plan, "", &refused)[2..], ["unexpected-unsupported", "blocked", "pass"]);
}

const EXTERN: &str = "(module (global $g (mut externref) (ref.null extern))
  (func (export \"set\") (param externref) (global.set $g (local.get 0)))
  (func (export \"get\") (result externref) (global.get $g))
  (func (export \"null\") (result i32) (ref.is_null (global.get $g)))
  (func (export \"trap\") (unreachable)))";

#[test]
fn host_references_are_not_applicable_if_the_adapter_lacks_them() {
    let plan = plan(&format!(
        "{EXTERN} (assert_return (invoke \"null\") (i32.const 1)) (invoke \"set\" (ref.extern 7))
         (assert_return (invoke \"get\") (ref.extern 7)) (assert_return (invoke \"get\") (ref.extern))
         (assert_return (invoke \"null\") (i32.const 0))
         (assert_return (invoke \"null\") (i32.const 0)) (assert_trap (invoke \"trap\") \"unreachable\")"
    ));
    let wrappers: Vec<String> =
        requests(&plan).into_iter().filter(|request| request.starts_with(['L', 'V'])).collect();
    assert_eq!(wrappers[..2], ["L 2 1", "L 3 1"], "{wrappers:?}");
    let right = [("V 2 4", "E trap")];
    let all = ["pass", "pass", "pass", "pass", "pass", "pass", "pass", "pass"];
    assert_eq!(judge(&plan, "caps=host", &right), all);
    let apart = "not applicable";
    for class in ["E link no $h", "E unsupported", "E compile", "E error", "ok"] {
        // Failures after a call that was not performed are blocked; passes count.
        let without =
            [("L 3 1", class), ("V 3 0", "E nohandle"), ("V 3 1", "E nohandle"), ("V 2 1", "v 1"), right[0]];
        let judged = judge(&plan, "", &without);
        assert_eq!(judged, ["pass", "pass", apart, apart, apart, "pass", "pass", "pass"], "{class}");
    }
    // An adapter that declares host references is judged by its behaviour; its own failures remain.
    let lies = [("L 3 1", "E link no $h"), ("V 3 0", "E nohandle"), ("V 3 1", "E nohandle"), right[0]];
    assert_eq!(judge(&plan, "caps=host", &lies)[2..4], ["unexpected-unlinkable", "unexpected-unlinkable"]);
    let before = [("V 2 0", "v 1"), right[0]];
    assert_eq!(judge(&plan, "", &before)[1], "wrong-value: i32 0 (0x00000000)");
}

#[test]
fn failures_because_of_a_missing_call_are_blocked() {
    let text =
        "(module (global $g (mut i32) (i32.const 0)) (func (export \"set\") (global.set $g (i32.const 1)))
        (func (export \"get\") (result i32) (global.get $g)))
        (invoke \"set\")
        (assert_return (invoke \"get\") (i32.const 1))";
    let plan = plan(text);
    let outcomes = |first: &Reply| {
        let replies: Vec<Reply> = requests(&plan)
            .iter()
            .map(|request| match request.as_str() {
                "V 2 0" => first.clone(),
                "V 2 1" => reply("v 1"),
                "B a.wast features=3.0" | "E a.wast" => reply("ok a.wast"),
                request if request.starts_with('V') => reply("v 0"),
                _ => reply("ok"),
            })
            .collect();
        let directives = plan.judge(&replies, &Engine::default()).directives;
        let word = |outcome: &Outcome| match outcome {
            Outcome::Apart(apart, _) => apart.word().to_owned(),
            other => other.word().to_string(),
        };
        directives.iter().map(|directive| word(directive.outcome)).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&reply("v 0")), ["passed", "passed", "failed"]);
    assert_eq!(outcomes(&reply("E limit full")), ["passed", "limit", "blocked"]);
    for end in [Reply::Crashed("gone".into()), Reply::TimedOut("late".into()), Reply::Broken("?".into())] {
        assert_eq!(outcomes(&end)[2], "blocked", "{end:?}");
        assert!(outcomes(&end)[1] != "blocked", "{end:?}");
    }
}

#[test]
fn classes_that_an_adapter_merges_are_coarse() {
    let text = format!(
        "{MODULE} (assert_trap (invoke \"d\") \"x\") (assert_exhaustion (invoke \"d\") \"x\")
         (assert_invalid (module (func (result i32))) \"x\") (assert_malformed (module binary \"\") \"x\")"
    );
    let plan = plan(&text);
    let answers = |class: &'static str, other: &'static str| {
        [("V 2 0", class), ("V 2 1", other), ("C 3", "E compile"), ("C 4", "E malformed")]
    };
    let exact = judge(&plan, "", &answers("E trap", "E trap"));
    assert_eq!(exact, ["pass", "pass", "trap-instead-of-exhaustion: trap: ", "coarse", "pass"]);
    let merged = judge(&plan, "merges=trap+exhaustion", &answers("E trap", "E trap"));
    assert_eq!(merged, ["pass", "coarse", "coarse", "coarse", "pass"]);
    assert_eq!(judge(&plan, "", &answers("E limit", "E exhaustion"))[1..3], ["limit", "pass"]);
    assert_eq!(
        judge(&plan, "", &answers("v 1", "v 1"))[1..3],
        ["trap-expected", "exhaustion-expected: f64 0.0 (0x0000000000000000)"]
    );
}

#[test]
fn errors_that_later_versions_accept_are_superseded_without_feature_switching() {
    let text = "(assert_invalid (module (memory 1) (memory 1)) \"multiple memories\") (assert_invalid (module (func (result i32))) \"x\")";
    let old = plan_with(text, "2.0", None);
    let accepted = [("C 0", "ok"), ("C 1", "ok")];
    assert_eq!(judge(&old, "", &accepted), ["superseded", "not-invalid: no error"]);
    assert_eq!(judge(&old, "caps=features", &accepted)[0], "not-invalid: no error");
    assert_eq!(judge(&old, "", &[("C 0", "E invalid"), ("C 1", "E invalid")]), ["pass", "pass"]);
}

#[test]
fn errors_that_are_known_without_the_engine_are_judged() {
    let plan = plan(&format!(
        "{MODULE} (invoke \"nothing\") (assert_trap (invoke \"f\") \"x\") (assert_return (invoke \"f\" (i64.const 1)) (i32.const 1))
         (invoke $m \"f\") (nonsense) (get \"f\") (assert_return (invoke \"f\" (i32.const 1)))"
    ));
    assert_eq!(
        judge(&plan, "", &[("V 2 0", "v 1")]),
        [
            "pass",
            "no-such-export",
            "wrong-arguments: wrong-arguments: the function takes 1 arguments, but 0 were given",
            "wrong-arguments: wrong-arguments: argument 0 has the wrong type",
            "no-such-instance",
            "unsupported",
            "no-such-instance",
            "no-such-instance",
        ]
    );
}

#[test]
fn threads_custom_sections_and_suspensions_are_not_applicable() {
    let plan = plan(
        "(module $m (memory (export \"mem\") 1 1 shared)) (assert_malformed_custom (module binary \"\") \"x\")
         (thread $t (shared (module $m)) (invoke \"f\")) (wait $t) (invoke $m \"f\")
         (module) (assert_suspension (invoke \"f\") \"unhandled\")",
    );
    assert_eq!(
        judge(&plan, "", &[]),
        [
            "pass",
            "not applicable",
            "not applicable",
            "not applicable",
            "not applicable",
            "pass",
            "not applicable"
        ]
    );
    // Each has a reason.
    let reasons = plan.directives.iter().filter_map(|planned| match &planned.want {
        Want::NotApplicable(why) => Some((planned.keyword.as_str(), why.as_str())),
        _ => None,
    });
    let expected = [
        ("assert_malformed_custom", "custom sections"),
        ("thread", "threads are not supported in plans"),
        ("wait", "it waits for a thread"),
        ("invoke", "it depends on a thread of the script"),
        ("assert_suspension", "an unhandled suspension is not one of the errors"),
    ];
    for ((keyword, why), (expected, said)) in reasons.zip(expected) {
        assert!(keyword == expected && why.contains(said), "{keyword}: {why}");
    }
}

#[test]
fn only_the_imported_items_of_spectest_are_defined() {
    let plan = |text: &str, features: &str| requests(&plan_with(text, features, None));
    assert_eq!(plan("(module)", "3.0").len(), 4);
    let table = "(module (import \"spectest\" \"table64\" (table i64 1 funcref))) (module (import \"spectest\" \"print\" (func)))";
    let made =
        ["C 0", "I 1 0", "N 1 spectest", "C 2", "I 3 2", "X 3 spectest", "C 4", "I 5 4", "C 6", "I 7 6"];
    assert_eq!(plan(table, "3.0")[1..11], made);
    // The item requires the feature.
    assert_eq!(plan(table, "2.0")[1..6], ["C 0", "I 1 0", "N 1 spectest", "C 2", "I 3 2"]);
    let taken =
        plan("(module) (register \"spectest\") (module (import \"spectest\" \"print\" (func)))", "3.0");
    assert_eq!(taken[1..], ["C 0", "I 1 0", "N 1 spectest", "C 2", "I 3 2", "E a.wast"]);
    let again = plan("(module $a) (register \"m\") (module) (register \"m\") (invoke \"f\")", "3.0");
    assert_eq!(again[1..], ["C 0", "I 1 0", "N 1 m", "C 2", "I 3 2", "U m", "N 3 m", "E a.wast"]);
}

#[test]
fn altered_expectations_fail_on_a_conforming_engine() {
    let text = format!(
        "{MODULE} (assert_return (invoke \"f\" (i32.const 1)) (i32.const 1)) (assert_return (invoke \"d\") (f64.const nan:canonical) (i64.const 3))
         (assert_trap (invoke \"d\") \"x\") (invoke \"d\") (assert_invalid (module (func (result i32))) \"x\")"
    );
    let (plan, altered) = (plan(&text), plan_with(&text, "3.0", Some(Alter(1))));
    for (one, other) in plan.directives.iter().zip(&altered.directives) {
        assert_ne!(one.want, other.want, "{}", one.source);
    }
    assert!(matches!(altered.directives[3].want, Want::Done));
    // The answers of an engine that conforms to the script.
    let right =
        [("V 2 0", "v 1"), ("V 2 1", "v 2"), ("V 2 2", "E trap"), ("V 2 3", "v 1"), ("C 3", "E invalid")];
    assert!(judge(&altered, "", &right).iter().all(|outcome| outcome != "pass" && outcome != "coarse"));
}

/// A compressed file with repeated text after a prefix.
fn repeated(begin: &str, text: &[u8], times: usize) -> Vec<u8> {
    let mut file = GzEncoder::new(Vec::new(), Compression::fast());
    file.write_all(begin.as_bytes()).unwrap();
    (0..times).for_each(|_| file.write_all(text).unwrap());
    file.finish().unwrap()
}

#[test]
fn files_with_a_large_uncompressed_size_are_rejected() {
    let plan = format!("{MAGIC}{{\"match_kind\":\"Class\",\"altered\":false}}\nhello wap/1\n");
    let mebibyte = [b'a'; 1 << 20];
    let refused = |file: &[u8]| Plan::read(file).unwrap_err().to_string();
    assert_eq!(
        refused(&repeated(&format!("{plan}# "), &mebibyte, 129)),
        "line 3: a line of more than 134217728 bytes"
    );
    let remarks = "# x\n".repeat(1 << 18);
    let large = "the uncompressed size exceeds 536870912 bytes";
    assert_eq!(refused(&repeated(&plan, remarks.as_bytes(), 513)), large);
    let begin = "ok engine=x\n";
    assert_eq!(replies(repeated(begin, &mebibyte, 513).as_slice(), 7).unwrap_err().to_string(), large);
    // Surplus answers are counted; one that is too long is invalid.
    let (kept, count) = replies(repeated(begin, b"v 0\n", 100_000).as_slice(), 7).unwrap();
    assert_eq!((kept.len(), count), (7, 100_001));
    let long = format!("{begin}E trap {}\nE trap {}\r\nv 1", "a".repeat(65_529), "a".repeat(70_000));
    let (kept, count) = replies(long.as_bytes(), 9).unwrap();
    assert!(matches!(&kept[..], [_, Reply::Answered(_), Reply::Broken(_), Reply::Answered(_)]), "{count}");
}

#[test]
fn plans_survive_writing_and_reading() {
    let plan = plan(&format!(
        "{MODULE} (assert_return (invoke \"f\" (i32.const 1)) (i32.const 1)) (assert_trap (invoke \"d\") \"x\\n##[e]\u{202e}\")"
    ));
    let script = ScriptHeader {
        name: "n\u{202e}\u{9b}".into(),
        label: "a.wast".into(),
        features: "3.0".into(),
        ..ScriptHeader::default()
    };
    let mut writer = Writer::new(Vec::new(), &Header::default()).unwrap();
    writer.suite(&SuiteHeader { name: "s".into(), ..SuiteHeader::default() }).unwrap();
    writer.script(&script, &plan).unwrap();
    let (bytes, requests) = writer.finish().unwrap();
    let read = Plan::read(bytes.as_slice()).unwrap();
    assert_eq!((read.requests(), requests), (1 + plan.requests.len(), 1 + plan.requests.len()));
    let (header, again) = &read.suites[0].1[0];
    assert_eq!((header, &again.requests, &again.directives), (&script, &plan.requests, &plan.directives));
    // The lines that adapters do not ignore are the requests.
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains(['\u{202e}', '\u{9b}']) && !text.contains("##[e]"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    assert_eq!(lines.map(|line| format!("{line}\n")).collect::<String>(), plan.requests.text());
    for cut in 0..text.len() {
        assert!(
            text.is_char_boundary(cut) && Plan::read(&text.as_bytes()[..cut]).is_err()
                || cut + 1 >= text.len(),
            "{cut}"
        );
    }
}
