//! Tests of exceptions in wasm code: which handler catches them, and in which state (core spec,
//! section 4.6.4, "Exception Handling").

#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::{func, instantiate, store, tag};
use wassay_engine::{
    Compilation, Config, Engine, ErrorKind, Extern, ExternRef, HeapType, Linker, Module, Ref, Store, Trap,
    Val,
};

/// Calls an exported function of a module without imports. Both register allocators must give the
/// same result.
fn run(text: &str, name: &str, args: &[Val]) -> wassay_engine::Result<Vec<Val>> {
    let [optimized, plain] = [true, false].map(|optimize| {
        let mut store = Store::new(&Engine::new(&Config::new().optimize(optimize)).unwrap());
        let instance = instantiate(&mut store, &Linker::new(), text);
        func(&store, instance, name).invoke(&mut store, args)
    });
    assert_eq!(optimized.as_ref().ok(), plain.as_ref().ok());
    optimized
}

#[test]
fn an_exception_unwinds_any_number_of_frames_and_preserves_registers() {
    // `catch` has ten values in registers or on its stack during unwinding; each frame in between
    // has one.
    let sum: String = (1..=10).map(|local| format!("(i64.add (local.get {local}))")).collect();
    let sets: String = (1..=10)
        .map(|local| format!("(local.set {local} (i64.mul (local.get 0) (i64.const {local})))"))
        .collect();
    let text = format!(
        "(module (tag $e (param i64))
        (func $down (param i64) (result i64)
          (if (i64.eqz (local.get 0)) (then (throw $e (i64.const 1000))))
          (i64.add (local.get 0) (call $down (i64.sub (local.get 0) (i64.const 1)))))
        (func (export \"catch\") (param i64) (result i64) (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
          {sets}
          (block $caught (result i64)
            (try_table (result i64) (catch $e $caught) (call $down (local.get 0)))
            (drop) (i64.const -1))
          {sum}))"
    );
    for depth in [0, 1, 2, 100, 5000] {
        let result = run(&text, "catch", &[Val::I64(depth)]).unwrap();
        assert_eq!(result, [Val::I64(1000 + 55 * depth)], "{depth}");
    }
}

