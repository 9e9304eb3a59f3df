//! Tests of the lifetime of types: a type is kept as long as a module or a store uses it, and its
//! number is reused afterwards.

#![allow(clippy::unwrap_used)]

mod common;

use common::func;
use common::numbered::{engine, link, list, module, run};
use wassay_engine::{
    Engine, EngineStats, Func, FuncType, Global, GlobalType, Linker, Module, Mutability, RefType, Store,
    Table, TableType, Tag, Val, ValType,
};

#[test]
fn types_in_use_are_kept_while_others_are_freed() {
    let engine = engine();
    let mut kept: Vec<_> = (0..5).map(|number| link(&engine, number)).collect();
    let count = types(&engine);
    for number in 5..300 {
        // Its types get the numbers of freed types.
        run(&engine, number);
        for (number, (store, run, arguments)) in kept.iter_mut().enumerate() {
            // Each call leaves an object for the next one, and casts one.
            assert_eq!(run.invoke(store, arguments).unwrap(), [Val::I32(number as i32 + 1)]);
        }
    }
    for (store, ..) in &mut kept {
        store.collect().unwrap();
        assert!(store.heap_stats().live_bytes > 0);
    }
    assert_eq!(types(&engine), count);
    let stores = kept.len();
    drop(kept.split_off(stores / 2));
    assert!((1..count).contains(&types(&engine)));
    drop(kept);
    assert_eq!(types(&engine), 0);
}

#[test]
fn types_are_counted_while_a_module_or_store_uses_them() {
    let engine = engine();
    assert_eq!(types(&engine), 0);
    let first = Module::new(&engine, &wat::parse_str(module(7)).unwrap()).unwrap();
    let count = types(&engine);
    assert!(count >= 5);
    let equal = Module::new(&engine, &wat::parse_str(module(7)).unwrap()).unwrap();
    assert_eq!(types(&engine), count, "equal types are the same");
    let mut store = Store::new(&engine);
    let (params, _) = list(7);
    Func::alloc(&mut store, FuncType::new(params, [ValType::I32]), |_, _, _| Ok(())).unwrap();
    drop(first);
    assert_eq!(types(&engine), count);
    drop(equal);
    assert_eq!(types(&engine), 1, "the store's host function uses one of them");
    drop(store);
    assert_eq!(types(&engine), 0);
    // An invalid module leaves no types.
    let refused = wat::parse_str("(module (type (struct)) (func (result i32)))").unwrap();
    Module::new(&engine, &refused).unwrap_err();
    Module::validate(&engine, &refused).unwrap_err();
    assert_eq!(types(&engine), 0);
}

fn types(engine: &Engine) -> usize {
    let EngineStats { types, .. } = engine.stats();
    types
}

#[test]
fn a_type_that_outlives_its_module_is_rejected() {
    let engine = engine();
    let text = r#"(module (type $s (struct)) (func (export "f") (param (ref null $s))))"#;
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine);
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let stale = func(&store, instance, "f").ty(&store).params()[0];
    assert!(engine.func_type_id(&FuncType::new([stale], [])).is_ok());
    let engine = common::numbered::engine();
    // Types of another engine are rejected like freed types.
    let mut store = Store::new(&engine);
    let other = wat::parse_str("(module (type (array i32)) (type (struct)))").unwrap();
    let _other = Module::new(&engine, &other).unwrap();
    let usage = wassay_engine::ErrorKind::Usage;
    let ty = FuncType::new([stale], []);
    assert_eq!(engine.func_type_id(&ty).unwrap_err().kind(), usage);
    assert_eq!(Func::alloc(&mut store, ty.clone(), |_, _, _| Ok(())).unwrap_err().kind(), usage);
    assert_eq!(Tag::alloc(&mut store, &ty).unwrap_err().kind(), usage);
    let content = GlobalType { content: stale, mutability: Mutability::Const };
    let null = Val::default_of(stale).unwrap();
    assert_eq!(Global::alloc(&mut store, content, null.clone()).unwrap_err().kind(), usage);
    let (ValType::Ref(element), Val::Ref(null)) = (stale, null) else { panic!("a reference") };
    assert_eq!(Table::alloc(&mut store, TableType::new(element, 1, None), null).unwrap_err().kind(), usage);
    assert!(engine.matches_val(stale, stale) && !engine.matches_val(stale, ValType::Ref(any())));
}

fn any() -> RefType {
    RefType { nullable: true, heap: wassay_engine::HeapType::Any }
}
