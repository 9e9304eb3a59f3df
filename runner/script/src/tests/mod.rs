//! Tests that every kind of assertion detects wrong results and accepts right ones.

mod foreign;
mod mock;
mod stale;
mod thread;

use std::time::Duration;

use wassay_terms::Features;

use self::mock::Mock;
use super::messages::MatchKind;
use super::{Options, run_script};
use crate::verdict::{Failure, Outcome, ScriptResult};

/// The outcome of each directive of a script: `pass`, `skip`, or the kind of failure.
fn outcomes(text: &str) -> Vec<String> {
    outcomes_with(text, &Options::default())
}

fn outcomes_with(text: &str, options: &Options) -> Vec<String> {
    result_with(text, options).directives.iter().map(|directive| named(directive.outcome)).collect()
}

fn result_with(text: &str, options: &Options) -> ScriptResult {
    run_script("t.wast", text, options, &mut Mock::default()).unwrap()
}

fn named(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "pass".to_owned(),
        Outcome::Skipped(_) => "skip".to_owned(),
        Outcome::Failed(failure) => failure.kind.to_string(),
        Outcome::Apart(..) | Outcome::ExpectedFailure(..) | Outcome::UnexpectedPass(_) => {
            unreachable!("nothing is expected to fail here")
        }
    }
}

/// The outcome of a directive after a module.
fn outcome(directive: &str) -> String {
    let outcomes = outcomes(&format!("(module) {directive}"));
    assert_eq!((outcomes.len(), outcomes[0].as_str()), (2, "pass"), "{directive}");
    outcomes[1].clone()
}

/// The failure of a directive after a module.
fn failure(directive: &str) -> Failure {
    let result = result_with(&format!("(module) {directive}"), &Options::default());
    let (_, failure) = result.failures().next().unwrap();
    failure.clone()
}

fn check(cases: &[(&str, &str)]) {
    for (directive, expected) in cases {
        assert_eq!(outcome(directive), *expected, "{directive}");
    }
}

#[test]
fn assert_return_catches_every_kind_of_difference() {
    check(&[
        ("(assert_return (invoke \"i32 1\") (i32.const 1))", "pass"),
        ("(assert_return (invoke \"i32 1\") (i32.const 2))", "wrong-value"),
        ("(assert_return (invoke \"i32 1\") (i64.const 1))", "wrong-type"),
        ("(assert_return (invoke \"i32 1\"))", "wrong-count"),
        ("(assert_return (invoke \"void\") (i32.const 1))", "wrong-count"),
        ("(assert_return (invoke \"void\"))", "pass"),
        ("(assert_return (invoke \"i32 1, i64 2\") (i32.const 1) (i64.const 3))", "wrong-value"),
        ("(assert_return (invoke \"f32 7fc00000\") (f32.const nan:canonical))", "pass"),
        ("(assert_return (invoke \"f32 7fc00001\") (f32.const nan:canonical))", "wrong-nan"),
        ("(assert_return (invoke \"f64 7ff8000000000001\") (f64.const nan:arithmetic))", "pass"),
        ("(assert_return (invoke \"f64 7ff4000000000000\") (f64.const nan:arithmetic))", "wrong-nan"),
        ("(assert_return (invoke \"f32 80000000\") (f32.const 0))", "wrong-value"),
        ("(assert_return (invoke \"v128 4\") (v128.const i32x4 4 0 0 0))", "pass"),
        ("(assert_return (invoke \"v128 4\") (v128.const i32x4 4 0 0 1))", "wrong-value"),
        ("(assert_return (invoke \"v128 7fc00001\") (v128.const f32x4 nan:canonical 0 0 0))", "wrong-nan"),
        ("(assert_return (invoke \"i32 2\") (either (i32.const 1) (i32.const 2)))", "pass"),
        ("(assert_return (invoke \"i32 3\") (either (i32.const 1) (i32.const 2)))", "wrong-value"),
        ("(assert_return (get \"i32 1\") (i32.const 1))", "pass"),
        ("(assert_return (get \"i32 1\") (i32.const 2))", "wrong-value"),
    ]);
}

