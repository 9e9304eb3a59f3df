//! Benchmarks of compilation in two tiers: the first call of a function, the time until a function
//! that runs often is optimised, and what code of each tier costs.
//!
//! `cargo bench -p wassay-engine --bench tiers`

#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use wassay_engine::{Compilation, Config, Engine, Extern, Func, Linker, Module, Store, Val};

/// A function of some hundred operators, with a loop around them.
const TEXT: &str = r#"(module (memory 1)
    (func $next (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "f") (param i32) (result i32) (local $sum i32)
        (loop
            BODY
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get $sum)))"#;

fn bytes() -> Vec<u8> {
    let step = "(local.set $sum (i32.xor (i32.mul (call $next (local.get $sum)) (i32.const 31))
        (i32.load (i32.and (local.get $sum) (i32.const 0xfffc)))))";
    wat::parse_str(TEXT.replace("BODY", &step.repeat(20))).unwrap()
}

/// The ways to compile, with their names.
fn ways() -> [(&'static str, Config); 3] {
    let config = || Config::new().verifier(false);
    [
        ("quick", config().compilation(Compilation::Lazy).optimize(false)),
        ("tiered", config().compilation(Compilation::Tiered)),
        ("optimised", config().compilation(Compilation::Lazy)),
    ]
}

fn function(store: &mut Store, module: &Module) -> Func {
    let instance = Linker::new().instantiate(store, module).unwrap();
    match instance.export(store, "f") {
        Some(Extern::Func(func)) => func,
        _ => panic!("f is exported"),
    }
}

/// The first call of a function, which compiles it and the function that it calls.
fn first_call(c: &mut Criterion) {
    let bytes = bytes();
    let mut group = c.benchmark_group("first call, with one iteration");
    for (name, config) in ways() {
        let engine = Engine::new(&config).unwrap();
        group.bench_function(name, |b| {
            let fresh = || {
                let (mut store, module) = (Store::new(&engine), Module::new(&engine, &bytes).unwrap());
                let f = function(&mut store, &module);
                (store, f)
            };
            let call = |(mut store, f): (Store, Func)| {
                f.invoke(&mut store, &[Val::I32(1)]).unwrap();
                store
            };
            b.iter_batched(fresh, call, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// From the first call of a function, which does not return before, to the iteration of its loop
/// that runs in optimised code.
fn tier_up(c: &mut Criterion) {
    let bytes = bytes();
    let engine = Engine::new(&ways()[1].1).unwrap();
    c.bench_function("from the first call to optimised code", |b| {
        b.iter_custom(|times| {
            let mut total = Duration::ZERO;
            for _ in 0..times {
                let mut store = Store::new(&engine);
                let module = Module::new(&engine, &bytes).unwrap();
                let f = function(&mut store, &module);
                let continued = engine.stats().continued;
                let begun = Instant::now();
                while engine.stats().continued == continued {
                    f.invoke(&mut store, &[Val::I32(500)]).unwrap();
                }
                total += begun.elapsed();
            }
            total
        });
    });
}

/// A loop that has run for long enough to be in the code of its tier.
fn steady(c: &mut Criterion) {
    let bytes = bytes();
    let mut group = c.benchmark_group("1000 iterations of a loop with 20 calls");
    for (name, config) in ways() {
        let engine = Engine::new(&config).unwrap();
        let mut store = Store::new(&engine);
        let module = Module::new(&engine, &bytes).unwrap();
        let f = function(&mut store, &module);
        for _ in 0..100 {
            f.invoke(&mut store, &[Val::I32(1000)]).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
        group.bench_function(name, |b| b.iter(|| f.invoke(&mut store, &[Val::I32(1000)]).unwrap()));
    }
    group.finish();
}

/// Calls in optimised code: direct ones, as in a module that is compiled as a whole, and through
/// the slot of the callee, as in a caller that was compiled before it.
fn calls(c: &mut Criterion) {
    let text = r#"(module
        (func $next (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32) (local $sum i32)
            (loop
                (local.set $sum (call $next (local.get $sum)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $sum)))"#;
    let bytes = wat::parse_str(text).unwrap();
    let mut group = c.benchmark_group("1000 calls");
    for (name, compilation) in [("direct", Compilation::Eager), ("through a slot", Compilation::Lazy)] {
        let engine = Engine::new(&Config::new().verifier(false).compilation(compilation)).unwrap();
        let mut store = Store::new(&engine);
        let module = Module::new(&engine, &bytes).unwrap();
        let f = function(&mut store, &module);
        group.bench_function(name, |b| b.iter(|| f.invoke(&mut store, &[Val::I32(1000)]).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, first_call, tier_up, steady, calls);
criterion_main!(benches);
