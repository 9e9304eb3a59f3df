//! Tests of the caller of a host function: the instance whose code calls it, regardless of how the
//! code got the function.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::{func, instantiate};
use wassay_engine::{Caller, Config, Engine, Extern, Func, FuncType, Instance, Linker, Ref, Store, Val};

/// A module whose exports share a host function: by an import, a table, a global, a result and its
/// own code.
const LIBRARY: &str = r#"(module
    (import "host" "tell" (func $tell))
    (type $t (func))
    (table (export "table") 1 funcref)
    (elem (i32.const 0) $tell)
    (global (export "global") (ref $t) (ref.func $tell))
    (export "tell" (func $tell))
    (func (export "give") (result (ref $t)) (ref.func $tell))
    (func (export "own") (call $tell))
    (func (export "own by reference") (call_ref $t (ref.func $tell)))
    (func (export "own in a tail call") (return_call $tell))
    (func (export "call") (param (ref $t)) (call_ref $t (local.get 0)))
    (start $tell))"#;

const PROGRAM: &str = r#"(module
    (type $t (func))
    (import "library" "table" (table 1 funcref))
    (import "library" "global" (global $global (ref $t)))
    (import "library" "tell" (func $tell))
    (import "library" "give" (func $give (result (ref $t))))
    (import "library" "own" (func $own))
    (import "library" "own by reference" (func $own_by_reference))
    (import "library" "own in a tail call" (func $own_in_tail))
    (import "library" "call" (func $call (param (ref $t))))
    (table $mine 1 funcref)
    (elem declare func $tell)
    (func (export "import") (call $tell))
    (func (export "table") (call_indirect (type $t) (i32.const 0)))
    (func (export "table in a tail call") (return_call_indirect (type $t) (i32.const 0)))
    (func (export "global") (call_ref $t (global.get $global)))
    (func (export "reference in a tail call") (return_call_ref $t (call $give)))
    (func (export "own reference") (call_ref $t (ref.func $tell)))
    (func (export "own table")
        (table.set $mine (i32.const 0) (ref.func $tell)) (call_indirect $mine (type $t) (i32.const 0)))
    (func (export "copied table")
        (table.copy $mine 0 (i32.const 0) (i32.const 0) (i32.const 1)) (call_indirect $mine (type $t) (i32.const 0)))
    (func (export "theirs") (call $own))
    (func (export "theirs by reference") (call $own_by_reference))
    (func (export "theirs in a tail call") (return_call $own_in_tail))
    (func (export "handed over") (call $call (ref.func $tell)))
    (func (export "in turn")
        (call_indirect (type $t) (i32.const 0)) (call $own_by_reference) (call_indirect (type $t) (i32.const 0))))"#;

type Calls = Arc<Mutex<Vec<Option<Instance>>>>;

/// A host function that records its caller.
fn tell(store: &mut Store, calls: &Calls) -> Func {
    let calls = Arc::clone(calls);
    let note = move |caller: Caller<'_>, _: &[Val], _: &mut [Val]| {
        calls.lock().unwrap().push(caller.instance());
        Ok(())
    };
    Func::alloc(store, FuncType::new([], []), note).unwrap()
}

#[test]
fn the_caller_is_the_instance_whose_code_calls_the_host_function() {
    let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
    let (mut linker, calls) = (Linker::new(), Calls::default());
    let tell = tell(&mut store, &calls);
    linker.define("host", "tell", Extern::Func(tell));
    let library = instantiate(&mut store, &linker, LIBRARY);
    assert_eq!(std::mem::take(&mut *calls.lock().unwrap()), [Some(library)], "the start function");
    linker.define_instance(&store, "library", library);
    let program = instantiate(&mut store, &linker, PROGRAM);
    let (theirs, ours) = (Some(library), Some(program));
    for (name, expected) in [
        ("import", vec![ours]),
        ("table", vec![ours]),
        ("table in a tail call", vec![ours]),
        ("global", vec![ours]),
        ("reference in a tail call", vec![ours]),
        ("own reference", vec![ours]),
        ("own table", vec![ours]),
        ("copied table", vec![ours]),
        ("theirs", vec![theirs]),
        ("theirs by reference", vec![theirs]),
        ("theirs in a tail call", vec![theirs]),
        ("handed over", vec![theirs]),
        ("in turn", vec![ours, theirs, ours]),
    ] {
        func(&store, program, name).invoke(&mut store, &[]).unwrap();
        assert_eq!(std::mem::take(&mut *calls.lock().unwrap()), expected, "{name}");
    }
    // The host itself, even after code has called by reference.
    tell.invoke(&mut store, &[]).unwrap();
    func(&store, library, "tell").invoke(&mut store, &[]).unwrap();
    assert_eq!(std::mem::take(&mut *calls.lock().unwrap()), [None, None]);
    func(&store, library, "call").invoke(&mut store, &[Val::Ref(Ref::Func(tell))]).unwrap();
    assert_eq!(*calls.lock().unwrap(), [theirs]);
}

#[test]
fn nested_calls_do_not_change_the_caller() {
    let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
    let (mut linker, calls) = (Linker::new(), Calls::default());
    let tell = tell(&mut store, &calls);
    linker.define("host", "tell", Extern::Func(tell));
    let seen = Arc::clone(&calls);
    let nested = move |mut caller: Caller<'_>, _: &[Val], _: &mut [Val]| {
        let before = caller.instance();
        tell.invoke(&mut caller, &[])?;
        assert_eq!(caller.instance(), before);
        seen.lock().unwrap().push(before);
        Ok(())
    };
    let nested = Func::alloc(&mut store, FuncType::new([], []), nested).unwrap();
    linker.define("host", "nested", Extern::Func(nested));
    let text = r#"(module
        (type $t (func))
        (import "host" "tell" (func $tell)) (import "host" "nested" (func $nested))
        (table funcref (elem $nested $tell))
        (func (export "run")
            (call_indirect (type $t) (i32.const 0)) (call_indirect (type $t) (i32.const 1)) (call $nested)))"#;
    let instance = instantiate(&mut store, &linker, text);
    func(&store, instance, "run").invoke(&mut store, &[]).unwrap();
    let ours = Some(instance);
    assert_eq!(*calls.lock().unwrap(), [None, ours, ours, None, ours]);
}