#[test]
fn assert_return_catches_every_wrong_reference() {
    check(&[
        ("(assert_return (invoke \"ref.null func\") (ref.null))", "pass"),
        ("(assert_return (invoke \"ref.null func\") (ref.null func))", "pass"),
        ("(assert_return (invoke \"ref.null func\") (ref.func))", "unexpected-null"),
        ("(assert_return (invoke \"ref.func\") (ref.null func))", "null-expected"),
        ("(assert_return (invoke \"ref.func\") (ref.null))", "null-expected"),
        ("(assert_return (invoke \"ref.func\") (ref.func))", "pass"),
        ("(assert_return (invoke \"ref.func\") (ref.extern))", "wrong-type"),
        ("(assert_return (invoke \"ref.extern 1\") (ref.extern 1))", "pass"),
        ("(assert_return (invoke \"ref.extern 1\") (ref.extern 2))", "wrong-value"),
        ("(assert_return (invoke \"ref.host 1\") (ref.host 2))", "wrong-value"),
        ("(assert_return (invoke \"ref.struct\") (ref.array))", "wrong-reference"),
        ("(assert_return (invoke \"ref.i31\") (ref.eq))", "pass"),
        ("(assert_return (invoke \"ref.host 1\") (ref.eq))", "wrong-reference"),
        ("(assert_return (invoke \"ref.exn\") (ref.exn))", "pass"),
        ("(assert_return (invoke \"ref.exn\") (ref.any))", "wrong-type"),
    ]);
}

#[test]
fn calls_that_should_return_must_not_fail() {
    for wrapped in ["(invoke \"@\")", "(assert_return (invoke \"@\"))"] {
        for (name, expected) in [
            ("trap unreachable", "unexpected-trap"),
            ("exhaustion call stack exhausted", "unexpected-exhaustion"),
            ("exception", "unexpected-exception"),
            ("limit", "unexpected-limit"),
            ("internal", "unexpected-internal"),
            ("nothing of the sort", "no-such-export"),
        ] {
            assert_eq!(outcome(&wrapped.replace('@', name)), expected);
        }
    }
    assert_eq!(outcome("(invoke \"set\")"), "wrong-arguments");
    assert_eq!(outcome("(get \"nothing\")"), "no-such-export");
}

#[test]
fn assert_trap_expects_that_trap() {
    check(&[
        ("(assert_trap (invoke \"trap unreachable\") \"unreachable\")", "pass"),
        ("(assert_trap (invoke \"trap unreachable\") \"integer overflow\")", "wrong-text"),
        ("(assert_trap (invoke \"i32 1\") \"unreachable\")", "trap-expected"),
        (
            "(assert_trap (invoke \"exhaustion call stack exhausted\") \"unreachable\")",
            "exhaustion-instead-of-trap",
        ),
        ("(assert_trap (invoke \"exception unreachable\") \"unreachable\")", "exception-instead-of-trap"),
        ("(assert_trap (invoke \"limit unreachable\") \"unreachable\")", "limit-instead-of-trap"),
        ("(assert_trap (invoke \"no such\") \"unreachable\")", "no-such-export"),
        ("(assert_trap (invoke \"set\") \"unreachable\")", "wrong-arguments"),
        ("(assert_trap (invoke \"trap uninitialized element\") \"uninitialized element 7\")", "pass"),
    ]);
}

#[test]
fn assert_exhaustion_suspension_and_exception_expect_their_own_kind() {
    check(&[
        ("(assert_exhaustion (invoke \"exhaustion call stack exhausted\") \"call stack exhausted\")", "pass"),
        (
            "(assert_exhaustion (invoke \"trap unreachable\") \"call stack exhausted\")",
            "trap-instead-of-exhaustion",
        ),
        ("(assert_exhaustion (invoke \"void\") \"call stack exhausted\")", "exhaustion-expected"),
        (
            "(assert_exhaustion (invoke \"limit call stack exhausted\") \"call stack exhausted\")",
            "limit-instead-of-exhaustion",
        ),
        ("(assert_suspension (invoke \"suspension unhandled tag\") \"unhandled\")", "pass"),
        ("(assert_suspension (invoke \"trap unreachable\") \"unhandled\")", "trap-instead-of-suspension"),
        ("(assert_suspension (invoke \"void\") \"unhandled\")", "suspension-expected"),
        ("(assert_trap (invoke \"suspension unhandled tag\") \"unhandled\")", "suspension-instead-of-trap"),
        ("(assert_exception (invoke \"exception\"))", "pass"),
        ("(assert_exception (invoke \"trap unreachable\"))", "trap-instead-of-exception"),
        ("(assert_exception (invoke \"void\"))", "exception-expected"),
    ]);
}

