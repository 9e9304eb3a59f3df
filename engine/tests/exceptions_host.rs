//! Tests of exceptions between wasm code and the host, in both directions (embedding appendix:
//! `exn_alloc`, `exn_tag`, `exn_read`).

#![allow(clippy::unwrap_used)]

mod common;

use common::{func, instantiate, store, tag};
use wassay_engine::{
    Caller, Compilation, Config, Engine, Error, ErrorKind, ExnRef, Extern, Func, FuncType, Instance, Linker,
    Module, Ref, Result, Store, Tag, Trap, Val, ValType,
};

/// A store, and a linker with a tag `h.e` with an i32 and a host function `h.f` from i32 to i32.
fn with_host(
    body: impl Fn(Caller<'_>, Tag, i32) -> Result<i32> + Send + Sync + 'static,
) -> (Store, Linker, Tag) {
    host_in(store(), body)
}

/// Like [`with_host`], with a given store.
fn host_in(
    mut store: Store,
    body: impl Fn(Caller<'_>, Tag, i32) -> Result<i32> + Send + Sync + 'static,
) -> (Store, Linker, Tag) {
    let mut linker = Linker::new();
    let tag = Tag::alloc(&mut store, &FuncType::new([ValType::I32], [])).unwrap();
    let ty = FuncType::new([ValType::I32], [ValType::I32]);
    let host = Func::alloc(&mut store, ty, move |caller, args, results| {
        let [Val::I32(arg)] = args else { panic!("the function takes an i32: {args:?}") };
        results[0] = Val::I32(body(caller, tag, *arg)?);
        Ok(())
    });
    linker.define("h", "e", Extern::Tag(tag)).unwrap();
    linker.define("h", "f", Extern::Func(host.unwrap())).unwrap();
    (store, linker, tag)
}

/// Throws an exception with an i32.
fn throw<T>(store: &mut wassay_engine::StoreState, tag: Tag, value: i32) -> Result<T> {
    Err(Error::exception(ExnRef::new(store, tag, &[Val::I32(value)])?))
}

/// Calls an export of the instance that called the host.
fn call_back(caller: &mut Caller<'_>, name: &str, arg: i32) -> Result<i32> {
    let Some(instance) = caller.instance() else { panic!("an instance called") };
    match func(caller, instance, name).invoke(caller, &[Val::I32(arg)])?[..] {
        [Val::I32(result)] => Ok(result),
        ref other => panic!("the function gives an i32: {other:?}"),
    }
}

fn call(store: &mut Store, instance: Instance, name: &str, arg: i32) -> Result<i32> {
    match func(store, instance, name).invoke(store, &[Val::I32(arg)])?[..] {
        [Val::I32(result)] => Ok(result),
        ref other => panic!("the function gives an i32: {other:?}"),
    }
}

const IMPORTS: &str =
    "(import \"h\" \"e\" (tag $e (param i32))) (import \"h\" \"f\" (func $f (param i32) (result i32)))";

#[test]
fn uncaught_exceptions_propagate_to_the_caller() {
    let (mut store, linker, tag) = with_host(|mut caller, tag, arg| throw(&mut caller, tag, arg));
    let text = format!(
        "(module {IMPORTS} (tag $other)
        (func (export \"wasm\") (param i32) (result i32) (throw $e (local.get 0)))
        (func (export \"host\") (param i32) (result i32)
          (block $h (try_table (catch $other $h) (return (call $f (local.get 0))))) (i32.const -1))
        (func (export \"again\") (param i32) (result i32)
          (throw_ref (block $h (result exnref) (try_table (catch_all_ref $h) (return (call $f (local.get 0)))) (unreachable)))))"
    );
    let instance = instantiate(&mut store, &linker, &text);
    for name in ["wasm", "host", "again"] {
        let error = call(&mut store, instance, name, 7).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exception, "{name}");
        assert_eq!(error.to_string(), "uncaught exception");
        let exception = error.exn().unwrap();
        assert_eq!((exception.tag(&store), exception.fields(&store)), (tag, vec![Val::I32(7)]), "{name}");
    }
    let Some(Extern::Func(host)) = linker.get("h", "f") else { panic!("`h.f` is defined") };
    let error = host.invoke(&mut store, &[Val::I32(8)]).unwrap_err();
    assert_eq!(error.exn().unwrap().fields(&store), [Val::I32(8)], "thrown to the host by the host");
}

#[test]
fn wasm_code_catches_exceptions_of_the_host() {
    let (mut store, linker, _) = with_host(|mut caller, tag, arg| match arg {
        -1 => Err(Error::host("not an exception")),
        -2 => Err(Trap::Unreachable.into()),
        _ => throw(&mut caller, tag, arg),
    });
    let text = format!(
        "(module {IMPORTS} (table funcref (elem $f)) (type $t (func (param i32) (result i32)))
        (func $down (param i32 i32) (result i32)
          (if (i32.eqz (local.get 1)) (then (return (call $f (local.get 0)))))
          (i32.add (i32.const 1) (call $down (local.get 0) (i32.sub (local.get 1) (i32.const 1)))))
        (func (export \"near\") (param i32) (result i32)
          (block $h (result i32) (try_table (catch $e $h) (return (call $f (local.get 0)))) (unreachable))
          (i32.add (i32.const 100)))
        (func (export \"far\") (param i32) (result i32)
          (block $h (result i32) (try_table (catch $e $h) (return (call $down (local.get 0) (i32.const 100)))) (unreachable))
          (i32.add (i32.const 100)))
        (func (export \"indirect\") (param i32) (result i32)
          (block $h (result i32)
            (try_table (catch $e $h) (return (call_indirect (type $t) (local.get 0) (i32.const 0)))) (unreachable))
          (i32.add (i32.const 100)))
        (func (export \"tail\") (param i32) (result i32)
          (block $h (result i32) (try_table (catch $e $h) (return (call $jump (local.get 0)))) (unreachable))
          (i32.add (i32.const 100)))
        (func $jump (param i32) (result i32) (return_call $f (local.get 0)))
        (func (export \"all\") (param i32) (result i32)
          (block $h (try_table (catch_all $h) (return (call $f (local.get 0))))) (i32.const 5)))"
    );
    let instance = instantiate(&mut store, &linker, &text);
    for name in ["near", "far", "indirect", "tail"] {
        assert_eq!(call(&mut store, instance, name, 7).unwrap(), 107, "{name}");
    }
    assert_eq!(call(&mut store, instance, "all", 7).unwrap(), 5);
    for (arg, kind) in [(-1, ErrorKind::Host), (-2, ErrorKind::Trap(Trap::Unreachable))] {
        assert_eq!(call(&mut store, instance, "all", arg).unwrap_err().kind(), kind, "not an exception");
    }
}

#[test]
fn a_host_function_can_propagate_an_exception() {
    // The host function calls `g` and propagates its exceptions, except for 1, which it converts to
    // a result, and 2, which it throws again.
    let (mut store, linker, _) = with_host(|mut caller, tag, arg| match call_back(&mut caller, "g", arg) {
        Err(error) if error.kind() == ErrorKind::Exception => {
            match error.exn().unwrap().fields(&caller)[..] {
                [Val::I32(1)] => Ok(1000),
                [Val::I32(2)] => throw(&mut caller, tag, 2000),
                _ => Err(error),
            }
        }
        other => other,
    });
    let text = format!(
        "(module {IMPORTS} (tag $other)
        (func (export \"g\") (param i32) (result i32)
          (if (i32.gt_s (local.get 0) (i32.const 10))
            (then (return (call $f (i32.sub (local.get 0) (i32.const 10))))))
          (block $h (try_table (catch $other $h) (throw $e (local.get 0))))
          (unreachable))
        (func (export \"catch\") (param i32) (result i32)
          (block $h (result i32) (try_table (catch $e $h) (return (call $f (local.get 0)))) (unreachable))
          (i32.add (i32.const 100)))
        (func (export \"let\") (param i32) (result i32) (call $f (local.get 0))))"
    );
    let instance = instantiate(&mut store, &linker, &text);
    // 47 passes through the host five times: as 47, 37, 27, 17 and 7.
    for (arg, caught) in [(7, 107), (1, 1000), (2, 2100), (47, 107), (41, 1000), (42, 2100)] {
        assert_eq!(call(&mut store, instance, "catch", arg).unwrap(), caught, "{arg}");
    }
    let error = call(&mut store, instance, "let", 47).unwrap_err();
    assert_eq!(error.exn().unwrap().fields(&store), [Val::I32(7)]);
    assert_eq!(call(&mut store, instance, "let", 41).unwrap(), 1000);
}

#[test]
fn exceptions_through_the_host_do_not_change_the_stack() {
    // The frames of a function have the same size in all calls.
    let eager = Engine::new(&Config::new().compilation(Compilation::Eager)).unwrap();
    let (mut store, linker, _) =
        host_in(Store::new(&eager), |mut caller, _, arg| call_back(&mut caller, "g", arg));
    let text = format!(
        "(module {IMPORTS} (global $depth (export \"depth\") (mut i32) (i32.const 0))
        (func (export \"g\") (param i32) (result i32)
          (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 3))))
          (call $f (i32.sub (local.get 0) (i32.const 1))))
        (func $recurse (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $recurse) (call $recurse))
        (func (export \"recurse\") (param i32) (result i32)
          (global.set $depth (i32.const 0)) (call $recurse) (i32.const 0))
        (func (export \"both\") (param i32) (result i32)
          (block $h (result i32) (try_table (catch $e $h) (return (call $f (local.get 0)))) (unreachable))
          (drop) (global.set $depth (i32.const 0)) (call $recurse) (i32.const 0)))"
    );
    let instance = instantiate(&mut store, &linker, &text);
    let Some(Extern::Global(depth)) = instance.export(&store, "depth") else { panic!("a global") };
    let mut depths = Vec::new();
    for (name, arg) in [("recurse", 0), ("both", 0), ("both", 20), ("recurse", 0)] {
        assert_eq!(
            call(&mut store, instance, name, arg).unwrap_err().kind(),
            ErrorKind::Exhaustion,
            "{name}"
        );
        let Val::I32(depth) = depth.read(&store) else { panic!("an i32") };
        depths.push(depth);
    }
    // The frames of `both` and `recurse` differ in size, so the depths may differ slightly.
    assert!(depths.iter().all(|depth| depths[0].abs_diff(*depth) < 8), "{depths:?}");
    for _ in 0..10_000 {
        let error = call(&mut store, instance, "g", 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exception);
    }
}

#[test]
fn an_exception_of_another_store_is_not_caught() {
    let (mut outer, mut linker) = (store(), Linker::new());
    let other = std::sync::Arc::new(std::sync::Mutex::new(store()));
    let thrower =
        "(module (tag $e (export \"e\") (param i32)) (func (export \"f\") (throw $e (i32.const 7))))";
    let instance = instantiate(&mut other.lock().unwrap(), &Linker::new(), thrower);
    let inner = other.clone();
    let host = Func::alloc(&mut outer, FuncType::new([], []), move |_, _, _| {
        let mut inner = inner.lock().unwrap();
        func(&inner, instance, "f").invoke(&mut inner, &[]).map(drop)
    });
    linker.define("h", "f", Extern::Func(host.unwrap())).unwrap();
    let text = "(module (import \"h\" \"f\" (func $f))
        (func (export \"f\") (block $h (try_table (catch_all $h) (call $f)))))";
    let catcher = instantiate(&mut outer, &linker, text);
    let error = func(&outer, catcher, "f").invoke(&mut outer, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exception);
    let other = other.lock().unwrap();
    let exception = error.exn().unwrap();
    assert_eq!(
        (exception.tag(&other), exception.fields(&other)),
        (tag(&other, instance, "e"), vec![Val::I32(7)])
    );
}

#[test]
fn wasm_code_can_throw_an_exception_of_the_host() {
    let mut store = store();
    let text = "(module (tag $e (export \"e\") (param i32))
        (func (export \"f\") (param exnref) (result i32)
          (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get 0))) (unreachable)))
        (func (export \"null\") (result exnref) (ref.null exn)))";
    let instance = instantiate(&mut store, &Linker::new(), text);
    let (f, e) = (func(&store, instance, "f"), tag(&store, instance, "e"));
    let exception = ExnRef::new(&mut store, e, &[Val::I32(9)]).unwrap();
    let arg = Val::Ref(Ref::Exn(exception.clone()));
    assert_eq!(f.invoke(&mut store, &[arg]).unwrap(), [Val::I32(9)]);
    let null = func(&store, instance, "null").invoke(&mut store, &[]).unwrap();
    let error = f.invoke(&mut store, &null).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trap(Trap::NullExceptionReference));
    let other = Tag::alloc(&mut store, &FuncType::new([], [])).unwrap();
    let exception = ExnRef::new(&mut store, other, &[]).unwrap();
    let error = f.invoke(&mut store, &[Val::Ref(Ref::Exn(exception.clone()))]).unwrap_err();
    assert_eq!(error.exn(), Some(&exception));
}

#[test]
fn the_fields_of_an_exception_must_match_its_tag() {
    let mut store = store();
    let tag = Tag::alloc(&mut store, &FuncType::new([ValType::I32, ValType::FUNCREF], [])).unwrap();
    let null = Val::Ref(Ref::Null(wassay_engine::HeapType::Func));
    for values in [&[][..], &[Val::I32(0)], &[null.clone(), Val::I32(0)], &[Val::I64(0), null.clone()]] {
        let error = ExnRef::new(&mut store, tag, values).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{values:?}");
    }
    assert!(ExnRef::new(&mut store, tag, &[Val::I32(0), null]).is_ok());
}

#[test]
fn a_start_function_can_throw() {
    let mut store = store();
    let bytes = wat::parse_str("(module (tag $e) (func $f (throw $e)) (start $f))").unwrap();
    let module = Module::new(store.engine(), &bytes).unwrap();
    let error = Linker::new().instantiate(&mut store, &module).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exception);
    assert!(error.exn().unwrap().fields(&store).is_empty());
}

#[test]
fn an_error_of_another_kind_has_no_exception() {
    let mut store = store();
    let tag = Tag::alloc(&mut store, &FuncType::new([], [])).unwrap();
    let exception = ExnRef::new(&mut store, tag, &[]).unwrap();
    let error = Error::host_with("kept", exception.clone());
    assert!(error.exn().is_none());
    assert_eq!(error.into_payload::<ExnRef>().unwrap(), exception);
}
