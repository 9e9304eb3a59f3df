//! Functions that are compiled when they are first called do what they do when a module is compiled
//! as a whole.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod depth;
mod reach;
mod threads;
mod tiers;

use std::time::{Duration, Instant};

use common::func;
use wassay_engine::{
    Compilation, Config, Engine, ErrorKind, Extern, Features, Instance, Linker, Module, Store, Trap, Val,
};

/// The ways to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Eager,
    Lazy,
    Tiered,
    /// In two tiers, where everything is optimised when it first runs.
    Stressed,
    /// In the first tier only.
    Quick,
}

const ALL: [Way; 5] = [Way::Eager, Way::Lazy, Way::Tiered, Way::Stressed, Way::Quick];

fn config(way: Way) -> Config {
    let config = Config::new().features(Features::DEFAULT);
    match way {
        Way::Eager => config.compilation(Compilation::Eager),
        Way::Lazy => config.compilation(Compilation::Lazy),
        Way::Tiered => config.compilation(Compilation::Tiered),
        Way::Stressed => config.compilation(Compilation::Tiered).tier_up_always(true),
        Way::Quick => config.compilation(Compilation::Lazy).optimize(false),
    }
}

fn engine(way: Way) -> Engine {
    Engine::new(&config(way)).unwrap()
}

/// Asserts that all ways have the outcome of the first.
fn assert_same<T: PartialEq + std::fmt::Debug>(all: &[T; ALL.len()], what: &str) {
    for (way, outcome) in ALL.iter().zip(all) {
        assert_eq!(outcome, &all[0], "{way:?} {what}");
    }
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).unwrap()).unwrap()
}

fn instance(store: &mut Store, text: &str) -> Instance {
    let module = module(store.engine(), text);
    Linker::new().instantiate(store, &module).unwrap()
}

/// The result of a call as text: its values, or its error with the backtrace.
fn outcome(store: &mut Store, instance: Instance, name: &str, args: &[Val]) -> String {
    match func(store, instance, name).invoke(store, args) {
        Ok(results) => format!("{results:?}"),
        Err(error) => {
            let frames = error.backtrace().map(ToString::to_string);
            format!("{:?}: {error}\n{}", error.kind(), frames.unwrap_or_default())
        }
    }
}

#[test]
fn a_function_is_compiled_when_it_is_first_called() {
    let text = r#"(module
        (func $c (result i32) (i32.const 1))
        (func $b (result i32) (i32.add (call $c) (i32.const 1)))
        (func (export "a") (param i32) (result i32)
            (if (result i32) (local.get 0) (then (call $b)) (else (i32.const 0))))
        (func (export "never") (result i32) (call $b)))"#;
    for way in ALL {
        let expected = if way == Way::Eager { [4; 4] } else { [0, 1, 3, 3] };
        let engine = engine(way);
        let mut store = Store::new(&engine);
        let instance = instance(&mut store, text);
        let mut counts = vec![engine.stats().compiled];
        for argument in [0, 1, 1] {
            func(&store, instance, "a").invoke(&mut store, &[Val::I32(argument)]).unwrap();
            counts.push(engine.stats().compiled);
        }
        assert_eq!(counts, expected, "{way:?}");
    }
}

