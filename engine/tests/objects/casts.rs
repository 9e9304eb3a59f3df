//! Tests of type tests, casts, and calls that check the type of a function.

use std::fmt::Write as _;

use wassay_engine::{Engine, ExternRef, I31, Linker, Ref, Store, Trap, Val};

use crate::guest::{Guest, configs, func, instantiate};

/// A module with a chain of `depth` structure types, with the root `$t0`. Each has one field more
/// than its supertype, and a function `make`.
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
fn casts_work_in_hierarchies_deeper_than_the_display() {
    const DEPTH: usize = 20;
    for config in configs() {
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let one = instantiate(&mut store, &Linker::new(), &chain(DEPTH, ""));
        // The same recursive group, thus the same types.
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
        // An additional type makes it a different group.
        let third = instantiate(&mut store, &Linker::new(), &chain(DEPTH + 1, ""));
        let object = func(&store, third, "make 0").invoke(&mut store, &[]).unwrap();
        let is = func(&store, one, "is 0").invoke(&mut store, &object).unwrap();
        assert_eq!(is, [Val::I32(0)]);
    }
}

#[test]
fn every_reference_has_its_types() {
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
fn casts_use_the_static_type_of_the_operand() {
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
fn a_branch_on_a_cast_passes_the_operands_below() {
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
fn indirect_calls_accept_functions_of_subtypes_at_any_depth() {
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
