//! The host in the middle of continuations: functions that continuations call, and calls into the
//! store from there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wassay_engine::{
    Error, ErrorKind, ExnRef, Extern, Func, FuncType, Instance, Linker, Store, Tag, Val, ValType,
};

use super::common::{func, instantiate};
use super::{call, config, store_with};

const TEXT: &str = "(module
    (import \"h\" \"f\" (func $host (param i32) (result i32)))
    (import \"h\" \"e\" (tag $e (param i32)))
    (type $f (func (param i32) (result i32))) (type $k (cont $f))
    (tag $t (param i32) (result i32))
    (elem declare func $calls $host $nested $suspends)
    (func $calls (type $f) (i32.add (call $host (local.get 0)) (local.get 0)))
    (func $nested (type $f) (resume $k (local.get 0) (cont.new $k (ref.func $calls))))
    (func (export \"plain\") (type $f) (i32.const 11))
    (func $suspends (export \"suspend\") (type $f) (suspend $t (local.get 0)))
    (func (export \"traps\") (type $f) (unreachable))
    ;; Calls the host on a continuation in a continuation.
    (func $run (export \"run\") (type $f)
      (block $on (result i32 (ref $k))
        (return (resume $k (on $t $on) (local.get 0) (cont.new $k (ref.func $nested)))))
      (drop)
      (drop)
      (i32.const -1))
    (func (export \"run caught\") (type $f)
      (block $h (result i32)
        (try_table (result i32) (catch $e $h) (call $run (local.get 0)))
        (return))
      (i32.add (i32.const 1000)))
    (func (export \"run caught by a legacy handler\") (type $f)
      try (result i32)
        (call $run (local.get 0))
      catch $e
        (i32.add (i32.const 1000))
      end)
    ;; Starts with the host's function.
    (func (export \"body\") (type $f) (resume $k (local.get 0) (cont.new $k (ref.func $host))))
    (func (export \"own\") (type $f)
      (block $on (result i32 (ref $k))
        (return (resume $k (on $t $on) (local.get 0) (cont.new $k (ref.func $suspends)))))
      (call $go-on))
    (func $go-on (param i32 (ref $k)) (result i32) (resume $k (i32.const 70) (local.get 1))))";

/// An instance of [`TEXT`] whose host function has this body.
fn instance(
    body: impl Fn(&mut wassay_engine::Caller<'_>, i32, Tag) -> wassay_engine::Result<i32> + Send + Sync + 'static,
) -> (Store, Instance) {
    let mut store = store_with(&config());
    let tag = Tag::alloc(&mut store, &FuncType::new([ValType::I32], [])).unwrap();
    let ty = FuncType::new([ValType::I32], [ValType::I32]);
    let host = Func::alloc(&mut store, ty, move |mut caller, args, results| {
        let [Val::I32(argument)] = args else { panic!("one number") };
        results[0] = Val::I32(body(&mut caller, *argument, tag)?);
        Ok(())
    });
    let mut linker = Linker::new();
    linker.define("h", "f", Extern::Func(host.unwrap())).unwrap();
    linker.define("h", "e", Extern::Tag(tag)).unwrap();
    let instance = instantiate(&mut store, &linker, TEXT);
    (store, instance)
}

fn run(store: &mut Store, instance: Instance, name: &str, argument: i32) -> wassay_engine::Result<i32> {
    match call(store, instance, name, &[Val::I32(argument)])?[..] {
        [Val::I32(result)] => Ok(result),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn the_host_has_the_stack_of_its_thread() {
    // Far more than the stack of a continuation has.
    fn deep(depth: u32) -> u64 {
        let local = std::hint::black_box([u64::from(depth); 64]);
        if depth == 0 { 0 } else { deep(depth - 1) + local[1] - u64::from(depth - 1) }
    }
    let (mut store, instance) = instance(|_, argument, _| Ok(argument + deep(1000) as i32));
    assert_eq!(run(&mut store, instance, "run", 5).unwrap(), 1010);
    assert_eq!(run(&mut store, instance, "body", 5).unwrap(), 1005);
}

#[test]
fn the_host_calls_into_the_store_from_a_continuation() {
    let depth = Arc::new(AtomicUsize::new(0));
    let reached = Arc::clone(&depth);
    let (mut store, instance) = instance(move |caller, argument, _| {
        reached.fetch_max(argument as usize, Ordering::Relaxed);
        let get = |caller: &wassay_engine::Caller<'_>, name| match caller.export(name) {
            Some(Extern::Func(func)) => func,
            other => panic!("{other:?}"),
        };
        // The store collects while continuations wait for the host.
        caller.collect()?;
        let name = if argument >= 20 { "own" } else { "run" };
        let next = get(caller, name);
        match next.invoke(caller, &[Val::I32(argument + 1)])?[..] {
            [Val::I32(result)] => Ok(result),
            ref other => panic!("{other:?}"),
        }
    });
    // 70, plus the argument of each level: 0 to 20.
    assert_eq!(run(&mut store, instance, "run", 0).unwrap(), 70 + 210);
    assert_eq!(depth.load(Ordering::Relaxed), 20);
}

#[test]
fn a_suspension_does_not_pass_the_host() {
    let (mut store, instance) = instance(|caller, argument, _| {
        let Some(Extern::Func(suspend)) = caller.export("suspend") else { panic!("exported") };
        let error = suspend.invoke(caller, &[Val::I32(argument)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Suspension);
        assert_eq!(error.to_string(), "unhandled tag");
        if argument == 1 { Err(error) } else { Ok(7) }
    });
    // The host handles the error, and the continuation goes on.
    assert_eq!(run(&mut store, instance, "run", 2).unwrap(), 9);
    // Or it passes the error on, which the clauses around it do not handle.
    assert_eq!(run(&mut store, instance, "run", 1).unwrap_err().kind(), ErrorKind::Suspension);
    assert_eq!(run(&mut store, instance, "run", 2).unwrap(), 9);
}

#[test]
fn exceptions_of_the_host_are_caught_outside_of_continuations() {
    let (mut store, instance) = instance(|caller, argument, tag| {
        Err(Error::exception(ExnRef::new(caller, tag, &[Val::I32(argument)])?))
    });
    for _ in 0..3 {
        assert_eq!(run(&mut store, instance, "run caught", 5).unwrap(), 1005);
        assert_eq!(run(&mut store, instance, "run caught by a legacy handler", 6).unwrap(), 1006);
        assert_eq!(run(&mut store, instance, "run", 5).unwrap_err().kind(), ErrorKind::Exception);
        assert_eq!(run(&mut store, instance, "body", 5).unwrap_err().kind(), ErrorKind::Exception);
    }
    assert!(store.heap_stats().stacks <= 2, "{:?}", store.heap_stats());
}

#[test]
fn errors_and_panics_of_the_host_unwind_all_stacks() {
    let (mut store, instance) = instance(|_, argument, _| match argument {
        0 => panic!("the host panics"),
        1 => Err(Error::host("the host fails")),
        other => Ok(other),
    });
    for _ in 0..3 {
        let panicked = catch_unwind(AssertUnwindSafe(|| run(&mut store, instance, "run", 0))).unwrap_err();
        assert_eq!(panicked.downcast_ref::<&str>(), Some(&"the host panics"));
        assert_eq!(run(&mut store, instance, "run", 1).unwrap_err().message(), "the host fails");
        assert_eq!(run(&mut store, instance, "run", 2).unwrap(), 4);
        assert_eq!(run(&mut store, instance, "own", 2).unwrap(), 70);
    }
    assert!(store.heap_stats().stacks <= 2, "{:?}", store.heap_stats());
}

#[test]
fn a_host_function_that_a_continuation_starts_with_has_the_instance_as_its_caller() {
    let (mut store, instance) = instance(|caller, argument, _| {
        let Some(Extern::Func(plain)) = caller.export("plain") else { panic!("exported") };
        match plain.invoke(caller, &[Val::I32(0)])?[..] {
            [Val::I32(result)] => Ok(result + argument),
            ref other => panic!("{other:?}"),
        }
    });
    assert_eq!(run(&mut store, instance, "body", 5).unwrap(), 16);
}

#[test]
fn a_backtrace_has_the_frames_of_all_stacks() {
    let text = "(module
        (type $f (func)) (type $k (cont $f)) (tag $t) (tag $e)
        (elem declare func $first $second $stopped)
        (func $first (call $calls))
        (func $calls (resume $k (cont.new $k (ref.func $second))))
        (func $second (call $fails))
        (func $fails (unreachable))
        (func (export \"trap\") (resume $k (cont.new $k (ref.func $first))))
        (func $stopped (call $stops))
        (func $stops (suspend $t))
        (func (export \"throw\")
          (block $on (result (ref $k))
            (resume $k (on $t $on) (cont.new $k (ref.func $stopped)))
            (return))
          (resume_throw $k $e))
        (func (export \"suspend\") (resume $k (cont.new $k (ref.func $stopped)))))";
    let mut store = store_with(&config());
    let instance = instantiate(&mut store, &Linker::new(), text);
    let mut frames = |name: &str| -> Vec<u32> {
        let error = func(&store, instance, name).invoke(&mut store, &[]).unwrap_err();
        error.backtrace().unwrap().innermost().map(|frame| frame.func_index).collect()
    };
    assert_eq!(frames("trap"), [3, 2, 1, 0, 4]);
    assert_eq!(frames("throw"), [6, 5, 7]);
    assert_eq!(frames("suspend"), [6, 5, 8]);
}