#[test]
fn assert_invalid_expects_a_module_that_decodes_but_does_not_validate() {
    check(&[
        ("(assert_invalid (module (func (result i32))) \"type mismatch\")", "pass"),
        ("(assert_invalid (module (func)) \"type mismatch\")", "not-invalid"),
        ("(assert_invalid (module (func (result i32))) \"unknown local\")", "wrong-text"),
        ("(assert_invalid (module binary \"\\00asm\") \"type mismatch\")", "malformed-instead-of-invalid"),
        ("(assert_invalid (module quote \"(func\") \"type mismatch\")", "malformed-instead-of-invalid"),
        (
            "(assert_invalid (module (func (call $nowhere))) \"unknown function\")",
            "malformed-instead-of-invalid",
        ),
        (
            "(assert_invalid (module (import \"compile\" \"unsupported\" (func))) \"type mismatch\")",
            "unsupported-instead-of-invalid",
        ),
        ("(assert_invalid (module quote \"(func (result i32))\") \"type mismatch\")", "pass"),
    ]);
}

#[test]
fn assert_malformed_expects_a_module_that_does_not_decode_or_parse() {
    check(&[
        ("(assert_malformed (module binary \"\\00asm\") \"unexpected end\")", "pass"),
        ("(assert_malformed (module binary \"\\00asm\") \"malformed UTF-8 encoding\")", "wrong-text"),
        (
            "(assert_malformed (module binary \"\\00asm\\01\\00\\00\\00\") \"unexpected end\")",
            "not-malformed",
        ),
        ("(assert_malformed (module quote \"(func (param i32) (@))\") \"empty annotation id\")", "pass"),
        ("(assert_malformed (module quote \"(func br $l)\") \"unknown label\")", "pass"),
        ("(assert_malformed (module quote \"(func)\") \"unexpected token\")", "not-malformed"),
        ("(assert_malformed (module quote \"\") \"unexpected token\")", "not-malformed"),
        (
            "(assert_malformed (module quote \"(func (result i32))\") \"unexpected token\")",
            "invalid-instead-of-malformed",
        ),
        (
            "(assert_malformed (module (func (result i32))) \"unexpected token\")",
            "invalid-instead-of-malformed",
        ),
        ("(assert_malformed (module quote \"(module binary \\\"\\\")\") \"unexpected token\")", "pass"),
        ("(assert_malformed (module quote \"\\ff\") \"malformed UTF-8 encoding\")", "pass"),
        (
            "(assert_malformed (module quote \"(memory 1) (memory 2)\") \"import after function\")",
            "not-malformed",
        ),
    ]);
}

#[test]
fn the_embedder_determines_the_kind_of_a_failure() {
    // The mock reports an unknown section as invalid. Its text does not change the kind.
    let unknown_section =
        "(assert_malformed (module binary \"\\00asm\\01\\00\\00\\00\\7f\\00\") \"malformed section id\")";
    assert_eq!(outcome(unknown_section), "invalid-instead-of-malformed");
    // The text grammar of 1.0 allows two results; the limit of one is a validation rule.
    let two_results =
        "(assert_malformed (module quote \"(func (result i32 i32) unreachable)\") \"unexpected token\")";
    assert_eq!(outcome(two_results), "not-malformed");
    let first = Options { features: Features::V1, ..Options::default() };
    assert_eq!(outcomes_with(two_results, &first), ["invalid-instead-of-malformed"]);
}

#[test]
fn strings_of_a_quoted_module_are_concatenated() {
    check(&[
        ("(module quote \"(fu\" \"nc)\")", "pass"),
        ("(module quote \"(func)\" \"(func)\")", "pass"),
        ("(assert_malformed (module quote \"(func\" \"(param))\") \"unexpected token\")", "not-malformed"),
        ("(assert_malformed (module quote \"(func br\" \"0)\") \"unknown operator\")", "pass"),
    ]);
}

