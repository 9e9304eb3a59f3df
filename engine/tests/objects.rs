//! Structures, arrays, unboxed integers and casts through the public interface.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use wassay_engine::{
    Config, Engine, ErrorKind, Extern, ExternRef, Func, I31, Instance, Linker, Module, Ref, Result, Store,
    StoreLimits, Trap, Val,
};

/// The ways to generate code for the same module, and to run it.
fn configs() -> [Config; 3] {
    [Config::new(), Config::new().optimize(false), Config::new().collect_always(true)]
}

fn instantiate(store: &mut Store, linker: &Linker, text: &str) -> Instance {
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    linker.instantiate(store, &module).unwrap()
}

fn func(store: &Store, instance: Instance, name: &str) -> Func {
    match instance.export(store, name) {
        Some(Extern::Func(func)) => func,
        other => panic!("`{name}` is no function: {other:?}"),
    }
}

/// A module in a store of its own.
struct Guest {
    store: Store,
    instance: Instance,
}

impl Guest {
    fn new(config: &Config, text: &str) -> Guest {
        let mut store = Store::new(&Engine::new(config).unwrap());
        let instance = instantiate(&mut store, &Linker::new(), text);
        Guest { store, instance }
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>> {
        func(&self.store, self.instance, name).invoke(&mut self.store, args)
    }

    #[track_caller]
    fn i32(&mut self, name: &str, args: &[i32]) -> i32 {
        let args: Vec<Val> = args.iter().copied().map(Val::I32).collect();
        match self.call(name, &args).unwrap()[..] {
            [Val::I32(value)] => value,
            ref other => panic!("{name} gives {other:?}"),
        }
    }

    #[track_caller]
    fn trap(&mut self, name: &str, args: &[i32]) -> Trap {
        let args: Vec<Val> = args.iter().copied().map(Val::I32).collect();
        match self.call(name, &args).unwrap_err().kind() {
            ErrorKind::Trap(trap) => trap,
            other => panic!("{name} ends by {other:?}"),
        }
    }
}

#[test]
fn fields_of_every_storage_keep_their_values() {
    let text = r#"(module
        (type $s (struct (field $b (mut i8)) (field $h (mut i16)) (field $i (mut i32)) (field $l (mut i64))
          (field $f (mut f32)) (field $d (mut f64)) (field $v (mut v128)) (field $r (mut anyref)) (field $z (mut i8))))
        (func $make (result (ref $s)) (struct.new $s (i32.const 0x1ff) (i32.const 0x18000) (i32.const -3) (i64.const -4)
          (f32.const 1.5) (f64.const -2.5) (v128.const i64x2 5 6) (ref.i31 (i32.const 7)) (i32.const 0x80)))
        (func (export "all") (result i32 i32 i32 i32 i32 i64 f32 f64 v128 anyref i32) (local $s (ref $s))
          (local.set $s (call $make))
          (struct.get_s $s $b (local.get $s)) (struct.get_u $s $b (local.get $s))
          (struct.get_s $s $h (local.get $s)) (struct.get_u $s $h (local.get $s))
          (struct.get $s $i (local.get $s)) (struct.get $s $l (local.get $s)) (struct.get $s $f (local.get $s))
          (struct.get $s $d (local.get $s)) (struct.get $s $v (local.get $s)) (struct.get $s $r (local.get $s))
          (struct.get_s $s $z (local.get $s)))
        (func (export "set") (result i32 i32 i64 v128) (local $s (ref null $s))
          (local.set $s (struct.new_default $s))
          (struct.set $s $b (local.get $s) (i32.const 0x17f)) (struct.set $s $h (local.get $s) (i32.const 0x1fffe))
          (struct.set $s $v (local.get $s) (i32x4.splat (i32.const 9)))
          (struct.get_s $s $b (local.get $s)) (struct.get_s $s $h (local.get $s)) (struct.get $s $l (local.get $s))
          (struct.get $s $v (local.get $s)))
        (func (export "default") (result i32) (local $s (ref $s)) (local.set $s (struct.new_default $s))
          (i32.and (ref.is_null (struct.get $s $r (local.get $s))) (i32.eqz (i32.or
            (v128.any_true (struct.get $s $v (local.get $s)))
            (i32.or (struct.get_u $s $z (local.get $s)) (i64.ne (i64.const 0) (struct.get $s $l (local.get $s)))))))))"#;
    for config in configs() {
        let mut guest = Guest::new(&config, text);
        let all = guest.call("all", &[]).unwrap();
        let expected = [
            Val::I32(-1),
            Val::I32(255),
            Val::I32(-0x8000),
            Val::I32(0x8000),
            Val::I32(-3),
            Val::I64(-4),
            Val::F32(1.5f32.to_bits()),
            Val::F64((-2.5f64).to_bits()),
            Val::V128(6 << 64 | 5),
            Val::Ref(Ref::I31(I31::wrapping(7))),
            Val::I32(-128),
        ];
        assert_eq!(all, expected);
        let nines = 9 | 9 << 32 | 9 << 64 | 9 << 96;
        assert_eq!(
            guest.call("set", &[]).unwrap(),
            [Val::I32(0x7f), Val::I32(-2), Val::I64(0), Val::V128(nines)]
        );
        assert_eq!(guest.i32("default", &[]), 1);
    }
}

