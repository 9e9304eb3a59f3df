//! Every way by which a call reaches a function that is not compiled, with arguments and results
//! wherever the calling convention puts them.

use wassay_engine::{Linker, Store, Val};

use crate::common::func;
use crate::{ALL, Way, assert_same, engine, instance, module, outcome};

/// How a call is written, where the callee has that type and is at that place of the table.
const WAYS: [&str; 6] = [
    "(call $NAME ARGS)",
    "(call_indirect (type $NAME) ARGS (i32.const PLACE))",
    "(call_ref $NAME ARGS (ref.func $NAME))",
    "(return_call $NAME ARGS)",
    "(return_call_indirect (type $NAME) ARGS (i32.const PLACE))",
    "(return_call_ref $NAME ARGS (ref.func $NAME))",
];

/// The types of the parameters and results of functions, which return their last parameters.
const TYPES: [(&str, &str); 9] = [
    ("", ""),
    ("i32", "i32"),
    ("i32 i64 f32 f64 v128", "i32 i64 f32 f64 v128"),
    // More arguments than registers of either sort, so that some are on the stack.
    ("i64 i64 i64 i64 i64 i64 i64 i64 i64", "i64"),
    ("f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 i32", "f64 i32"),
    ("v128 v128 v128 v128 v128 v128 v128 v128 v128 v128", "v128 v128"),
    // More results than registers: they are returned in memory.
    ("i32 i32 i32 i32 i32 i32 i32 i32 i32 i32", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("f32 f32 f32 f32 f32 f32 f32 f32 f32", "f32 f32 f32 f32 f32 f32 f32 f32 f32"),
    ("i32 f64", "i32 f64"),
];

/// A constant of a type that no other number has.
fn constant(ty: &str, number: usize) -> String {
    match ty {
        "v128" => format!("(v128.const i32x4 {number} {} 3 4)", number + 100),
        _ => format!("({ty}.const {number})"),
    }
}

/// A module with a function of each type, and for each a function that calls it in that way.
fn text(way: &str) -> String {
    let (mut types, mut functions, mut elements) = (String::new(), String::new(), String::new());
    for (place, (params, results)) in TYPES.iter().enumerate() {
        let name = format!("f{place}");
        types += &format!("(type ${name} (func (param {params}) (result {results})))");
        elements += &format!(" ${name}");
        let (given, taken) = (params.split_whitespace().count(), results.split_whitespace().count());
        let returned: String = (given - taken..given).map(|local| format!("(local.get {local})")).collect();
        functions += &format!("(func ${name} (type ${name}) {returned})");
        let args: String =
            params.split_whitespace().enumerate().map(|(number, ty)| constant(ty, number + 1)).collect();
        let call = way.replace("NAME", &name).replace("ARGS", &args).replace("PLACE", &place.to_string());
        functions += &format!("(func (export \"{name}\") (result {results}) {call})");
    }
    format!(
        "(module {types} (table {0} funcref) (elem (i32.const 0) func {elements}) {functions})",
        TYPES.len()
    )
}

#[test]
fn a_function_is_reached_in_every_way() {
    for way in WAYS {
        let all = ALL.map(|compiled| {
            let mut store = Store::new(&engine(compiled));
            let instance = instance(&mut store, &text(way));
            let mut outcomes = Vec::new();
            for _ in 0..2 {
                let call = |place| outcome(&mut store, instance, &format!("f{place}"), &[]);
                outcomes.extend((0..TYPES.len()).map(call));
            }
            outcomes
        });
        assert_same(&all, way);
        assert!(all[0][3].contains("I64(9)"), "{:?}", all[0]);
    }
}

#[test]
fn a_function_of_another_instance_is_reached_in_every_way() {
    let exporter = r#"(module
        (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (call $g (local.get 0))))
        (func $g (param i32) (result i32) (i32.mul (local.get 0) (i32.const 10)))
        (func (export "many") (param i32)
            (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
            (local.get 0) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5)
            (i32.const 6) (i32.const 7) (i32.const 8) (i32.const 9) (call $g (local.get 0))))"#;
    let importer = r#"(module
        (type $t (func (param i32) (result i32)))
        (type $many (func (param i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
        (import "e" "f" (func $f (type $t))) (import "e" "many" (func $many (type $many)))
        (table 2 funcref) (elem (i32.const 0) func $f $many) (elem declare func $f)
        (func (export "direct") (param i32) (result i32) (call $f (local.get 0)))
        (func (export "tail") (param i32) (result i32) (return_call $f (local.get 0)))
        (func (export "indirect") (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 0)))
        (func (export "by reference") (param i32) (result i32) (call_ref $t (local.get 0) (ref.func $f)))
        (func (export "many") (param i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
            (return_call_indirect (type $many) (local.get 0) (i32.const 1))))"#;
    let names = ["direct", "tail", "indirect", "by reference", "many"];
    // Each of them is the first to call in one store.
    for first in names {
        let all = ALL.map(|way| {
            let mut store = Store::new(&engine(way));
            let exporter = instance(&mut store, exporter);
            let mut linker = Linker::new();
            for name in ["f", "many"] {
                linker.define("e", name, exporter.export(&store, name).unwrap()).unwrap();
            }
            let module = module(store.engine(), importer);
            let importer = linker.instantiate(&mut store, &module).unwrap();
            let calls = [first].into_iter().chain(names).chain(names);
            calls.map(|name| outcome(&mut store, importer, name, &[Val::I32(4)])).collect::<Vec<_>>()
        });
        assert_same(&all, first);
        assert!(all[0][1].contains("I32(44)"), "{:?}", all[0]);
    }
}

#[test]
fn the_host_reaches_a_function_in_every_way() {
    let text = r#"(module
        (func $f (export "f") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
        (func $unexported (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
        (table (export "t") 2 funcref) (elem (i32.const 0) func $f $unexported)
        (global (export "g") funcref (ref.func $f)))"#;
    let mut store = Store::new(&engine(Way::Lazy));
    let instance = instance(&mut store, text);
    let f = func(&store, instance, "f");
    let args = [Val::I32(3), Val::F64(1.5f64.to_bits())];
    let expected = [Val::F64(1.5f64.to_bits()), Val::I32(3)];
    assert_eq!(f.invoke(&mut store, &args).unwrap(), expected);
    let typed = f.typed::<(i32, f64), (f64, i32)>(&mut store).unwrap();
    assert_eq!(typed.call(&mut store, (4, 2.5)).unwrap(), (2.5, 4));
    assert_eq!(store.engine().stats().compiled, 1);
}

#[test]
fn exceptions_pass_functions_that_are_compiled_on_the_way() {
    let text = r#"(module
        (tag $t (param i32 i64))
        (func $throw (param i32) (throw $t (local.get 0) (i64.const 5)))
        (func $pass (param i32) (call $throw (i32.add (local.get 0) (i32.const 1))))
        (func $inner (param i32) (result i32)
            (block $other
                (try_table (catch_all $other)
                    (if (i32.eqz (local.get 0)) (then (call $pass (i32.const 100))))
                    (return (i32.const -1))))
            (i32.const 50))
        (func (export "caught") (param i32) (result i32 i64)
            (block $caught (result i32 i64)
                (try_table (catch $t $caught)
                    (drop (call $inner (local.get 0)))
                    (call $pass (local.get 0)))
                (i32.const 0) (i64.const 0)))
        (func (export "uncaught") (param i32) (call $pass (local.get 0))))"#;
    let all = ALL.map(|way| {
        let mut outcomes = Vec::new();
        for first in ["caught", "uncaught"] {
            let mut store = Store::new(&engine(way));
            let instance = instance(&mut store, text);
            for name in [first, "caught", "uncaught", "caught"] {
                for argument in [0, 1] {
                    outcomes.push(outcome(&mut store, instance, name, &[Val::I32(argument)]));
                }
            }
        }
        outcomes
    });
    assert_same(&all, "");
    assert_eq!(all[0][0], "[I32(1), I64(5)]");
}

#[test]
fn tail_calls_of_functions_that_are_compiled_on_the_way_need_no_room() {
    // Each function of the ring has more arguments than the one before.
    let mut functions = String::new();
    let count = 12;
    for number in 0..count {
        let next = (number + 1) % count;
        let params = "i64 ".repeat(number);
        let args = "(i64.const 1)".repeat(next);
        functions += &format!(
            "(func $f{number} (param i32 {params}) (result i32)
                (if (i32.eqz (local.get 0)) (then (return (i32.const {number}))))
                (return_call $f{next} (i32.sub (local.get 0) (i32.const 1)) {args}))"
        );
    }
    let text = format!("(module {functions} (export \"f\" (func $f0)))");
    for way in ALL {
        let mut store = Store::new(&engine(way));
        let instance = instance(&mut store, &text);
        let f = func(&store, instance, "f");
        for times in [5, 1_000_000] {
            let results = f.invoke(&mut store, &[Val::I32(times)]).unwrap();
            assert_eq!(results, [Val::I32(times % count as i32)], "{way:?}");
        }
    }
}

#[test]
fn references_survive_a_collection_in_a_function_that_is_compiled_late() {
    let text = r#"(module
        (type $s (struct (field (mut i32)) (field (ref null $s))))
        (func $make (param i32) (param (ref null $s)) (result (ref $s))
            (struct.new $s (local.get 0) (local.get 1)))
        (func $sum (param (ref null $s)) (result i32)
            (if (result i32) (ref.is_null (local.get 0)) (then (i32.const 0))
                (else (i32.add (struct.get $s 0 (local.get 0)) (call $sum (struct.get $s 1 (local.get 0)))))))
        (func (export "f") (param i32) (result i32) (local $list (ref null $s))
            (loop $again
                (local.set $list (call $make (local.get 0) (local.get $list)))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (call $sum (local.get $list))))"#;
    for way in ALL {
        let config = crate::config(way).collect_always(true);
        let mut store = Store::new(&wassay_engine::Engine::new(&config).unwrap());
        let instance = instance(&mut store, text);
        let results = func(&store, instance, "f").invoke(&mut store, &[Val::I32(40)]).unwrap();
        assert_eq!(results, [Val::I32(820)], "{way:?}");
    }
}
