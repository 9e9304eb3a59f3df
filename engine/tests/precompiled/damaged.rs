//! Object files that were changed: bit by bit, cut off, or made of anything.

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSection};
use wassay_engine::{Engine, Module, Val};

use super::{engine, hashed, open, outcome};

const SMALL: &str = r#"(module (memory 1)
    (func $get (param i32) (result i32) (i32.load offset=4 (local.get 0)))
    (func (export "run") (param i32) (result i32) (i32.add (call $get (local.get 0)) (i32.const 1))))"#;

/// What both calls of the module give with code from this file, if it is accepted.
fn outcomes(engine: &Engine, object: &[u8]) -> [String; 2] {
    let bytes = hashed(SMALL);
    let code = open(object).ok().filter(|code| Module::check_code(engine, &bytes, code).is_ok());
    let module = Module::with_code(engine, bytes.clone(), code)
        .or_else(|_| Module::with_code(engine, bytes, None))
        .unwrap();
    let ran = [0, -1].map(|at| outcome(&module, "run", &[Val::I32(at)]));
    // What is stored after the run is right as well.
    let older = open(object).ok();
    if let Some(new) = module.object(older.as_ref()).unwrap() {
        let code = open(&new).unwrap();
        let before = engine.stats().compiled;
        let again = Module::with_code(engine, hashed(SMALL), Some(code)).unwrap();
        assert_eq!(outcome(&again, "run", &[Val::I32(0)]), ran[0]);
        assert_eq!(engine.stats().compiled, before, "all functions were stored again");
    }
    ran
}

fn object(engine: &Engine) -> Vec<u8> {
    let module = Module::with_code(engine, hashed(SMALL), None).unwrap();
    outcome(&module, "run", &[Val::I32(0)]);
    module.object(None).unwrap().unwrap()
}

#[test]
fn a_flipped_bit_at_any_position_changes_no_result() {
    let engine = engine();
    let object = object(&engine);
    let expected = outcomes(&engine, &object);
    assert!(expected[0].contains("I32(1)") && expected[1].contains("out of bounds"), "{expected:?}");
    for at in 0..object.len() {
        let mut object = object.clone();
        object[at] ^= 1 << (at % 8);
        assert_eq!(outcomes(&engine, &object), expected, "byte {at}");
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_changes_no_result() {
    let engine = engine();
    let object = object(&engine);
    let expected = outcomes(&engine, &object);
    for end in 0..object.len() {
        assert_eq!(outcomes(&engine, &object[..end]), expected, "{end} bytes");
    }
}

#[test]
fn a_precompiled_module_with_a_flipped_bit_is_rejected_or_right() {
    let engine = engine();
    let object = Module::compile_to_object(&engine, &hashed(SMALL), &|_, _| ()).unwrap();
    let expected = [0, -1].map(|at| {
        let module = Module::precompiled(&engine, open(&object).unwrap()).unwrap();
        outcome(&module, "run", &[Val::I32(at)])
    });
    let mut accepted = 0;
    for at in 0..object.len() {
        let mut object = object.clone();
        object[at] ^= 1 << (at % 8);
        let Ok(module) = open(&object).and_then(|code| Module::precompiled(&engine, code)) else { continue };
        accepted += 1;
        let ran = [0, -1].map(|at| outcome(&module, "run", &[Val::I32(at)]));
        assert_eq!(ran, expected, "byte {at}");
    }
    assert!(accepted < object.len(), "the index and the module are checked");
}

#[test]
fn damaged_trampolines_are_compiled_again() {
    let mut bytes = object(&engine());
    let section = {
        let file = ElfFile64::<LittleEndian>::parse(&*bytes).unwrap();
        file.section_by_name(".wassay.glue").unwrap().file_range().unwrap()
    };
    let run = |object: &[u8]| {
        let engine = engine();
        let ran = outcomes(&engine, object);
        (ran, engine.stats().compiled_trampolines)
    };
    let (expected, compiled) = run(&bytes);
    assert_eq!(compiled, 0, "all come with the code");
    for at in section.0..section.0 + section.1 {
        let at = at as usize;
        bytes[at] ^= 1 << (at % 8);
        let (ran, compiled) = run(&bytes);
        assert_eq!(ran, expected, "byte {at}");
        assert!(compiled > 0, "byte {at}");
        bytes[at] ^= 1 << (at % 8);
    }
}
