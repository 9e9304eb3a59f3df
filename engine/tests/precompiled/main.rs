//! Modules do the same with code of an earlier run, whatever happened to the file since.

// Files are trusted that these tests wrote.
#![allow(clippy::unwrap_used, unsafe_code)]

#[path = "../common/mod.rs"]
mod common;
mod damaged;
mod placement;

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use common::func;
use wassay_engine::{
    Compilation, Config, Engine, ErrorKind, Features, HashedBytes, Linker, Module, Precompiled, Result,
    Store, TrustedFile, Val,
};

fn engine() -> Engine {
    Engine::new(&Config::new()).unwrap()
}

/// Opens a file with these bytes.
fn open(object: &[u8]) -> Result<Precompiled> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(object).unwrap();
    // SAFETY: the bytes came from the engine, or are rejected before they run.
    Precompiled::open(unsafe { TrustedFile::new(file) })
}

fn hashed(text: &str) -> HashedBytes {
    HashedBytes::new(wat::parse_str(text).unwrap())
}

fn compile(text: &str) -> Vec<u8> {
    Module::compile_to_object(&engine(), &hashed(text), &|_, _| ()).unwrap()
}

/// What a call in a new instance gives, as text: its results, or its error with the backtrace.
fn outcome(module: &Module, name: &str, args: &[Val]) -> String {
    let mut store = Store::new(module.engine());
    let instance = Linker::new().instantiate(&mut store, module).unwrap();
    match func(&store, instance, name).invoke(&mut store, args) {
        Ok(results) => format!("{results:?}"),
        Err(error) => {
            let frames = error.backtrace().map(ToString::to_string);
            format!("{:?}: {error}\n{}", error.kind(), frames.unwrap_or_default())
        }
    }
}