#[test]
fn all_of_a_module_is_validated_before_anything_is_called() {
    let text = "(module (func (export \"f\")) (func (result i32) (i64.const 0)))";
    let bytes = wat::parse_str(text).unwrap();
    for way in ALL {
        let error = Module::new(&engine(way), &bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{way:?}: {error}");
        assert!(error.offset().is_some());
    }
}

#[test]
fn what_cannot_be_compiled_is_the_same_error_at_the_call() {
    let thousand = |word: &str| format!("{word} ").repeat(1000);
    let labels: String = (0..20_000).map(|label| format!("{label} ")).collect();
    let large = format!(
        "{} {} br_table {labels} 0 {} {}",
        "block (type $t) ".repeat(20_000),
        "i32.const 0 ".repeat(1001),
        "end ".repeat(20_000),
        thousand("drop"),
    );
    let text = format!(
        "(module (type $t (func (result {}))) (func $large {large})
            (func (export \"f\") (param i32) (result i32)
              (if (local.get 0) (then (call $large))) (i32.const 5)))",
        thousand("i32")
    );
    let bytes = wat::parse_str(text).unwrap();
    let expected = Module::new(&engine(Way::Eager), &bytes).unwrap_err();
    assert_eq!(expected.kind(), ErrorKind::Limit);
    let mut store = Store::new(&engine(Way::Lazy));
    let module = Module::new(store.engine(), &bytes).unwrap();
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let f = func(&store, instance, "f");
    for _ in 0..2 {
        assert_eq!(f.invoke(&mut store, &[Val::I32(0)]).unwrap(), [Val::I32(5)]);
        let error = f.invoke(&mut store, &[Val::I32(1)]).unwrap_err();
        assert_eq!(
            (error.kind(), error.message(), error.offset()),
            (expected.kind(), expected.message(), expected.offset())
        );
        assert!(error.backtrace().unwrap().to_string().contains("f ("), "the caller was left");
    }
}

#[test]
fn traps_have_the_same_backtrace() {
    let text = r#"(module
        (table $t 4 funcref) (elem (table $t) (i32.const 0) func $div $unreachable $deep) (memory 1)
        (func $div (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
        (func $unreachable (param i32) (result i32) unreachable)
        (func $load (param i32) (result i32) (i32.load (i32.const -1)))
        (func $deep (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                (else (call $load (i32.const 0)))))
        (func $mid (param i32 i32) (result i32)
            (i32.add (i32.const 1) (call_indirect $t (param i32) (result i32) (local.get 1) (local.get 0))))
        (func (export "f") (param i32 i32) (result i32)
            (i32.mul (i32.const 3) (call $mid (local.get 0) (local.get 1)))))"#;
    let all = ALL.map(|way| {
        let mut store = Store::new(&engine(way));
        let instance = instance(&mut store, text);
        let mut outcomes = Vec::new();
        // Twice: through thunks, and when all is compiled.
        for _ in 0..2 {
            for (which, argument) in [(0, 0), (0, 1), (1, 0), (2, 3), (2, 40), (3, 0), (4, 0)] {
                outcomes.push(outcome(&mut store, instance, "f", &[Val::I32(which), Val::I32(argument)]));
            }
        }
        outcomes
    });
    assert_same(&all, "");
    assert!(all[0][4].contains("deep") || all[0][4].contains("func["), "{}", all[0][4]);
}

#[test]
fn an_instance_with_checked_memories_has_code_of_its_own() {
    let text = r#"(module (import "m" "m" (memory 1))
        (func (export "read") (param i32) (result i32) (i32.load (local.get 0))))"#;
    for guard_pages in [true, false] {
        let config = config(Way::Lazy).guard_pages(guard_pages);
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let exporter = instance(&mut store, "(module (memory (export \"m\") 1) (data (i32.const 8) \"a\"))");
        let mut linker = Linker::new();
        linker.define("m", "m", exporter.export(&store, "m").unwrap()).unwrap();
        let module = module(store.engine(), text);
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let read = func(&store, instance, "read");
        assert_eq!(read.invoke(&mut store, &[Val::I32(8)]).unwrap(), [Val::I32(97)]);
        let error = read.invoke(&mut store, &[Val::I32(65_534)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap(Trap::MemoryOutOfBounds));
    }
}

#[test]
fn code_that_is_compiled_late_is_interrupted_in_time() {
    let text = r#"(module
        (func $spin (loop (br 0)))
        (func (export "f") (call $spin)))"#;
    let mut store = Store::new(&engine(Way::Lazy));
    let instance = instance(&mut store, text);
    let f = func(&store, instance, "f");
    let begun = Instant::now();
    store.set_deadline(Some(begun + Duration::from_millis(200)));
    let error = f.invoke(&mut store, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_deadline_ends_the_compilation_of_a_function() {
    // Some seconds of work for the compiler.
    let body = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.load (local.get 0))))";
    let text = format!("(module (memory 1) (func (export \"f\") (param i32) {}))", body.repeat(150_000));
    let mut store = Store::new(&engine(Way::Lazy));
    let instance = instance(&mut store, &text);
    let f = func(&store, instance, "f");
    store.set_deadline(Some(Instant::now() + Duration::from_millis(50)));
    let error = f.invoke(&mut store, &[Val::I32(0)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn a_function_is_compiled_at_the_end_of_the_stack() {
    // On the smaller stack little is left there for the compiler.
    for size in [1 << 20, 4 << 20] {
        let thread = std::thread::Builder::new().stack_size(size);
        thread.spawn(compile_at_the_end_of_the_stack).unwrap().join().unwrap();
    }
}

fn compile_at_the_end_of_the_stack() {
    // At the last frames that fit, functions are called for the first time: some are small, one
    // needs much of the compiler.
    let adds = "(local.set 0 (i32.add (local.get 0) (i32.load offset=4 (local.get 0))))".repeat(3_000);
    let text = format!(
        r#"(module (memory 1)
        (func $large (param i32) (result i32) {adds} (local.get 0))
        (func (export "f") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0))
                (then (call $large (i32.const 0)))
                (else (i32.add (i32.const 1) (call 1 (i32.sub (local.get 0) (i32.const 1))))))))"#
    );
    let engine = engine(Way::Lazy);
    let module = module(&engine, &text);
    let deepest = |module: &Module, depth: i32| {
        let mut store = Store::new(&engine);
        let instance = Linker::new().instantiate(&mut store, module).unwrap();
        func(&store, instance, "f").invoke(&mut store, &[Val::I32(depth)])
    };
    // How deep it goes.
    let (mut fits, mut fails) = (0, 1 << 24);
    assert_eq!(deepest(&module, fails).unwrap_err().kind(), ErrorKind::Exhaustion);
    while fails - fits > 1 {
        let middle = fits + (fails - fits) / 2;
        *if deepest(&module, middle).is_ok() { &mut fits } else { &mut fails } = middle;
    }
    // A copy of the module has no code yet.
    for depth in [fits - 1, fits, fails] {
        let fresh = self::module(&engine, &text);
        match deepest(&fresh, depth) {
            Ok(results) => assert_eq!(results, [Val::I32(depth)]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Exhaustion, "{error}"),
        }
    }
}

