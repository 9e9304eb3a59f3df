//! Tests of calls that alternate between wasm and the host: deep recursion exhausts the stack on
//! any stack size, and all values are passed correctly.

// The tests print their results.
#![allow(clippy::disallowed_macros)]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{func, instantiate};
use wassay_engine::{
    Caller, Config, Engine, Error, ErrorKind, Extern, Func, FuncType, Linker, Module, Store, Trap, Val,
    ValType,
};

/// The stack sizes of threads, from one that wasm code can barely share with the host to a large
/// one.
const STACKS: [usize; 4] = [256 << 10, 512 << 10, 2 << 20, 16 << 20];
/// The limits for wasm code: much less than the stack, about the same, and much more.
const LIMITS: [usize; 4] = [8 << 10, 256 << 10, 1 << 20, 64 << 20];

fn on_stack<T: Send + 'static>(bytes: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(bytes).spawn(run).unwrap().join().unwrap()
}

fn store(max_stack: usize) -> Store {
    Store::new(&Engine::new(&Config::new().max_stack(max_stack)).unwrap())
}

fn exported(caller: &Caller<'_>, name: &str) -> Func {
    match caller.export(name) {
        Some(Extern::Func(func)) => func,
        other => panic!("`{name}` is not a function: {other:?}"),
    }
}

/// `down` calls itself through the host's `deeper`, as often as its first argument says. Then it
/// returns, or traps if the second argument is not 0. It returns the number of calls.
const DOWN: &str = "(module
    (import \"h\" \"deeper\" (func $deeper (param i32 i32) (result i32)))
    (func (export \"down\") (param i32 i32) (result i32)
        (if (i32.eqz (local.get 0))
            (then (if (local.get 1) (then (unreachable))) (return (i32.const 0))))
        (i32.add (call $deeper (i32.sub (local.get 0) (i32.const 1)) (local.get 1)) (i32.const 1))))";

/// An instance of [`DOWN`], and the number of calls of the host function.
fn down(store: &mut Store) -> (Func, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let ty = FuncType::new([ValType::I32; 2], [ValType::I32]);
    let deeper = Func::alloc(store, ty, move |mut caller, args, results| {
        counter.fetch_add(1, Ordering::Relaxed);
        let down = exported(&caller, "down");
        results.clone_from_slice(&down.invoke(&mut caller, args)?);
        Ok(())
    });
    let mut linker = Linker::new();
    linker.define("h", "deeper", Extern::Func(deeper.unwrap()));
    let instance = instantiate(store, &linker, DOWN);
    (func(store, instance, "down"), calls)
}

#[test]
fn recursion_through_the_host_exhausts_any_stack() {
    for stack in STACKS {
        for limit in LIMITS {
            let reached = on_stack(stack, move || {
                let mut store = store(limit);
                let (down, calls) = down(&mut store);
                let mut reached = 0;
                // The first recursion must not reduce the depth of the second.
                for round in 0..3 {
                    let error = down.invoke(&mut store, &[Val::I32(-1), Val::I32(0)]).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Exhaustion, "stack {stack}, limit {limit}");
                    let depth = calls.swap(0, Ordering::Relaxed);
                    assert!(round == 0 || depth + 1 >= reached, "{depth} calls after {reached}");
                    reached = depth;
                    let shallow = down.invoke(&mut store, &[Val::I32(2), Val::I32(0)]).unwrap();
                    assert_eq!(shallow, [Val::I32(2)], "stack {stack}, limit {limit}");
                    calls.store(0, Ordering::Relaxed);
                }
                reached
            });
            println!("stack {stack}, limit {limit}: {reached} calls of the host");
            assert!(reached > 2, "stack {stack}, limit {limit}: {reached} calls of the host");
        }
    }
}

#[test]
fn a_larger_limit_gives_a_deeper_recursion() {
    let depth = |limit| {
        on_stack(16 << 20, move || {
            let mut store = store(limit);
            let (down, calls) = down(&mut store);
            down.invoke(&mut store, &[Val::I32(-1), Val::I32(0)]).unwrap_err();
            calls.load(Ordering::Relaxed)
        })
    };
    let (small, large) = (depth(256 << 10), depth(4 << 20));
    assert!(large > 8 * small, "{small} calls in 256 KiB, {large} in 4 MiB");
}

#[test]
fn results_and_traps_propagate_through_all_levels() {
    on_stack(16 << 20, || {
        let mut store = store(8 << 20);
        let (down, _) = down(&mut store);
        let mut end = |end| down.invoke(&mut store, &[Val::I32(500), Val::I32(end)]);
        for _ in 0..3 {
            assert_eq!(end(0).unwrap(), [Val::I32(500)]);
            assert_eq!(end(1).unwrap_err().kind(), ErrorKind::Trap(Trap::Unreachable));
        }
    });
}

