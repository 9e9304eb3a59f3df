//! Code of the first tier is replaced, between calls and in the middle of one, without a trace.

use std::thread;
use std::time::{Duration, Instant};

use wassay_engine::{Engine, ErrorKind, Extern, Func, FuncType, Linker, Store, Val, ValType};

use crate::common::func;
use crate::{ALL, Way, assert_same, config, engine, instance, module, outcome};

/// Functions with loops, which take a number of iterations, and what they return for 3000.
const LOOPS: [(&str, &str); 15] = [
    (
        "sums of each type, with a local that is only set before the loop",
        r#"(func (export "f") (param i32) (result i64 f32 f64 i32 i32)
            (local $a i64) (local $b f32) (local $c f64) (local $v v128) (local $before i32)
            (local.set $before (i32.mul (local.get 0) (i32.const 7)))
            (loop
                (local.set $a (i64.add (local.get $a) (i64.extend_i32_u (local.get 0))))
                (local.set $b (f32.add (local.get $b) (f32.const 0.5)))
                (local.set $c (f64.add (local.get $c) (f64.const 0.25)))
                (local.set $v (i32x4.add (local.get $v) (v128.const i32x4 1 2 3 4)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $a) (local.get $b) (local.get $c)
            (i32x4.extract_lane 3 (local.get $v)) (local.get $before))"#,
    ),
    (
        "a loop in a loop",
        r#"(func (export "f") (param i32) (result i32) (local $i i32) (local $sum i32)
            (loop $outer
                (local.set $i (i32.const 5))
                (loop $inner
                    (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $i) (local.get 0))))
                    (br_if $inner (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
                (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $sum))"#,
    ),
    (
        "loops in loops, before and after others",
        r#"(func (export "f") (param i32) (result i32 i32) (local $i i32) (local $j i32) (local $sum i32)
            (local.set $i (i32.const 4))
            (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (loop $outer
                (local.set $i (i32.const 3))
                (loop $first
                    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (local.get $i)))
                    (br_if $first (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
                (if (i32.and (local.get 0) (i32.const 1)) (then
                    (local.set $i (i32.const 2))
                    (loop $middle
                        (local.set $j (i32.add (i32.const 7) (i32.and (local.get 0) (i32.const 64))))
                        (loop $inner
                            (local.set $sum (i32.xor (i32.mul (local.get $sum) (i32.const 5)) (local.get $j)))
                            (br_if $inner (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
                        (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
                        (br_if $middle (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))))
                (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9))))
            (local.get $sum) (local.get $i))"#,
    ),
    (
        "one loop after the other, in the arms of an if, and in unreachable code",
        r#"(func (export "f") (param i32) (result i32) (local $n i32) (local $sum i32)
            (local.set $n (local.get 0))
            (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (if (i32.and (local.get 0) (i32.const 1))
                (then (loop (local.set $sum (i32.add (local.get $sum) (i32.const 2)))
                    (br_if 0 (i32.lt_u (local.get $sum) (local.get 0)))))
                (else (loop (local.set $sum (i32.add (local.get $sum) (i32.const 3)))
                    (br_if 0 (i32.lt_u (local.get $sum) (local.get 0))))))
            (block (br 0) (loop (br 0)))
            (loop (local.set $sum (i32.add (local.get $sum) (i32.const 5)))
                (br_if 0 (i32.lt_u (local.get $sum) (i32.mul (local.get 0) (i32.const 2)))))
            (local.get $sum))"#,
    ),
    (
        "operands below the loop",
        r#"(func (export "f") (param i32) (result i32) (local $sum i32)
            (i32.add (i32.mul (local.get 0) (i32.const 3))
                (loop (result i32)
                    (local.set $sum (i32.add (local.get $sum) (i32.const 2)))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
                    (local.get $sum))))"#,
    ),
    (
        "operands below an outer loop, and a loop in it without",
        r#"(func (export "f") (param i32) (result i32) (local $i i32) (local $sum i32)
            (i32.add (i32.mul (local.get 0) (i32.const 3))
                (loop $outer (result i32)
                    (local.set $i (i32.const 5))
                    (loop $inner
                        (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
                        (br_if $inner (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
                    (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
                    (local.get $sum))))"#,
    ),
    (
        "a loop with parameters",
        r#"(func (export "f") (param i32) (result i32)
            (i32.const 1) (i32.const 2)
            (loop (param i32 i32) (result i32)
                (i32.add) (i32.const 3)
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
                (i32.add)))"#,
    ),
    (
        "the target of a table",
        r#"(func (export "f") (param i32) (result i32) (local $sum i32)
            (block $done
                (loop $a (loop $b (loop $c
                    (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
                    (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                    (br_if $done (i32.eqz (local.get 0)))
                    (br_table $a $b $c $b (i32.and (local.get 0) (i32.const 3)))))))
            (local.get $sum))"#,
    ),
    (
        "results in memory, after a call with others",
        r#"(func $many (param i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
            (local.get 0) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5)
            (i32.const 6) (i32.const 7) (i32.const 8) (i32.const 9) (i32.const 10))
        (func (export "f") (param i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (local $sum i32)
            (loop
                (local.set $sum (i32.add (local.get $sum) (i32.const 2)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (call $many (local.get $sum)))"#,
    ),
    (
        "an exception that leaves the loop, and one that does not",
        r#"(tag $t (param i32))
        (func $odd (param i32) (result i32)
            (if (i32.and (local.get 0) (i32.const 1)) (then (throw $t (local.get 0))))
            (i32.const 1))
        (func (export "f") (param i32) (result i32) (local $sum i32)
            (block $out (result i32)
                (try_table (catch $t $out)
                    (loop $again
                        (block $caught (result i32)
                            (try_table (result i32) (catch $t $caught) (call $odd (local.get 0))))
                        (local.set $sum (i32.add (local.get $sum)))
                        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                    (drop (call $odd (i32.const 77))))
                (i32.const 0))
            (i32.add (local.get $sum)))"#,
    ),
    (
        "objects, which only the loop refers to",
        r#"(type $s (struct (field i32) (field (ref null $s))))
        (func (export "f") (param i32) (result i32) (local $list (ref null $s)) (local $sum i32)
            (loop
                (local.set $list (struct.new $s (local.get 0) (local.get $list)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (loop
                (local.set $sum (i32.add (local.get $sum) (struct.get $s 0 (local.get $list))))
                (local.set $list (struct.get $s 1 (local.get $list)))
                (br_if 0 (i32.eqz (ref.is_null (local.get $list)))))
            (local.get $sum))"#,
    ),
    (
        "a trap in the loop",
        r#"(func $divide (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
        (func $go (param i32) (loop
            (drop (call $divide (local.get 0)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br 0)))
        (func (export "f") (param i32) (call $go (local.get 0)))"#,
    ),
    (
        "a tail call out of the loop, in a ring",
        r#"(func $g (param i32 i64 i64 i64 i64 i64 i64 i64) (result i32)
            (return_call $f (local.get 0)))
        (func $f (export "f") (param i32) (result i32) (local $i i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
            (loop
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if 0 (i32.lt_u (local.get $i) (i32.const 3))))
            (return_call $g (i32.sub (local.get 0) (i32.const 1)) (i64.const 1) (i64.const 1) (i64.const 1)
                (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1)))"#,
    ),
    (
        "recursion in the loop",
        r#"(func $f (export "f") (param i32) (result i32) (local $i i32) (local $sum i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
            (local.set 0 (i32.and (local.get 0) (i32.const 7)))
            (local.set $i (i32.const 3))
            (loop
                (local.set $sum (i32.add (local.get $sum) (call $f (i32.shr_u (local.get 0) (i32.const 1)))))
                (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (local.get $sum))"#,
    ),
    (
        "a memory, a global and a table that others see",
        r#"(memory 1) (global $g (mut i64) (i64.const 0)) (table 2 funcref) (elem (i32.const 0) func $add $sub)
        (type $t (func (param i32) (result i32)))
        (func $add (type $t) (i32.add (local.get 0) (i32.const 3)))
        (func $sub (type $t) (i32.sub (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32 i64)
            (loop
                (i32.store (i32.const 8) (call_indirect (type $t) (i32.load (i32.const 8))
                    (i32.and (local.get 0) (i32.const 1))))
                (global.set $g (i64.add (global.get $g) (i64.const 2)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.load (i32.const 8)) (global.get $g))"#,
    ),
];

/// The module of a function in two forms: with few branches for its size, for which the first tier
/// keeps the locals as values, and as it is.
fn forms(body: &str) -> [String; 2] {
    let long = body.replace("(loop", &format!("{} (loop", "(nop)".repeat(3000)));
    [long, body.to_owned()].map(|body| format!("(module {body})"))
}

#[test]
fn a_call_is_continued_from_its_loops() {
    for (what, text) in LOOPS.iter().flat_map(|(what, body)| forms(body).map(|text| (*what, text))) {
        let all = ALL.map(|way| {
            let mut store = Store::new(&engine(way));
            let instance = instance(&mut store, &text);
            let outcomes =
                [3000, 1, 3001, 20_000].map(|times| outcome(&mut store, instance, "f", &[Val::I32(times)]));
            let continued = store.engine().stats().continued;
            let is_stuck = what.contains("operands") || what.contains("parameters");
            match way {
                Way::Stressed => assert_eq!(continued > 0, !is_stuck, "{what}"),
                // It depends on the time that the other thread takes.
                Way::Tiered => assert!(continued == 0 || !is_stuck, "{what}"),
                _ => assert_eq!(continued, 0, "{way:?} {what}"),
            }
            outcomes
        });
        assert_same(&all, what);
    }
}

#[test]
fn a_call_is_continued_while_every_allocation_collects() {
    let body = LOOPS.iter().find(|(what, _)| what.contains("objects")).unwrap().1;
    for text in forms(body) {
        let mut store = Store::new(&Engine::new(&config(Way::Stressed).collect_always(true)).unwrap());
        let instance = instance(&mut store, &text);
        assert_eq!(outcome(&mut store, instance, "f", &[Val::I32(300)]), "[I32(45150)]");
        assert!(store.engine().stats().continued > 0);
    }
}

/// Waits until something is true.
fn wait_for(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_function_that_is_called_often_is_optimised() {
    let text = r#"(module (func $g (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32) (i32.mul (call $g (local.get 0)) (i32.const 2))))"#;
    let engine = engine(Way::Tiered);
    let mut store = Store::new(&engine);
    let instance = instance(&mut store, text);
    let f = func(&store, instance, "f");
    for number in 0..100 {
        assert_eq!(f.invoke(&mut store, &[Val::I32(number)]).unwrap(), [Val::I32(number * 2 + 2)]);
    }
    assert_eq!(engine.stats().optimized, 0, "a hundred calls are not many");
    for number in 0..10_000 {
        assert_eq!(f.invoke(&mut store, &[Val::I32(number)]).unwrap(), [Val::I32(number * 2 + 2)]);
    }
    wait_for("both functions are optimised", || engine.stats().optimized == 2);
    assert_eq!(f.invoke(&mut store, &[Val::I32(1)]).unwrap(), [Val::I32(4)]);
    assert_eq!(engine.stats().compiled, 2);
}

#[test]
fn a_loop_that_does_not_end_before_is_continued_in_optimised_code() {
    // The host ends the loop when that has happened.
    let text = r#"(module (import "h" "is_continued" (func $h (result i32)))
        (func (export "f") (result i32) (local $i i32)
            (loop
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if 0 (i32.eqz (call $h))))
            (local.get $i)))"#;
    let engine = engine(Way::Tiered);
    let mut store = Store::new(&engine);
    let stats = engine.clone();
    let begun = Instant::now();
    let host = Func::alloc(&mut store, FuncType::new([], [ValType::I32]), move |_, _, results| {
        assert!(begun.elapsed() < Duration::from_secs(60), "not continued in time");
        results[0] = Val::I32(i32::from(stats.stats().continued > 0));
        Ok(())
    });
    let mut linker = Linker::new();
    linker.define("h", "is_continued", Extern::Func(host.unwrap())).unwrap();
    let module = module(&engine, text);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let results = func(&store, instance, "f").invoke(&mut store, &[]).unwrap();
    assert!(matches!(results[..], [Val::I32(times)] if times > 1000), "{results:?}");
}

#[test]
fn a_continued_loop_is_interrupted_in_time() {
    let text = r#"(module (func $spin (loop (br 0))) (func (export "f") (call $spin)))"#;
    for way in [Way::Tiered, Way::Stressed] {
        let mut store = Store::new(&engine(way));
        let instance = instance(&mut store, text);
        let f = func(&store, instance, "f");
        let begun = Instant::now();
        store.set_deadline(Some(begun + Duration::from_millis(200)));
        assert_eq!(f.invoke(&mut store, &[]).unwrap_err().kind(), ErrorKind::Interrupted, "{way:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

#[test]
fn threads_run_a_module_while_its_code_is_replaced() {
    let text = r#"(module
        (func $g (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32) (local $sum i32)
            (loop
                (local.set $sum (call $g (local.get $sum)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $sum)))"#;
    for _ in 0..20 {
        let engine = engine(Way::Tiered);
        let module = module(&engine, text);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut store = Store::new(&engine);
                    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
                    let f = func(&store, instance, "f");
                    for times in [10_000, 3, 100_000] {
                        assert_eq!(f.invoke(&mut store, &[Val::I32(times)]).unwrap(), [Val::I32(times)]);
                    }
                });
            }
        });
    }
}

#[test]
fn a_module_is_dropped_while_its_functions_wait_to_be_optimised() {
    let body = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.load (i32.const 0))))";
    let text = format!(
        "(module (memory 1) (func (export \"f\") (param i32) (loop
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (if (local.get 0) (then {}))))",
        body.repeat(500)
    );
    let engine = engine(Way::Tiered);
    for _ in 0..50 {
        let mut store = Store::new(&engine);
        let instance = instance(&mut store, &text);
        func(&store, instance, "f").invoke(&mut store, &[Val::I32(2100)]).unwrap();
    }
}

#[test]
fn functions_are_compiled_ahead_without_changing_results() {
    // Large enough to be worth it, and deep enough that threads meet.
    let filler = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(100);
    let count = 200;
    let functions: String = (0..count)
        .map(|number| {
            let call = if number + 1 < count { format!("(call $f{})", number + 1) } else { String::new() };
            format!("(func $f{number} (export \"f{number}\") (param i32) (result i32) {filler} (local.get 0) {call})")
        })
        .collect();
    for way in ALL {
        for ahead in [true, false] {
            let engine = Engine::new(&config(way).speculation(ahead)).unwrap();
            let mut store = Store::new(&engine);
            let instance = instance(&mut store, &format!("(module {functions})"));
            let results = func(&store, instance, "f0").invoke(&mut store, &[Val::I32(0)]).unwrap();
            assert_eq!(results, [Val::I32(100 * count)], "{way:?}");
        }
    }
}
