//! Continuations (stack-switching proposal): their stacks, and how they meet the host, the
//! collector, deadlines and limits. What instructions do is tested by scripts.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod host;
mod limits;
mod memory;

use common::{func, instantiate};
use wassay_engine::{Config, Engine, Instance, Linker, Store, Val};

/// Settings with continuations.
fn config() -> Config {
    Config::new().features("stack-switching,legacy-exceptions".parse().unwrap())
}

fn store_with(config: &Config) -> Store {
    Store::new(&Engine::new(config).unwrap())
}

/// A store with an instance of a module without imports.
fn guest(config: &Config, text: &str) -> (Store, Instance) {
    let mut store = store_with(config);
    let instance = instantiate(&mut store, &Linker::new(), text);
    (store, instance)
}

/// Calls an exported function.
fn call(store: &mut Store, instance: Instance, name: &str, args: &[Val]) -> wassay_engine::Result<Vec<Val>> {
    func(store, instance, name).invoke(store, args)
}

/// A generator: suspends itself with each number below its parameter, in the frame of a call.
const GENERATOR: &str = "
    (type $f (func (param i32))) (type $k (cont $f))
    (type $g (func)) (type $kg (cont $g))
    (tag $yield (param i32))
    (elem declare func $generate)
    (func $emit (param i32) (suspend $yield (local.get 0)))
    (func $generate (export \"generate\") (param $n i32) (local $i i32)
      (loop $l
        (if (i32.eq (local.get $i) (local.get $n)) (then (return)))
        (call $emit (local.get $i))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $l)))
    (func $next (param $k (ref null $kg)) (result i32 (ref null $kg))
      (block $on (result i32 (ref $kg))
        (resume $kg (on $yield $on) (local.get $k))
        (return (i32.const -1) (ref.null $kg))))
    (func $sum (export \"sum\") (param $n i32) (result i32) (local $k (ref null $kg)) (local $s i32)
      (local.set $k (cont.bind $k $kg (local.get $n) (cont.new $k (ref.func $generate))))
      (loop $l
        (call $next (local.get $k))
        (local.set $k)
        (local.set $s (i32.add (local.get $s)))
        (br_if $l (i32.eqz (ref.is_null (local.get $k)))))
      (i32.add (local.get $s) (i32.const 1)))";

#[test]
fn generators_give_the_same_with_all_settings() {
    let text = format!("(module {GENERATOR})");
    let configs = [
        config(),
        config().optimize(false),
        config().verifier(true).compilation(wassay_engine::Compilation::Eager),
        config().collect_always(true),
        config().max_stack(16 << 10),
    ];
    for config in configs {
        let (mut store, instance) = guest(&config, &text);
        for _ in 0..2 {
            let sum = call(&mut store, instance, "sum", &[Val::I32(200)]).unwrap();
            assert_eq!(sum, [Val::I32(199 * 100)], "{config:?}");
        }
        assert!(store.heap_stats().stacks <= 1, "{config:?}: {:?}", store.heap_stats());
    }
}

#[test]
fn a_suspended_continuation_is_resumed_by_another_thread() {
    let text = format!(
        "(module {GENERATOR}
          (global $k (mut (ref null $kg)) (ref.null $kg))
          (func (export \"begin\")
            (global.set $k (cont.bind $k $kg (i32.const 10) (cont.new $k (ref.func $generate)))))
          (func (export \"step\") (result i32)
            (call $next (global.get $k))
            (global.set $k)))"
    );
    let (mut store, instance) = guest(&config(), &text);
    call(&mut store, instance, "begin", &[]).unwrap();
    for number in 0..10 {
        let step = move || {
            let result = call(&mut store, instance, "step", &[]).unwrap();
            (store, result)
        };
        let (back, result) = std::thread::spawn(step).join().unwrap();
        store = back;
        assert_eq!(result, [Val::I32(number)]);
    }
}

#[test]
fn registers_are_preserved_across_a_switch() {
    // More values than there are registers live across a suspension, on both sides.
    let locals = "(local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64)";
    let sets: String = (1..=10)
        .map(|local| format!("(local.set {local} (i64.mul (local.get 0) (i64.const {local})))"))
        .chain((11..=13).map(|local| {
            format!("(local.set {local} (f64.convert_i64_s (i64.mul (local.get 0) (i64.const {local}))))")
        }))
        .collect();
    let adds: String = (1..=10)
        .map(|local| format!("(i64.add (local.get {local}))"))
        .chain((11..=13).map(|local| format!("(i64.add (i64.trunc_f64_s (local.get {local})))")))
        .collect();
    let text = format!(
        "(module
          (type $f (func (param i64) (result i64))) (type $k (cont $f))
          (tag $t (param i64) (result i64))
          (elem declare func $body)
          (func $body (type $f) {locals} {sets} (suspend $t (i64.const 1)) {adds})
          (func (export \"f\") (type $f) {locals}
            {sets}
            (block $on (result i64 (ref $k))
              (resume $k (on $t $on) (i64.const 3) (cont.new $k (ref.func $body)))
              (return))
            (resume $k)
            {adds}))"
    );
    for optimize in [true, false] {
        let (mut store, instance) = guest(&config().optimize(optimize), &text);
        let result = call(&mut store, instance, "f", &[Val::I64(1000)]).unwrap();
        assert_eq!(result, [Val::I64(91 * 1000 + 91 * 3 + 1)]);
    }
}
