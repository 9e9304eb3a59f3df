//! Benchmarks of continuations: a generator, two continuations that switch to each other, and new
//! continuations.
//!
//! `cargo bench -p wassay-engine --bench continuations`. Each call makes many switches, so that the
//! cost of entering wasm code is negligible.

#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wassay_engine::{Config, Engine, Extern, Linker, Module, Store, Val};

/// The number of values, switches or continuations in each call.
const COUNT: i32 = 10_000;

const TEXT: &str = "(module
    (rec
      (type $turn (func (param i32 (ref null $kturn)) (result i32)))
      (type $kturn (cont $turn)))
    (type $f (func (param i32) (result i32))) (type $k (cont $f))
    (type $g (func (result i32))) (type $kg (cont $g))
    (tag $yield (param i32)) (tag $switch (result i32))
    (elem declare func $generate $pass $identity)
    (func $generate (type $f)
      (loop $l
        (suspend $yield (local.get 0))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (i32.const 0))
    (func (export \"generator\") (type $f) (local $k (ref null $kg)) (local $sum i32)
      (local.set $k (cont.bind $k $kg (local.get 0) (cont.new $k (ref.func $generate))))
      (loop $l
        (block $on (result i32 (ref $kg))
          (return (i32.add (local.get $sum) (resume $kg (on $yield $on) (local.get $k)))))
        (local.set $k)
        (local.set $sum (i32.add (local.get $sum)))
        (br $l))
      (unreachable))
    (func $pass (type $turn)
      (loop $l
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (switch $kturn $switch (i32.sub (local.get 0) (i32.const 1)) (local.get 1))
        (local.set 1)
        (local.set 0)
        (br $l))
      (unreachable))
    (func (export \"switch\") (type $f)
      (resume $kturn (on $switch switch)
        (local.get 0) (cont.new $kturn (ref.func $pass)) (cont.new $kturn (ref.func $pass))))
    (func $identity (type $f) (local.get 0))
    (func (export \"new\") (type $f)
      (loop $l
        (drop (resume $k (local.get 0) (cont.new $k (ref.func $identity))))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 0)))";

fn switch(c: &mut Criterion) {
    let features = "stack-switching".parse().unwrap();
    let engine = Engine::new(&Config::new().features(features).verifier(false)).unwrap();
    let module = Module::new(&engine, &wat::parse_str(TEXT).unwrap()).unwrap();
    let mut store = Store::new(&engine);
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let mut group = c.benchmark_group("continuations");
    group.throughput(Throughput::Elements(COUNT as u64));
    for name in ["generator", "switch", "new"] {
        let Some(Extern::Func(func)) = instance.export(&store, name) else { panic!("exported") };
        group.bench_function(name, |b| b.iter(|| func.invoke(&mut store, &[Val::I32(COUNT)]).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, switch);
criterion_main!(benches);
