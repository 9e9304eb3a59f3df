//! Benchmarks of exceptions: caught in the same function, across frames, across the host, and
//! uncaught.
//!
//! `cargo bench -p wassay-engine --bench exceptions`. Each call throws many exceptions, so that the
//! cost of entering wasm code is negligible. The store is replaced from time to time to bound its
//! heap.

#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use wassay_engine::{
    Config, Engine, Error, ExnRef, Extern, Func, FuncType, Linker, Module, Store, Tag, Val, ValType,
};

/// The number of exceptions in each call.
const COUNT: i32 = 1000;

const TEXT: &str = "(module
    (import \"h\" \"e\" (tag $e (param i32))) (import \"h\" \"throw\" (func $host))
    (func $leaf (throw $e (i32.const 1)))
    (func $down (param i32)
      (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 1))))
      (call $down (i32.sub (local.get 0) (i32.const 1))))
    (func $return (param i32)
      (if (i32.eqz (local.get 0)) (then (return)))
      (call $return (i32.sub (local.get 0) (i32.const 1))))
    (func (export \"same function\") (param i32)
      (loop (block $h (result i32) (try_table (catch $e $h) (throw $e (local.get 0))) (unreachable)) (drop)
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export \"1 frame\") (param i32)
      (loop (block $h (result i32) (try_table (catch $e $h) (call $leaf)) (unreachable)) (drop)
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export \"100 frames\") (param i32)
      (loop (block $h (result i32) (try_table (catch $e $h) (call $down (i32.const 99))) (unreachable)) (drop)
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export \"100 frames that return\") (param i32)
      (loop (block $h (result i32) (try_table (catch $e $h) (call $return (i32.const 99))) (i32.const 0)) (drop)
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export \"host\") (param i32)
      (loop (block $h (result i32) (try_table (catch $e $h) (call $host)) (unreachable)) (drop)
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export \"uncaught\") (param i32) (throw $e (i32.const 1))))";

fn setup(engine: &Engine, module: &Module, name: &str) -> (Store, Func) {
    let mut store = Store::new(engine);
    let tag = Tag::alloc(&mut store, &FuncType::new([ValType::I32], [])).unwrap();
    let throw = Func::alloc(&mut store, FuncType::new([], []), move |mut caller, _, _| {
        Err(Error::exception(ExnRef::new(&mut caller, tag, &[Val::I32(1)])?))
    });
    let mut linker = Linker::new();
    linker.define("h", "e", Extern::Tag(tag));
    linker.define("h", "throw", Extern::Func(throw.unwrap()));
    let instance = linker.instantiate(&mut store, module).unwrap();
    match instance.export(&store, name) {
        Some(Extern::Func(func)) => (store, func),
        _ => panic!("{name} is exported"),
    }
}

fn throw(c: &mut Criterion) {
    let engine = Engine::new(&Config::new().verifier(false)).unwrap();
    let module = Module::new(&engine, &wat::parse_str(TEXT).unwrap()).unwrap();
    let mut group = c.benchmark_group("throw and catch");
    group.throughput(Throughput::Elements(COUNT as u64));
    for name in ["same function", "1 frame", "100 frames", "100 frames that return", "host"] {
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || setup(&engine, &module, name),
                |(store, func)| func.invoke(store, &[Val::I32(COUNT)]).unwrap(),
                BatchSize::LargeInput,
            );
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("enter, throw, uncaught", |b| {
        b.iter_batched_ref(
            || {
                let (mut store, func) = setup(&engine, &module, "uncaught");
                // The first exception of a store initialises its heap.
                func.invoke(&mut store, &[Val::I32(0)]).unwrap_err();
                (store, func)
            },
            |(store, func)| func.invoke(store, &[Val::I32(0)]).unwrap_err(),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, throw);
criterion_main!(benches);