/// Functions that call each other in every way: direct, tail, with handlers, with many results.
const CALLS: &str = r#"(module
    (type $many (func (param i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (tag $e (param i32))
    (memory 1)
    (table funcref (elem $even $odd))
    (func $even (export "even") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
            (else (return_call $odd (i32.sub (local.get 0) (i32.const 1))))))
    (func $odd (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
            (else (return_call $even (i32.sub (local.get 0) (i32.const 1))))))
    (func $load (param i32) (result i32) (i32.load (local.get 0)))
    (func $deep (export "load") (param i32) (result i32) (i32.add (call $load (local.get 0)) (i32.const 1)))
    (func $many (type $many)
        (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5)
        (i32.const 6) (i32.const 7) (i32.const 8) (i32.const 9) (i32.const 10) (local.get 0))
    (func (export "many") (type $many) (call $many (call $deep (local.get 0))))
    (func $throw (param i32) (throw $e (call $deep (local.get 0))))
    (func (export "catch") (param i32) (result i32)
        (block $caught (result i32)
            (try_table (catch $e $caught) (call $throw (local.get 0)))
            (unreachable)))
    (func (export "indirect") (param i32 i32) (result i32)
        (call_indirect (param i32) (result i32) (local.get 0) (local.get 1)))
    (func (export "round") (param f64) (result f64)
        (f64.nearest (f64.div (local.get 0) (f64.const 2)))))"#;

const CASES: [(&str, &[Val]); 9] = [
    ("even", &[Val::I32(1001)]),
    ("load", &[Val::I32(8)]),
    ("load", &[Val::I32(-1)]),
    ("many", &[Val::I32(4)]),
    ("many", &[Val::I32(-9)]),
    ("catch", &[Val::I32(4)]),
    ("catch", &[Val::I32(-1)]),
    ("indirect", &[Val::I32(77), Val::I32(1)]),
    ("indirect", &[Val::I32(77), Val::I32(2)]),
];

#[test]
fn code_from_a_file_does_what_compiled_code_does() {
    let bytes = wat::parse_str(CALLS).unwrap();
    let object = compile(CALLS);
    for compilation in [Compilation::Lazy, Compilation::Eager] {
        let engine = Engine::new(&Config::new().compilation(compilation)).unwrap();
        for (name, args) in CASES {
            // In each of them another function is loaded first.
            let loaded = Module::precompiled(&engine, open(&object).unwrap()).unwrap();
            let before = engine.stats().compiled;
            let ran = outcome(&loaded, name, args);
            assert_eq!(engine.stats().compiled, before, "nothing is compiled");
            assert_eq!(ran, outcome(&Module::new(&engine, &bytes).unwrap(), name, args), "{name} {args:?}");
        }
    }
}

#[test]
fn each_run_adds_what_it_compiled() {
    let engine = engine();
    let mut object: Option<Vec<u8>> = None;
    for (round, (name, args)) in CASES.iter().chain(&CASES).enumerate() {
        let code = object.as_deref().map(|object| open(object).unwrap());
        let module = Module::with_code(&engine, hashed(CALLS), code).unwrap();
        let before = engine.stats().compiled;
        let ran = outcome(&module, name, args);
        assert_eq!(ran, outcome(&Module::new(&engine, module.bytes()).unwrap(), name, args), "{name}");
        let again = Module::with_code(&engine, hashed(CALLS), None).unwrap();
        let compiled = engine.stats().compiled;
        outcome(&again, name, args);
        let expected = engine.stats().compiled - compiled;
        let older = object.as_deref().map(|object| open(object).unwrap());
        let new = module.object(older.as_ref()).unwrap();
        assert_eq!(new.is_some(), round == 0 || compiled - before > expected, "round {round}");
        object = new.or(object);
    }
    let module =
        Module::with_code(&engine, hashed(CALLS), object.as_deref().map(|o| open(o).unwrap())).unwrap();
    let before = engine.stats().compiled;
    for (name, args) in CASES {
        outcome(&module, name, args);
    }
    assert_eq!(engine.stats().compiled, before, "every function was kept");
    assert!(!module.has_new_code() && module.object(None).unwrap().is_none(), "there is nothing new");
}

#[test]
fn a_function_that_was_continued_from_a_loop_is_optimised_in_the_next_run() {
    let text = r#"(module (func (export "f") (param i32) (result i32) (local i32)
        (loop
            (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 5)) (local.get 0)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;
    let args = [Val::I32(1_000_000)];
    let tiered = || Engine::new(&Config::new().compilation(Compilation::Tiered)).unwrap();
    let engine = tiered();
    let first = Module::with_code(&engine, hashed(text), None).unwrap();
    let expected = outcome(&first, "f", &args);
    // Another thread compiles the rest of the call, and then the function.
    let begun = Instant::now();
    loop {
        let object = first.object(None).unwrap().unwrap();
        let engine = tiered();
        let second = Module::with_code(&engine, hashed(text), Some(open(&object).unwrap())).unwrap();
        assert_eq!(outcome(&second, "f", &args), expected);
        let stats = engine.stats();
        if (stats.compiled, stats.optimized, stats.continued) == (0, 0, 0) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "not optimised in time: {stats:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn two_runs_at_once_are_merged() {
    let engine = engine();
    let [first, second] = ["load", "even"].map(|name| {
        let module = Module::with_code(&engine, hashed(CALLS), None).unwrap();
        outcome(&module, name, &[Val::I32(3)]);
        module
    });
    let one = first.object(None).unwrap().unwrap();
    let both = second.object(Some(&open(&one).unwrap())).unwrap().unwrap();
    let module = Module::with_code(&engine, hashed(CALLS), Some(open(&both).unwrap())).unwrap();
    let before = engine.stats().compiled;
    outcome(&module, "load", &[Val::I32(3)]);
    outcome(&module, "even", &[Val::I32(3)]);
    assert_eq!(engine.stats().compiled, before);
}

#[test]
fn code_for_another_engine_or_module_is_rejected() {
    let object = compile(CALLS);
    let other = Engine::new(&Config::new().features(Features::V3)).unwrap();
    let refused = Module::precompiled(&other, open(&object).unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.message().contains("another settings"), "{refused}");
    let plain = Engine::new(&Config::new().optimize(false)).unwrap();
    assert!(Module::precompiled(&plain, open(&object).unwrap()).is_err());
    let module = hashed("(module)");
    let refused = Module::with_code(&engine(), module, Some(open(&object).unwrap())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Usage);
    let hash = hashed(CALLS).hash();
    assert_ne!(Module::code_name(&engine(), hash), Module::code_name(&other, hash));
    assert_eq!(Module::code_name(&engine(), hash), Module::code_name(&engine(), hash));
}

#[test]
fn code_with_and_without_guard_pages_is_kept_apart() {
    let text =
        "(module (memory 1) (func (export \"load\") (param i32) (result i32) (i32.load (local.get 0))))";
    let object = {
        let module = Module::with_code(&engine(), hashed(text), None).unwrap();
        outcome(&module, "load", &[Val::I32(-4)]);
        module.object(None).unwrap().unwrap()
    };
    let checked = Engine::new(&Config::new().guard_pages(false)).unwrap();
    let module = Module::with_code(&checked, hashed(text), Some(open(&object).unwrap())).unwrap();
    // Code that relies on guard pages would fault, which is not a trap here.
    assert!(outcome(&module, "load", &[Val::I32(-4)]).contains("out of bounds memory access"));
}

#[test]
fn what_cannot_be_compiled_has_the_error_of_a_module() {
    let invalid = hashed("(module (func (result i32)))");
    let engine = engine();
    let expected = Module::new(&engine, invalid.bytes()).unwrap_err().to_string();
    let compiled = Module::compile_to_object(&engine, &invalid, &|_, _| ()).unwrap_err();
    assert_eq!(compiled.to_string(), expected);
    assert_eq!(Module::with_code(&engine, invalid, None).unwrap_err().to_string(), expected);
    let empty = Module::compile_to_object(&engine, &hashed("(module)"), &|_, _| ()).unwrap();
    assert!(Module::precompiled(&engine, open(&empty).unwrap()).is_ok());
}

#[test]
fn progress_counts_every_function() {
    let seen = std::sync::Mutex::new(Vec::new());
    let note = |done, all| seen.lock().unwrap().push((done, all));
    Module::compile_to_object(&engine(), &hashed(CALLS), &note).unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (1..=10).map(|done| (done, 10)).collect::<Vec<_>>());
}
