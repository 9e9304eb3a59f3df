//! The memory of stacks: it is used again, scanned by collections, and counted.

use std::time::Instant;

use wassay_engine::{ErrorKind, Ref, Val};

use super::{GENERATOR, call, config, guest};

/// Creates, suspends and finishes or drops continuations.
fn cycles() -> String {
    format!(
        "(module {GENERATOR}
          (func $new (param i32) (result (ref $kg))
            (cont.bind $k $kg (local.get 0) (cont.new $k (ref.func $generate))))
          (func (export \"finish\") (param $n i32) (local $k (ref null $kg))
            (loop $l
              (call $next (call $new (i32.const 1))) (local.set $k) (drop)
              (call $next (local.get $k)) (drop) (drop)
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export \"drop\") (param $n i32)
            (loop $l
              (call $next (call $new (i32.const 1))) (drop) (drop)
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export \"new\") (param $n i32)
            (loop $l
              (drop (call $new (i32.const 1)))
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (table $kept 0 (ref null $kg))
          (func (export \"keep\") (param $n i32) (local $k (ref null $kg))
            (loop $l
              (call $next (call $new (i32.const 2))) (local.set $k) (drop)
              (drop (table.grow $kept (local.get $k) (i32.const 1)))
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export \"forget\")
            (table.fill $kept (i32.const 0) (ref.null $kg) (table.size $kept))))"
    )
}

#[test]
fn a_million_continuations_need_one_stack() {
    let (mut store, instance) = guest(&config(), &cycles());
    let begin = Instant::now();
    call(&mut store, instance, "finish", &[Val::I32(1_000_000)]).unwrap();
    call(&mut store, instance, "new", &[Val::I32(1_000_000)]).unwrap();
    let stats = store.heap_stats();
    assert_eq!(stats.stacks, 1, "{stats:?}");
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

#[test]
fn stacks_of_unreachable_continuations_are_used_again() {
    let (mut store, instance) = guest(&config(), &cycles());
    call(&mut store, instance, "drop", &[Val::I32(100_000)]).unwrap();
    let stats = store.heap_stats();
    assert!(stats.stacks <= 256, "{stats:?}");
    // Stacks are kept while they are reachable, and freed afterwards.
    call(&mut store, instance, "keep", &[Val::I32(1000)]).unwrap();
    let kept = store.heap_stats().stacks;
    assert!((1000..4000).contains(&kept), "{kept}");
    call(&mut store, instance, "forget", &[]).unwrap();
    store.collect().unwrap();
    call(&mut store, instance, "drop", &[Val::I32(1000)]).unwrap();
    assert_eq!(store.heap_stats().stacks, kept, "no stack is added");
}

#[test]
fn what_the_stacks_of_thousands_of_continuations_refer_to_is_kept() {
    let text = "(module
        (type $box (struct (field i32)))
        (type $f (func (param (ref $box)) (result i32))) (type $k (cont $f))
        (type $g (func (result i32))) (type $kg (cont $g))
        (type $h (func (param (ref $box) (ref $box)) (result i32))) (type $kh (cont $h))
        (tag $t)
        (elem declare func $outer $inner)
        ;; Each continuation has two stacks, with a box on each and one that is bound to it.
        (func $inner (type $h) (local $own (ref null $box))
          (local.set $own (struct.new $box (i32.const 1)))
          (suspend $t)
          (i32.add (struct.get $box 0 (local.get $own))
            (i32.add (struct.get $box 0 (local.get 0)) (struct.get $box 0 (local.get 1)))))
        (func $outer (type $f) (local $own (ref null $box))
          (local.set $own (struct.new $box (i32.const 10)))
          (resume $kg
            (cont.bind $k $kg (struct.new $box (i32.const 100))
              (cont.bind $kh $k (local.get 0) (cont.new $kh (ref.func $inner)))))
          (i32.add (struct.get $box 0 (local.get $own))))
        (table $all 0 (ref null $kg))
        (func (export \"begin\") (param $n i32)
          (loop $l
            (block $on (result (ref $kg))
              (resume $k (on $t $on) (struct.new $box (local.get $n)) (cont.new $k (ref.func $outer)))
              (unreachable))
            (drop (table.grow $all (i32.const 1)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func (export \"end\") (result i64) (local $i i32) (local $sum i64)
          (loop $l
            (local.set $sum
              (i64.add (local.get $sum)
                (i64.extend_i32_s (resume $kg (table.get $all (local.get $i))))))
            (drop (struct.new $box (i32.const 7)))
            (br_if $l
              (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (table.size $all))))
          (local.get $sum)))";
    for (count, config) in [(300, config().collect_always(true)), (5000, config())] {
        let (mut store, instance) = guest(&config, text);
        call(&mut store, instance, "begin", &[Val::I32(count)]).unwrap();
        store.collect().unwrap();
        let end = call(&mut store, instance, "end", &[]).unwrap();
        let count = i64::from(count);
        assert_eq!(end, [Val::I64(count * (count + 1) / 2 + count * 111)]);
    }
}

#[test]
fn stacks_count_towards_the_total_limit() {
    let (mut store, instance) = guest(&config().max_bytes(64 << 20), &cycles());
    let error = call(&mut store, instance, "keep", &[Val::I32(1000)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    let most = store.heap_stats().stacks;
    assert!((100..1000).contains(&most), "{most}");
    call(&mut store, instance, "forget", &[]).unwrap();
    call(&mut store, instance, "keep", &[Val::I32(most as i32 / 2)]).unwrap();
    assert_eq!(store.heap_stats().stacks, most);
}

#[test]
fn the_host_keeps_continuations_and_passes_them_on() {
    let text = format!(
        "(module {GENERATOR}
          (func (export \"new\") (param i32) (result (ref $kg))
            (cont.bind $k $kg (local.get 0) (cont.new $k (ref.func $generate))))
          (func (export \"next\") (param (ref null $kg)) (result i32 (ref null $kg))
            (call $next (local.get 0)))
          (func (export \"any\") (param contref) (result contref) (local.get 0)))"
    );
    let (mut store, instance) = guest(&config().collect_always(true), &text);
    let mut kept = call(&mut store, instance, "new", &[Val::I32(3)]).unwrap();
    for number in [0, 1, 2, -1] {
        assert!(matches!(kept[..], [Val::Ref(Ref::Cont(_))]), "{kept:?}");
        store.collect().unwrap();
        assert_eq!(call(&mut store, instance, "any", &kept).unwrap(), kept);
        let mut next = call(&mut store, instance, "next", &kept).unwrap();
        let used = call(&mut store, instance, "next", &kept).unwrap_err();
        assert_eq!(used.message(), "continuation already consumed");
        kept = next.split_off(1);
        assert_eq!(next, [Val::I32(number)]);
    }
    assert!(matches!(kept[..], [Val::Ref(Ref::Null(_))]), "{kept:?}");
}
