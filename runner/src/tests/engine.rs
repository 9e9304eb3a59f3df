//! Tests of assertions on our own engine, with real modules and failures.

use std::time::Duration;

use wassay_engine::{Config, Features};
use wassay_script::{Options, run_script};

use super::named;
use crate::script::EngineEmbedder;
use crate::verdict::Render;

/// The outcomes of directives after a module, on our own engine with the features of 2.0.
fn outcomes(module: &str, directives: &[&str]) -> Vec<String> {
    let options = Options { features: Features::V2, ..Options::default() };
    outcomes_with(&format!("{module}\n{}", directives.join("\n")), &options)
}

fn outcomes_with(text: &str, options: &Options) -> Vec<String> {
    let result = run_script("t.wast", text, options, &mut EngineEmbedder::new(Config::new())).unwrap();
    let outcomes: Vec<String> = result.directives.iter().map(|directive| named(directive.outcome)).collect();
    assert_eq!(result.text_not_compared(), 0, "{}", result.render(false));
    outcomes
}

fn check(module: &str, cases: &[(&str, &str)]) {
    let directives: Vec<&str> = cases.iter().map(|(directive, _)| *directive).collect();
    let outcomes = outcomes(module, &directives);
    assert_eq!(outcomes[0], "pass", "{module}");
    for ((directive, expected), outcome) in cases.iter().zip(&outcomes[1..]) {
        assert_eq!(outcome, expected, "{directive}");
    }
}