#[test]
fn assert_malformed_custom_expects_only_the_annotation_to_be_malformed() {
    check(&[
        (
            "(assert_malformed_custom (module quote \"(@custom)\") \"@custom annotation: missing section name\")",
            "pass",
        ),
        (
            "(assert_malformed_custom (module quote \"(func (@custom \\\"a\\\"))\") \"misplaced @custom annotation\")",
            "pass",
        ),
        (
            "(assert_malformed_custom (module quote \"(@custom \\\"a\\\")\") \"misplaced @custom annotation\")",
            "not-malformed-custom",
        ),
        (
            "(assert_malformed_custom (module quote \"(func (@custom \\\"a\\\") nope)\") \"misplaced @custom annotation\")",
            "malformed-instead-of-malformed-custom",
        ),
        (
            "(assert_malformed_custom (module binary \"\") \"unexpected end\")",
            "malformed-instead-of-malformed-custom",
        ),
        ("(assert_malformed_custom (module (@custom \"malformed\" \"bad\")) \"bad\")", "pass"),
        (
            "(assert_malformed_custom (module (@custom \"invalid\" \"bad\")) \"bad\")",
            "invalid-custom-instead-of-malformed-custom",
        ),
        ("(assert_malformed (module quote \"(func nope)\") \"unknown operator\")", "pass"),
    ]);
}

#[test]
fn assert_invalid_custom_expects_a_valid_module_with_an_invalid_section() {
    check(&[
        ("(assert_invalid_custom (module (@custom \"invalid\" \"bad\")) \"bad\")", "pass"),
        ("(assert_invalid_custom (module (@custom \"other\" \"bad\")) \"bad\")", "not-invalid-custom"),
        (
            "(assert_invalid_custom (module (@custom \"malformed\" \"bad\")) \"bad\")",
            "malformed-custom-instead-of-invalid-custom",
        ),
        (
            "(assert_invalid_custom (module (@custom \"invalid\" \"bad\") (func (result i32))) \"bad\")",
            "invalid-instead-of-invalid-custom",
        ),
        (
            "(assert_invalid_custom (module quote \"(func nope)\") \"bad\")",
            "malformed-instead-of-invalid-custom",
        ),
    ]);
}

#[test]
fn assert_unlinkable_expects_a_valid_module_that_does_not_link() {
    check(&[
        ("(assert_unlinkable (module (import \"m\" \"f\" (func))) \"unknown import\")", "pass"),
        (
            "(assert_unlinkable (module (import \"m\" \"f\" (func))) \"incompatible import type\")",
            "wrong-text",
        ),
        ("(assert_unlinkable (module) \"unknown import\")", "not-unlinkable"),
        (
            "(assert_unlinkable (module (func (result i32))) \"unknown import\")",
            "invalid-instead-of-unlinkable",
        ),
        ("(assert_unlinkable (module binary \"\") \"unknown import\")", "malformed-instead-of-unlinkable"),
        (
            "(assert_unlinkable (module (import \"start\" \"trap unreachable\" (func))) \"unknown import\")",
            "trap-instead-of-unlinkable",
        ),
        ("(assert_trap (module (import \"start\" \"trap unreachable\" (func))) \"unreachable\")", "pass"),
        (
            "(assert_trap (module (import \"start\" \"trap unreachable\" (func))) \"integer overflow\")",
            "wrong-text",
        ),
        ("(assert_trap (module (import \"m\" \"f\" (func))) \"unreachable\")", "unlinkable-instead-of-trap"),
        ("(assert_trap (module) \"unreachable\")", "trap-expected"),
    ]);
}

#[test]
fn a_module_that_fails_fails_its_directive_by_kind() {
    check(&[
        ("(module binary \"\")", "unexpected-malformed"),
        ("(module quote \"(func\")", "unexpected-malformed"),
        ("(module (func (call $nowhere)))", "unexpected-malformed"),
        ("(module (func (result i32)))", "unexpected-invalid"),
        ("(module definition (func (result i32)))", "unexpected-invalid"),
        ("(module (import \"m\" \"f\" (func)))", "unexpected-unlinkable"),
        ("(module (import \"start\" \"trap unreachable\" (func)))", "unexpected-trap"),
        ("(module (import \"compile\" \"unsupported gc\" (func)))", "unexpected-unsupported"),
        ("(module definition (import \"m\" \"f\" (func)))", "pass"),
    ]);
}

