//! Tests of instructions on ranges of elements.

use wassay_engine::{Config, Engine, ErrorKind, I31, Linker, Module, Ref, Store, StoreLimits, Trap, Val};

use crate::guest::{Guest, configs};

#[test]
fn arrays_of_every_length_are_filled_exactly() {
    for (storage, get) in [("i8", "array.get_s"), ("i16", "array.get_s"), ("i32", "array.get")] {
        let text = format!(
            r#"(module (type $a (array (mut {storage})))
            (func $sum (param $a (ref $a)) (result i32) (local $i i32) (local $sum i32)
              (loop $next (if (i32.lt_u (local.get $i) (array.len (local.get $a))) (then
                (local.set $sum (i32.add (local.get $sum) ({get} $a (local.get $a) (local.get $i))))
                (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $next))))
              (local.get $sum))
            (func (export "new") (param i32) (result i32) (call $sum (array.new $a (i32.const -2) (local.get 0))))
            (func (export "default") (param i32) (result i32) (drop (array.new $a (i32.const -1) (local.get 0)))
              (call $sum (array.new_default $a (local.get 0))))
            (func (export "fill") (param $n i32) (result i32) (local $a (ref $a))
              (local.set $a (array.new_default $a (i32.add (local.get $n) (i32.const 5))))
              (array.fill $a (local.get $a) (i32.const 2) (i32.const 3) (local.get $n))
              (call $sum (local.get $a))))"#
        );
        for config in configs() {
            let mut guest = Guest::new(&config, &text);
            for length in (0..80).chain([255, 256, 257, 1000, 4096, 100_000]) {
                assert_eq!(guest.i32("new", &[length]), -2 * length, "{storage} {length}");
                assert_eq!(guest.i32("default", &[length]), 0, "{storage} {length}");
                assert_eq!(guest.i32("fill", &[length]), 3 * length, "{storage} {length}");
            }
        }
    }
}

#[test]
fn wide_elements_and_floats_are_filled_inline_and_by_the_builtin() {
    let text = r#"(module (type $v (array (mut v128))) (type $f (array (mut f32))) (type $d (array f64)) (type $r (array anyref))
        (func (export "v") (param $n i32) (result v128)
          (array.get $v (array.new $v (v128.const i64x2 3 4) (local.get $n)) (i32.sub (local.get $n) (i32.const 1))))
        (func (export "f") (param $n i32) (result f32)
          (array.get $f (array.new $f (f32.const 1.25) (local.get $n)) (i32.sub (local.get $n) (i32.const 1))))
        (func (export "d") (param $n i32) (result f64)
          (array.get $d (array.new $d (f64.const -0.5) (local.get $n)) (i32.sub (local.get $n) (i32.const 1))))
        (func (export "r") (param $n i32) (result anyref)
          (array.get $r (array.new $r (ref.i31 (i32.const -1)) (local.get $n)) (i32.sub (local.get $n) (i32.const 1)))))"#;
    for config in configs() {
        let mut guest = Guest::new(&config, text);
        for length in [1, 2, 64, 65, 1000] {
            for (name, value) in [
                ("v", Val::V128(4 << 64 | 3)),
                ("f", Val::F32(1.25f32.to_bits())),
                ("d", Val::F64((-0.5f64).to_bits())),
                ("r", Val::Ref(Ref::I31(I31::wrapping(u32::MAX)))),
            ] {
                assert_eq!(guest.call(name, &[Val::I32(length)]).unwrap(), [value], "{name} {length}");
            }
        }
    }
}

#[test]
fn too_large_arrays_trap_or_exceed_the_limit_and_the_store_stays_usable() {
    let text = r#"(module (type $v (array (mut v128))) (type $b (array (mut i8))) (data $d "")
        (global $g (mut (ref null $v)) (ref.null $v))
        (func (export "new") (param i32) (result i32)
          (array.len (array.new $v (v128.const i64x2 3 4) (local.get 0))))
        (func (export "default") (param i32) (result i32) (array.len (array.new_default $b (local.get 0)))))"#;
    for config in configs() {
        let limits = StoreLimits { heap_bytes: 1 << 20, ..StoreLimits::default() };
        let mut guest = Guest::new(&config.limits(limits), text);
        let never = ErrorKind::Trap(Trap::AllocationTooLarge);
        for (name, length, kind) in [
            ("new", -1, never),
            ("default", -1, never),
            ("new", 1 << 28, never),
            // Exceeds the low limit of this store.
            ("default", 1 << 20, ErrorKind::Limit),
        ] {
            let error = guest.call(name, &[Val::I32(length)]).unwrap_err();
            assert_eq!(error.kind(), kind, "{name} {length}: {error}");
        }
        assert_eq!(guest.i32("new", &[100]), 100);
    }
    let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
    let text =
        r#"(module (type $v (array (mut v128))) (global (ref $v) (array.new_default $v (i32.const -1))))"#;
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    let error = Linker::new().instantiate(&mut store, &module).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trap(Trap::AllocationTooLarge));
}

