//! Tests for the effect of branch hints on the order of code.

use super::layout;
use crate::config::Config;
use crate::decode::decode;
use crate::engine::Engine;
use crate::translate::ModuleEnv;

/// The code of the only function of a module.
fn code(text: &str) -> Vec<u8> {
    let engine = Engine::new(&Config::new()).unwrap();
    let bytes = wat::parse_str(text).unwrap();
    let decoded = decode(&bytes, engine.features(), engine.types(), None).unwrap();
    let layout = layout(&decoded.info).unwrap();
    let (isa, fast_isa) = (engine.isa(), engine.fast_isa());
    let info = &decoded.info;
    let env = ModuleEnv { info, layout, isa, fast_isa, deadline: None, guard_pages: true, functions: None };
    let functions = crate::compile::parallel::compile_all(&env, decoded.bodies, &|| ()).unwrap();
    functions.into_iter().next().unwrap().bytes
}

/// Asserts that of two stores, one on each arm of a branch, the unlikely one comes second in the
/// code.
fn assert_hinted(text: &str) {
    let with = |hint: &str| code(&text.replace("HINT", hint));
    let (unlikely, likely) =
        (with("(@metadata.code.branch_hint \"\\00\")"), with("(@metadata.code.branch_hint \"\\01\")"));
    assert_ne!(unlikely, likely, "{text}");
    let position = |code: &[u8], value: u32| {
        code.windows(4).position(|bytes| bytes == value.to_le_bytes()).expect("the constant is in the code")
    };
    let (taken, other) = (0x1111_1111, 0x2222_2222);
    assert!(position(&unlikely, taken) > position(&unlikely, other), "{text}");
    assert!(position(&likely, taken) < position(&likely, other), "{text}");
}

#[test]
fn unlikely_code_comes_after_likely_code() {
    assert_hinted(
        "(module (memory 1) (func (param i32)
            HINT (if (local.get 0)
                (then (i32.store (i32.const 0) (i32.const 0x11111111)))
                (else (i32.store (i32.const 0) (i32.const 0x22222222))))))",
    );
    assert_hinted(
        "(module (memory 1) (func (param i32)
            (block
                HINT (br_if 0 (local.get 0))
                (i32.store (i32.const 0) (i32.const 0x22222222))
                (return))
            (i32.store (i32.const 0) (i32.const 0x11111111))))",
    );
}

#[test]
fn a_malformed_section_gives_no_hints() {
    let text = "(module (@custom \"metadata.code.branch_hint\" (before code) BYTES) (func (param i32)
        (block (br_if 0 (local.get 0)) (unreachable))))";
    let plain = code(&text.replace("(@custom \"metadata.code.branch_hint\" (before code) BYTES)", ""));
    for bytes in ["\"\"", "\"\\07\"", "\"\\01\\00\\01\\05\\02\\00\"", "\"\\01\\63\\01\\05\\01\\00\""] {
        assert_eq!(code(&text.replace("BYTES", bytes)), plain, "{bytes}");
    }
}
