//! Tests of the public interface: calls, traps, linking and host functions.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::{func, instantiate, store};
use wassay_engine::{
    Compilation, Config, Engine, ErrorKind, Extern, Func, FuncType, Linker, Module, Store, StoreLimits, Trap,
    Val, ValType,
};

#[test]
fn a_recursive_function_computes() {
    let mut store = store();
    let text = "(module (func $fac (export \"fac\") (param i64) (result i64)
        (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1))
          (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1))))))))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    let fac = func(&store, instance, "fac");
    assert_eq!(fac.invoke(&mut store, &[Val::I64(20)]).unwrap(), [Val::I64(2_432_902_008_176_640_000)]);
}

#[test]
fn each_failure_is_its_trap() {
    let mut store = store();
    let text = "(module (memory 1) (table 1 funcref) (type $t (func))
        (func (export \"unreachable\") unreachable)
        (func (export \"div\") (drop (i32.div_s (i32.const 1) (i32.const 0))))
        (func (export \"overflow\") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
        (func (export \"load\") (drop (i32.load (i32.const 65533))))
        (func (export \"far\") (drop (i64.load offset=0xffffffff (i32.const -1))))
        (func (export \"undefined\") (call_indirect (type $t) (i32.const 1)))
        (func (export \"uninitialized\") (call_indirect (type $t) (i32.const 0)))
        (func (export \"fill\") (memory.fill (i32.const 65536) (i32.const 0) (i32.const 1)))
        (func (export \"trunc\") (drop (i32.trunc_f32_s (f32.const nan)))))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    for (name, trap) in [
        ("unreachable", Trap::Unreachable),
        ("div", Trap::IntegerDivideByZero),
        ("overflow", Trap::IntegerOverflow),
        ("load", Trap::MemoryOutOfBounds),
        ("far", Trap::MemoryOutOfBounds),
        ("undefined", Trap::UndefinedElement),
        ("uninitialized", Trap::UninitializedElement),
        ("fill", Trap::MemoryOutOfBounds),
        ("trunc", Trap::InvalidConversionToInteger),
    ] {
        let error = func(&store, instance, name).invoke(&mut store, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap(trap), "{name}");
    }
}

#[test]
fn unbounded_recursion_exhausts_the_stack_even_through_the_host() {
    let mut store = store();
    let text = "(module (import \"h\" \"again\" (func $again)) (func $f (export \"f\") (call $f)) (func (export \"g\") (call $again)))";
    let mut linker = Linker::new();
    let again = Func::alloc(&mut store, FuncType::new([], []), |mut caller, _, _| {
        let Some(Extern::Func(g)) = caller.export("g") else { panic!("the caller exports g") };
        g.invoke(&mut caller, &[]).map(drop)
    });
    linker.define("h", "again", Extern::Func(again.unwrap())).unwrap();
    let instance = instantiate(&mut store, &linker, text);
    for name in ["f", "g", "f"] {
        let error = func(&store, instance, name).invoke(&mut store, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhaustion, "{name}");
    }
}

#[test]
fn errors_and_panics_of_host_functions_propagate_to_the_caller() {
    let mut store = store();
    let mut linker = Linker::new();
    let fail = Func::alloc(&mut store, FuncType::new([ValType::I32], []), |_, args, _| match args {
        [Val::I32(0)] => panic!("a host function panics"),
        _ => Err(wassay_engine::Error::host_with("exit", 7i32)),
    });
    linker.define("h", "fail", Extern::Func(fail.unwrap())).unwrap();
    let text = "(module (import \"h\" \"fail\" (func $fail (param i32))) (func (export \"f\") (param i32) (call $fail (local.get 0))))";
    let instance = instantiate(&mut store, &linker, text);
    let f = func(&store, instance, "f");
    let error = f.invoke(&mut store, &[Val::I32(1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Host);
    assert_eq!(error.into_payload::<i32>().unwrap(), 7);
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f.invoke(&mut store, &[Val::I32(0)])));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"a host function panics"));
    assert_eq!(
        f.invoke(&mut store, &[Val::I32(1)]).unwrap_err().kind(),
        ErrorKind::Host,
        "the store stays usable"
    );
}

#[test]
fn many_results_and_vectors_cross_the_boundary() {
    let mut store = store();
    let results: String = (0..20).map(|_| " i64").collect();
    let consts: String = (0..20).map(|n| format!("(i64.const {n})")).collect();
    let text = format!(
        "(module (func $many (export \"many\") (result{results} f64 v128) {consts} (f64.const 1.5) (v128.const i64x2 1 2))
        (func (export \"through\") (result{results} f64 v128) (call $many)))"
    );
    let instance = instantiate(&mut store, &Linker::new(), &text);
    for name in ["many", "through"] {
        let values = func(&store, instance, name).invoke(&mut store, &[]).unwrap();
        let mut expected: Vec<Val> = (0..20).map(Val::I64).collect();
        expected.extend([Val::F64(1.5f64.to_bits()), Val::V128(1 | 2 << 64)]);
        assert_eq!(values, expected, "{name}");
    }
}

#[test]
fn arguments_of_the_wrong_type_are_rejected() {
    let mut store = store();
    let instance = instantiate(&mut store, &Linker::new(), "(module (func (export \"f\") (param i32)))");
    let f = func(&store, instance, "f");
    for args in [&[][..], &[Val::I64(0)], &[Val::I32(0), Val::I32(0)]] {
        assert_eq!(f.invoke(&mut store, args).unwrap_err().kind(), ErrorKind::Usage, "{args:?}");
    }
}

#[test]
fn imports_are_matched() {
    let mut store = store();
    let exporter =
        instantiate(&mut store, &Linker::new(), "(module (memory (export \"m\") 1 2) (func (export \"f\")))");
    let mut linker = Linker::new();
    linker.define_instance(&store, "e", exporter).unwrap();
    for (import, expected) in [
        ("\"e\" \"none\" (func)", "unknown import"),
        ("\"e\" \"f\" (func (param i32))", "incompatible import type"),
        ("\"e\" \"m\" (memory 2)", "incompatible import type"),
        ("\"e\" \"m\" (memory 1 1)", "incompatible import type"),
    ] {
        let module =
            Module::new(store.engine(), &wat::parse_str(format!("(module (import {import}))")).unwrap())
                .unwrap();
        let error = linker.instantiate(&mut store, &module).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unlinkable);
        assert!(error.message().starts_with(expected), "{error}");
    }
}

#[test]
fn a_deadline_interrupts_an_infinite_loop_and_the_store() {
    let mut store = store();
    let text = "(module (func (export \"loop\") (loop (br 0))) (func (export \"ok\")))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    let (endless, ok) = (func(&store, instance, "loop"), func(&store, instance, "ok"));
    store.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
    assert!(ok.invoke(&mut store, &[]).unwrap().is_empty(), "the deadline has not passed");
    store.set_deadline(Some(Instant::now() + Duration::from_millis(20)));
    assert_eq!(endless.invoke(&mut store, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    store.set_deadline(None);
    assert_eq!(
        ok.invoke(&mut store, &[]).unwrap_err().kind(),
        ErrorKind::Interrupted,
        "the store stays interrupted"
    );
}

#[test]
fn tail_calls_use_constant_stack_space() {
    let mut store = store();
    let text = "(module (type $t (func (param i64) (result i64)))
        (table funcref (elem $even $odd))
        (func $even (export \"even\") (type $t)
          (if (i64.eqz (local.get 0)) (then (return (i64.const 1))))
          (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 1)))
        (func $odd (type $t)
          (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
          (return_call $wide (i64.sub (local.get 0) (i64.const 1)) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
            (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)))
        (func $wide (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64) (return_call $even (local.get 0))))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    let even = func(&store, instance, "even");
    for (count, expected) in [(1_000_000, 1), (1_000_001, 0)] {
        assert_eq!(even.invoke(&mut store, &[Val::I64(count)]).unwrap(), [Val::I64(expected)]);
    }
}

#[test]
fn an_indirect_call_accepts_a_function_of_a_subtype() {
    let mut store = store();
    let text = "(module (type $a (sub (func (result i32)))) (type $b (sub $a (func (result i32)))) (type $c (sub (func (result i32) (result i32))))
        (table funcref (elem $f $g))
        (func $f (type $b) (i32.const 5)) (func $g (type $c) (i32.const 6) (i32.const 7))
        (func (export \"call\") (param i32) (result i32) (call_indirect (type $a) (local.get 0))))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    let call = func(&store, instance, "call");
    assert_eq!(call.invoke(&mut store, &[Val::I32(0)]).unwrap(), [Val::I32(5)]);
    let error = call.invoke(&mut store, &[Val::I32(1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trap(Trap::IndirectCallTypeMismatch));
}

#[test]
fn a_store_cannot_move_to_another_thread_while_its_code_runs() {
    let mut store = store();
    let mut linker = Linker::new();
    let elsewhere = Func::alloc(&mut store, FuncType::new([], []), |mut caller, _, _| {
        let Some(Extern::Func(g)) = caller.export("g") else { panic!("the caller exports g") };
        let result = std::thread::scope(|scope| scope.spawn(|| g.invoke(&mut caller, &[])).join());
        result.unwrap().map(drop)
    });
    linker.define("h", "elsewhere", Extern::Func(elsewhere.unwrap())).unwrap();
    let text = "(module (import \"h\" \"elsewhere\" (func $elsewhere))
        (func (export \"f\") (call $elsewhere)) (func $g (export \"g\") (call $g)))";
    let instance = instantiate(&mut store, &linker, text);
    let error = func(&store, instance, "f").invoke(&mut store, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let g = func(&store, instance, "g");
    let moved = std::thread::spawn(move || g.invoke(&mut store, &[]).unwrap_err().kind()).join().unwrap();
    assert_eq!(moved, ErrorKind::Exhaustion, "a store without running code can move");
}

#[test]
fn nothing_runs_after_the_deadline() {
    let mut store = store();
    let instance = instantiate(&mut store, &Linker::new(), "(module (func (export \"ok\")))");
    let ok = func(&store, instance, "ok");
    store.set_deadline(Some(Instant::now()));
    for _ in 0..3 {
        assert_eq!(ok.invoke(&mut store, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    }
}

#[test]
fn a_deadline_interrupts_nested_calls_of_other_stores() {
    let mut outer = store();
    let inner = Func::alloc(&mut outer, FuncType::new([], []), |_, _, _| {
        let mut inner = store();
        // Ends the test even if the outer deadline has no effect.
        inner.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
        let text = "(module (func (export \"loop\") (loop (br 0))))";
        let instance = instantiate(&mut inner, &Linker::new(), text);
        func(&inner, instance, "loop").invoke(&mut inner, &[]).map(drop)
    });
    let start = Instant::now();
    outer.set_deadline(Some(start + Duration::from_millis(20)));
    assert_eq!(inner.unwrap().invoke(&mut outer, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(start.elapsed() < Duration::from_secs(30), "the outer deadline ends the loop");
}

#[test]
fn a_host_function_with_too_many_parameters_is_rejected() {
    let mut store = store();
    let wide = |count| FuncType::new(vec![ValType::I64; count], vec![ValType::I64; count]);
    let host = Func::alloc(&mut store, wide(1000), |_, _, _| Ok(())).unwrap();
    assert_eq!(host.invoke(&mut store, &vec![Val::I64(1); 1000]).unwrap().len(), 1000);
    for count in [1001, 20_000, 100_000] {
        let error = Func::alloc(&mut store, wide(count), |_, _, _| Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{count}");
    }
}

/// A type with 1000 results, and a function with two parameters whose body is in a block of that
/// type.
fn with_wide_block(body: &str) -> Vec<u8> {
    let results = " i64".repeat(1000);
    let values: String = (0..1000).map(|n| format!("(i64.add (local.get 1) (i64.const {n}))")).collect();
    let text = format!(
        "(module (type $wide (func (result{results}))) (import \"h\" \"h\" (func $h (type $wide)))
        (func (export \"f\") (param i32 i64) (result{results}) (block (type $wide) {values} {body})))"
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn compile_time_is_bounded() {
    let engine = Engine::new(&Config::new().compilation(Compilation::Eager)).unwrap();
    let count = 800;
    let (locals, loops) = (" i64".repeat(count), "loop ".repeat(count));
    let sets: String =
        (1..=count).map(|n| format!("(local.set {n} (i64.add (local.get {n}) (i64.const 1)))")).collect();
    let ends = "(br_if 0 (local.get 0)) end ".repeat(count);
    let text = format!("(module (func (param i32) (local{locals}) {loops} {sets} {ends}))");
    let modules = [
        ("every local changes in every loop", wat::parse_str(text).unwrap()),
        ("each branch carries 1000 other values", {
            with_wide_block(&format!("{} br 0", "local.get 1 (br_if 0 (local.get 0)) ".repeat(3000)))
        }),
        ("each entry of a table carries 1000 values", {
            with_wide_block(&format!("local.get 0 br_table {}", "0 ".repeat(40_000)))
        }),
    ];
    for (name, bytes) in modules {
        let start = Instant::now();
        Module::new(&engine, &bytes).unwrap();
        // Not a measurement but a guard: without bounds, the first case takes more than two
        // minutes.
        assert!(start.elapsed() < Duration::from_secs(60), "{name}: {:?}", start.elapsed());
    }
    let error = Module::new(&engine, &with_wide_block(&"call $h ".repeat(20_000))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn a_branch_table_carries_its_operands_to_each_target() {
    let mut store = store();
    let text = "(module (func (export \"f\") (param i32) (result i64)
        (block (result i64)
          (block (result i64) (br_table 0 1 2 1 0 (i64.const 7) (local.get 0)))
          i64.const 10 i64.add return)
        i64.const 20 i64.add))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    let f = func(&store, instance, "f");
    for (index, expected) in [(0, 17), (1, 27), (2, 7), (3, 27), (4, 17), (-1, 17)] {
        assert_eq!(f.invoke(&mut store, &[Val::I32(index)]).unwrap(), [Val::I64(expected)], "{index}");
    }
}

#[test]
fn an_instance_that_exceeds_a_limit_is_not_charged() {
    let limits = StoreLimits { memory_bytes: 3 << 16, table_elements: 10, ..StoreLimits::default() };
    let mut store = Store::new(&Engine::new(&Config::new().limits(limits)).unwrap());
    for text in ["(module (memory 2) (memory 2))", "(module (memory 2) (table 8 funcref) (table 8 funcref))"]
    {
        let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
        let error = Linker::new().instantiate(&mut store, &module).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{text}");
    }
    instantiate(&mut store, &Linker::new(), "(module (memory 3) (table 10 funcref))");
}

#[test]
fn a_host_start_function_gets_the_instance_as_its_caller() {
    let mut store = store();
    let mut linker = Linker::new();
    let start = Func::alloc(&mut store, FuncType::new([], []), |mut caller, _, _| match caller.export("m") {
        Some(Extern::Memory(memory)) => memory.write(&mut caller, 0, &[7]),
        other => Err(wassay_engine::Error::host(format!("no memory: {other:?}"))),
    });
    linker.define("h", "start", Extern::Func(start.unwrap())).unwrap();
    let text = "(module (import \"h\" \"start\" (func $start)) (memory (export \"m\") 1) (start $start))";
    let instance = instantiate(&mut store, &linker, text);
    let Some(Extern::Memory(memory)) = instance.export(&store, "m") else { panic!("no exported memory `m`") };
    assert_eq!(memory.bytes(&store).unwrap()[0], 7);
}
