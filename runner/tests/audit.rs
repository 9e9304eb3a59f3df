//! Audits of small scripts: for each family, a fault that one script kills, and that another
//! script, which does not test the behaviour, does not detect.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use common::{Folder, wassay};

use wassay::script::{EngineEmbedder, Judges, Options};
use wassay::{Features, classify};
use wassay_audit::{Audited, Effect, Fault, Script, Settings, audit, families, faults};

mod common;

/// Runs a script with faults.
fn audited(faults: &[&Fault], text: &str) -> Audited {
    let numbered: Vec<(usize, &Fault)> = faults.iter().copied().enumerate().collect();
    let mut engine = EngineEmbedder::default();
    let options = Options {
        features: "3.0,threads".parse::<Features>().unwrap(),
        timeout: Some(Duration::from_secs(60)),
        ..Options::default()
    };
    let script = Script { name: "a.wast", text, options };
    let settings =
        Settings { faults: &numbered, classify: Some(classify), minimum_timeout: Duration::from_secs(10) };
    let audited = audit(
        &script,
        settings,
        &mut |reading, options| Judges::judge(&mut engine, reading, options),
        &|| false,
    )
    .unwrap();
    assert_eq!(audited.failing, [], "the script passes without a fault: {text}");
    audited
}

/// For each family: a part of the name of a fault, a script whose last directive kills it, and a
/// script that does not detect it.
const PLANTED: &[(&str, &str, &str)] = &[
    (
        "integers/i32.div_s: the minimum by -1 wraps",
        "(module (func (export \"f\") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))
         (assert_return (invoke \"f\" (i32.const 7) (i32.const 2)) (i32.const 3))
         (assert_trap (invoke \"f\" (i32.const 0x80000000) (i32.const -1)) \"integer overflow\")",
        "(module (func (export \"f\") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))
         (assert_return (invoke \"f\" (i32.const 7) (i32.const 2)) (i32.const 3))",
    ),
    (
        "floats/f32.min: ignores the sign of zero",
        "(module (func (export \"f\") (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1))))
         (assert_return (invoke \"f\" (f32.const 0) (f32.const -0)) (f32.const -0))",
        "(module (func (export \"f\") (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1))))
         (assert_return (invoke \"f\" (f32.const 1) (f32.const 2)) (f32.const 1))",
    ),
    (
        "conversions/i64.extend_i32_s: executed as i64.extend_i32_u",
        "(module (func (export \"f\") (param i32) (result i64) (i64.extend_i32_s (local.get 0))))
         (assert_return (invoke \"f\" (i32.const -1)) (i64.const -1))",
        "(module (func (export \"f\") (param i32) (result i64) (i64.extend_i32_s (local.get 0))))
         (assert_return (invoke \"f\" (i32.const 1)) (i64.const 1))",
    ),
    (
        "memory/memory.grow: gives the new size",
        "(module (memory 1) (func (export \"f\") (result i32) (memory.grow (i32.const 1))))
         (assert_return (invoke \"f\") (i32.const 1))",
        "(module (memory 1) (func (export \"f\") (result i32) (memory.grow (i32.const 0))))
         (assert_return (invoke \"f\") (i32.const 1))",
    ),
    (
        "vectors/i8x16.swizzle: indices are taken modulo 16",
        "(module (func (export \"f\") (param i32) (result i32)
           (i8x16.extract_lane_u 0 (i8x16.swizzle (i8x16.splat (i32.const 1)) (i8x16.splat (local.get 0))))))
         (assert_return (invoke \"f\" (i32.const 16)) (i32.const 0))",
        "(module (func (export \"f\") (param i32) (result i32)
           (i8x16.extract_lane_u 0 (i8x16.swizzle (i8x16.splat (i32.const 1)) (i8x16.splat (local.get 0))))))
         (assert_return (invoke \"f\" (i32.const 15)) (i32.const 1))",
    ),
    (
        "atomics/i32.atomic.rmw.add: gives the new value",
        "(module (memory 1 1 shared) (func (export \"f\") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 5))))
         (assert_return (invoke \"f\") (i32.const 0))",
        "(module (memory 1 1 shared) (func (export \"f\") (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 5)))))
         (assert_return (invoke \"f\"))",
    ),
    (
        "control/br_table: always takes the default",
        "(module (func (export \"f\") (param i32) (result i32)
           (block (block (br_table 0 1 (local.get 0))) (return (i32.const 1))) (i32.const 2)))
         (assert_return (invoke \"f\" (i32.const 0)) (i32.const 1))",
        "(module (func (export \"f\") (param i32) (result i32)
           (block (block (br_table 0 1 (local.get 0))) (return (i32.const 1))) (i32.const 2)))
         (assert_return (invoke \"f\" (i32.const 1)) (i32.const 2))",
    ),
    (
        "tables/table.fill: one element short (funcref)",
        "(module (table 3 funcref) (elem declare func $g) (func $g)
           (func (export \"f\") (result i32) (table.fill (i32.const 0) (ref.func $g) (i32.const 3))
             (ref.is_null (table.get (i32.const 2)))))
         (assert_return (invoke \"f\") (i32.const 0))",
        "(module (table 3 funcref) (elem declare func $g) (func $g)
           (func (export \"f\") (result i32) (table.fill (i32.const 0) (ref.func $g) (i32.const 3))
             (ref.is_null (table.get (i32.const 1)))))
         (assert_return (invoke \"f\") (i32.const 0))",
    ),
    (
        "objects/ref.i31: the sign bit is lost",
        "(module (func (export \"f\") (param i32) (result i32) (i31.get_s (ref.i31 (local.get 0)))))
         (assert_return (invoke \"f\" (i32.const -1)) (i32.const -1))",
        "(module (func (export \"f\") (param i32) (result i32) (i31.get_s (ref.i31 (local.get 0)))))
         (assert_return (invoke \"f\" (i32.const 1)) (i32.const 1))",
    ),
    (
        "exceptions/try_table: does not catch what no tag names",
        "(module (tag $e) (func (export \"f\") (block (try_table (catch_all 0) (throw $e)))))
         (assert_return (invoke \"f\"))",
        "(module (tag $e) (func (export \"f\") (block (try_table (catch_all 0)))))
         (assert_return (invoke \"f\"))",
    ),
    (
        "traps/i32.div_u: by zero gives 0",
        "(module (func (export \"f\") (param i32) (result i32) (i32.div_u (i32.const 6) (local.get 0))))
         (assert_trap (invoke \"f\" (i32.const 0)) \"integer divide by zero\")",
        "(module (func (export \"f\") (param i32) (result i32) (i32.div_u (i32.const 6) (local.get 0))))
         (assert_return (invoke \"f\" (i32.const 2)) (i32.const 3))",
    ),
    (
        "values/results: an i64 loses its high half",
        "(module (func (export \"f\") (result i64) (i64.const 0x100000000)))
         (assert_return (invoke \"f\") (i64.const 0x100000000))",
        "(module (func (export \"f\") (result i64) (i64.const 1))) (assert_return (invoke \"f\") (i64.const 1))",
    ),
    (
        "decoding/illegal opcode: accepted",
        "(module) (assert_malformed (module binary \"\\00asm\\01\\00\\00\\00\\01\\04\\01\\60\\00\\00\\03\\02\\01\\00\\0a\\05\\01\\03\\00\\ff\\0b\") \"illegal opcode\")",
        "(module)",
    ),
    (
        "validation/i32.add: accepted although: type mismatch",
        "(module) (assert_invalid (module (func (result i32) (i32.add (i32.const 1) (i64.const 1)))) \"type mismatch\")",
        "(module) (assert_invalid (module (func (result i32) (i32.sub (i32.const 1) (i64.const 1)))) \"type mismatch\")",
    ),
    ("constructs/no else: refused", "(module (func (if (i32.const 0) (then))))", "(module (func (if (i32.const 0) (then) (else))))"),
    (
        "linking/memory minimum: accepted as an import",
        "(module (memory (export \"m\") 1)) (register \"m\")
         (assert_unlinkable (module (import \"m\" \"m\" (memory 2))) \"incompatible import type\")",
        "(module (memory (export \"m\") 1)) (register \"m\")
         (assert_unlinkable (module (import \"m\" \"m\" (func))) \"incompatible import type\")",
    ),
    (
        "state/instances: start not run",
        "(module (global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 1))) (start $s)
           (func (export \"f\") (result i32) (global.get $g)))
         (assert_return (invoke \"f\") (i32.const 1))",
        "(module (global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 1))) (start $s)
           (func (export \"f\") (result i32) (i32.const 2)))
         (assert_return (invoke \"f\") (i32.const 2))",
    ),
];

#[test]
fn each_family_has_a_fault_that_is_killed_and_survives_elsewhere() {
    let all = faults().unwrap_or_else(|error| panic!("{error}"));
    for family in families() {
        assert!(PLANTED.iter().any(|(name, ..)| name.starts_with(&format!("{family}/"))), "{family}");
    }
    for (name, kills, blind) in PLANTED {
        let is_meant = |fault: &&Fault| {
            fault.name() == *name
                || fault.name().strip_prefix(name).is_some_and(|rest| rest.starts_with(" (5"))
        };
        let named: Vec<&Fault> = all.iter().filter(is_meant).collect();
        let [fault] = named.as_slice() else { panic!("{name}: {} faults", named.len()) };
        let effects = audited(&[fault], kills).effects;
        assert!(matches!(effects.as_slice(), [(0, Effect::Killed { .. })]), "{name}: {effects:?}");
        let effects = audited(&[fault], blind).effects;
        assert!(matches!(effects.as_slice(), [] | [(0, Effect::Survived)]), "{name}: {effects:?}");
    }
}

#[test]
fn modules_are_restored_after_each_fault() {
    let all = faults().unwrap_or_else(|error| panic!("{error}"));
    let named = |name: &str| all.iter().find(|fault| fault.name().starts_with(name)).unwrap();
    let killed = named("integers/i32.add: executed as i32.sub");
    let lives = named("integers/i32.sub: executed as i32.add");
    let not_concerned = named("integers/i32.mul: executed as i32.add");
    let text = "(module (func (export \"f\") (result i32) (i32.add (i32.const 3) (i32.sub (i32.const 1) (i32.const 0)))))
        (assert_return (invoke \"f\") (i32.const 4))";
    let kill = Effect::Killed {
        place: wassay::script::source::Place { line: 2, column: 9 },
        kind: "wrong-value".into(),
    };
    let effects = audited(&[killed, lives, not_concerned, killed], text).effects;
    assert_eq!(effects, [(0, kill.clone()), (1, Effect::Survived), (3, kill)]);
}

#[test]
fn invalid_rewritten_modules_are_not_used() {
    let all = faults().unwrap_or_else(|error| panic!("{error}"));
    let fault = all.iter().find(|fault| fault.name() == "control/br: branches one label further").unwrap();
    let text = "(module (func (export \"f\") (br 0))) (assert_return (invoke \"f\"))";
    assert_eq!(audited(&[fault], text).effects, [(0, Effect::NotApplicable)]);
}

#[test]
fn directives_that_fail_without_a_fault_kill_nothing() {
    let all = faults().unwrap_or_else(|error| panic!("{error}"));
    let fault = all.iter().find(|fault| fault.name() == "integers/i32.add: executed as i32.sub").unwrap();
    let text = "(module (func (export \"f\") (result i32) (i32.add (i32.const 3) (i32.const 1))))
        (assert_return (invoke \"f\") (i32.const 5))";
    let mut engine = EngineEmbedder::default();
    let script = Script { name: "a.wast", text, options: Options::default() };
    let numbered = [(7, fault)];
    let settings = Settings { faults: &numbered, classify: None, minimum_timeout: Duration::from_secs(10) };
    let mut judge = |reading: &wassay::script::reading::Reading<'_, '_>, options: &Options| {
        Judges::judge(&mut engine, reading, options)
    };
    let audited = audit(&script, settings, &mut judge, &|| false).unwrap();
    assert_eq!((audited.failing.len(), audited.effects), (1, vec![(7, Effect::Survived)]));
}

/// A script that notices when `i32.add` subtracts, and not when it is a disjunction.
const ADDS: &str = "(module (func (export \"f\") (result i32) (i32.add (i32.const 4) (i32.const 3))))
(assert_return (invoke \"f\") (i32.const 7))";

/// The report of an audit as JSON, without what is of the moment.
fn report(folder: &Folder, more: &[&str]) -> (serde_json::Value, i32) {
    let (suite, file) = (folder.arg("."), folder.arg("audit.out"));
    let ran = wassay(&[&["audit", &suite, "--report", &format!("json={file}")], more].concat());
    assert!(ran.code < 2, "{}", ran.err);
    let mut report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    report["started"].take();
    report["duration_ms"].take();
    (report, ran.code)
}

#[test]
fn a_run_is_the_same_each_time_and_shards_add_up() {
    let folder = Folder::new(&[
        ("a.wast", ADDS),
        ("b.wast", "(module (func (export \"f\") (result i32) (i32.sub (i32.const 1) (i32.const 1))))"),
    ]);
    let filter = ["--filter", "integers/"];
    let (one, code) = report(&folder, &[&filter[..], &["--jobs", "1"]].concat());
    assert_eq!(code, 1, "a fault survives");
    let (two, _) = report(&folder, &[&filter[..], &["--jobs", "2"]].concat());
    assert_eq!(one, two);
    let add = one["faults"]
        .as_array()
        .unwrap()
        .iter()
        .find(|fault| fault["subject"] == "i32.add" && fault["what"] == "executed as i32.sub");
    let add = add.unwrap();
    assert_eq!((&add["state"], &add["kills"][0]["line"]), (&"killed".into(), &2.into()));
    assert!(add["kills"][0]["script"].as_str().unwrap().ends_with("::a.wast"), "{add}");
    let names = |report: &serde_json::Value| -> BTreeSet<String> {
        report["faults"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| format!("{} {} {}", fault["subject"], fault["what"], fault["state"]))
            .collect()
    };
    let (first, _) = report(&folder, &[&filter[..], &["--shard", "1/2"]].concat());
    let (second, _) = report(&folder, &[&filter[..], &["--shard", "2/2"]].concat());
    assert!(names(&first).is_disjoint(&names(&second)));
    assert_eq!(&names(&first) | &names(&second), names(&one));
}

#[test]
fn exit_codes_and_mistakes() {
    let folder = Folder::new(&[
        ("a.wast", ADDS),
        ("f.toml", "faults = [{ op = \"i32.add\", becomes = \"i32.sub\" }]"),
        ("bad.toml", "faults = [{ op = \"i32.sum\", becomes = \"i32.sub\" }]"),
    ]);
    let script = folder.arg("a.wast");
    let killed = wassay(&["audit", &script, "--faults", &folder.arg("f.toml")]);
    assert_eq!(killed.code, 0, "{}{}", killed.out, killed.err);
    assert!(
        killed.out.contains("1 fault in") && killed.out.contains("1 killed, 0 survived"),
        "{}",
        killed.out
    );
    let survives = wassay(&["audit", &script, "--filter", "integers/i32.add: executed as i32.or"]);
    assert_eq!(survives.code, 1);
    assert!(
        survives.out.contains("survived: integers/i32.add: executed as i32.or (1 script)"),
        "{}",
        survives.out
    );
    let unknown = wassay(&["audit", &script, "--filter", "no such fault"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("no fault has a name that contains it"), "{}", unknown.err);
    let bad = wassay(&["audit", &script, "--faults", &folder.arg("bad.toml")]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("unknown instruction `i32.sum`"), "{}", bad.err);
    let list = wassay(&["audit", "--list", "--filter", "state/"]);
    assert!(
        list.code == 0 && list.out.lines().any(|line| line == "state/instances: start not run"),
        "{}",
        list.out
    );
}

#[test]
fn an_engine_driven_by_the_protocol_kills_the_same_faults() {
    let folder = Folder::new(&[("a.wast", ADDS), ("b.wast", "(module (func (export \"f\") (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1))))
(assert_return (invoke \"f\" (f32.const 0) (f32.const -0)) (f32.const -0))")]);
    let faults = |report: &serde_json::Value| report["faults"].clone();
    for filter in ["i32.add", "f32.min", "values/"] {
        let (own, _) = report(&folder, &["--filter", filter]);
        let (driven, _) = report(&folder, &["--filter", filter, "--engine", "wassay"]);
        assert_eq!(faults(&own), faults(&driven), "{filter}");
    }
}

/// A script that asserts some instructions, executes others, and leaves one out.
const COVERED: &str = r#"
(module
  (func (export "add") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "div") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func (export "sub") (drop (i32.sub (i32.const 2) (i32.const 1))))
  (func (export "mul") (result i32) (i32.mul (i32.const 2) (i32.const 1))))
(assert_return (invoke "add" (i32.const 1)) (i32.const 2))
(assert_trap (invoke "div" (i32.const 0)) "integer divide by zero")
(invoke "sub")
(assert_invalid (module (func (result i32) (i64.const 1))) "type mismatch")
"#;

#[test]
fn coverage_tells_what_occurs_is_executed_traps_and_is_asserted() {
    let folder = Folder::new(&[("a.wast", COVERED)]);
    let (script, file) = (folder.arg("a.wast"), folder.arg("c.json"));
    let run = |more: &[&str]| {
        let ran =
            wassay(&[&["audit", &script, "--coverage", "--report", &format!("json={file}")], more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let of = |name: &str| {
            let items = report["items"].as_array().unwrap();
            let item = items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name}"));
            ["modules", "executed", "trapped", "asserted"].map(|count| item[count].as_u64().unwrap())
        };
        let names = ["i32.add", "i32.div_u", "i32.sub", "i32.mul", "i64.add", "type mismatch"];
        (names.map(of), ran.out)
    };
    let (counts, out) = run(&[]);
    assert_eq!(counts, [[1, 1, 0, 1], [1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0], [0; 4], [1, 0, 0, 0]]);
    assert!(out.contains("missed: instruction f32.abs") && out.contains(" missed, in "), "{out}");
    // The same on an engine behind the protocol.
    let adapter = format!("'{}' adapter", env!("CARGO_BIN_EXE_wassay"));
    assert_eq!(run(&["--engine", &adapter]).0, counts);
    let junit = wassay(&["audit", &script, "--coverage", "--report", &format!("junit={file}")]);
    assert!(junit.code == 2 && junit.err.contains("expected json, markdown or html"), "{junit:?}");
}
