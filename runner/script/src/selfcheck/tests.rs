//! Tests of self-checking modules of small scripts.

use wasmparser::{Validator, WasmFeatures};

use super::{Call, Check, Entry, Form, Subject, Unfit, Wrapper, build, imports_something, trivial};
use crate::options::Options;
use crate::plan::{ScriptPlan, compile};
use crate::source::Source;
use crate::{keys, parse};

/// The modules and the wrappers of a script, in order.
fn modules(script: &str) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let script = parse(Source::new("a.wast", script)).unwrap();
    let plan: ScriptPlan = compile(&script, &Options::default(), &keys::of(&script), None);
    let bytes = |kind: &str| {
        let lines = plan.requests.text().lines().filter(|line| line.starts_with(kind));
        let word = |line: &str| line.rsplit(' ').next().unwrap_or_default().to_owned();
        lines.map(|line| data_encoding::BASE64.decode(word(line).as_bytes()).unwrap()).collect()
    };
    (bytes("C "), bytes("L "))
}

fn module(text: &str) -> Vec<u8> {
    crate::quoted(text.as_bytes()).unwrap()
}

fn validate(module: &[u8]) {
    Validator::new_with_features(WasmFeatures::all()).validate_all(module).unwrap();
}

#[test]
fn a_module_and_its_wrappers_become_one_valid_module() {
    let (modules, wrappers) = modules(
        "(module (type $s (struct)) (rec (type $a (func (result (ref $s)))) (type (struct (field (ref null $a)))))
           (memory 1) (tag $t) (global (export \"g\") i64 (i64.const 3)) (func (export \"_start\") (throw $t))
           (func (export \"s\") (type $a) (struct.new $s)) (func $start) (start $start)
           (func (export \"two\") (param i32) (result i32 f32) (local.get 0) (f32.const nan))
           (table 3 funcref) (elem (i32.const 1) func 0) (data (i32.const 7) \"a\"))
         (assert_return (invoke \"s\") (ref.struct)) (assert_return (get \"g\") (i64.const 3))
         (assert_return (invoke \"two\" (i32.const 5)) (i32.const 5) (f32.const nan:canonical))
         (assert_exception (invoke \"_start\")) (assert_trap (invoke \"s\") \"x\")",
    );
    assert_eq!((modules.len(), wrappers.len()), (1, 2));
    for entry in [Entry::default(), Entry::Start, Entry::Export("main".to_owned())] {
        let subject = Subject::read(&modules[0], &entry).unwrap();
        let wrappers: Vec<Wrapper<'_>> =
            wrappers.iter().map(|bytes| Wrapper::read(&subject, bytes).unwrap()).collect();
        let calls = [(0, "0"), (0, "1"), (0, "2"), (1, "0"), (0, "3")].map(|(wrapper, export)| Call {
            wrapper,
            export,
            check: Check::Is(0),
        });
        for form in [Form::Whole, Form::Still, Form::Hollow] {
            for wrappers in [&wrappers[..], &wrappers[1..], &[]] {
                validate(&build(&subject, form, wrappers, &calls, &entry));
            }
        }
    }
}

#[test]
fn imports_from_spectest_become_definitions() {
    let text = "(module (import \"spectest\" \"print_i32\" (func (param i32))) (import \"spectest\" \"memory\" (memory 1))
        (import \"spectest\" \"global_i32\" (global $g i32)) (import \"spectest\" \"table\" (table 5 funcref))
        (global $h i32 (global.get $g)) (data (offset (global.get $g)) \"a\") (func $f (call 0 (global.get $h)))
        (elem (table 0) (offset (global.get $g)) func $f 0) (export \"print\" (func 0)))";
    let bytes = module(text);
    let subject = Subject::read(&bytes, &Entry::default()).unwrap();
    assert_eq!(subject.shares().collect::<Vec<_>>(), ["memory", "table"]);
    let built = build(&subject, Form::Whole, &[], &[], &Entry::default());
    // In 1.0, constant expressions cannot read defined globals.
    Validator::new_with_features(WasmFeatures::WASM1).validate_all(&built).unwrap();
    assert!(!imports_something(&built) && imports_something(&bytes));
}

#[test]
fn unsupported_imports_are_reported() {
    let linked = |text: &str| match Subject::read(&module(text), &Entry::default()) {
        Err(Unfit::Linked(why)) => why,
        other => panic!("{text}: {other:?}"),
    };
    assert!(linked("(module (import \"m\" \"f\" (func)))").contains("imports from `m`"));
    for import in [
        "\"print\" (func (param i32))",
        "\"print_i32\" (func (param i32) (result i32))",
        "\"memory\" (memory 2)",
        "\"memory\" (memory 1 1)",
        "\"memory\" (memory i64 1)",
        "\"table\" (table 1 externref)",
        "\"table\" (table 11 funcref)",
        "\"global_i32\" (global (mut i32))",
        "\"global_i32\" (global i64)",
        "\"no_such\" (func)",
        "\"print\" (tag)",
    ] {
        let why = linked(&format!("(module (import \"spectest\" {import}))"));
        assert!(why.contains("does not match spectest"), "{why}");
    }
    assert_eq!(Subject::read(b"\0asm\x01\0\0\0\x01\x09", &Entry::default()).unwrap_err(), Unfit::Unreadable);
    let (modules, wrappers) =
        modules("(module (func (export \"e\") (param externref))) (invoke \"e\" (ref.extern 1))");
    let subject = Subject::read(&modules[0], &Entry::default()).unwrap();
    assert!(Wrapper::read(&subject, &wrappers[0]).unwrap().needs_host());
}

#[test]
fn reduced_forms_omit_what_can_fail() {
    let bytes = module(
        "(module (memory 1) (table i64 1 funcref) (func $f (i32.load (i32.const -1)) drop) (start $f)
           (data (i32.const 65536) \"a\") (elem (table 0) (i64.const 7) func $f) (elem func $f) (data \"b\"))",
    );
    let entry = Entry::default();
    let subject = Subject::read(&bytes, &entry).unwrap();
    assert!(subject.has_start() && subject.changes());
    let text = |form| {
        let built = build(&subject, form, &[], &[], &entry);
        validate(&built);
        let mut sections = super::sections::split(&built).unwrap().into_iter();
        let has_start = sections.clone().any(|section| section.id == super::sections::id::START);
        let code = sections.find(|section| section.id == super::sections::id::CODE).unwrap();
        (has_start, code.body.len())
    };
    let (whole, still, hollow) = (text(Form::Whole), text(Form::Still), text(Form::Hollow));
    assert!(whole.0 && !still.0 && !hollow.0);
    assert!(whole.1 == still.1 && hollow.1 < still.1);
}

#[test]
fn an_invalid_module_stays_invalid_and_its_valid_part_is_valid() {
    let bytes = module("(module (func (export \"_start\") (result i32)) (func (unreachable)))");
    let entry = Entry::default();
    let subject = Subject::read(&bytes, &entry).unwrap();
    let valid = |form| {
        let built = build(&subject, form, &[], &[], &entry);
        super::is_valid(&built, "3.0".parse().unwrap())
    };
    assert_eq!([Form::Whole, Form::Still, Form::Hollow].map(valid), [false, false, true]);
    for entry in [Entry::default(), Entry::Start] {
        validate(&trivial(&entry));
        validate(&super::trapping(&entry));
    }
}

#[test]
fn an_error_that_an_addition_fixes_is_detected() {
    let features = "3.0".parse().unwrap();
    let hides = |text: &str| {
        let bytes = module(text);
        let subject = Subject::read(&bytes, &Entry::default()).unwrap();
        let whole = build(&subject, Form::Whole, &[], &[], &Entry::default());
        super::hides_fault(&bytes, &whole, features)
    };
    assert!(hides("(module (func) (export \"f\" (func 1)))"));
    assert!(!hides("(module (func) (export \"f\" (func 2)))"));
    assert!(!hides("(module (func) (export \"f\" (func 0)))"));
}
