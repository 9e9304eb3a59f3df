//! Modules that are too large for the decoder: neither malformed nor invalid (core spec, appendix A.1).

#![allow(clippy::unwrap_used)]

use wassay_engine::{Config, Engine, ErrorKind, Module};

/// `count` copies of a text in one module.
fn module_of(before: &str, text: &str, count: usize, after: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {before}{}{after})", text.repeat(count))).unwrap()
}

/// A chain of types, each of which extends the one before.
fn chain(depth: usize) -> Vec<u8> {
    let mut text = String::from("(module (type (sub (struct)))");
    for parent in 0..depth {
        text.push_str(&format!("(type (sub {parent} (struct)))"));
    }
    wat::parse_str(text + ")").unwrap()
}

#[test]
fn a_module_too_large_is_no_malformed_one() {
    let name = "a".repeat(100_001);
    let modules = [
        ("locals exceed maximum", module_of("(func ", "(local i32)", 50_001, ")")),
        ("function params size", module_of("(func ", "(param i32)", 1001, ")")),
        ("function returns size", module_of("(type (func ", "(result i32)", 1001, "))")),
        ("struct fields size", module_of("(type (struct ", "(field i32)", 10_001, "))")),
        ("memories count exceeds limit", module_of("", "(memory 0)", 101, "")),
        ("string size", wat::parse_str(format!("(module (func (export \"{name}\")))")).unwrap()),
        ("catches size", module_of("(func (try_table ", "(catch_all 0)", 10_001, "))")),
        ("sub type hierarchy too deep", chain(64)),
    ];
    let engine = Engine::new(&Config::new()).unwrap();
    for (text, bytes) in modules {
        for error in
            [Module::validate(&engine, &bytes).unwrap_err(), Module::new(&engine, &bytes).unwrap_err()]
        {
            assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
            assert!(error.message().contains(text), "{error}");
            assert!(error.offset().is_some(), "{error}");
        }
    }
}

#[test]
fn what_is_malformed_before_a_limit_stays_malformed() {
    let engine = Engine::new(&Config::new()).unwrap();
    let mut bytes = module_of("(func ", "(local i32)", 50_001, ")");
    // One local more than the binary format can count: the group's count and another group that overflows it.
    let body = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x0e\x01\x0c\x02\xff\xff\xff\xff\x0f\x7f\x02\x7e\x0b\x0b";
    let error = Module::new(&engine, body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    bytes.truncate(bytes.len() - 1);
    assert_eq!(Module::new(&engine, &bytes).unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn many_locals_in_many_blocks_are_refused_before_they_take_gigabytes() {
    let body = |locals: usize, branches: usize| {
        let declared = "(local i32)".repeat(locals);
        let sets: String = (0..locals).map(|local| format!("(local.set {local} (i32.const 1))")).collect();
        let branches = "(br_if 0 (i32.const 0))".repeat(branches);
        let gets: String = (0..locals).map(|local| format!("(drop (local.get {local}))")).collect();
        wat::parse_str(format!("(module (func {declared}{sets}{branches}{gets}))")).unwrap()
    };
    let engine = Engine::new(&Config::new()).unwrap();
    let error = Module::new(&engine, &body(20_000, 20_000)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.message().contains("too many locals for its number of blocks"), "{error}");
    Module::new(&engine, &body(20_000, 200)).unwrap();
    Module::new(&engine, &body(200, 20_000)).unwrap();
}
