//! Process tests of what a folder says about its scripts: `wassay.toml` and names of features.

use crate::common::{FAILS, Folder, PASSES, wassay};

/// A script that needs threads.
const THREADS: &str = "(module (memory 1 1 shared))\n";

/// A script that passes where the results of instructions are canonical NaNs.
const NANS: &str = "\
(module
  (func (export \"f32\") (param f32 f32) (result i32)
    (i32.reinterpret_f32 (f32.div (local.get 0) (local.get 1))))
  (func (export \"f64\") (param f64) (result i64)
    (i64.reinterpret_f64 (f64.sqrt (local.get 0))))
  (func (export \"v128\") (param f32) (result i32)
    (i32x4.extract_lane 1 (f32x4.add (f32x4.splat (local.get 0)) (f32x4.splat (local.get 0))))))
(assert_return (invoke \"f32\" (f32.const 0) (f32.const 0)) (i32.const 0x7fc00000))
(assert_return (invoke \"f32\" (f32.const nan:0x600001) (f32.const 1)) (i32.const 0x7fc00000))
(assert_return (invoke \"f64\" (f64.const -1)) (i64.const 0x7ff8000000000000))
(assert_return (invoke \"v128\" (f32.const -nan:0x400001)) (i32.const 0x7fc00000))
";

#[test]
fn the_name_of_a_folder_is_a_feature() {
    let names = ["threads", "ext:threads/deep", "proposals/threads", "shared_everything_threads"];
    let files: Vec<(String, &str)> = names.iter().map(|name| (format!("{name}/a.wast"), THREADS)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let folder = Folder::new(&[&files[..], &[("a.wast", THREADS)]].concat());
    let ran = wassay(&["test", &folder.arg("")]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("1 of 5 cases not as expected"), "{}", ran.out);
    for name in names {
        let ran = wassay(&["wast", &folder.arg(&format!("{name}/a.wast"))]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.out);
    }
}

#[test]
fn settings_of_a_folder_hold_for_what_is_below_it() {
    let settings = "timeout = \"200ms\"\n[[scripts]]\nmatch = \"t/**\"\nfeatures = \"3.0,threads\"\n\
        [[expected]]\nscript = \"f/*.wast\"\nkind = \"wrong-value\"\noutcome = \"xfail\"\nreason = \"it is old\"\n\
        [[expected]]\nscript = \"s.wast\"\noutcome = \"skip\"\nreason = \"it is a component\"\n";
    let loops = "(module (func (export \"f\") (loop (br 0))))\n(invoke \"f\")\n";
    let fails = FAILS.replace("(assert_trap (invoke \"seven\") \"unreachable\")", "(invoke \"seven\")");
    let folder = Folder::new(&[
        ("s/wassay.toml", settings),
        ("s/t/a.wast", THREADS),
        ("s/f/a.wast", &fails),
        ("s/s.wast", FAILS),
        ("s/loop.wast", loops),
    ]);
    for more in [&[][..], &["--isolate"]] {
        let ran = wassay(&[&["test", &folder.arg("s")], more].concat());
        assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("1 of 4 cases not as expected"), "{}", ran.out);
        assert!(ran.out.contains("f/a.wast:2:1: failed as expected: it is old"), "{}", ran.out);
        assert!(ran.out.contains("s.wast: not run: it is a component"), "{}", ran.out);
        assert!(ran.out.contains("loop.wast:2:1: timeout"), "{}", ran.out);
    }
    // An option overrides the time limit of the folder, and a part of the suite has its settings.
    let ran = wassay(&["test", &folder.arg("s/loop.wast"), "--timeout", "1500ms"]);
    assert!(ran.out.contains("not as expected in 1.") || ran.out.contains("in 2."), "{}", ran.out);
    let ran = wassay(&["test", &folder.arg("s/f"), &folder.arg("s/t/a.wast")]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(wassay(&["wast", &folder.arg("s/t/a.wast")]).code, 0);
}

#[test]
fn an_expectation_of_a_folder_that_applies_to_nothing_fails_the_run() {
    let entry = "[[expected]]\nscript = \"*.wast\"\noutcome = \"xfail\"\nreason = \"it is old\"\n";
    let folder = Folder::new(&[("s/x/wassay.toml", entry), ("s/x/a.wast", PASSES), ("s/b.wast", PASSES)]);
    let ran = wassay(&["test", &folder.arg("s")]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let message = "x/wassay.toml:1: *.wast: stale expectation: nothing failed in this way; remove the entry";
    assert!(ran.err.contains(message), "{}", ran.err);
    let invalid = Folder::new(&[("s/wassay.toml", "features = \"3.0,teleport\""), ("s/a.wast", PASSES)]);
    let ran = wassay(&["test", &invalid.arg("s")]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("wassay.toml:1: unknown feature `teleport`"), "{}", ran.out);
}

#[test]
fn nans_are_canonical_where_a_header_or_a_folder_says_so() {
    let header = format!(";;! nan_canonicalization = true\n{NANS}");
    let both = header.replace("true", "false");
    let folder = Folder::new(&[
        ("plain/a.wast", NANS),
        ("header/a.wast", &header),
        ("s/wassay.toml", "nan-canonicalization = true"),
        ("s/a.wast", NANS),
        ("s/off/b.wast", &both),
    ]);
    let code = |path: &str| wassay(&["test", &folder.arg(path)]).code;
    assert_eq!((code("plain"), code("header"), code("s/a.wast"), code("s/off")), (1, 0, 0, 1));
    // On an engine that cannot be asked for it, the script is set apart.
    let ran = wassay(&["test", &folder.arg("header"), "--engine", "wassay", "--allow-empty"]);
    assert!(ran.out.contains("relies on canonical NaNs"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_header_may_have_the_form_of_wasmtime() {
    let folder = Folder::new(&[
        ("on.wast", format!(";;! threads = true\n;;! gc = true\n{THREADS}").as_str()),
        (
            "threads/off.wast",
            ";;! threads = false\n(assert_malformed (module binary \"\\00asm\\01\\00\\00\\00\\05\\04\\01\\03\\01\\01\") \"malformed limits flags\")",
        ),
    ]);
    for name in ["on.wast", "threads/off.wast"] {
        let ran = wassay(&["wast", &folder.arg(name)]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}: {}", ran.out);
    }
}