#[test]
fn code_is_freed_with_its_module_and_its_stores() {
    let engine = engine(Way::Lazy);
    let text = |number: usize| {
        format!(
            "(module (func $g (result i32) (i32.const {number}))
            (func (export \"f\") (result i32) (call $g)))"
        )
    };
    let mut kept = Vec::new();
    for number in 0..300 {
        let mut store = Store::new(&engine);
        let instance = instance(&mut store, &text(number));
        let f = func(&store, instance, "f");
        assert_eq!(f.invoke(&mut store, &[]).unwrap(), [Val::I32(number as i32)]);
        if number % 7 == 0 {
            kept.push((store, f, number));
        }
    }
    for (mut store, f, number) in kept {
        assert_eq!(
            f.invoke(&mut store, &[]).unwrap(),
            [Val::I32(number as i32)],
            "code in use is not reused"
        );
    }
}

#[test]
fn a_backtrace_outlives_the_store_of_its_code() {
    let text = "(module (func $inner unreachable) (func (export \"outer\") (call $inner)))";
    let mut store = Store::new(&engine(Way::Lazy));
    let instance = instance(&mut store, text);
    let error = func(&store, instance, "outer").invoke(&mut store, &[]).unwrap_err();
    drop(store);
    let shown = error.backtrace().unwrap().to_string();
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(shown.contains("outer"), "{shown}");
}

#[test]
fn a_start_function_is_compiled_for_its_call() {
    let text = r#"(module (global $g (export "g") (mut i32) (i32.const 0))
        (func $start (global.set $g (i32.const 7))) (start $start) (func (export "f")))"#;
    let engine = engine(Way::Lazy);
    let mut store = Store::new(&engine);
    let instance = instance(&mut store, text);
    let Some(Extern::Global(global)) = instance.export(&store, "g") else { panic!("exported") };
    assert_eq!(global.read(&store), Val::I32(7));
    assert_eq!(engine.stats().compiled, 1);
}
