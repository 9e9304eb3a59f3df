//! Process tests of proposals without scripts in the embedded suites, and of what dialects of
//! scripts have.

use crate::common::{Folder, Ran, wassay};

/// The beginning of a binary module, in a script.
const HEADER: &str = "\\00asm\\01\\00\\00\\00";

/// Runs a script under features.
fn run(features: &str, script: &str) -> Ran {
    let folder = Folder::new(&[("a.wast", script)]);
    wassay(&["wast", "--features", features, &folder.arg("a.wast")])
}

/// Asserts that every directive of a script passes.
#[track_caller]
fn passes(features: &str, script: &str) {
    let ran = run(features, script);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn imports_may_share_a_module_name_and_a_type() {
    let exporter = "(module (func (export \"f\") (result i32) (i32.const 1))
        (global (export \"a\") i32 (i32.const 20)) (global (export \"b\") i32 (i32.const 300)))
        (register \"m\")";
    let sum = "(func (export \"sum\") (result i32)
        (i32.add (call 0) (i32.add (global.get 0) (global.get 1))))";
    let text = format!(
        "{exporter}
        (module (import \"m\" (item \"f\" (func $f (result i32))) (item \"a\" (global i32)))
          (import \"m\" (item \"b\") (global i32)) {sum})
        (assert_return (invoke \"sum\") (i32.const 321))
        (assert_unlinkable (module (import \"m\" (item \"f\") (item \"c\") (func (result i32)))) \"unknown import\")
        (assert_malformed (module quote \"(import \\\"m\\\" (item \\\"a\\\") (item \\\"b\\\" (global i32)))\") \"unexpected token\")
        (assert_malformed (module quote \"(import \\\"m\\\" (item \\\"a\\\" (global i32)) (item \\\"b\\\"))\") \"unexpected token\")
        (assert_malformed (module quote \"(import \\\"m\\\" (item \\\"a\\\") (global $g i32))\") \"unexpected token\")
        (assert_malformed (module quote \"(func) (import \\\"m\\\" (item \\\"a\\\") (global i32))\") \"import after function\")"
    );
    passes("3.0,compact-import-section", &text);
    // The two encodings, and names that are not empty before them.
    let binary = |imports: &str| format!("(module binary \"{HEADER}\" \"{imports}\")");
    let (each, all) = (
        "\\02\\10\\01\\01m\\00\\7f\\02\\01a\\03\\7f\\00\\01b\\03\\7f\\00",
        "\\02\\0d\\01\\01m\\00\\7e\\03\\7f\\00\\02\\01a\\01b",
    );
    let text = format!(
        "{exporter} {} {} (assert_malformed {} \"malformed import kind\")",
        binary(each),
        binary(all),
        binary("\\02\\11\\01\\01m\\01x\\7f\\02\\01a\\03\\7f\\00\\01b\\03\\7f\\00"),
    );
    passes("3.0,compact-import-section", &text);
    let off = format!("(assert_malformed {} \"malformed import kind\")", binary(all));
    passes("3.0", &off);
}

#[test]
fn atomics_may_acquire_and_release() {
    let text = "(module (memory 1 1 shared)
          (func (export \"all\") (result i32)
            (i32.atomic.store acqrel (i32.const 0) (i32.const 5))
            (atomic.fence acqrel) (atomic.fence seqcst) (atomic.fence)
            (drop (i32.atomic.rmw.add offset=0 align=4 acqrel (i32.const 0) (i32.const 2)))
            (drop (i64.atomic.rmw8.cmpxchg_u seqcst (i32.const 8) (i64.const 0) (i64.const 1)))
            (i32.atomic.load acqrel (i32.const 0))))
        (assert_return (invoke \"all\") (i32.const 7))
        (assert_malformed (module quote \"(memory 1) (func (drop (i32.load acqrel (i32.const 0))))\") \"unexpected token\")
        (assert_invalid (module (func (drop (i32.atomic.load acqrel (i32.const 0))))) \"unknown memory\")";
    passes("3.0,threads,acquire-release-atomics", text);
    let body = |code: &str, length: usize| {
        let (inner, outer) = (length + 2, length + 4);
        format!(
            "(module binary \"{HEADER}\" \"\\01\\04\\01\\60\\00\\00\" \"\\03\\02\\01\\00\" \"\\05\\04\\01\\03\\01\\01\" \"\\0a\\{outer:02x}\\01\\{inner:02x}\\00{code}\\0b\")"
        )
    };
    // An ordering is in the memory argument, if bit 4 of the alignment says so.
    let load = |ordering: &str| body(&format!("\\41\\00\\fe\\10\\12{ordering}\\00\\1a"), 8);
    let update = |ordering: &str| body(&format!("\\41\\00\\41\\00\\fe\\1e\\12{ordering}\\00\\1a"), 10);
    let fence = |ordering: &str| body(&format!("\\fe\\03{ordering}"), 3);
    let plain = body("\\41\\00\\28\\12\\01\\00\\1a", 7);
    let text = format!(
        "{} {} {} {} (assert_malformed {} \"malformed memop flags\") (assert_malformed {} \"malformed memop flags\")
        (assert_malformed {} \"malformed memop flags\") (assert_malformed {plain} \"malformed memop flags\")",
        load("\\00"), load("\\01"), update("\\11"), fence("\\01"), load("\\02"), update("\\01"), fence("\\02"),
    );
    passes("3.0,threads,acquire-release-atomics", &text);
    let off = format!("(assert_malformed {} \"zero byte expected\")", fence("\\01"));
    passes("3.0,threads", &off);
}

#[test]
fn loads_and_stores_reach_the_bytes_of_an_array() {
    let text = "(module
          (type $bytes (array (mut i8))) (type $longs (array (mut i64)))
          (global $a (ref $bytes) (array.new_default $bytes (i32.const 20)))
          (func (export \"store\") (param i32 i32) (i32.store (type $bytes) offset=1 (global.get $a) (local.get 0) (local.get 1)))
          (func (export \"load\") (param i32) (result i64) (i64.load (type $bytes) (global.get $a) (local.get 0)))
          (func (export \"vector\") (param i32) (result i32)
            (i32x4.extract_lane 1 (v128.load (type $bytes) (global.get $a) (local.get 0))))
          (func (export \"narrow\") (param i32) (result i32) (i32.load16_s (type $bytes) (global.get $a) (local.get 0)))
          (func (export \"long\") (result i64) (local $l (ref $longs))
            (local.set $l (array.new $longs (i64.const 0x0102030405060708) (i32.const 2)))
            (f32.store (type $longs) (local.get $l) (i32.const 6) (f32.const 1))
            (i64.xor (array.get $longs (local.get $l) (i32.const 0)) (array.get $longs (local.get $l) (i32.const 1))))
          (func (export \"null\") (result i32) (i32.load8_u (type $bytes) (ref.null $bytes) (i32.const 0))))
        (invoke \"store\" (i32.const 3) (i32.const 0x80ff7f01))
        (assert_return (invoke \"load\" (i32.const 4)) (i64.const 0x80ff7f01))
        (assert_return (invoke \"vector\" (i32.const 0)) (i32.const 0x80ff7f01))
        (assert_return (invoke \"narrow\" (i32.const 6)) (i32.const 0xffff80ff))
        (assert_return (invoke \"long\") (i64.const 0x0102000000003888))
        (invoke \"store\" (i32.const 15) (i32.const 1))
        (assert_trap (invoke \"store\" (i32.const 16) (i32.const 1)) \"out of bounds array access\")
        (assert_trap (invoke \"store\" (i32.const -1) (i32.const 1)) \"out of bounds array access\")
        (assert_trap (invoke \"load\" (i32.const 13)) \"out of bounds array access\")
        (assert_trap (invoke \"vector\" (i32.const 5)) \"out of bounds array access\")
        (assert_trap (invoke \"null\") \"null array reference\")
        (assert_invalid (module (type $a (array i8))
          (func (param (ref $a)) (i32.store (type $a) (local.get 0) (i32.const 0) (i32.const 0)))) \"array is immutable\")
        (assert_invalid (module (type $a (array anyref))
          (func (param (ref $a)) (drop (i32.load (type $a) (local.get 0) (i32.const 0))))) \"\")";
    let folder = Folder::new(&[("multibyte_array_access/a.wast", text)]);
    let ran = wassay(&["wast", "--match", "ignore", &folder.arg("multibyte_array_access/a.wast")]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn what_uses_shared_everything_threads_is_validated_only() {
    let text = "(module (type $s (shared (struct (field (mut i32))))) (global (shared (ref null $s)) (ref.null $s)))
        (module $f (type $f (shared (func (result (ref null (shared any)))))) (table shared 1 (ref null (shared func)))
          (func (export \"f\") (type $f) (pause) (ref.null (shared any))))
        (assert_return (invoke \"f\") (ref.null (shared any)))
        (assert_invalid (module (type $s (struct)) (type $t (shared (struct (field (ref null $s)))))) \"\")
        (module (func (export \"one\") (result i32) (i32.const 1)))
        (assert_return (invoke \"one\") (i32.const 1))";
    let folder = Folder::new(&[("shared-everything-threads/a.wast", text)]);
    let (suite, report) = (folder.arg(""), folder.arg("report.json"));
    let ran = wassay(&["test", "--match", "ignore", &suite, "--report", &format!("json={report}")]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let line =
        "2 unsupported: shared-everything-threads: the module is valid, but this engine does not run it";
    assert!(ran.out.contains(line), "{}", ran.out);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let aside = &json["suites"][0]["cases"][0]["aside"];
    assert_eq!((aside["unsupported"].as_u64(), aside["blocked"].as_u64()), (Some(2), Some(1)), "{aside}");
    // A valid module that the script takes for an invalid one is still a failure.
    let wrong = "(assert_invalid (module (type (shared (struct)))) \"\")";
    let ran = run("3.0,threads,shared-everything-threads", wrong);
    assert_eq!(ran.code, 1, "{}", ran.out);
}

#[test]
fn a_form_of_a_disabled_proposal_is_malformed_and_says_which_feature_it_needs() {
    for (module, message, feature) in [
        ("(type (shared (struct)))", "unexpected token", "shared-everything-threads"),
        ("(func (pause))", "unknown operator pause", "acquire-release-atomics"),
        ("(func (drop (ref.i31_shared (i32.const 0))))", "unknown operator", "shared-everything-threads"),
        (
            "(global (mut i32) (i32.const 0)) (func (drop (global.atomic.get seqcst 0)))",
            "unknown operator",
            "shared-everything-threads",
        ),
        ("(memory 1) (func atomic.fence acqrel)", "unknown operator acqrel", "acquire-release-atomics"),
        ("(import \"a\" (item \"b\" (func)))", "unexpected token", "compact-import-section"),
    ] {
        let hint = format!("it needs {feature}, which is not enabled: use `--features 3.0,{feature}`");
        let malformed = format!("(module {module})");
        for form in [
            malformed.clone(),
            format!("(assert_invalid {malformed} \"\")"),
            format!("(thread $t {malformed})"),
        ] {
            let ran = run("3.0", &form);
            assert!(ran.code == 1 && ran.out.contains(message), "{form}: {}", ran.out);
            assert!(ran.out.contains(&hint), "{form}: {}", ran.out);
        }
    }
    // What no proposal has needs no feature.
    let ran = run("3.0", "(module (func (unknown)))");
    assert!(ran.code == 1 && !ran.out.contains("it needs"), "{}", ran.out);
}

#[test]
fn dialects_of_scripts_are_no_errors() {
    let text = "(module (func $f (export \"f\") (result funcref) (ref.func $f))
          (func $deep (export \"deep\") (call $deep)))
        (assert_return (invoke \"f\") (ref.func 0))
        (assert_trap (invoke \"deep\") \"call stack exhausted\")
        (assert_trap (module (table i64 0x2000_0000_0000_0000 funcref)) \"allocation size too large\")";
    passes("3.0", text);
    let ran = run("3.0", &text.replace("\"call stack exhausted\"", "\"unreachable\""));
    assert!(ran.out.contains("exhaustion-instead-of-trap"), "{}", ran.out);
    let folder = Folder::new(&[("a.wast", text)]);
    let ran = wassay(&["test", &folder.arg("a.wast")]);
    assert!(ran.out.contains("1 directive judged coarsely"), "{}", ran.out);
}

#[test]
fn scripts_of_wasmtime_import_from_named_modules() {
    let script = "(module $m (memory (export \"memory\") 1))
        (module (import \"m\" \"memory\" (memory 1)) (import \"wasmtime\" \"gc\" (func $gc)) (func (export \"gc\") (call $gc)))
        (assert_return (invoke \"gc\"))";
    let folder = Folder::new(&[
        ("wasmtime/wassay.toml", "dialect = \"wasmtime\""),
        ("wasmtime/a.wast", script),
        ("other/a.wast", script),
    ]);
    for more in [&[][..], &["--isolate"]] {
        let test = |path: &str| wassay(&[&["test", &folder.arg(path)], more].concat());
        let ran = test("wasmtime");
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert_eq!(test("other").code, 1);
    }
    let ran = wassay(&["test", &folder.arg("wasmtime"), "--engine", "wassay", "--allow-empty"]);
    assert!(ran.out.contains("in the dialect of another runner"), "{}{}", ran.out, ran.err);
}
