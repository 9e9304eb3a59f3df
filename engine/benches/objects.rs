//! Benchmarks of objects: allocation, fields and elements, type tests, and indirect calls.
//!
//! `cargo bench -p wassay-engine --bench objects`; each result is for a thousand operations.

#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wassay_engine::{Config, Engine, Extern, Linker, Module, Store, Val};

/// A loop that runs `$n` times, with `$n` counting down.
fn repeat(body: &str) -> String {
    format!("(loop $next {body} (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))")
}

fn module() -> Vec<u8> {
    let types = "(type $open (sub (struct (field $x (mut i32)) (field $next (mut anyref)))))
        (type $below (sub $open (struct (field $x (mut i32)) (field $next (mut anyref)))))
        (type $final (struct (field i32)))
        (type $ints (array (mut i32))) (type $bytes (array (mut i8)))
        (type $f (func (param i32) (result i32))) (type $g (sub (func (param i32) (result i32))))
        (type $h (sub $g (func (param i32) (result i32))))
        (func $f (type $f) (local.get 0)) (func $g (type $g) (local.get 0)) (func $h (type $h) (local.get 0))
        (global $numbers (ref $ints) (array.new $ints (i32.const 1) (i32.const 1001)))
        (table $t 3 funcref) (elem (table $t) (i32.const 0) func $f $g $h)";
    let functions = [
        (
            "make",
            "(local $o (ref null $open))",
            "(local.set $o (struct.new $open (local.get $n) (local.get $o)))
            (if (i32.eqz (i32.and (local.get $n) (i32.const 63))) (then (local.set $o (ref.null $open))))",
        ),
        (
            "make default",
            "(local $o (ref null $open))",
            "(local.set $o (struct.new_default $open))
            (struct.set $open $x (local.get $o) (struct.get $open $x (local.get $o)))",
        ),
        (
            "fields",
            "(local $o (ref $open)) (local.set $o (struct.new_default $open))",
            "(struct.set $open $x (local.get $o) (i32.add (local.get $n) (struct.get $open $x (local.get $o))))",
        ),
        (
            "elements",
            "(local $a (ref $ints)) (local $sum i32) (local.set $a (global.get $numbers))",
            "(local.set $sum (i32.add (local.get $sum) (array.get $ints (local.get $a) (local.get $n))))",
        ),
        ("short arrays", "", "(drop (array.new $ints (local.get $n) (i32.const 8)))"),
        ("default arrays", "", "(drop (array.new_default $bytes (i32.and (local.get $n) (i32.const 31))))"),
        ("fixed arrays", "", "(drop (array.new_fixed $ints 3 (i32.const 1) (local.get $n) (i32.const 3)))"),
        ("long arrays", "", "(drop (array.new $bytes (local.get $n) (i32.const 1000)))"),
        (
            "copies",
            "(local $a (ref $ints)) (local.set $a (array.new_default $ints (i32.const 100)))",
            "(array.copy $ints $ints (local.get $a) (i32.const 0) (local.get $a) (i32.const 50) (i32.const 10))",
        ),
        (
            "fills",
            "(local $a (ref $ints)) (local.set $a (array.new_default $ints (i32.const 100)))",
            "(array.fill $ints (local.get $a) (i32.const 0) (local.get $n) (i32.const 10))",
        ),
        (
            "casts final",
            "(local $o anyref) (local.set $o (struct.new_default $final))",
            "(drop (ref.cast (ref $final) (local.get $o)))",
        ),
        (
            "casts open",
            "(local $o anyref) (local.set $o (struct.new_default $below))",
            "(drop (ref.cast (ref $open) (local.get $o)))",
        ),
        (
            "casts struct",
            "(local $o structref) (local.set $o (struct.new_default $below))",
            "(drop (ref.cast (ref $below) (local.get $o)))",
        ),
        ("calls final", "", "(drop (call_indirect $t (type $f) (local.get $n) (i32.const 0)))"),
        ("calls open", "", "(drop (call_indirect $t (type $g) (local.get $n) (i32.const 1)))"),
        ("calls below", "", "(drop (call_indirect $t (type $g) (local.get $n) (i32.const 2)))"),
    ];
    let mut text = format!("(module {types}");
    for (name, locals, body) in functions {
        text += &format!("(func (export \"{name}\") (param $n i32) {locals} {})", repeat(body));
    }
    wat::parse_str(text + ")").unwrap()
}

fn objects(c: &mut Criterion) {
    let engine = Engine::new(&Config::new().verifier(false)).unwrap();
    let module = Module::new(&engine, &module()).unwrap();
    let mut group = c.benchmark_group("objects");
    group.throughput(Throughput::Elements(1000));
    for export in module.exports() {
        let mut store = Store::new(&engine);
        let instance = Linker::new().instantiate(&mut store, &module).unwrap();
        let Some(Extern::Func(func)) = instance.export(&store, export.name) else { continue };
        group.bench_function(export.name, |b| b.iter(|| func.invoke(&mut store, &[Val::I32(1000)]).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, objects);
criterion_main!(benches);
