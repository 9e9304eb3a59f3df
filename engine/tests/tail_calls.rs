//! Tests of tail calls (core spec, section 4.6.5, "Function Calls"): constant stack space for all
//! signatures, and calls of host functions.

#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{func, instantiate};
use wassay_engine::{
    Config, Engine, Error, ErrorKind, Extern, Func, FuncType, Linker, Store, Trap, Val, ValType,
};

/// A store with a low stack limit, so that a chain that keeps frames exhausts it soon.
fn store() -> Store {
    Store::new(&Engine::new(&Config::new().max_stack(32 << 10)).unwrap())
}

#[test]
fn ten_million_mutual_tail_calls_use_constant_stack_space() {
    let mut store = store();
    let text = "(module
        (type $step (func (param i64 i64) (result i64)))
        (type $wide (func (param f64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
        (table funcref (elem $indirect_even $indirect_odd))
        (elem declare func $ref_even $ref_odd)
        (func $even (export \"direct\") (type $step)
            (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call $odd (f64.const 1) (i64.sub (local.get 0) (i64.const 1)) (local.get 1) (i64.const 3)
                (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10) (i64.const 2)))
        (func $odd (type $wide)
            (if (i64.eqz (local.get 1)) (then (return (i64.const -1))))
            (return_call $even (i64.sub (local.get 1) (i64.const 1))
                (i64.add (local.get 2) (i64.sub (local.get 10) (i64.add (local.get 9) (i64.sub (local.get 11) (i64.const 2)))))))
        (func $indirect_even (export \"indirect\") (type $step)
            (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call_indirect (type $step) (i64.sub (local.get 0) (i64.const 1)) (local.get 1) (i32.const 1)))
        (func $indirect_odd (type $step)
            (if (i64.eqz (local.get 0)) (then (return (i64.const -1))))
            (return_call_indirect (type $step) (i64.sub (local.get 0) (i64.const 1))
                (i64.add (local.get 1) (i64.const 1)) (i32.const 0)))
        (func $ref_even (export \"by reference\") (type $step)
            (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call_ref $step (i64.sub (local.get 0) (i64.const 1)) (local.get 1) (ref.func $ref_odd)))
        (func $ref_odd (type $step)
            (if (i64.eqz (local.get 0)) (then (return (i64.const -1))))
            (return_call_ref $step (i64.sub (local.get 0) (i64.const 1))
                (i64.add (local.get 1) (i64.const 1)) (ref.func $ref_even))))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    for name in ["direct", "indirect", "by reference"] {
        let count = func(&store, instance, name);
        let mut ends = |calls| count.invoke(&mut store, &[Val::I64(calls), Val::I64(0)]).unwrap();
        assert_eq!(ends(10_000_000), [Val::I64(5_000_000)], "{name}");
        assert_eq!(ends(10_000_001), [Val::I64(-1)], "{name}");
    }
}

#[test]
fn tail_calls_between_instances_switch_the_instance() {
    let mut store = store();
    // Each instance adds the byte in its own memory. The first calls through its table, which
    // contains the function of the second.
    let first = "(module
        (type $step (func (param i32 i32) (result i32)))
        (memory 1) (data (i32.const 0) \"\\01\")
        (table (export \"table\") 1 funcref)
        (func (export \"step\") (type $step)
            (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call_indirect (type $step) (i32.sub (local.get 0) (i32.const 1))
                (i32.add (local.get 1) (i32.load8_u (i32.const 0))) (i32.const 0))))";
    let second = "(module
        (type $step (func (param i32 i32) (result i32)))
        (import \"first\" \"step\" (func $step (type $step)))
        (import \"first\" \"table\" (table 1 funcref))
        (memory 1) (data (i32.const 0) \"\\03\")
        (elem (i32.const 0) func $own)
        (func $own (export \"step\") (type $step)
            (if (i32.eqz (local.get 0)) (then (return (i32.const -1))))
            (return_call $step (i32.sub (local.get 0) (i32.const 1))
                (i32.add (local.get 1) (i32.load8_u (i32.const 0))))))";
    let mut linker = Linker::new();
    let first = instantiate(&mut store, &linker, first);
    linker.define_instance(&store, "first", first);
    instantiate(&mut store, &linker, second);
    let step = func(&store, first, "step");
    let results = step.invoke(&mut store, &[Val::I32(2_000_000), Val::I32(0)]).unwrap();
    assert_eq!(results, [Val::I32(4_000_000)]);
}

/// Types for parameters and results that do not all fit in registers.
fn mixed(count: usize) -> Vec<ValType> {
    let kinds = [ValType::I64, ValType::F64, ValType::I32, ValType::V128, ValType::F32];
    (0..count).map(|index| kinds[index % kinds.len()]).collect()
}

/// A value of this type that is unique for its index.
fn value(ty: ValType, index: usize) -> Val {
    let number = index as u32 + 1;
    match ty {
        ValType::I32 => Val::I32(number as i32),
        ValType::I64 => Val::I64(i64::from(number) << 33 | 1),
        ValType::F32 => Val::F32((number as f32).to_bits()),
        ValType::F64 => Val::F64((f64::from(number) * 1.5).to_bits()),
        _ => Val::V128(u128::from(number) << 100 | u128::from(number)),
    }
}

fn values(types: &[ValType]) -> Vec<Val> {
    types.iter().enumerate().map(|(index, ty)| value(*ty, index)).collect()
}

fn written(types: &[ValType]) -> String {
    types.iter().fold(String::new(), |mut text, ty| {
        write!(text, " {ty}").unwrap();
        text
    })
}

#[test]
fn a_tail_call_to_a_host_function_passes_all_arguments_and_results() {
    for (count, returned) in [(0, 0), (1, 1), (3, 20), (20, 3), (20, 20), (60, 60)] {
        let mut store = store();
        let (params, results) = (mixed(count), mixed(returned));
        let (expected, given) = (values(&params), values(&results));
        let seen = Arc::new(AtomicU64::new(0));
        let (counter, to_return) = (Arc::clone(&seen), given.clone());
        let host = Func::alloc(
            &mut store,
            FuncType::new(params.iter().copied(), results.iter().copied()),
            move |_, args, out| {
                assert_eq!(args, expected, "the arguments are passed in order");
                counter.fetch_add(1, Ordering::Relaxed);
                out.clone_from_slice(&to_return);
                Ok(())
            },
        );
        let mut linker = Linker::new();
        linker.define("h", "host", Extern::Func(host.unwrap()));
        let (params, results) = (written(&params), written(&results));
        let gets: String = (0..count).map(|index| format!("(local.get {index})")).collect();
        let text = format!(
            "(module (type $t (func (param{params}) (result{results})))
            (import \"h\" \"host\" (func $host (type $t)))
            (table funcref (elem $host))
            (elem declare func $host)
            (func $direct (export \"direct\") (type $t) (return_call $host {gets}))
            (func $indirect (export \"indirect\") (type $t) (return_call_indirect (type $t) {gets} (i32.const 0)))
            (func $reference (export \"by reference\") (type $t) (return_call_ref $t {gets} (ref.func $host)))
            (func (export \"twice removed\") (type $t) (return_call $direct {gets}))
            (func (export \"called\") (type $t) (call $indirect {gets}))
            (func (export \"repeated\") (type $t) (local $left i32)
                (local.set $left (i32.const 10000))
                (loop $again (result{results})
                    (call $direct {gets})
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (if (param{results}) (result{results}) (local.get $left)
                        (then {drops} (br $again))))))",
            drops = "(drop)".repeat(returned),
        );
        let instance = instantiate(&mut store, &linker, &text);
        let args = values(&mixed(count));
        for name in ["direct", "indirect", "by reference", "twice removed", "called", "repeated"] {
            let results = func(&store, instance, name).invoke(&mut store, &args).unwrap();
            assert_eq!(results, given, "{name}: {count} arguments, {returned} results");
        }
        assert_eq!(seen.load(Ordering::Relaxed), 10_005);
    }
}

#[test]
fn errors_of_a_tail_called_host_function_propagate_to_the_caller() {
    let mut store = store();
    let mut linker = Linker::new();
    let ty = || FuncType::new([ValType::I32; 12], [ValType::I32]);
    let host = Func::alloc(&mut store, ty(), |caller, args, out| match args[11] {
        Val::I32(0) => {
            // The caller is the instance whose function made the tail call, as for any other call.
            assert!(caller.export("direct").is_some());
            out[0] = Val::I32(42);
            Ok(())
        }
        Val::I32(1) => Err(Error::host_with("exit", 7i32)),
        Val::I32(2) => Err(Error::from(Trap::Unreachable)),
        _ => panic!("a host function panics"),
    });
    linker.define("h", "host", Extern::Func(host.unwrap()));
    let zeros = "(i32.const 0)".repeat(11);
    let text = format!(
        "(module (import \"h\" \"host\" (func $host (param{}) (result i32)))
        (func $direct (export \"direct\") (param i32) (result i32) (return_call $host {zeros} (local.get 0)))
        (func (export \"called\") (param i32) (result i32) (i32.add (call $direct (local.get 0)) (i32.const 1))))",
        " i32".repeat(12)
    );
    let instance = instantiate(&mut store, &linker, &text);
    for (name, result) in [("direct", 42), ("called", 43)] {
        let f = func(&store, instance, name);
        let mut call = |kind| f.invoke(&mut store, &[Val::I32(kind)]);
        assert_eq!(call(0).unwrap(), [Val::I32(result)], "{name}");
        assert_eq!(call(1).unwrap_err().into_payload::<i32>().unwrap(), 7, "{name}");
        assert_eq!(call(2).unwrap_err().kind(), ErrorKind::Trap(Trap::Unreachable), "{name}");
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(3)));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"a host function panics"), "{name}");
        assert_eq!(call(0).unwrap(), [Val::I32(result)], "{name}: the store stays usable");
    }
}

#[test]
fn an_infinite_chain_of_tail_calls_is_ended_only_by_the_deadline() {
    let mut store = store();
    let text = "(module (func $f (export \"f\") (param i64) (return_call $g (local.get 0) (i64.const 1) (i64.const 2)
            (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7)))
        (func $g (param i64 i64 i64 i64 i64 i64 i64 i64) (return_call $f (local.get 0))))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    let f = func(&store, instance, "f");
    let started = std::time::Instant::now();
    store.set_deadline(Some(started + std::time::Duration::from_millis(100)));
    let error = f.invoke(&mut store, &[Val::I64(0)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}