#[test]
fn null_and_bounds_trap_also_where_the_result_is_dropped() {
    // The fields from $far on lie more than a page from the begin of their structure.
    let fill = "(field i64)".repeat(600);
    let text = format!(
        r#"(module
        (type $s (struct (field $n (mut i32)) {fill} (field $far (mut i32)))) (type $a (array (mut i16))) (type $r (array (mut anyref)))
        (data $d "abc") (elem $e anyref (ref.null any))
        (func (export "get") (drop (struct.get $s $n (ref.null $s))))
        (func (export "set") (struct.set $s $n (ref.null $s) (i32.const 1)))
        (func (export "get far") (drop (struct.get $s $far (ref.null $s))))
        (func (export "set far") (struct.set $s $far (ref.null $s) (i32.const 1)))
        (func (export "far") (result i32) (local (ref $s)) (local.set 0 (struct.new_default $s))
          (struct.set $s $far (local.get 0) (i32.const 5)) (struct.get $s $far (local.get 0)))
        (func (export "len") (drop (array.len (ref.null array))))
        (func (export "array get") (drop (array.get_u $a (ref.null $a) (i32.const -1))))
        (func (export "array set") (array.set $a (ref.null $a) (i32.const -1) (i32.const 1)))
        (func (export "fill") (array.fill $a (ref.null $a) (i32.const 9) (i32.const 0) (i32.const 9)))
        (func (export "copy to") (array.copy $a $a (ref.null $a) (i32.const 9) (array.new_default $a (i32.const 1)) (i32.const 0) (i32.const 0)))
        (func (export "copy from") (array.copy $a $a (array.new_default $a (i32.const 1)) (i32.const 9) (ref.null $a) (i32.const 0) (i32.const 0)))
        (func (export "init data") (array.init_data $a $d (ref.null $a) (i32.const 9) (i32.const 9) (i32.const 9)))
        (func (export "init elem") (array.init_elem $r $e (ref.null $r) (i32.const 9) (i32.const 9) (i32.const 9)))
        (func (export "i31 s") (drop (i31.get_s (ref.null i31)))) (func (export "i31 u") (drop (i31.get_u (ref.null i31))))
        (func (export "past get") (drop (array.get_u $a (array.new_default $a (i32.const 3)) (i32.const 3))))
        (func (export "past set") (array.set $a (array.new_default $a (i32.const 3)) (i32.const -1) (i32.const 0)))
        (func (export "past fill") (array.fill $a (array.new_default $a (i32.const 3)) (i32.const -1) (i32.const 0) (i32.const 4)))
        (func (export "end fill") (array.fill $a (array.new_default $a (i32.const 3)) (i32.const 3) (i32.const 0) (i32.const 0)))
        (func (export "past init") (array.init_data $a $d (array.new_default $a (i32.const 3)) (i32.const 4) (i32.const 4) (i32.const 0)))
        (func (export "past data") (array.init_data $a $d (array.new_default $a (i32.const 3)) (i32.const 1) (i32.const 0) (i32.const 2)))
        (func (export "past elem") (array.init_elem $r $e (array.new_default $r (i32.const 3)) (i32.const 0) (i32.const 0) (i32.const 2)))
        (func (export "new data") (drop (array.new_data $a $d (i32.const 2) (i32.const 1))))
        (func (export "new elem") (drop (array.new_elem $r $e (i32.const 1) (i32.const 1))))
        (func (export "cast") (drop (ref.cast (ref $a) (array.new_default $r (i32.const 0)))))
        (func (export "cast null") (drop (ref.cast (ref $a) (ref.null $a)))))"#
    );
    use Trap::{
        ArrayOutOfBounds as Bounds, CastFailure, MemoryOutOfBounds as Data, NullArrayReference as Array,
        NullI31Reference as I31, NullStructureReference as Structure, TableOutOfBounds as Elem,
    };
    for config in configs() {
        let mut guest = Guest::new(&config, &text);
        let structures = ["get", "set", "get far", "set far"].map(|name| (name, Structure));
        let arrays =
            ["len", "array get", "array set", "fill", "copy to", "copy from", "init data", "init elem"]
                .map(|name| (name, Array));
        let bounds = ["past get", "past set", "past fill", "past init"].map(|name| (name, Bounds));
        let others = [
            ("i31 s", I31),
            ("i31 u", I31),
            ("past data", Data),
            ("new data", Data),
            ("past elem", Elem),
            ("new elem", Elem),
            ("cast", CastFailure),
            ("cast null", CastFailure),
        ];
        for (name, trap) in structures.into_iter().chain(arrays).chain(bounds).chain(others) {
            assert_eq!(guest.trap(name, &[]), trap, "{name}");
        }
        assert_eq!(guest.i32("far", &[]), 5);
        guest.call("end fill", &[]).unwrap();
    }
}

