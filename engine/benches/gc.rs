//! Benchmarks of objects: allocation, and collection of garbage.
//!
//! `cargo bench -p wassay-engine --bench gc`

#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wassay_engine::{Config, Engine, Extern, Features, Func, Instance, Linker, Module, Store, Val};

const TEXT: &str = r#"(module
    (type $node (struct (field $value i64) (field $next (ref null $node))))
    (type $tree (struct (field $left (ref null $tree)) (field $right (ref null $tree))))
    (type $trees (array (mut (ref null $tree))))
    (type $bytes (array (mut i8)))
    (global $kept (mut (ref null $trees)) (ref.null $trees))
    (func $make (param $depth i32) (result (ref $tree))
      (if (result (ref $tree)) (local.get $depth)
        (then (struct.new $tree (call $make (i32.sub (local.get $depth) (i32.const 1)))
                                (call $make (i32.sub (local.get $depth) (i32.const 1)))))
        (else (struct.new_default $tree))))
    (func (export "none") (param i64))
    (func (export "short") (param $n i64) (local $node (ref null $node))
      (loop $more
        (local.set $node (struct.new $node (local.get $n) (ref.null $node)))
        (br_if $more (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))
    (func (export "arrays") (param $n i64) (param $length i32)
      (loop $more
        (drop (array.new_default $bytes (local.get $length)))
        (br_if $more (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))
    (func (export "tree") (param $depth i32) (drop (call $make (local.get $depth))))
    (func (export "keep") (param $trees i32) (param $depth i32)
      (global.set $kept (array.new_default $trees (local.get $trees)))
      (loop $more
        (local.set $trees (i32.sub (local.get $trees) (i32.const 1)))
        (array.set $trees (global.get $kept) (local.get $trees) (call $make (local.get $depth)))
        (br_if $more (local.get $trees)))))"#;

fn func(store: &Store, instance: Instance, name: &str) -> Func {
    match instance.export(store, name) {
        Some(Extern::Func(func)) => func,
        _ => panic!("{name} is exported"),
    }
}

fn setup() -> (Store, Instance) {
    let config = Config::new().features(Features::V3).verifier(false);
    let mut store = Store::new(&Engine::new(&config).unwrap());
    let module = Module::new(store.engine(), &wat::parse_str(TEXT).unwrap()).unwrap();
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    (store, instance)
}

/// Objects that are garbage immediately, including their collections.
fn short_lived(c: &mut Criterion) {
    let (mut store, instance) = setup();
    let mut group = c.benchmark_group("short-lived");
    group.throughput(Throughput::Elements(1_000_000));
    let short = func(&store, instance, "short");
    group.bench_function("1000000 structures of 24 bytes", |b| {
        b.iter(|| short.invoke(&mut store, &[Val::I64(1_000_000)]).unwrap());
    });
    let arrays = func(&store, instance, "arrays");
    for (count, length) in [(100_000, 1000), (1000, 100_000)] {
        group.throughput(Throughput::Bytes(count * length));
        group.bench_function(format!("{count} arrays of {length} bytes"), |b| {
            b.iter(|| arrays.invoke(&mut store, &[Val::I64(count as i64), Val::I32(length as i32)]).unwrap());
        });
    }
    group.finish();
}

/// Trees that are garbage once they are complete.
fn trees(c: &mut Criterion) {
    let (mut store, instance) = setup();
    let tree = func(&store, instance, "tree");
    let mut group = c.benchmark_group("trees");
    group.throughput(Throughput::Elements((1 << 17) - 1));
    group.bench_function("a binary tree of depth 16", |b| {
        b.iter(|| tree.invoke(&mut store, &[Val::I32(16)]).unwrap());
    });
    group.finish();
}

/// The same with two million live objects.
fn large_live_heap(c: &mut Criterion) {
    let (mut store, instance) = setup();
    func(&store, instance, "keep").invoke(&mut store, &[Val::I32(64), Val::I32(14)]).unwrap();
    let mut group = c.benchmark_group("beside 2097088 live objects");
    group.throughput(Throughput::Elements(64 * ((1 << 15) - 1)));
    group.bench_function("a collection", |b| b.iter(|| store.collect().unwrap()));
    group.throughput(Throughput::Elements(1_000_000));
    let short = func(&store, instance, "short");
    group.bench_function("1000000 structures of 24 bytes", |b| {
        b.iter(|| short.invoke(&mut store, &[Val::I64(1_000_000)]).unwrap());
    });
    group.finish();
}

/// The cost of the first object of a store.
fn first_object(c: &mut Criterion) {
    let (store, instance) = setup();
    let (engine, module) = (store.engine().clone(), instance.module(&store).clone());
    for (name, function) in [("a store without objects", "none"), ("a store with three objects", "short")] {
        c.bench_function(name, |b| {
            b.iter(|| {
                let mut store = Store::new(&engine);
                let instance = Linker::new().instantiate(&mut store, &module).unwrap();
                func(&store, instance, function).invoke(&mut store, &[Val::I64(3)]).unwrap();
            });
        });
    }
}

criterion_group!(benches, short_lived, trees, large_live_heap, first_object);
criterion_main!(benches);
