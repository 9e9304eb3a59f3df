//! Deadlines, and exhaustion of stacks.

use std::time::{Duration, Instant};

use wassay_engine::{ErrorKind, Val};

use super::{GENERATOR, call, config, guest};

const TEXT: &str = "
    (type $r (func (result i32))) (type $kr (cont $r))
    (elem declare func $spins $steps $creates $recurses $nests $calls-below)
    (func $spins (loop (br 0)))
    (func $steps (loop (call $emit (i32.const 0)) (br 0)))
    (func $creates (loop (drop (call $sum (i32.const 3))) (br 0)))
    (func (export \"spin\") (resume $kg (cont.new $kg (ref.func $spins))))
    (func (export \"step\") (local $k (ref null $kg))
      (local.set $k (cont.new $kg (ref.func $steps)))
      (loop $l (call $next (local.get $k)) (local.set $k) (drop) (br $l)))
    (func (export \"create\") (resume $kg (cont.new $kg (ref.func $creates))))
    (func (export \"in the outer\") (local $k (ref null $kg))
      (local.set $k (cont.new $kg (ref.func $steps)))
      (call $next (local.get $k)) (local.set $k) (drop)
      (loop (br 0)))
    (func $recurses (type $r) (i32.add (call $recurses) (i32.const 1)))
    (func (export \"recurse\") (result i32) (resume $kr (cont.new $kr (ref.func $recurses))))
    (func $nests (type $r) (resume $kr (cont.new $kr (ref.func $nests))))
    (func (export \"nest\") (result i32) (resume $kr (cont.new $kr (ref.func $nests))))
    (func (export \"below\") (result i32) (i32.add (call $below) (i32.const 1)))
    (func $below (result i32) (resume $kr (cont.new $kr (ref.func $calls-below))))
    (func $calls-below (type $r) (i32.const 5))";

fn text() -> String {
    format!("(module {GENERATOR} {TEXT})")
}

#[test]
fn a_deadline_interrupts_code_on_any_stack() {
    for name in ["spin", "step", "create", "in the outer"] {
        let (mut store, instance) = guest(&config(), &text());
        call(&mut store, instance, "sum", &[Val::I32(3)]).unwrap();
        let begin = Instant::now();
        store.set_deadline(Some(begin + Duration::from_millis(50)));
        let error = call(&mut store, instance, name, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{name}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{name}: {:?}", begin.elapsed());
    }
}

#[test]
fn exhaustion_of_a_continuations_stack_is_reported_and_leaves_the_store_usable() {
    for max_stack in [4 << 10, 64 << 10, 1 << 20] {
        let (mut store, instance) = guest(&config().max_stack(max_stack), &text());
        for _ in 0..3 {
            let error = call(&mut store, instance, "recurse", &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exhaustion);
            assert!(error.backtrace().is_some());
            assert_eq!(call(&mut store, instance, "below", &[]).unwrap(), [Val::I32(6)]);
        }
        assert!(store.heap_stats().stacks <= 1, "{:?}", store.heap_stats());
    }
}

#[test]
fn continuations_that_resume_each_other_without_end_reach_a_limit() {
    let (mut store, instance) = guest(&config().max_bytes(256 << 20), &text());
    for _ in 0..2 {
        let error = call(&mut store, instance, "nest", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert_eq!(call(&mut store, instance, "below", &[]).unwrap(), [Val::I32(6)]);
    }
}

#[test]
fn a_frame_that_is_larger_than_a_stack_exhausts_it() {
    // 4000 vectors live across a call take 64 KiB.
    let loads: String = (0..4000).map(|at| format!("(v128.load (i32.const {}))", at * 16)).collect();
    let adds = "i32x4.add ".repeat(3999);
    let text = format!(
        "(module (memory 1)
          (type $f (func (param i32))) (type $k (cont $f))
          (elem declare func $large)
          (func $large (type $f)
            (if (i32.eqz (local.get 0)) (then (return)))
            (i32.const 0) {loads} (call $large (i32.sub (local.get 0) (i32.const 1))) {adds} v128.store)
          (func (export \"f\") (type $f) (resume $k (local.get 0) (cont.new $k (ref.func $large)))))"
    );
    let (mut store, instance) = guest(&config().verifier(false), &text);
    call(&mut store, instance, "f", &[Val::I32(2)]).unwrap();
    let error = call(&mut store, instance, "f", &[Val::I32(1000)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhaustion);
    let (mut store, instance) = guest(&config().verifier(false).max_stack(32 << 10), &text);
    let error = call(&mut store, instance, "f", &[Val::I32(1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhaustion);
}
