//! Tests of structures, arrays, unboxed integers and casts through the public interface.

#![allow(clippy::unwrap_used)]

mod arrays;
mod casts;
mod guest;

use guest::{Guest, configs, func, instantiate};
use wassay_engine::{Config, Engine, Extern, ExternRef, I31, Linker, Ref, Store, Trap, Val};

#[test]
fn fields_of_every_storage_type_keep_their_values() {
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
fn null_and_out_of_bounds_accesses_trap_even_if_the_result_is_dropped() {
    // The fields from $far on are more than a page from the start of their structure.
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
fn objects_with_many_fields_and_elements_are_allocated() {
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