const NUMBERS: &str = "(module
    (global (export \"answer\") i32 (i32.const 42))
    (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export \"swap\") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
    (func (export \"div\") (param f32 f32) (result f32) (f32.div (local.get 0) (local.get 1)))
    (func (export \"same\") (param f64) (result f64) (local.get 0))
    (func (export \"splat\") (param i32) (result v128) (i32x4.splat (local.get 0)))
    (func (export \"nothing\")))";

#[test]
fn returned_numbers_are_judged() {
    check(
        NUMBERS,
        &[
            ("(assert_return (invoke \"add\" (i32.const 1) (i32.const 2)) (i32.const 3))", "pass"),
            ("(assert_return (invoke \"add\" (i32.const 1) (i32.const 2)) (i32.const 4))", "wrong-value"),
            ("(assert_return (invoke \"add\" (i32.const 1) (i32.const 2)) (i64.const 3))", "wrong-type"),
            ("(assert_return (invoke \"add\" (i32.const 1) (i32.const 2)))", "wrong-count"),
            ("(assert_return (invoke \"nothing\"))", "pass"),
            ("(assert_return (invoke \"nothing\") (i32.const 0))", "wrong-count"),
            (
                "(assert_return (invoke \"swap\" (i32.const 1) (i64.const 2)) (i64.const 2) (i32.const 1))",
                "pass",
            ),
            (
                "(assert_return (invoke \"swap\" (i32.const 1) (i64.const 2)) (i64.const 2) (i32.const 2))",
                "wrong-value",
            ),
            (
                "(assert_return (invoke \"div\" (f32.const 0) (f32.const 0)) (f32.const nan:canonical))",
                "pass",
            ),
            (
                "(assert_return (invoke \"div\" (f32.const 1) (f32.const 0)) (f32.const nan:canonical))",
                "wrong-nan",
            ),
            (
                "(assert_return (invoke \"same\" (f64.const nan:0x4000000000000)) (f64.const nan:arithmetic))",
                "wrong-nan",
            ),
            (
                "(assert_return (invoke \"same\" (f64.const nan:0x8000000000001)) (f64.const nan:arithmetic))",
                "pass",
            ),
            (
                "(assert_return (invoke \"same\" (f64.const nan:0x8000000000001)) (f64.const nan:canonical))",
                "wrong-nan",
            ),
            ("(assert_return (invoke \"splat\" (i32.const 7)) (v128.const i32x4 7 7 7 7))", "pass"),
            ("(assert_return (invoke \"splat\" (i32.const 7)) (v128.const i32x4 7 7 8 7))", "wrong-value"),
            (
                "(assert_return (invoke \"add\" (i32.const 1) (i32.const 2)) (either (i32.const 4) (i32.const 5)))",
                "wrong-value",
            ),
            ("(assert_return (get \"answer\") (i32.const 42))", "pass"),
            ("(assert_return (get \"answer\") (i32.const 43))", "wrong-value"),
            ("(assert_return (get \"add\") (i32.const 42))", "no-such-export"),
            ("(assert_return (invoke \"answer\") (i32.const 42))", "no-such-export"),
            ("(assert_return (invoke \"add\" (i32.const 1)) (i32.const 42))", "wrong-arguments"),
            (
                "(assert_return (invoke \"add\" (i32.const 1) (i64.const 1)) (i32.const 42))",
                "wrong-arguments",
            ),
        ],
    );
}

#[test]
fn returned_references_are_judged() {
    let module = "(module (func $f (export \"f\") (result funcref) (ref.func $f))
        (func (export \"null\") (result externref) (ref.null extern))
        (func (export \"same\") (param externref) (result externref) (local.get 0)))";
    check(
        module,
        &[
            ("(assert_return (invoke \"f\") (ref.func))", "pass"),
            ("(assert_return (invoke \"f\") (ref.null func))", "null-expected"),
            ("(assert_return (invoke \"f\") (ref.extern))", "wrong-type"),
            ("(assert_return (invoke \"null\") (ref.null))", "pass"),
            ("(assert_return (invoke \"null\") (ref.null extern))", "pass"),
            ("(assert_return (invoke \"null\") (ref.null func))", "wrong-type"),
            ("(assert_return (invoke \"null\") (ref.extern))", "unexpected-null"),
            ("(assert_return (invoke \"same\" (ref.extern 3)) (ref.extern 3))", "pass"),
            ("(assert_return (invoke \"same\" (ref.extern 3)) (ref.extern 4))", "wrong-value"),
            ("(assert_return (invoke \"same\" (ref.null extern)) (ref.extern 3))", "unexpected-null"),
        ],
    );
}

const REFERENCES: &str = "(module
    (type $s (struct)) (type $a (array i8)) (type $f (func))
    (tag $t (param i32))
    (func $f (type $f))
    (elem declare func $f)
    (func (export \"any\") (param externref) (result anyref) (any.convert_extern (local.get 0)))
    (func (export \"extern\") (param anyref) (result externref) (extern.convert_any (local.get 0)))
    (func (export \"i31\") (param i32) (result anyref) (ref.i31 (local.get 0)))
    (func (export \"struct\") (result anyref) (struct.new $s))
    (func (export \"array\") (result eqref) (array.new_fixed $a 0))
    (func (export \"func\") (result (ref $f)) (ref.func $f))
    (func (export \"external struct\") (result externref) (extern.convert_any (struct.new $s)))
    (func (export \"exn\") (result exnref)
        (block $caught (result exnref) (try_table (catch_all_ref $caught) (throw $t (i32.const 1))) (unreachable)))
    (func (export \"throw\") (param i32)
        (if (local.get 0) (then (throw $t (i32.const 1)))))
    (func (export \"trap\") (unreachable)))";

#[test]
fn references_of_every_kind_are_judged_and_shown() {
    let cases = [
        ("(assert_return (invoke \"any\" (ref.extern 7)) (ref.host 7))", "pass"),
        ("(assert_return (invoke \"any\" (ref.extern 7)) (ref.host 8))", "wrong-value"),
        ("(assert_return (invoke \"any\" (ref.extern 7)) (ref.any))", "pass"),
        ("(assert_return (invoke \"any\" (ref.extern 7)) (ref.eq))", "wrong-reference"),
        ("(assert_return (invoke \"any\" (ref.null extern)) (ref.null none))", "pass"),
        ("(assert_return (invoke \"extern\" (ref.host 7)) (ref.extern 7))", "pass"),
        ("(assert_return (invoke \"extern\" (ref.host 7)) (ref.extern 8))", "wrong-value"),
        ("(assert_return (invoke \"extern\" (ref.null i31)) (ref.null noextern))", "pass"),
        ("(assert_return (invoke \"i31\" (i32.const 5)) (ref.i31))", "pass"),
        ("(assert_return (invoke \"i31\" (i32.const 5)) (ref.struct))", "wrong-reference"),
        ("(assert_return (invoke \"struct\") (ref.struct))", "pass"),
        ("(assert_return (invoke \"struct\") (ref.eq))", "pass"),
        ("(assert_return (invoke \"struct\") (ref.array))", "wrong-reference"),
        ("(assert_return (invoke \"array\") (ref.array))", "pass"),
        ("(assert_return (invoke \"array\") (ref.null any))", "null-expected"),
        ("(assert_return (invoke \"func\") (ref.func))", "pass"),
        ("(assert_return (invoke \"external struct\") (ref.extern))", "pass"),
        ("(assert_return (invoke \"external struct\") (ref.extern 0))", "wrong-value"),
        ("(assert_return (invoke \"exn\") (ref.exn))", "pass"),
        ("(assert_return (invoke \"exn\") (ref.any))", "wrong-type"),
        ("(assert_exception (invoke \"throw\" (i32.const 1)))", "pass"),
        ("(assert_exception (invoke \"throw\" (i32.const 0)))", "exception-expected"),
        ("(assert_exception (invoke \"trap\"))", "trap-instead-of-exception"),
        ("(assert_trap (invoke \"throw\" (i32.const 1)) \"unreachable\")", "exception-instead-of-trap"),
        ("(assert_return (invoke \"throw\" (i32.const 1)))", "unexpected-exception"),
    ];
    let directives: Vec<&str> = cases.iter().map(|(directive, _)| *directive).collect();
    let text = format!("{REFERENCES}\n{}", directives.join("\n"));
    let outcomes = outcomes_with(&text, &Options::default());
    assert_eq!(outcomes[0], "pass");
    for ((directive, expected), outcome) in cases.iter().zip(&outcomes[1..]) {
        assert_eq!(outcome, expected, "{directive}");
    }
    let text = format!("{REFERENCES}\n(assert_return (invoke \"i31\" (i32.const -2)) (ref.array))");
    let result =
        run_script("t.wast", &text, &Options::default(), &mut EngineEmbedder::new(Config::new())).unwrap();
    let told = result.render(false);
    assert!(told.contains("ref.i31 -2 (0x7ffffffe)"), "{told}");
}

const FAILURES: &str = "(module (memory 1) (table 2 funcref)
    (func (export \"unreachable\") (unreachable))
    (func (export \"load\") (result i32) (i32.load (i32.const -1)))
    (func (export \"call\") (param i32) (call_indirect (local.get 0)))
    (func $down (export \"down\") (call $down)))";

#[test]
fn traps_and_exhaustion_are_distinguished() {
    check(
        FAILURES,
        &[
            ("(assert_trap (invoke \"unreachable\") \"unreachable\")", "pass"),
            ("(assert_trap (invoke \"unreachable\") \"out of bounds memory access\")", "wrong-text"),
            ("(assert_trap (invoke \"load\") \"out of bounds memory access\")", "pass"),
            ("(assert_trap (invoke \"load\") \"out of bounds table access\")", "wrong-text"),
            ("(assert_trap (invoke \"call\" (i32.const 1)) \"uninitialized element 1\")", "pass"),
            ("(assert_trap (invoke \"call\" (i32.const 9)) \"uninitialized element 9\")", "wrong-text"),
            ("(assert_trap (invoke \"call\" (i32.const 9)) \"undefined element\")", "pass"),
            ("(assert_trap (invoke \"down\") \"unreachable\")", "exhaustion-instead-of-trap"),
            ("(assert_exhaustion (invoke \"down\") \"call stack exhausted\")", "pass"),
            (
                "(assert_exhaustion (invoke \"unreachable\") \"call stack exhausted\")",
                "trap-instead-of-exhaustion",
            ),
            ("(assert_exception (invoke \"unreachable\"))", "trap-instead-of-exception"),
            ("(invoke \"unreachable\")", "unexpected-trap"),
            ("(invoke \"down\")", "unexpected-exhaustion"),
            ("(assert_return (invoke \"unreachable\"))", "unexpected-trap"),
        ],
    );
}

#[test]
fn modules_are_judged() {
    check(
        "(module $m (func (export \"f\")) (memory (export \"m\") 1))",
        &[
            ("(register \"m\")", "pass"),
            ("(module)", "pass"),
            ("(assert_invalid (module (func (result i32))) \"type mismatch\")", "pass"),
            ("(assert_invalid (module (func)) \"type mismatch\")", "not-invalid"),
            ("(assert_malformed (module binary \"\\00asm\") \"unexpected end\")", "pass"),
            (
                "(assert_malformed (module binary \"\\00asm\\01\\00\\00\\00\\7f\\00\") \"malformed section id\")",
                "pass",
            ),
            (
                "(assert_malformed (module quote \"(func (result i32))\") \"unexpected token\")",
                "invalid-instead-of-malformed",
            ),
            (
                "(assert_invalid (module binary \"\\00asm\") \"type mismatch\")",
                "malformed-instead-of-invalid",
            ),
            ("(assert_unlinkable (module (import \"m\" \"g\" (func))) \"unknown import\")", "pass"),
            ("(assert_unlinkable (module (import \"m\" \"f\" (func))) \"unknown import\")", "not-unlinkable"),
            (
                "(assert_unlinkable (module (import \"m\" \"f\" (memory 1))) \"incompatible import type\")",
                "pass",
            ),
            ("(assert_unlinkable (module (import \"m\" \"f\" (memory 1))) \"unknown import\")", "wrong-text"),
            ("(assert_trap (module (func $s (unreachable)) (start $s)) \"unreachable\")", "pass"),
            (
                "(assert_trap (module (memory 1) (data (i32.const 65536) \"a\")) \"out of bounds memory access\")",
                "pass",
            ),
            ("(assert_trap (module) \"unreachable\")", "trap-expected"),
            ("(module (import \"m\" \"g\" (func)))", "unexpected-unlinkable"),
            ("(module (func $s (unreachable)) (start $s))", "unexpected-trap"),
            ("(register \"m\" $gone)", "no-such-instance"),
            ("(module (import \"m\" \"f\" (func)))", "unexpected-unlinkable"),
        ],
    );
}

#[test]
fn the_host_module_is_available() {
    let module = "(module
        (import \"spectest\" \"print\" (func $p)) (import \"spectest\" \"print_f64_f64\" (func (param f64 f64)))
        (import \"spectest\" \"table\" (table 10 20 funcref)) (import \"spectest\" \"memory\" (memory 1 2))
        (import \"spectest\" \"global_i32\" (global i32)) (import \"spectest\" \"global_f32\" (global f32))
        (export \"i\" (global 0)) (export \"f\" (global 1)) (func (export \"print\") (call $p)))";
    check(
        module,
        &[
            ("(assert_return (get \"i\") (i32.const 666))", "pass"),
            ("(assert_return (get \"f\") (f32.const 666.6))", "pass"),
            ("(assert_return (invoke \"print\"))", "pass"),
            (
                "(assert_unlinkable (module (import \"spectest\" \"table64\" (table 1 funcref))) \"unknown import\")",
                "pass",
            ),
            (
                "(assert_unlinkable (module (import \"spectest\" \"print\" (func (param i32)))) \"incompatible import type\")",
                "pass",
            ),
            (
                "(assert_unlinkable (module (import \"spectest\" \"nothing\" (func))) \"unknown import\")",
                "pass",
            ),
        ],
    );
}

#[test]
fn a_script_may_register_the_name_of_the_host_module() {
    let text = "(module (func (export \"mine\"))) (register \"spectest\") (module (import \"spectest\" \"mine\" (func)))
        (assert_unlinkable (module (import \"spectest\" \"print\" (func))) \"unknown import\")";
    assert_eq!(outcomes(text, &[]), ["pass"; 4]);
}

#[test]
fn features_come_with_the_script() {
    let text = "(assert_invalid (module (memory 1) (memory 1)) \"multiple memories\")";
    let with = |features| outcomes_with(text, &Options { features, ..Options::default() });
    assert_eq!(with(Features::V2), ["pass"]);
    assert_eq!(with(Features::V3), ["not-invalid"]);
}

#[test]
fn an_endless_script_times_out() {
    let text = "(module (func (export \"loop\") (loop (br 0))) (func (export \"f\")))
        (assert_trap (invoke \"loop\") \"unreachable\") (assert_return (invoke \"f\"))";
    let options = Options { timeout: Some(Duration::from_millis(20)), ..Options::default() };
    assert_eq!(outcomes_with(text, &options), ["pass", "timeout", "not-run"]);
    assert_eq!(outcomes_with("(module (func (export \"f\"))) (invoke \"f\")", &options), ["pass", "pass"]);
}

#[test]
fn instances_share_only_their_imports() {
    let text = "(module definition $counter (global $n (mut i32) (i32.const 0))
            (func (export \"next\") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
        (module instance $a $counter) (module instance $b $counter)
        (assert_return (invoke $a \"next\") (i32.const 1)) (assert_return (invoke $a \"next\") (i32.const 2))
        (assert_return (invoke $b \"next\") (i32.const 1))
        (register \"a\" $a)
        (module (import \"a\" \"next\" (func $next (result i32))) (export \"next\" (func $next)))
        (assert_return (invoke \"next\") (i32.const 3)) (assert_return (invoke $a \"next\") (i32.const 4))";
    assert_eq!(outcomes(text, &[]), ["pass"; 10]);
}