#[test]
fn after_a_failed_module_nothing_runs_on_the_previous_one() {
    let text = "(module $a) (assert_return (invoke \"number\") (i32.const 1))
        (module $a (func (result i32)))
        (assert_return (invoke \"number\") (i32.const 1))
        (assert_trap (invoke $a \"trap unreachable\") \"unreachable\")
        (register \"a\" $a)
        (module)
        (assert_return (invoke \"number\") (i32.const 2))";
    let missing = "no-such-instance";
    assert_eq!(
        outcomes(text),
        ["pass", "pass", "unexpected-invalid", missing, missing, missing, "pass", "pass"]
    );
}

#[test]
fn a_name_that_cannot_be_registered_is_removed() {
    let text = "(module $a) (register \"a\") (module (import \"a\" \"f\" (func)))
        (register \"a\" $b) (module (import \"a\" \"f\" (func)))";
    assert_eq!(outcomes(text), ["pass", "pass", "pass", "no-such-instance", "unexpected-unlinkable"]);
}

#[test]
fn unbound_names_are_reported() {
    assert_eq!(
        outcomes("(invoke \"void\") (register \"a\") (module instance)"),
        ["no-such-instance", "no-such-instance", "no-such-definition"]
    );
    check(&[
        ("(invoke $b \"void\")", "no-such-instance"),
        ("(get $b \"i32 1\")", "no-such-instance"),
        ("(register \"b\" $b)", "no-such-instance"),
        ("(register \"registry\")", "unexpected-limit"),
        ("(module instance $i $m)", "no-such-definition"),
        ("(assert_unlinkable (module instance $m) \"unknown import\")", "no-such-definition"),
    ]);
    assert!(failure("(invoke $b \"void\")").message.contains("no instance `$b`"));
}

#[test]
fn a_definition_can_be_instantiated_several_times() {
    let text = "(module definition $m) (module instance $a $m) (module instance $b $m) (module instance)
        (assert_return (invoke $a \"number\") (i32.const 1))
        (assert_return (invoke $b \"number\") (i32.const 2))
        (assert_return (invoke \"number\") (i32.const 3))
        (module definition $n (import \"x\" \"y\" (func)))
        (assert_unlinkable (module instance $n) \"unknown import\")
        (register \"x\" $a)
        (module instance $c $n)";
    assert_eq!(outcomes(text), ["pass"; 11]);
}

#[test]
fn a_definition_that_failed_cannot_be_instantiated() {
    let text = "(module definition $m) (module definition $m (func (result i32))) (module instance $a $m) (invoke $a \"void\")";
    assert_eq!(outcomes(text), ["pass", "unexpected-invalid", "no-such-definition", "no-such-instance"]);
}

#[test]
fn arguments_are_passed_unchanged() {
    check(&[
        (
            "(assert_return (invoke \"echo\" (i32.const -1) (f32.const nan:0x1)) (i32.const -1) (f32.const nan:0x1))",
            "pass",
        ),
        (
            "(assert_return (invoke \"echo\" (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)) (v128.const i64x2 0x0706050403020100 0x0f0e0d0c0b0a0908))",
            "pass",
        ),
        (
            "(assert_return (invoke \"echo\" (ref.extern 5) (ref.null func)) (ref.extern 5) (ref.null func))",
            "pass",
        ),
        ("(assert_return (invoke \"echo\" (ref.host 5)) (ref.host 4))", "wrong-value"),
    ]);
}

#[test]
fn a_form_that_does_not_parse_fails_alone() {
    let text = "(module) (assert_return (invoke \"i32 1\") (i32.const one)) (assert_return (invoke \"i32 1\") (i32.const 2)) nonsense \"s\"
        (assert_return (invoke \"i32 1\") (i32.const 1))";
    assert_eq!(
        outcomes(text),
        ["pass", "malformed-directive", "wrong-value", "malformed-directive", "malformed-directive", "pass"]
    );
    let result = result_with(
        "(module)\n\n  (assert_return (invoke \"i32 1\")\n    (i32.const one))",
        &Options::default(),
    );
    let (directive, failure) = result.failures().next().unwrap();
    assert_eq!(directive.place.to_string(), "3:3");
    assert!(failure.message.ends_with("(at 4:16)"), "{}", failure.message);
    assert!(failure.source.starts_with("(assert_return"), "{}", failure.source);
}

#[test]
fn unsupported_directives_fail() {
    for directive in ["(assert_something_new (module) (a (b)) \"c\")", "(input \"file.wast\")", "(component)"]
    {
        assert_eq!(outcome(directive), "unsupported", "{directive}");
    }
}

#[test]
fn a_bare_module_is_one_directive() {
    assert_eq!(outcomes("(func) (memory 0) ;; end\n(func (export \"f\"))"), ["pass"]);
    assert_eq!(outcomes("(func (result i32))"), ["unexpected-invalid"]);
    assert_eq!(outcomes("(func) (funk)"), ["malformed-directive"]);
    assert_eq!(outcomes("(@custom \"a\" \"b\") (func)"), ["pass"]);
    assert_eq!(outcomes(";; nothing"), [""; 0]);
}

#[test]
fn modules_may_be_named_quoted_and_defined() {
    let text = "(module definition $q quote \"(func)\") (module instance $i $q) (module $b binary \"\\00asm\\01\\00\\00\\00\")
        (module $t quote \"(func)\") (invoke $i \"void\") (invoke $b \"void\") (invoke $t \"void\")
        (module definition $d (@name \"n\") (@custom \"c\" \"d\") (func))";
    assert_eq!(outcomes(text), ["pass"; 8]);
}

#[test]
fn texts_are_compared_as_selected() {
    let text =
        |expected: &str| format!("(module) (assert_trap (invoke \"trap unreachable code\") \"{expected}\")");
    let of = |match_kind, expected: &str| {
        let result = result_with(&text(expected), &Options { match_kind, ..Options::default() });
        (named(result.directives.iter().nth(1).unwrap().outcome), result.text_not_compared())
    };
    let pass = |not_compared| ("pass".to_owned(), not_compared);
    let wrong = ("wrong-text".to_owned(), 0);
    assert_eq!(of(MatchKind::Exact, "unreachable code"), pass(0));
    assert_eq!(of(MatchKind::Exact, "unreachable"), wrong);
    assert_eq!(of(MatchKind::Prefix, "unreach"), pass(0));
    assert_eq!(of(MatchKind::Prefix, "code"), wrong);
    assert_eq!(of(MatchKind::Class, "unreachable"), pass(0));
    assert_eq!(of(MatchKind::Class, "integer overflow"), pass(1));
    assert_eq!(of(MatchKind::Ignore, "anything"), pass(0));
    let kind = "(module) (assert_trap (invoke \"exception\") \"unreachable\")";
    let options = Options { match_kind: MatchKind::Ignore, ..Options::default() };
    assert_eq!(outcomes_with(kind, &options)[1], "exception-instead-of-trap");
}

#[test]
fn a_range_of_lines_runs_earlier_directives_unchecked() {
    let text = "(module)\n(invoke \"set\" (i32.const 5))\n(assert_return (invoke \"state\") (i32.const 6))
(assert_return (invoke \"state\") (i32.const 5))\n(assert_return (invoke \"set\" (i32.const 7)))
(assert_return (invoke \"state\") (i32.const 7))\n(assert_return (invoke \"state\") (i32.const 8))";
    let lines = |range: &str| Options { lines: range.parse().ok(), ..Options::default() };
    assert_eq!(outcomes_with(text, &lines("4")), ["pass"]);
    assert_eq!(outcomes_with(text, &lines("6")), ["pass"]);
    assert_eq!(outcomes_with(text, &lines("6-7")), ["pass", "wrong-value"]);
    assert_eq!(outcomes_with(text, &lines("3-4")), ["wrong-value", "pass"]);
    assert_eq!(outcomes_with(text, &lines("90")), [""; 0]);
}

#[test]
fn fail_fast_skips_the_rest_after_the_first_failure() {
    let text = "(module) (invoke \"trap unreachable\") (invoke \"void\") (invoke \"trap unreachable\")";
    assert_eq!(outcomes(text), ["pass", "unexpected-trap", "pass", "unexpected-trap"]);
    let options = Options { fail_fast: true, ..Options::default() };
    assert_eq!(outcomes_with(text, &options), ["pass", "unexpected-trap", "skip", "skip"]);
}

#[test]
fn after_a_timeout_the_rest_fails_as_not_run() {
    let text =
        "(module) (assert_trap (invoke \"timeout\") \"unreachable\") (invoke \"void\") (invoke \"void\")";
    assert_eq!(outcomes(text), ["pass", "timeout", "not-run", "not-run"]);
    let result = result_with(text, &Options::default());
    assert_eq!(result.to_case(Duration::ZERO).outcome, wassay_reports::Outcome::Timeout);
    assert_eq!(result.counts().failed, 3);
}

#[test]
fn an_engine_that_does_not_start_fails_every_directive() {
    let mut embedder = Mock::broken();
    let result =
        run_script("t.wast", "(module) (invoke \"void\")", &Options::default(), &mut embedder).unwrap();
    let outcomes: Vec<_> = result.directives.iter().map(|directive| named(directive.outcome)).collect();
    assert_eq!(outcomes, ["unexpected-internal"; 2]);
}

#[test]
fn a_script_starts_without_state_of_the_previous_one() {
    let mut embedder = Mock::default();
    let first = "(module $a) (register \"a\")";
    assert!(run_script("1.wast", first, &Options::default(), &mut embedder).unwrap().is_success());
    let second = "(invoke $a \"void\") (module (import \"a\" \"f\" (func)))";
    let result = run_script("2.wast", second, &Options::default(), &mut embedder).unwrap();
    let outcomes: Vec<_> = result.directives.iter().map(|directive| named(directive.outcome)).collect();
    assert_eq!(outcomes, ["no-such-instance", "unexpected-unlinkable"]);
}

#[test]
fn failures_show_both_values_in_full() {
    let shown = failure("(assert_return (invoke \"v128 1\") (v128.const i16x8 2 0 0 0 0 0 0 0))");
    assert!(shown.expected.unwrap().starts_with("v128 i16x8 [2 (0x0002), "));
    assert!(shown.actual.unwrap().starts_with("v128 i16x8 [1 (0x0001), "));
    let shown = failure("(assert_return (invoke \"trap unreachable\") (f32.const nan:canonical))");
    assert_eq!(
        (shown.expected.as_deref(), shown.actual.as_deref()),
        (Some("f32 nan:canonical"), Some("trap: unreachable"))
    );
    let shown = failure("(assert_trap (invoke \"i32 -1\") \"unreachable\")");
    assert_eq!(
        (shown.expected.as_deref(), shown.actual.as_deref()),
        (Some("trap"), Some("i32 -1 (0xffffffff)"))
    );
    let shown = failure("(assert_malformed (module (func (result i32))) \"unexpected end\")");
    assert_eq!(shown.expected.as_deref(), Some("malformed: unexpected end"));
    assert!(
        shown
            .actual
            .unwrap()
            .starts_with("invalid: type mismatch: expected i32 but nothing on stack (at offset 0x")
    );
}

#[test]
fn malformed_text_is_shown_with_its_place() {
    let message = failure("\n(module\n  (func (call $nowhere)))").message;
    assert!(message.ends_with("unknown func: failed to find name `$nowhere` (at 3:15)"), "{message}");
    // The position is the same if another form prevents parsing in a single pass.
    let result = result_with("(module)\n(module\n  (func (call $nowhere)))\nnonsense", &Options::default());
    assert!(result.failures().any(|(_, failure)| failure.message.ends_with("(at 3:15)")), "{result:?}");
    let message = failure("(module quote \"(func)\\n (funk)\")").message;
    assert!(message.ends_with("expected valid module field (at 2:3 of the quoted text)"), "{message}");
}

#[test]
fn a_file_that_cannot_be_split_into_forms_is_an_error() {
    let error =
        |text| run_script("t.wast", text, &Options::default(), &mut Mock::default()).unwrap_err().to_string();
    assert!(error("(module)\n(module").starts_with("t.wast:2:1: `(` is never closed"));
    assert!(error("(module))").starts_with("t.wast:1:9: `)` closes nothing"));
    assert!(error("(module \"abc\n)").starts_with("t.wast:1:9: `\"` begins a string"));
    assert!(error("(module) (; (module)").starts_with("t.wast:1:10: `(;` is never closed"));
}
