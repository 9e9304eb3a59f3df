//! Recursion that fits into the stack when it is optimised fits in two tiers as well, although
//! frames of the first tier are larger.

use std::fmt::Write;

use wassay_engine::{Engine, ErrorKind, Linker, Store, Val};

use crate::common::func;
use crate::{Way, config, module};

/// How many bytes of the stack the code can use.
const STACK: usize = 192 << 10;

/// How deep functions call each other.
const DEPTH: i32 = 1000;

/// Code that makes a frame of the first tier large: many values that are used after a call. In
/// optimised code they share a place, since each is needed for the next one only.
fn chain_of_values() -> String {
    let step = "(local.set $x (i32.xor (local.get $n)
        (i32.mul (local.get $x) (call $next (local.get $x)))))";
    step.repeat(100)
}

/// Functions whose frames are large in the first tier, each with a name and the number of calls.
fn recursions() -> Vec<(&'static str, String)> {
    let body = chain_of_values();
    let head = "(param $n i32) (result i32) (local $x i32)
        (local $i i32) (if (i32.eqz (local.get $n)) (then (return (i32.const 7))))";
    let less = "(i32.sub (local.get $n) (i32.const 1))";
    let itself = format!("(func $f (export \"f\") {head} {body} (i32.add (local.get $x) (call $f {less})))");
    let looping = format!(
        "(func $f (export \"f\") {head}
            (local.set $i (i32.const 3))
            (loop {body} (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (i32.add (local.get $x) (call $f {less})))"
    );
    let table = format!(
        "(type $t (func (param i32) (result i32))) (table funcref (elem $f))
         (func $f (export \"f\") (type $t) {head} {body}
            (i32.add (local.get $x) (call_indirect (type $t) {less} (i32.const 0))))"
    );
    // Each of many functions uses little of the stack before it asks to be optimised.
    let mut ring = String::new();
    for number in 0..10 {
        let next = (number + 1) % 10;
        let export = if number == 0 { "(export \"f\")" } else { "" };
        let call = format!("(i32.add (local.get $x) (call $f{next} {less}))");
        writeln!(ring, "(func $f{number} {export} {head} {body} {call})").unwrap();
    }
    // No function is called twice.
    let mut chain = String::new();
    for number in 0..250 {
        let export = if number == 0 { "(export \"f\")" } else { "" };
        let call = match number {
            249 => "(local.get $x)".to_owned(),
            _ => format!("(i32.add (local.get $x) (call $f{} {less}))", number + 1),
        };
        writeln!(chain, "(func $f{number} {export} {head} {body} {call})").unwrap();
    }
    vec![
        ("a function that calls itself", itself),
        ("with a loop", looping),
        ("through a table", table),
        ("a ring of functions", ring),
        ("a chain of functions", chain),
    ]
}

fn text(functions: &str) -> String {
    format!(
        "(module (func $next (param i32) (result i32) (i32.xor (local.get 0) (i32.const 5))) {functions})"
    )
}

/// The result of an exported function for a number, with code that is compiled like this.
fn run(way: Way, text: &str, name: &str, argument: i32) -> Result<Vec<Val>, ErrorKind> {
    let config = config(way).features("stack-switching".parse().unwrap()).verifier(false).max_stack(STACK);
    let mut store = Store::new(&Engine::new(&config).unwrap());
    let module = module(store.engine(), text);
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    func(&store, instance, name).invoke(&mut store, &[Val::I32(argument)]).map_err(|error| error.kind())
}

#[test]
fn recursion_that_fits_when_it_is_optimised_fits_in_two_tiers() {
    for (name, functions) in recursions() {
        let text = text(&functions);
        let optimised = run(Way::Lazy, &text, "f", DEPTH);
        assert!(optimised.is_ok(), "{name}: {optimised:?}");
        assert_eq!(run(Way::Tiered, &text, "f", DEPTH), optimised, "{name}");
        let quick = run(Way::Quick, &text, "f", DEPTH);
        assert_eq!(quick, Err(ErrorKind::Exhaustion), "{name}: frames are large without optimisation");
    }
}

#[test]
fn recursion_on_the_stack_of_a_continuation_fits_too() {
    let (_, functions) = &recursions()[0];
    let text = text(&format!(
        "{functions} (type $t (func (param i32) (result i32))) (type $c (cont $t)) (elem declare func $f)
         (func (export \"g\") (param i32) (result i32)
            (resume $c (local.get 0) (cont.new $c (ref.func $f))))"
    ));
    let optimised = run(Way::Lazy, &text, "g", DEPTH);
    assert!(optimised.is_ok(), "{optimised:?}");
    assert_eq!(run(Way::Tiered, &text, "g", DEPTH), optimised);
}

#[test]
fn recursion_without_end_exhausts_the_stack() {
    let text = "(module (func $f (export \"f\") (param i32) (result i32)
        (drop (call $f (local.get 0))) (call $f (local.get 0))))";
    for way in crate::ALL {
        assert_eq!(run(way, text, "f", 0), Err(ErrorKind::Exhaustion), "{way:?}");
    }
}