#[test]
fn arrays_of_every_length_are_filled_whole_and_no_further() {
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
fn wide_elements_and_floats_are_filled_in_place_and_by_the_host() {
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
fn an_array_too_large_is_a_limit_and_the_store_goes_on() {
    let text = r#"(module (type $v (array (mut v128))) (type $b (array (mut i8))) (data $d "")
        (global $g (mut (ref null $v)) (ref.null $v))
        (func (export "new") (param i32) (result i32)
          (array.len (array.new $v (v128.const i64x2 3 4) (local.get 0))))
        (func (export "default") (param i32) (result i32) (array.len (array.new_default $b (local.get 0)))))"#;
    for config in configs() {
        let limits = StoreLimits { heap_bytes: 1 << 20, ..StoreLimits::default() };
        let mut guest = Guest::new(&config.limits(limits), text);
        for (name, length) in [("new", -1), ("default", -1), ("new", 1 << 28), ("default", 1 << 20)] {
            let error = guest.call(name, &[Val::I32(length)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit, "{name} {length}: {error}");
        }
        assert_eq!(guest.i32("new", &[100]), 100);
    }
    let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
    let text =
        r#"(module (type $v (array (mut v128))) (global (ref $v) (array.new_default $v (i32.const -1))))"#;
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    assert_eq!(Linker::new().instantiate(&mut store, &module).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn segments_make_arrays_until_they_are_dropped() {
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
fn copies_may_overlap_in_both_directions() {
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

/// A module with a chain of `depth` structure types, `$t0` the root, each with a field more, and for each a function `make`.
fn chain(depth: usize, body: &str) -> String {
    let mut text = String::from("(module (rec");
    for level in 0..depth {
        let parent = if level == 0 { String::new() } else { format!("$t{}", level - 1) };
        write!(text, "(type $t{level} (sub {parent} (struct{})))", "(field i32)".repeat(level)).unwrap();
    }
    text.push(')');
    for level in 0..depth {
        write!(
            text,
            "(func (export \"make {level}\") (result anyref) (struct.new_default $t{level}))
             (func (export \"is {level}\") (param anyref) (result i32) (ref.test (ref $t{level}) (local.get 0)))
             (func (export \"as {level}\") (param anyref) (drop (ref.cast (ref $t{level}) (local.get 0))))"
        )
        .unwrap();
    }
    text + body + ")"
}

#[test]
fn a_hierarchy_deeper_than_the_display_is_tested_right() {
    const DEPTH: usize = 20;
    for config in configs() {
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let one = instantiate(&mut store, &Linker::new(), &chain(DEPTH, ""));
        // The same recursive group, so the same types.
        let other = instantiate(&mut store, &Linker::new(), &chain(DEPTH, "(memory 1)"));
        for made in 0..DEPTH {
            let object = func(&store, one, &format!("make {made}")).invoke(&mut store, &[]).unwrap();
            for asked in 0..DEPTH {
                let is = func(&store, other, &format!("is {asked}")).invoke(&mut store, &object).unwrap();
                assert_eq!(is, [Val::I32(i32::from(asked <= made))], "{made} {asked}");
                let cast = func(&store, other, &format!("as {asked}")).invoke(&mut store, &object);
                assert_eq!(cast.is_ok(), asked <= made, "{made} {asked}");
            }
        }
        // One type more makes it another group.
        let third = instantiate(&mut store, &Linker::new(), &chain(DEPTH + 1, ""));
        let object = func(&store, third, "make 0").invoke(&mut store, &[]).unwrap();
        let is = func(&store, one, "is 0").invoke(&mut store, &object).unwrap();
        assert_eq!(is, [Val::I32(0)]);
    }
}

#[test]
fn every_reference_is_what_its_types_say() {
    let heaps = ["any", "eq", "i31", "struct", "array", "none", "$s", "$final", "$a"];
    let mut text = String::from(
        r#"(module (type $s (sub (struct))) (type $final (struct (field i32))) (type $a (array i32))
        (func (export "null") (result anyref) (ref.null none)) (func (export "i31") (result anyref) (ref.i31 (i32.const 1)))
        (func (export "s") (result anyref) (struct.new $s)) (func (export "final") (result anyref) (struct.new_default $final))
        (func (export "a") (result anyref) (array.new_fixed $a 0))
        (func (export "host") (param externref) (result anyref) (any.convert_extern (local.get 0)))"#,
    );
    for heap in heaps {
        for null in ["", "null "] {
            write!(
                text,
                r#"(func (export "test {null}{heap}") (param anyref) (result i32) (ref.test (ref {null}{heap}) (local.get 0)))
                (func (export "cast {null}{heap}") (param anyref) (result i32)
                  (ref.eq (ref.null none) (ref.cast (ref null eq) (block (result anyref)
                    (drop (ref.cast (ref {null}{heap}) (local.get 0))) (ref.null none)))))
                (func (export "br {null}{heap}") (param anyref) (result i32)
                  (drop (block $l (result (ref {null}{heap}))
                    (drop (br_on_cast $l anyref (ref {null}{heap}) (local.get 0))) (return (i32.const 0)))) (i32.const 1))
                (func (export "fail {null}{heap}") (param anyref) (result i32)
                  (drop (block $l (result anyref)
                    (drop (br_on_cast_fail $l anyref (ref {null}{heap}) (local.get 0))) (return (i32.const 1)))) (i32.const 0))"#
            )
            .unwrap();
        }
    }
    text.push(')');
    for config in configs() {
        let mut guest = Guest::new(&config, &text);
        let outside = ExternRef::new(&mut guest.store, 5u8).unwrap();
        for (value, above) in [
            ("null", &[][..]),
            ("i31", &["any", "eq", "i31"]),
            ("s", &["any", "eq", "struct", "$s"]),
            ("final", &["any", "eq", "struct", "$final"]),
            ("a", &["any", "eq", "array", "$a"]),
            ("host", &["any"]),
        ] {
            let args = [Val::Ref(Ref::Extern(outside.clone()))];
            let args = if value == "host" { &args[..] } else { &[] };
            let reference = guest.call(value, args).unwrap();
            for heap in heaps {
                for null in ["", "null "] {
                    let expected = above.contains(&heap) || (value == "null" && !null.is_empty());
                    for test in ["test", "br", "fail"] {
                        let answer = guest.call(&format!("{test} {null}{heap}"), &reference).unwrap();
                        assert_eq!(answer, [Val::I32(i32::from(expected))], "{test} {null}{heap} of {value}");
                    }
                    let cast = guest.call(&format!("cast {null}{heap}"), &reference);
                    assert_eq!(cast.is_ok(), expected, "cast {null}{heap} of {value}");
                }
            }
        }
    }
}

#[test]
fn casts_know_what_validation_knows() {
    let text = r#"(module (type $s (sub (struct))) (type $t (sub $s (struct (field i32)))) (type $f (func)) (type $g (sub (func))) (type $h (sub $g (func)))
        (func $f (type $f)) (func $h (type $h)) (elem declare func $f $h)
        (func (export "s as t") (result i32) (ref.test (ref $t) (struct.new $s)))
        (func (export "t as t") (result i32) (ref.test (ref $t) (struct.new_default $t)))
        (func (export "null s as t") (result i32) (ref.test (ref $t) (ref.null $s)))
        (func (export "null s as null t") (result i32) (ref.test (ref null $t) (ref.null $s)))
        (func (export "i31 as s") (result i32) (ref.test (ref $s) (ref.i31 (i32.const 0))))
        (func (export "i31 as eq") (result i32) (ref.test (ref eq) (ref.i31 (i32.const 0))))
        (func (export "null as i31") (result i32) (ref.test (ref i31) (ref.null i31)))
        (func (export "f as func") (result i32) (ref.test (ref func) (ref.func $f)))
        (func (export "f as nofunc") (result i32) (ref.test (ref nofunc) (ref.func $f)))
        (func (export "null as nofunc") (result i32) (ref.test (ref null nofunc) (ref.null func)))
        (func (export "f as f") (param funcref) (result i32) (ref.test (ref $f) (ref.func $f)))
        (func (export "h as g") (result i32) (ref.test (ref $g) (ref.func $h)))
        (func $as_h (param funcref) (result i32) (ref.test (ref $h) (local.get 0)))
        (func (export "f as h") (result i32) (call $as_h (ref.func $f)))
        (func (export "null as h") (result i32) (call $as_h (ref.null func)))
        (func (export "h as h") (result i32) (call $as_h (ref.func $h)))
        (func (export "extern") (param externref) (result i32) (i32.add (ref.test (ref extern) (local.get 0))
          (i32.add (i32.shl (ref.test (ref null extern) (local.get 0)) (i32.const 1)) (i32.shl (ref.test (ref null noextern) (local.get 0)) (i32.const 2)))))
        (func (export "exn") (result i32) (i32.add (ref.test (ref exn) (ref.null exn)) (i32.shl (ref.test (ref null noexn) (ref.null exn)) (i32.const 1)))))"#;
    for config in configs() {
        let mut guest = Guest::new(&config, text);
        for (name, expected) in [
            ("s as t", 0),
            ("t as t", 1),
            ("null s as t", 0),
            ("null s as null t", 1),
            ("i31 as s", 0),
            ("i31 as eq", 1),
            ("null as i31", 0),
            ("f as func", 1),
            ("f as nofunc", 0),
            ("null as nofunc", 1),
            ("h as g", 1),
            ("f as h", 0),
            ("null as h", 0),
            ("h as h", 1),
            ("exn", 2),
        ] {
            assert_eq!(guest.i32(name, &[]), expected, "{name}");
        }
        let outside = ExternRef::new(&mut guest.store, ()).unwrap();
        assert_eq!(guest.call("extern", &[Val::Ref(Ref::Extern(outside))]).unwrap(), [Val::I32(3)]);
        let inside = Ref::I31(I31::wrapping(5)).to_extern(&guest.store).unwrap();
        assert_eq!(guest.call("extern", &[Val::Ref(inside)]).unwrap(), [Val::I32(3)]);
        let null = Val::Ref(Ref::Null(wassay_engine::HeapType::Extern));
        assert_eq!(guest.call("extern", &[null]).unwrap(), [Val::I32(6)]);
    }
}

#[test]
fn a_branch_on_a_cast_carries_the_operands_below() {
    let text = r#"(module (type $s (struct (field i32)))
        (func (export "f") (param i32) (result i32) (local $r anyref) (local $field i32) (local $lane i32)
          (if (local.get 0) (then (local.set $r (struct.new $s (i32.const 40)))) (else (local.set $r (ref.i31 (i32.const 50)))))
          (block $out (result i32 i64 v128 anyref)
            (block $cast (result i32 i64 v128 (ref $s))
              (i32.const 1) (i64.const 2) (i32x4.splat (i32.const 3)) (local.get $r)
              (br_on_cast $cast anyref (ref $s))
              (br_on_cast_fail $out anyref (ref i31))
              (i31.get_s) (local.set $field) (i32x4.extract_lane 3) (local.set $lane) (i32.wrap_i64) (i32.add)
              (i32.add (local.get $lane)) (return (i32.add (local.get $field))))
            (local.set $field (struct.get $s 0)) (local.set $lane (i32x4.extract_lane 3)) (i32.wrap_i64) (i32.add)
            (i32.add (local.get $lane)) (return (i32.add (local.get $field))))
          (drop) (drop) (drop)))"#;
    for config in configs() {
        let mut guest = Guest::new(&config, text);
        assert_eq!(guest.i32("f", &[1]), 46);
        assert_eq!(guest.i32("f", &[0]), 56);
    }
}

#[test]
fn many_fields_and_many_elements_are_made_at_once() {
    const COUNT: usize = 10_000;
    let fields = "(field (mut i32))".repeat(COUNT);
    let values: String = (0..COUNT).map(|n| format!("(i32.const {n})")).collect();
    let text = format!(
        r#"(module (type $s (struct {fields})) (type $a (array i32))
        (func $s (export "s") (result (ref $s)) {values} (struct.new $s))
        (func (export "a") (result (ref $a)) {values} (array.new_fixed $a {COUNT}))
        (func (export "default") (result (ref $s)) (struct.new_default $s))
        (func (export "last") (result i32) (struct.get $s {last} (call $s)))
        (func (export "null") (drop (struct.get $s {last} (ref.null $s)))))"#,
        last = COUNT - 1
    );
    let mut guest = Guest::new(&Config::new(), &text);
    let [Val::Ref(Ref::Struct(structure))] = &guest.call("s", &[]).unwrap()[..] else {
        panic!("a structure")
    };
    let [Val::Ref(Ref::Array(array))] = &guest.call("a", &[]).unwrap()[..] else { panic!("an array") };
    let [Val::Ref(Ref::Struct(default))] = &guest.call("default", &[]).unwrap()[..] else {
        panic!("a structure")
    };
    assert_eq!(array.size(&guest.store), COUNT as u32);
    for at in 0..COUNT {
        assert_eq!(structure.field(&guest.store, at).unwrap(), Val::I32(at as i32));
        assert_eq!(array.element(&guest.store, at as u32).unwrap(), Val::I32(at as i32));
        assert_eq!(default.field(&guest.store, at).unwrap(), Val::I32(0));
    }
    assert_eq!(guest.i32("last", &[]), COUNT as i32 - 1);
    assert_eq!(guest.trap("null", &[]), Trap::NullStructureReference);
}

#[test]
fn constant_expressions_nest_objects() {
    let text = r#"(module
        (type $p (struct (field i32) (field (ref null $p)) (field i8))) (type $a (array (ref null any))) (type $b (array i16)) (type $v (array v128))
        (import "h" "x" (global $x externref))
        (global $leaf (ref $p) (struct.new $p (i32.const 1) (ref.null $p) (i32.const 0x1ff)))
        (global $tree (export "tree") (ref $p) (struct.new $p (i32.add (i32.const 1) (i32.const 1)) (struct.new $p (i32.const 3) (global.get $leaf) (i32.const 4)) (i32.const 5)))
        (global $list (export "list") (ref $a) (array.new_fixed $a 5 (global.get $leaf) (ref.i31 (i32.const -1)) (array.new $b (i32.const 0x18001) (i32.const 3))
          (any.convert_extern (global.get $x)) (array.new_default $a (i32.const 2))))
        (global (export "vectors") (ref $v) (array.new $v (v128.const i64x2 1 2) (i32.const 2)))
        (global (export "outside") externref (extern.convert_any (struct.new_default $p)))
        (table $t 3 (ref $p) (struct.new $p (i32.const 7) (struct.new_default $p) (i32.const 0)))
        (elem (table $t) (i32.const 1) (ref $p) (struct.new $p (i32.const 8) (ref.null $p) (i32.const 0)) (global.get $leaf))
        (func (export "table") (param i32) (result i32) (struct.get $p 0 (table.get $t (local.get 0))))
        (func (export "same") (result i32) (ref.eq (struct.get $p 1 (ref.as_non_null (struct.get $p 1 (global.get $tree)))) (global.get $leaf)))
        (func (export "element") (param i32) (result anyref) (array.get $a (global.get $list) (local.get 0))))"#;
    for config in configs() {
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let outside = ExternRef::new(&mut store, 5u8).unwrap();
        let mut linker = Linker::new();
        let ty = wassay_engine::GlobalType {
            content: wassay_engine::ValType::EXTERNREF,
            mutability: wassay_engine::Mutability::Const,
        };
        let global =
            wassay_engine::Global::alloc(&mut store, ty, Val::Ref(Ref::Extern(outside.clone()))).unwrap();
        linker.define("h", "x", Extern::Global(global));
        let instance = instantiate(&mut store, &linker, text);
        let read = |store: &Store, name: &str| match instance.export(store, name) {
            Some(Extern::Global(global)) => global.read(store),
            other => panic!("{other:?}"),
        };
        let Val::Ref(Ref::Struct(tree)) = read(&store, "tree") else { panic!("a structure") };
        assert_eq!(tree.field(&store, 0).unwrap(), Val::I32(2));
        assert_eq!(tree.field(&store, 2).unwrap(), Val::I32(5));
        let Val::Ref(Ref::Struct(inner)) = tree.field(&store, 1).unwrap() else { panic!("a structure") };
        let Val::Ref(Ref::Struct(leaf)) = inner.field(&store, 1).unwrap() else { panic!("a structure") };
        assert_eq!(leaf.field(&store, 2).unwrap(), Val::I32(255));
        let Val::Ref(Ref::Array(list)) = read(&store, "list") else { panic!("an array") };
        assert_eq!(list.size(&store), 5);
        assert_eq!(list.element(&store, 0).unwrap(), Val::Ref(Ref::Struct(leaf)));
        assert_eq!(list.element(&store, 1).unwrap(), Val::Ref(Ref::I31(I31::wrapping(u32::MAX))));
        let Val::Ref(Ref::Array(halves)) = list.element(&store, 2).unwrap() else { panic!("an array") };
        assert_eq!((halves.size(&store), halves.element(&store, 2).unwrap()), (3, Val::I32(0x8001)));
        assert_eq!(list.element(&store, 3).unwrap(), Val::Ref(outside.to_any(&store)));
        let Val::Ref(Ref::Array(vectors)) = read(&store, "vectors") else { panic!("an array") };
        assert_eq!(vectors.element(&store, 1).unwrap(), Val::V128(2 << 64 | 1));
        let Val::Ref(Ref::Extern(converted)) = read(&store, "outside") else { panic!("a reference") };
        assert!(matches!(converted.to_any(&store), Ref::Struct(_)) && converted.data(&store).is_none());
        for (at, value) in [(0, 7), (1, 8), (2, 1)] {
            let found = func(&store, instance, "table").invoke(&mut store, &[Val::I32(at)]).unwrap();
            assert_eq!(found, [Val::I32(value)]);
        }
        assert_eq!(func(&store, instance, "same").invoke(&mut store, &[]).unwrap(), [Val::I32(1)]);
    }
}

#[test]
fn indirect_calls_take_functions_of_types_below_at_any_depth() {
    const DEPTH: usize = 18;
    let mut text = String::from("(module (type $f0 (sub (func (result i32))))");
    for level in 1..DEPTH {
        write!(text, "(type $f{level} (sub $f{} (func (result i32))))", level - 1).unwrap();
    }
    write!(
        text,
        "(type $final (sub final $f{} (func (result i32)))) (table {} funcref)",
        DEPTH - 1,
        DEPTH + 2
    )
    .unwrap();
    for level in 0..DEPTH {
        write!(
            text,
            "(func $f{level} (type $f{level}) (i32.const {level})) (elem (i32.const {level}) $f{level})
            (func (export \"as {level}\") (param i32) (result i32) (call_indirect (type $f{level}) (local.get 0)))
            (func (export \"tail {level}\") (param i32) (result i32) (return_call_indirect (type $f{level}) (local.get 0)))"
        )
        .unwrap();
    }
    write!(
        text,
        "(func $last (type $final) (i32.const {DEPTH})) (elem (i32.const {DEPTH}) $last)
        (func (export \"as {DEPTH}\") (param i32) (result i32) (call_indirect (type $final) (local.get 0))))"
    )
    .unwrap();
    for config in configs() {
        let mut guest = Guest::new(&config, &text);
        for (word, most) in [("as", DEPTH), ("tail", DEPTH - 1)] {
            for asked in 0..=most {
                let name = format!("{word} {asked}");
                for made in 0..=DEPTH {
                    if asked <= made {
                        assert_eq!(guest.i32(&name, &[made as i32]), made as i32);
                    } else {
                        assert_eq!(guest.trap(&name, &[made as i32]), Trap::IndirectCallTypeMismatch);
                    }
                }
                assert_eq!(guest.trap(&name, &[DEPTH as i32 + 1]), Trap::UninitializedElement);
                assert_eq!(guest.trap(&name, &[DEPTH as i32 + 2]), Trap::UndefinedElement);
            }
        }
    }
}

#[test]
fn unboxed_integers_wrap_and_compare_by_value() {
    let text = r#"(module
        (func (export "s") (param i32) (result i32) (i31.get_s (ref.i31 (local.get 0))))
        (func (export "u") (param i32) (result i32) (i31.get_u (ref.i31 (local.get 0))))
        (func (export "eq") (param i32 i32) (result i32) (ref.eq (ref.i31 (local.get 0)) (ref.i31 (local.get 1)))))"#;
    for config in configs() {
        let mut guest = Guest::new(&config, text);
        for value in [0, 1, -1, 0x3fff_ffff, 0x4000_0000, i32::MIN, i32::MAX] {
            let own = I31::wrapping(value.cast_unsigned());
            assert_eq!(guest.i32("s", &[value]), own.get_s());
            assert_eq!(guest.i32("u", &[value]).cast_unsigned(), own.get_u());
            assert_eq!(guest.i32("eq", &[value, value ^ i32::MIN]), 1);
            assert_eq!(guest.i32("eq", &[value, value ^ 1]), 0);
        }
    }
}
