//! Tests of typed calls, closures as host functions, and the definitions of a linker.

#![allow(clippy::unwrap_used)]

mod common;

use std::error::Error as _;

use common::{instantiate, store};
use wassay_engine::{
    Caller, Config, Engine, Error, ErrorKind, ExnRef, Extern, Func, FuncType, HostResult, Linker, Module,
    RawValues, Store, StoreState, Tag, Val, ValType,
};

#[test]
fn values_of_each_type_round_trip() {
    let mut store = store();
    let body = |a: i32, b: u32, c: i64, d: u64, e: f32, f: f64, g: u128| (g, f, e, d, c, b, a);
    let func = Func::wrap(&mut store, body).unwrap();
    let types = func.ty(&store);
    assert_eq!(types.params()[6], ValType::V128);
    assert_eq!(types.results()[0], ValType::V128);
    let typed = func
        .typed::<(i32, u32, i64, u64, f32, f64, u128), (u128, f64, f32, u64, i64, u32, i32)>(&mut store)
        .unwrap();
    let values = (-1, u32::MAX, i64::MIN, u64::MAX, -0.5, 1e300, 1 << 100);
    let results = typed.call(&mut store, values).unwrap();
    assert_eq!(results, (1 << 100, 1e300, -0.5, u64::MAX, i64::MIN, u32::MAX, -1));
    assert_eq!(typed.func(), func);
}

#[test]
fn other_types_are_rejected() {
    let mut store = store();
    let func = Func::wrap(&mut store, |a: i32| a).unwrap();
    for error in [
        func.typed::<i64, i32>(&mut store).unwrap_err(),
        func.typed::<i32, ()>(&mut store).unwrap_err(),
        func.typed::<(i32, i32), i32>(&mut store).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.message().starts_with("type mismatch: expected "), "{error}");
    }
    assert_eq!(func.typed::<u32, i32>(&mut store).unwrap().call(&mut store, 7).unwrap(), 7);
    let reference = Func::alloc(&mut store, FuncType::new([ValType::FUNCREF], []), |_, _, _| Ok(())).unwrap();
    assert!(reference.typed::<u64, ()>(&mut store).is_err(), "a reference is not a number");
}

#[test]
fn the_numbers_of_parameters_and_results_can_differ() {
    let mut store = store();
    let many = Func::wrap(&mut store, || (1, 2_i64, 3.5_f64)).unwrap();
    assert_eq!(many.invoke(&mut store, &[]).unwrap(), [Val::I32(1), Val::I64(2), 3.5.into()]);
    let many = many.typed::<(), (i32, i64, f64)>(&mut store).unwrap();
    assert_eq!(many.call(&mut store, ()).unwrap(), (1, 2, 3.5));
    let none = Func::wrap(&mut store, |_: i32, _: i64, _: f32| {}).unwrap();
    none.typed::<(i32, i64, f32), ()>(&mut store).unwrap().call(&mut store, (1, 2, 3.0)).unwrap();
}

#[test]
fn errors_keep_their_kind_and_their_source() {
    let mut store = store();
    let fail = Func::wrap(&mut store, |kind: u32| -> HostResult<()> {
        let io = || Err::<(), _>(std::io::Error::other("a cause"));
        match kind {
            0 => return Err("a text".into()),
            1 => io()?,
            2 => return Err(Error::host_with("exit", 3_u8).into()),
            _ => {}
        }
        Ok(())
    })
    .unwrap();
    let fail = fail.typed::<u32, ()>(&mut store).unwrap();
    assert_eq!(fail.call(&mut store, 0).unwrap_err().to_string(), "a text");
    let error = fail.call(&mut store, 1).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Host, "a cause"));
    assert!(error.source().unwrap().is::<std::io::Error>());
    assert_eq!(fail.call(&mut store, 2).unwrap_err().into_payload::<u8>().unwrap(), 3);
    fail.call(&mut store, 3).unwrap();
}

#[test]
fn wasm_code_catches_an_exception_of_a_closure() {
    let mut store = store();
    let tag = Tag::alloc(&mut store, &FuncType::new([ValType::I32], [])).unwrap();
    let mut linker = Linker::new();
    linker.define("h", "tag", tag).unwrap();
    linker
        .func_wrap(&mut store, "h", "throw", move |mut caller: Caller<'_>, value: i32| {
            let exception = ExnRef::new(&mut caller, tag, &[value.into()])?;
            Err::<(), Error>(Error::exception(exception))
        })
        .unwrap();
    let text = r#"(module (import "h" "tag" (tag $tag (param i32))) (import "h" "throw" (func $throw (param i32)))
        (func (export "run") (param i32) (result i32)
            (block $caught (result i32)
                (try_table (catch $tag $caught) (call $throw (local.get 0)))
                (i32.const 0))))"#;
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, 42).unwrap(), 42);
}