#[test]
fn tags_are_distinct_for_each_instance_and_shared_by_import() {
    let mut store = store();
    let mut linker = Linker::new();
    let thrower = "(module (tag $e (export \"e\") (param i32))
        (func (export \"throw\") (param i32) (throw $e (local.get 0))))";
    let (first, second) =
        (instantiate(&mut store, &linker, thrower), instantiate(&mut store, &linker, thrower));
    linker.define_instance(&store, "first", first).unwrap();
    linker.define_instance(&store, "second", second).unwrap();
    let catcher = "(module
        (import \"first\" \"e\" (tag $e (param i32)))
        (import \"first\" \"throw\" (func $throw1 (param i32))) (import \"second\" \"throw\" (func $throw2 (param i32)))
        (func (export \"f\") (param i32 i32) (result i32)
          (block $all
            (block $mine (result i32)
              (try_table (catch $e $mine) (catch_all $all)
                (if (local.get 0) (then (call $throw1 (local.get 1))) (else (call $throw2 (local.get 1)))))
              (return (i32.const -1)))
            (return))
          (i32.const -2)))";
    let instance = instantiate(&mut store, &linker, catcher);
    let f = func(&store, instance, "f");
    assert_eq!(f.invoke(&mut store, &[Val::I32(1), Val::I32(7)]).unwrap(), [Val::I32(7)]);
    assert_eq!(f.invoke(&mut store, &[Val::I32(0), Val::I32(7)]).unwrap(), [Val::I32(-2)]);
}

#[test]
fn traps_and_exhaustion_are_not_caught() {
    let text = "(module (memory 1) (table 1 funcref) (type $t (func)) (tag $e)
        (func $unreachable unreachable)
        (func $divide (drop (i32.div_s (i32.const 1) (i32.const 0))))
        (func $load (drop (i32.load (i32.const 65533))))
        (func $builtin (table.fill (i32.const 0) (ref.null func) (i32.const 2)))
        (func $indirect (call_indirect (type $t) (i32.const 0)))
        (func $null (throw_ref (ref.null exn)))
        (func $recurse (call $recurse) (call $recurse))
        (table $all funcref (elem $unreachable $divide $load $builtin $indirect $null $recurse))
        (func (export \"f\") (param i32)
          (block $h (try_table (catch_all $h) (call_indirect $all (type $t) (local.get 0)))))
        (func (export \"here\") (param i32) (block $h (try_table (catch $e $h) (catch_all $h)
          (block $load (block $builtin (block $indirect (block $null
            (br_table $load $builtin $indirect $null (local.get 0)))
            (throw_ref (ref.null exn)))
            (call_indirect (type $t) (i32.const 0)))
            (table.fill (i32.const 0) (ref.null func) (i32.const 2)))
            (drop (i32.load (i32.const 65533)))))))";
    let mut store = store();
    let instance = instantiate(&mut store, &Linker::new(), text);
    let kinds = [
        ErrorKind::Trap(Trap::Unreachable),
        ErrorKind::Trap(Trap::IntegerDivideByZero),
        ErrorKind::Trap(Trap::MemoryOutOfBounds),
        ErrorKind::Trap(Trap::TableOutOfBounds),
        ErrorKind::Trap(Trap::UninitializedElement),
        ErrorKind::Trap(Trap::NullExceptionReference),
        ErrorKind::Exhaustion,
    ];
    let f = func(&store, instance, "f");
    for (which, kind) in (0..).zip(kinds) {
        assert_eq!(f.invoke(&mut store, &[Val::I32(which)]).unwrap_err().kind(), kind, "{which}");
    }
    let here = func(&store, instance, "here");
    for (which, kind) in (0..).zip(&kinds[2..6]) {
        assert_eq!(here.invoke(&mut store, &[Val::I32(which)]).unwrap_err().kind(), *kind, "{which}");
    }
}

#[test]
fn a_million_throws_do_not_change_the_stack() {
    // `$narrow` replaces its frame, which has no stack arguments, by one with many, from which the
    // exception is thrown. The stack pointer for the handler cannot be computed from that frame.
    let params = " (param i64)".repeat(30);
    let args = "(i64.const 3)".repeat(30);
    let text = format!(
        "(module (tag $e (param i64))
        (func $wide{params} (throw $e (local.get 29)))
        (func $narrow (return_call $wide {args}))
        (func $plain (throw $e (i64.const 3)))
        (func (export \"f\") (param $n i64) (param $which i32) (result i64) (local $sum i64)
          (loop $again
            (block $caught (result i64)
              (try_table (catch $e $caught)
                (if (i32.eqz (local.get $which)) (then (throw $e (i64.const 3))))
                (if (i32.eq (local.get $which) (i32.const 1)) (then (call $plain)))
                (call $narrow))
              (i64.const 0))
            (local.set $sum (i64.add (local.get $sum)))
            (br_if $again (i64.ne (i64.const 0) (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
          (local.get $sum)))"
    );
    for which in 0..3 {
        let result = run(&text, "f", &[Val::I64(1_000_000), Val::I32(which)]).unwrap();
        assert_eq!(result, [Val::I64(3_000_000)], "{which}");
    }
}

#[test]
fn an_exception_has_many_fields_of_all_types() {
    let (mut types, mut values, mut expected) = (String::new(), String::new(), Vec::new());
    for at in 0..32 {
        let (ty, value, want) = match at % 6 {
            0 => ("i32", format!("(i32.const {at})"), Val::I32(at)),
            1 => {
                let bits = u128::from(at.unsigned_abs());
                ("v128", format!("(v128.const i64x2 {at} {at})"), Val::V128(bits << 64 | bits))
            }
            2 => ("f32", format!("(f32.const {at})"), Val::F32((at as f32).to_bits())),
            3 => ("i64", format!("(i64.const {at})"), Val::I64(at.into())),
            4 => ("f64", format!("(f64.const {at})"), Val::F64(f64::from(at).to_bits())),
            _ => ("externref", "(local.get $x)".into(), Val::Ref(Ref::Null(HeapType::NoExtern))),
        };
        types.push_str(&format!(" {ty}"));
        values.push_str(&value);
        expected.push(want);
    }
    let text = format!(
        "(module (type $t (func (param{types}))) (type $r (func (result{types})))
        (tag $e (export \"e\") (type $t)) (tag $n)
        (func $throw (export \"throw\") (param $x externref) (throw $e {values}))
        (func (export \"here\") (param $x externref) (result{types})
          (block $h (type $r) (try_table (catch $e $h) (throw $e {values})) (unreachable)))
        (func (export \"there\") (param $x externref) (result{types})
          (block $none
            (block $h (type $r)
              (try_table (catch $n $none) (catch $e $h) (call $throw (local.get $x))) (unreachable))
            (return))
          (unreachable)))"
    );
    let mut store = store();
    let instance = instantiate(&mut store, &Linker::new(), &text);
    for object in [Ref::Null(HeapType::NoExtern), Ref::Extern(ExternRef::new(&mut store, 5u8).unwrap())] {
        let object = Val::Ref(object);
        for want in expected.iter_mut().filter(|want| matches!(want, Val::Ref(_))) {
            *want = object.clone();
        }
        for name in ["here", "there"] {
            let caught =
                func(&store, instance, name).invoke(&mut store, std::slice::from_ref(&object)).unwrap();
            assert_eq!(caught, expected, "{name}");
        }
        let error = func(&store, instance, "throw").invoke(&mut store, &[object]).unwrap_err();
        assert_eq!(error.exn().unwrap().fields(&store), expected);
        assert_eq!(error.exn().unwrap().tag(&store), tag(&store, instance, "e"));
    }
}

#[test]
fn a_rethrown_exception_is_the_same() {
    let text = "(module (tag $e (export \"e\") (param i32)) (global $seen (export \"seen\") (mut exnref) (ref.null exn))
        (func $throw (throw $e (i32.const 7)))
        (func $again (block $h (result exnref) (try_table (catch_all_ref $h) (call $throw)) (unreachable))
          (global.set $seen) (throw_ref (global.get $seen)))
        (func (export \"f\")
          (block $h (result i32 exnref) (try_table (catch_ref $e $h) (call $again)) (unreachable))
          (throw_ref) ))";
    let mut store = store();
    let instance = instantiate(&mut store, &Linker::new(), text);
    let error = func(&store, instance, "f").invoke(&mut store, &[]).unwrap_err();
    let Some(Extern::Global(seen)) = instance.export(&store, "seen") else { panic!("a global is exported") };
    let Val::Ref(Ref::Exn(seen)) = seen.read(&store) else { panic!("an exception was seen") };
    assert_eq!(error.exn(), Some(&seen));
    let other = func(&store, instance, "f").invoke(&mut store, &[]).unwrap_err();
    assert_ne!(other.exn(), Some(&seen), "another exception with the same tag and values");
}

#[test]
fn a_tail_call_leaves_enclosing_blocks() {
    let text = "(module (tag $e) (type $t (func (result i32))) (table funcref (elem $throw))
        (func $throw (type $t) (throw $e))
        (func $direct (type $t) (block $h (try_table (catch_all $h) (return_call $throw))) (i32.const 1))
        (func $indirect (type $t)
          (block $h (try_table (catch_all $h) (return_call_indirect (type $t) (i32.const 0)))) (i32.const 1))
        (func $reference (type $t)
          (block $h (try_table (catch_all $h) (return_call_ref $t (ref.func $throw)))) (i32.const 1))
        (table $all funcref (elem $direct $indirect $reference))
        (func (export \"f\") (param i32) (result i32)
          (block $h
            (return (try_table (result i32) (catch $e $h) (call_indirect $all (type $t) (local.get 0)))))
          (i32.const 2)))";
    for which in 0..3 {
        assert_eq!(run(text, "f", &[Val::I32(which)]).unwrap(), [Val::I32(2)], "{which}");
    }
}

#[test]
fn a_block_does_not_catch_after_it_was_left() {
    // Leaves the inner blocks in each possible way, then throws: only the outermost block, whose
    // handler returns 100, is still active.
    let text = "(module (tag $e (param i32)) (func $throw (throw $e (i32.const 1)))
        (func (export \"f\") (param $way i32) (result i32)
          (block $outer (result i32)
            (try_table (catch $e $outer)
              (block $inner (result i32)
                (block $out2 (loop $retry
                  (block $out1
                    (try_table (catch $e $inner)
                      (block $a (block $b (block $c (br_table $a $b $c (local.get $way))) (local.set $way (i32.const 0)) (br $retry))
                        (br $out1))
                      (br $out2)))))
                (call $throw) (i32.const 2))
              (return))
            (unreachable))
          (i32.add (i32.const 99))))";
    for way in 0..4 {
        assert_eq!(run(text, "f", &[Val::I32(way)]).unwrap(), [Val::I32(100)], "{way}");
    }
}

#[test]
fn a_block_that_catches_has_parameters_and_results() {
    let text = "(module (tag $e (param i64))
        (func $may (param i32 i64) (result i64 i64)
          (if (local.get 0) (then (throw $e (i64.add (local.get 1) (i64.const 5)))))
          (local.get 1) (i64.add (local.get 1) (i64.const 1)))
        (func (export \"f\") (param i32) (result i64)
          (i64.const 1000)
          (block $out (result i64 i64)
            (block $h (result i64)
              (local.get 0) (i64.const 20)
              (try_table (param i32 i64) (result i64 i64) (catch $e $h) (call $may))
              (br $out))
            (i64.const 300))
          (i64.add) (i64.add)))";
    assert_eq!(run(text, "f", &[Val::I32(0)]).unwrap(), [Val::I64(1000 + 20 + 21)]);
    assert_eq!(run(text, "f", &[Val::I32(1)]).unwrap(), [Val::I64(1000 + 25 + 300)]);
}

#[test]
fn a_handler_gets_the_values_of_locals_at_the_throw() {
    let text = "(module (tag $e)
        (func $if (param i32 i32) (if (i32.eq (local.get 0) (local.get 1)) (then (throw $e))))
        (func (export \"f\") (param $when i32) (result i32) (local $x i32) (local $y f64)
          (block $h (try_table (catch_all $h)
            (local.set $x (i32.const 10)) (call $if (local.get $when) (i32.const 0))
            (local.set $x (i32.const 11)) (local.set $y (f64.const 0.5)) (call $if (local.get $when) (i32.const 1))
            (loop $l
              (local.set $x (i32.add (local.get $x) (i32.const 1))) (call $if (local.get $when) (local.get $x))
              (br_if $l (i32.lt_u (local.get $x) (i32.const 20))))
            (throw $e)))
          (i32.add (local.get $x) (i32.trunc_f64_s (f64.mul (local.get $y) (f64.const 2000))))))";
    for (when, expected) in [(0, 10), (1, 1011), (12, 1012), (19, 1019), (99, 1020)] {
        assert_eq!(run(text, "f", &[Val::I32(when)]).unwrap(), [Val::I32(expected)], "{when}");
    }
}

#[test]
fn a_handler_label_can_be_a_loop_or_the_function() {
    let text = "(module (tag $e (param i32))
        (func $throw (param i32) (throw $e (local.get 0)))
        (func (export \"loop\") (param i32) (result i32)
          (local.get 0)
          (loop $again (param i32) (result i32)
            (local.set 0)
            (if (i32.ge_s (local.get 0) (i32.const 10)) (then (return (local.get 0))))
            (try_table (result i32) (catch $e $again)
              (call $throw (i32.add (local.get 0) (i32.const 3))) (i32.const -1))))
        (func (export \"function\") (param i32) (result i32)
          (try_table (result i32) (catch $e 0) (call $throw (i32.const 42)) (i32.const -1))))";
    assert_eq!(run(text, "loop", &[Val::I32(0)]).unwrap(), [Val::I32(12)]);
    assert_eq!(run(text, "function", &[Val::I32(0)]).unwrap(), [Val::I32(42)]);
}

#[test]
fn a_deadline_interrupts_a_loop_of_exceptions() {
    for throw in ["(call $throw)", "(throw $e)"] {
        let mut store = store();
        let text = format!(
            "(module (tag $e) (func $throw (throw $e))
            (func (export \"f\") (loop (block $h (try_table (catch_all $h) {throw})) (br 0))))"
        );
        let instance = instantiate(&mut store, &Linker::new(), &text);
        store.set_deadline(Some(Instant::now() + Duration::from_millis(20)));
        let error = func(&store, instance, "f").invoke(&mut store, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{throw}");
    }
}

#[test]
fn compile_time_of_many_blocks_and_calls_is_bounded() {
    let engine = Engine::new(&Config::new().compilation(Compilation::Eager)).unwrap();
    let (depth, locals) = (1000, " i64".repeat(1000));
    let set = |n: usize| format!("(local.set {n} (i64.add (local.get {n}) (i64.const 1)))");
    let sets: String = (0..1000).map(set).collect();
    let nested: String =
        (0..depth).map(|n| format!("{}(try_table (catch $e $h) call $f call $f ", set(n))).collect();
    let calls: String = (0..1000).map(|n| format!("{}(call $f)", set(n)).repeat(5)).collect();
    let modules = [
        (
            "nested blocks, each with calls and another local",
            format!("(block $h {nested} {}) {sets}", "call $f)".repeat(depth)),
        ),
        (
            "calls between which a thousand locals change",
            format!("(block $h (try_table (catch $e $h) {calls})) {sets}"),
        ),
        (
            "blocks one after the other",
            format!("(block $h {}) {sets}", "(try_table (catch $e $h) call $f) ".repeat(5000)),
        ),
        (
            "fifty thousand calls between which a thousand locals change",
            format!("(block $h (try_table (catch $e $h) {})) {sets}", calls.repeat(10)),
        ),
    ];
    for (name, body) in modules {
        let text = format!("(module (tag $e) (func $f) (func (local{locals}) {body}))");
        let bytes = wat::parse_str(text).unwrap();
        let start = Instant::now();
        Module::new(&engine, &bytes).unwrap();
        // Not a measurement but a guard.
        assert!(start.elapsed() < Duration::from_secs(60), "{name}: {:?}", start.elapsed());
    }
    let params = " i64".repeat(1000);
    let clauses = "(catch $e $h)".repeat(10_000);
    let too_large = format!(
        "(module (tag $e (param{params})) (func $f)
        (func (result{params}) (block $h (result{params}) (try_table {clauses} (call $f)) (unreachable))))"
    );
    let error = Module::new(&engine, &wat::parse_str(too_large).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    // The memory that one function needed does not affect the next one.
    Module::new(&engine, &wat::parse_str("(module (func (block (br 0))))").unwrap()).unwrap();
}