#[test]
fn segments_initialise_arrays_until_they_are_dropped() {
    let text = r#"(module (type $h (array (mut i16))) (type $f (array (mut funcref))) (type $t (func (result i32)))
        (data $d "\01\02\03\84\05") (elem $e funcref (ref.func $one) (ref.null func) (ref.func $two))
        (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
        (func (export "data") (result i32) (array.get_s $h (array.new_data $h $d (i32.const 1) (i32.const 2)) (i32.const 0)))
        (func (export "high") (result i32) (array.get_s $h (array.new_data $h $d (i32.const 0) (i32.const 2)) (i32.const 1)))
        (func (export "elem") (param i32) (result i32)
          (call_ref $t (ref.cast (ref $t) (array.get $f (array.new_elem $f $e (i32.const 1) (i32.const 2)) (local.get 0)))))
        (func (export "init") (result i32) (local $h (ref $h)) (local.set $h (array.new $h (i32.const 7) (i32.const 4)))
          (array.init_data $h $d (local.get $h) (i32.const 1) (i32.const 0) (i32.const 2))
          (i32.add (i32.mul (i32.const 100) (array.get_u $h (local.get $h) (i32.const 2))) (i32.add
            (array.get_u $h (local.get $h) (i32.const 0)) (array.get_u $h (local.get $h) (i32.const 3)))))
        (func (export "drop") (data.drop $d) (elem.drop $e))
        (func (export "empty") (drop (array.new_data $h $d (i32.const 0) (i32.const 0))) (drop (array.new_elem $f $e (i32.const 0) (i32.const 0)))))"#;
    for config in configs() {
        let mut guest = Guest::new(&config, text);
        assert_eq!(guest.i32("data", &[]), 0x0302);
        assert_eq!(guest.i32("high", &[]), i32::from(0x8403_u16.cast_signed()));
        assert_eq!(guest.i32("elem", &[1]), 2);
        assert_eq!(guest.trap("elem", &[0]), Trap::CastFailure);
        assert_eq!(guest.i32("init", &[]), 100 * 0x8403 + 14);
        guest.call("empty", &[]).unwrap();
        guest.call("drop", &[]).unwrap();
        guest.call("empty", &[]).unwrap();
        assert_eq!(guest.trap("data", &[]), Trap::MemoryOutOfBounds);
        assert_eq!(guest.trap("elem", &[1]), Trap::TableOutOfBounds);
    }
}

#[test]
fn overlapping_copies_work_in_both_directions() {
    let text = r#"(module (type $a (array (mut i32)))
        (func (export "copy") (param $to i32) (param $from i32) (param $n i32) (param $at i32) (result i32)
          (local $a (ref $a)) (local $i i32) (local.set $a (array.new_default $a (i32.const 10)))
          (loop $next (array.set $a (local.get $a) (local.get $i) (local.get $i))
            (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))
          (array.copy $a $a (local.get $a) (local.get $to) (local.get $a) (local.get $from) (local.get $n))
          (array.get $a (local.get $a) (local.get $at))))"#;
    for config in configs() {
        let mut guest = Guest::new(&config, text);
        for (to, from, count) in [(2, 0, 8), (0, 2, 8), (3, 3, 4), (0, 5, 5), (10, 0, 0), (0, 10, 0)] {
            let mut expected: Vec<i32> = (0..10).collect();
            expected.copy_within(from as usize..(from + count) as usize, to as usize);
            for at in 0..10 {
                assert_eq!(guest.i32("copy", &[to, from, count, at]), expected[at as usize]);
            }
        }
        for (to, from, count) in [(3, 0, 8), (0, 3, 8), (11, 0, 0), (0, 11, 0), (1, 1, -1), (-1, 0, 2)] {
            assert_eq!(guest.trap("copy", &[to, from, count, 0]), Trap::ArrayOutOfBounds);
        }
    }
}