#[test]
fn a_closure_can_call_the_calling_instance() {
    let mut store = store();
    let mut linker = Linker::new();
    linker
        .func_wrap(&mut store, "h", "twice", |mut caller: Caller<'_>, value: i32| -> HostResult<i32> {
            let Some(Extern::Func(next)) = caller.export("next") else { return Err("no `next`".into()) };
            let next = next.typed::<i32, i32>(&mut caller)?;
            let once = next.call(&mut caller, value)?;
            Ok(next.call(&mut caller, once)?)
        })
        .unwrap();
    let text = r#"(module (import "h" "twice" (func $twice (param i32) (result i32)))
        (func (export "next") (param i32) (result i32)
            (i32.div_s (i32.const 100) (local.get 0)))
        (func (export "run") (param i32) (result i32) (call $twice (local.get 0))))"#;
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, 10).unwrap(), 10);
    let trap = run.call(&mut store, 0).unwrap_err();
    assert!(matches!(trap.kind(), ErrorKind::Trap(_)), "{trap}");
    assert_eq!(trap.backtrace().unwrap().innermost().count(), 2, "the frames of both activations");
}

#[test]
fn exports_are_found_by_name_and_kind() {
    let mut store = store();
    let text = r#"(module (memory (export "m") 1) (table (export "t") 3 funcref) (global (export "g") i32 (i32.const 5))
        (func (export "f")))"#;
    let instance = instantiate(&mut store, &Linker::new(), text);
    assert_eq!(instance.get_memory(&store, "m").unwrap().size(&store), 1);
    assert_eq!(instance.get_table(&store, "t").unwrap().size(&store), 3);
    assert_eq!(instance.get_global(&store, "g").unwrap().read(&store), Val::I32(5));
    assert!(instance.get_func(&store, "f").is_some());
    assert!(instance.get_func(&store, "m").is_none() && instance.get_memory(&store, "none").is_none());
    let error = instance.get_typed_func::<(), ()>(&mut store, "g").unwrap_err();
    assert_eq!(error.message(), "no exported function `g`");
}

#[test]
fn a_definition_is_only_replaced_explicitly() {
    let mut store = store();
    let mut linker = Linker::new();
    linker.func_wrap(&mut store, "h", "f", || 1_i32).unwrap();
    let first = linker.get("h", "f");
    let error = linker.func_wrap(&mut store, "h", "f", || 2_i32).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Usage, "`h` `f` is already defined"));
    assert_eq!(linker.get("h", "f"), first);
    let other = Func::wrap(&mut store, || 3_i32).unwrap();
    linker.shadow("h", "f", other);
    assert_eq!(linker.get("h", "f"), Some(Extern::Func(other)));
    linker.define("i", "f", other).unwrap();
    let mut names: Vec<_> = linker.iter().map(|(module, name, _)| (module, name)).collect();
    names.sort_unstable();
    assert_eq!(names, [("h", "f"), ("i", "f")]);
}

#[test]
fn an_instance_is_defined_as_a_whole_or_not_at_all() {
    let mut store = store();
    let mut linker = Linker::new();
    let text = |value: i32| {
        format!(r#"(module (func (export "f") (result i32) (i32.const {value})) (memory (export "m") 1))"#)
    };
    let (one, two) = (instantiate(&mut store, &linker, &text(1)), instantiate(&mut store, &linker, &text(2)));
    linker.func_wrap(&mut store, "h", "m", || ()).unwrap();
    let error = linker.define_instance(&store, "h", one).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Usage, "`h` `m` is already defined"));
    assert!(linker.get("h", "f").is_none(), "nothing is defined");
    linker.define_instance(&store, "i", one).unwrap();
    linker.func_wrap(&mut store, "i", "more", || ()).unwrap();
    assert!(linker.define_instance(&store, "i", two).is_err());
    assert_eq!(linker.get("i", "f"), one.export(&store, "f"));
    linker.shadow_instance(&store, "i", two);
    assert_eq!(linker.get("i", "f"), two.export(&store, "f"));
    assert!(linker.get("i", "more").is_none(), "what the name had before is forgotten");
    assert_eq!(linker.iter().count(), 3);
}