#[test]
fn a_host_function_can_continue_after_exhaustion() {
    for stack in STACKS {
        on_stack(stack, move || {
            let mut store = store(stack);
            let ty = FuncType::new([], [ValType::I32]);
            let again = Func::alloc(&mut store, ty, |mut caller, _, results| {
                let f = exported(&caller, "f");
                results[0] = match f.invoke(&mut caller, &[]) {
                    Ok(depth) => depth[0].clone(),
                    Err(error) if error.kind() == ErrorKind::Exhaustion => Val::I32(1000),
                    Err(error) => return Err(error),
                };
                Ok(())
            });
            let mut linker = Linker::new();
            linker.define("h", "again", Extern::Func(again.unwrap()));
            let text = "(module (import \"h\" \"again\" (func $again (result i32)))
                (func (export \"f\") (result i32) (i32.add (call $again) (i32.const 1))))";
            let instance = instantiate(&mut store, &linker, text);
            let f = func(&store, instance, "f");
            for _ in 0..2 {
                let [Val::I32(depth)] = f.invoke(&mut store, &[]).unwrap()[..] else { panic!("an i32") };
                assert!(depth > 1002, "only the innermost call was unwound: {depth}");
            }
        });
    }
}

/// Calls a store in which a host function creates the next store, and so on.
fn nested(engine: &Engine, module: &Module, level: usize) -> Result<usize, Error> {
    let mut store = Store::new(engine);
    let (engine, module) = (engine.clone(), module.clone());
    let inner = module.clone();
    let next = Func::alloc(&mut store, FuncType::new([], [ValType::I64]), move |_, _, results| {
        results[0] = Val::I64(nested(&engine, &inner, level + 1)? as i64);
        Ok(())
    })?;
    let mut linker = Linker::new();
    linker.define("h", "next", Extern::Func(next));
    let instance = linker.instantiate(&mut store, &module)?;
    match func(&store, instance, "f").invoke(&mut store, &[]) {
        Ok(values) => Ok(match values[..] {
            [Val::I64(level)] => level as usize,
            _ => 0,
        }),
        Err(error) if error.kind() == ErrorKind::Exhaustion => Ok(level),
        Err(error) => Err(error),
    }
}

#[test]
fn nested_stores_share_a_stack() {
    for (stack, limit) in [(512 << 10, 64 << 20), (2 << 20, 128 << 10), (2 << 20, 64 << 20)] {
        let deepest = on_stack(stack, move || {
            let engine = Engine::new(&Config::new().max_stack(limit)).unwrap();
            let text = "(module (import \"h\" \"next\" (func $next (result i64)))
                (func (export \"f\") (result i64) (call $next)))";
            let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
            nested(&engine, &module, 0).unwrap()
        });
        println!("stack {stack}, limit {limit}: {deepest} stores");
        assert!(deepest > 10, "stack {stack}, limit {limit}: {deepest} stores");
    }
}

/// Types of all kinds, in an order that uses registers of each kind unevenly.
fn mixed(count: usize) -> Vec<ValType> {
    let kinds = [ValType::V128, ValType::I32, ValType::F64, ValType::F32, ValType::I64, ValType::F64];
    (0..count).map(|index| kinds[(index + index / 7) % kinds.len()]).collect()
}

/// A value of this type that depends on its index and the round.
fn value(ty: ValType, index: usize, round: usize) -> Val {
    let number = (index * 8 + round) as u32;
    match ty {
        ValType::I32 => Val::I32(-(number as i32)),
        ValType::I64 => Val::I64(i64::from(number) << 40 | 5),
        ValType::F32 => Val::F32(0x7f80_0001 + number),
        ValType::F64 => Val::F64(0xfff0_0000_0000_0001 + u64::from(number)),
        _ => Val::V128(u128::from(number) << 96 | 0xaaaa_5555),
    }
}

fn values(types: &[ValType], round: usize) -> Vec<Val> {
    types.iter().enumerate().map(|(index, ty)| value(*ty, index, round)).collect()
}

#[test]
fn any_number_of_values_of_any_type_is_passed_between_wasm_and_the_host() {
    for count in [0, 1, 6, 7, 8, 9, 16, 17, 33, 100, 1000] {
        on_stack(16 << 20, move || {
            let types = mixed(count);
            let ty = FuncType::new(types.iter().copied(), types.iter().copied());
            let mut store = store(8 << 20);
            let host_types = types.clone();
            // Gets the values of one round, passes those of the next round to wasm, and returns
            // those of the round after that.
            let host = Func::alloc(&mut store, ty, move |mut caller, args, results| {
                assert_eq!(args, values(&host_types, 0), "{count}: from wasm to the host");
                let echo = exported(&caller, "echo");
                let echoed = echo.invoke(&mut caller, &values(&host_types, 1))?;
                assert_eq!(echoed, values(&host_types, 1), "{count}: from the host to wasm and back");
                results.clone_from_slice(&values(&host_types, 2));
                Ok(())
            });
            let mut linker = Linker::new();
            linker.define("h", "host", Extern::Func(host.unwrap()));
            let list: String = types.iter().map(|ty| format!(" {ty}")).collect();
            let gets: String = (0..count).map(|index| format!("(local.get {index})")).collect();
            let text = format!(
                "(module (type $t (func (param{list}) (result{list})))
                (import \"h\" \"host\" (func $host (type $t)))
                (table funcref (elem $host))
                (func (export \"echo\") (type $t) {gets})
                (func (export \"direct\") (type $t) (call $host {gets}))
                (func (export \"indirect\") (type $t) (call_indirect (type $t) {gets} (i32.const 0))))"
            );
            let instance = instantiate(&mut store, &linker, &text);
            for name in ["direct", "indirect"] {
                let f = func(&store, instance, name);
                let results = f.invoke(&mut store, &values(&types, 0)).unwrap();
                assert_eq!(results, values(&types, 2), "{count}: {name}");
            }
        });
    }
}
