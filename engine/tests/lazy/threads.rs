//! Threads that call the same functions for the first time.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use wassay_engine::{ErrorKind, Linker, Store, Val};

use crate::common::func;
use crate::{Way, engine, module};

/// A module of functions that call each other: `f0` calls them all.
fn text(count: usize) -> String {
    let functions: String = (0..count)
        .map(|number| {
            let next = if number + 1 < count {
                format!("(call $f{} (local.get 0))", number + 1)
            } else {
                "(i32.const 0)".to_owned()
            };
            format!(
                "(func $f{number} (export \"f{number}\") (param i32) (result i32)
                    (i32.add (i32.mul (local.get 0) (i32.const {number})) {next}))"
            )
        })
        .collect();
    format!("(module {functions})")
}

#[test]
fn a_function_called_by_several_threads_is_compiled_once() {
    const COUNT: usize = 60;
    const THREADS: usize = 8;
    let expected = (0..COUNT as i32).sum::<i32>() * 3;
    for round in 0..10 {
        let engine = engine(Way::Lazy);
        let module = module(&engine, &text(COUNT));
        let barrier = Barrier::new(THREADS);
        thread::scope(|scope| {
            for number in 0..THREADS {
                let (engine, module, barrier) = (&engine, &module, &barrier);
                scope.spawn(move || {
                    let mut store = Store::new(engine);
                    let instance = Linker::new().instantiate(&mut store, module).unwrap();
                    barrier.wait();
                    // Some begin elsewhere, so that different functions are compiled at once.
                    let middle = format!("f{}", number % 3 * 20);
                    func(&store, instance, &middle).invoke(&mut store, &[Val::I32(3)]).unwrap();
                    let results = func(&store, instance, "f0").invoke(&mut store, &[Val::I32(3)]);
                    assert_eq!(results.unwrap(), [Val::I32(expected)]);
                });
            }
        });
        assert_eq!(engine.stats().compiled, COUNT, "round {round}");
    }
}

#[test]
fn traps_and_exceptions_find_their_code_while_others_add_some() {
    // Every call of `f` throws through code that is looked up while other threads install more in
    // the same pages.
    let throwing = r#"(module (tag $t)
        (func $throw (param i32) (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $t))) (unreachable))
        (func (export "f") (param i32) (result i32)
            (block $caught
                (try_table (catch $t $caught) (call $throw (local.get 0))))
            (i32.const 7))"#;
    let rest: String = (0..400)
        .map(|number| format!("(func (export \"g{number}\") (result i32) (i32.const {number}))"))
        .collect();
    let engine = engine(Way::Lazy);
    let module = module(&engine, &format!("{throwing} {rest})"));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut store = Store::new(&engine);
                let instance = Linker::new().instantiate(&mut store, &module).unwrap();
                let f = func(&store, instance, "f");
                for _ in 0..2_000 {
                    assert_eq!(f.invoke(&mut store, &[Val::I32(3)]).unwrap(), [Val::I32(7)]);
                    let error = f.invoke(&mut store, &[Val::I32(0)]).unwrap_err();
                    assert_eq!(error.backtrace().unwrap().innermost().count(), 2);
                }
            });
        }
        scope.spawn(|| {
            let mut store = Store::new(&engine);
            let instance = Linker::new().instantiate(&mut store, &module).unwrap();
            for number in 0..400 {
                let g = func(&store, instance, &format!("g{number}"));
                assert_eq!(g.invoke(&mut store, &[]).unwrap(), [Val::I32(number)]);
            }
        });
    });
}

#[test]
fn a_thread_that_waits_for_a_function_keeps_its_deadline() {
    // The compiler needs some seconds for the function.
    let body = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.load (local.get 0))))";
    let text = format!("(module (memory 1) (func (export \"f\") (param i32) {}))", body.repeat(100_000));
    let engine = engine(Way::Lazy);
    let module = module(&engine, &text);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut store = Store::new(&engine);
            let instance = Linker::new().instantiate(&mut store, &module).unwrap();
            func(&store, instance, "f").invoke(&mut store, &[Val::I32(0)]).unwrap();
        });
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            let mut store = Store::new(&engine);
            let instance = Linker::new().instantiate(&mut store, &module).unwrap();
            store.set_deadline(Some(Instant::now() + Duration::from_millis(50)));
            let result = func(&store, instance, "f").invoke(&mut store, &[Val::I32(0)]);
            // On a machine where the compiler was faster the call may have been in time.
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::Interrupted);
            }
        });
    });
}