#[test]
fn a_refused_name_costs_no_host_function() {
    // Its drop says that the closure was not kept.
    struct Kept(std::sync::Arc<()>);
    let (mut store, mut linker, kept) = (store(), Linker::new(), std::sync::Arc::new(()));
    linker.func_wrap(&mut store, "h", "f", || ()).unwrap();
    let body = Kept(kept.clone());
    linker.func_wrap(&mut store, "h", "f", move || drop(body.0.clone())).unwrap_err();
    assert_eq!(std::sync::Arc::strong_count(&kept), 1);
}

/// Data of the host's, and a module that calls each host function of it.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    calls: u32,
}

#[test]
fn host_functions_of_all_shapes_reach_the_data() {
    let engine = Engine::new(&Config::new()).unwrap();
    let (mut store, mut linker) = (Store::with_data(&engine, Log::default()), Linker::new());
    let add = |mut caller: Caller<'_, Log>, line: i32| caller.data_mut().lines.push(line.to_string());
    linker.func_wrap(&mut store, "log", "add", add).unwrap();
    let count = |caller: Caller<'_, Log>| caller.data().lines.len() as u32;
    linker.func_wrap(&mut store, "log", "count", count).unwrap();
    // One that does not know the data, and one that finds out.
    linker.func_wrap(&mut store, "log", "nothing", |_: Caller<'_>| ()).unwrap();
    let any = Func::alloc(&mut store, FuncType::new([], []), |mut caller, _, _| {
        assert!(caller.any_data().downcast_ref::<String>().is_none());
        caller.any_data_mut().downcast_mut::<Log>().expect("the store's data is a log").calls += 1;
        Ok(())
    });
    linker.define("log", "any", any.unwrap()).unwrap();
    let numeric = |mut caller: Caller<'_, Log>, words: &mut RawValues<'_>| {
        caller.data_mut().calls += words.u32(0);
        Ok(())
    };
    let numeric = Func::alloc_raw(&mut store, FuncType::new([ValType::I32], []), numeric).unwrap();
    linker.define("log", "numeric", numeric).unwrap();
    let text = r#"(module
        (import "log" "add" (func $add (param i32))) (import "log" "count" (func $count (result i32)))
        (import "log" "nothing" (func $nothing)) (import "log" "any" (func $any))
        (import "log" "numeric" (func $numeric (param i32)))
        (func (export "run") (result i32)
            (call $add (i32.const 7)) (call $add (i32.const 8)) (call $nothing) (call $any)
            (call $numeric (i32.const 10)) (call $count)))"#;
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<(), u32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 2);
    store.data_mut().calls += 100;
    let log = store.into_data();
    assert_eq!((log.lines, log.calls), (vec!["7".to_owned(), "8".to_owned()], 111));
}

#[test]
fn a_host_function_makes_others_that_reach_the_data() {
    let engine = Engine::new(&Config::new()).unwrap();
    let mut store = Store::with_data(&engine, 1u64);
    let outer = Func::wrap(&mut store, |mut caller: Caller<'_, u64>| -> HostResult<u64> {
        let inner = Func::wrap(&mut caller, |mut caller: Caller<'_, u64>, by: u64| {
            *caller.data_mut() *= by;
            *caller.data()
        })?;
        Ok(inner.typed::<u64, u64>(&mut caller)?.call(&mut caller, 21)? + *caller.data())
    });
    let outer = outer.unwrap().typed::<(), u64>(&mut store).unwrap();
    assert_eq!(outer.call(&mut store, ()).unwrap(), 42);
    // The store as handles see it does not tell the type of its data.
    let state: &mut StoreState = &mut store;
    let untyped = Func::wrap(state, |caller: Caller<'_>| {
        caller.any_data().downcast_ref::<u64>().copied().unwrap_or_default()
    });
    assert_eq!(untyped.unwrap().typed::<(), u64>(&mut store).unwrap().call(&mut store, ()).unwrap(), 21);
}

#[test]
fn the_data_is_dropped_with_its_store() {
    let (engine, data) = (Engine::new(&Config::new()).unwrap(), std::sync::Arc::new(()));
    drop(Store::with_data(&engine, data.clone()));
    assert_eq!(std::sync::Arc::strong_count(&data), 1);
    // A store is moved, and its data is aligned as its type asks.
    #[repr(align(128))]
    struct Aligned(u8);
    let store = std::thread::spawn(move || Store::with_data(&engine, Aligned(5))).join().unwrap();
    assert!(std::ptr::from_ref(store.data()).addr().is_multiple_of(128));
    assert_eq!(store.into_data().0, 5);
}

#[test]
#[should_panic = "the handle belongs to another store"]
fn calling_a_typed_function_in_another_store_panics() {
    let mut one = store();
    let func = Func::wrap(&mut one, || {}).unwrap().typed::<(), ()>(&mut one).unwrap();
    let _ = func.call(&mut store(), ());
}
