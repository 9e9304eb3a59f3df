//! Tests of modules that exceed the decoder's limits, which are neither malformed nor invalid (core
//! spec, appendix A.1), and of other limits.

#![allow(clippy::unwrap_used)]

mod common;

use common::{func, store};
use wassay_engine::{Compilation, Config, Engine, ErrorKind, HeapType, Linker, Module, Ref, Store, Val};

/// A module with `count` copies of a text.
fn module_of(before: &str, text: &str, count: usize, after: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {before}{}{after})", text.repeat(count))).unwrap()
}

/// A chain of types, each of which extends the previous one.
fn chain(depth: usize) -> Vec<u8> {
    let mut text = String::from("(module (type (sub (struct)))");
    for parent in 0..depth {
        text.push_str(&format!("(type (sub {parent} (struct)))"));
    }
    wat::parse_str(text + ")").unwrap()
}

#[test]
fn a_module_that_is_too_large_is_not_malformed() {
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
fn an_error_before_the_limit_is_reported_as_malformed() {
    let engine = Engine::new(&Config::new()).unwrap();
    let mut bytes = module_of("(func ", "(local i32)", 50_001, ")");
    // One local more than the binary format can count: a group with the maximum count, and another
    // group that overflows it.
    let body = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x0e\x01\x0c\x02\xff\xff\xff\xff\x0f\x7f\x02\x7e\x0b\x0b";
    let error = Module::new(&engine, body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    bytes.truncate(bytes.len() - 1);
    assert_eq!(Module::new(&engine, &bytes).unwrap_err().kind(), ErrorKind::Malformed);
}

/// An engine without Cranelift's verifier, which takes much longer than code generation.
fn unverified() -> Engine {
    Engine::new(&Config::new().verifier(false).compilation(Compilation::Eager)).unwrap()
}

/// A function with this many locals and blocks: each block adds 1 to one of the locals unless the
/// argument is 0. It returns their sum.
fn tangle(locals: usize, blocks: usize) -> Vec<u8> {
    let declared = "(local i32)".repeat(locals);
    let add = |block: usize| {
        let local = 1 + block % locals;
        format!(
            "(block (br_if 0 (i32.eqz (local.get 0)))
               (local.set {local} (i32.add (local.get {local}) (i32.const 1))))"
        )
    };
    let blocks: String = (0..blocks).map(add).collect();
    let sum: String = (1..=locals).map(|local| format!(" local.get {local} i32.add")).collect();
    let text = format!(
        "(module (func (export \"f\") (param i32) (result i32) {declared} {blocks} i32.const 0 {sum}))"
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn many_locals_in_many_blocks_are_kept_in_memory() {
    for (locals, blocks) in [(1_000, 5_000), (20_000, 20_000), (10, 50_000), (50_000 - 1, 100)] {
        let mut store = Store::new(&unverified());
        let module = Module::new(store.engine(), &tangle(locals, blocks)).unwrap();
        let instance = Linker::new().instantiate(&mut store, &module).unwrap();
        for (argument, sum) in [(1, blocks as i32), (0, 0)] {
            let results = func(&store, instance, "f").invoke(&mut store, &[Val::I32(argument)]).unwrap();
            assert_eq!(results, [Val::I32(sum)], "{locals} locals, {blocks} blocks");
        }
    }
}

/// A function with locals of every type, in loops and handlers, and other locals. If these are
/// many, the engine keeps all locals in memory.
fn every_type(others: usize) -> Vec<u8> {
    let padding: String = (0..others)
        .map(|n| format!("(block (br_if 0 (local.get $n)) (local.set {0} (local.get {0})))", 7 + n % 1000))
        .collect();
    let uses: String = (0..others.min(1000)).map(|n| format!("(drop (local.get {}))", 7 + n)).collect();
    let text = format!(
        "(module (tag $t (param i32)) (func $throw (param i32) (throw $t (local.get 0)))
           (func (export \"f\") (param $n i32) (param $i i64) (param $f f32) (param $d f64) (param $r externref)
             (result i64 f32 f64 externref i32 i32)
             (local $v v128) (local $null funcref) {locals}
             {padding} {uses}
             (local.set $v (i32x4.splat (local.get $n)))
             (loop $again
               (local.set $i (i64.add (local.get $i) (i64.const 2)))
               (local.set $f (f32.add (local.get $f) (f32.const 0.5)))
               (local.set $d (f64.sub (local.get $d) (f64.const 0.25)))
               (local.set $v (i32x4.add (local.get $v) (local.get $v)))
               (block $caught (result i32)
                 (try_table (catch $t $caught) (call $throw (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                 (unreachable))
               (br_if $again))
             (local.get $i) (local.get $f) (local.get $d) (local.get $r)
             (i32x4.extract_lane 3 (local.get $v)) (ref.is_null (local.get $null))))",
        locals = "(local i32)".repeat(1000)
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn locals_of_every_type_behave_the_same_in_memory() {
    let mut all = Vec::new();
    for others in [0, 5_000] {
        let mut store = store();
        let module = Module::new(store.engine(), &every_type(others)).unwrap();
        let instance = Linker::new().instantiate(&mut store, &module).unwrap();
        let arguments = [
            Val::I32(5),
            Val::I64(-7),
            Val::F32(1.5f32.to_bits()),
            Val::F64(2.0f64.to_bits()),
            Val::Ref(Ref::Null(HeapType::Extern)),
        ];
        let results = func(&store, instance, "f").invoke(&mut store, &arguments).unwrap();
        all.push(format!("{results:?}"));
        assert_eq!(results[0], Val::I64(3));
        assert_eq!(results[4..], [Val::I32(5 << 5), Val::I32(1)]);
    }
    assert_eq!(all[0], all[1]);
}

#[test]
fn the_operands_of_branches_are_limited_within_one_instruction() {
    let thousand = |word: &str| format!("{word} ").repeat(1000);
    let values = "i32.const 0 ".repeat(1001);
    let labels: String = (0..20_000).map(|label| format!("{label} ")).collect();
    let (results, params) = (format!("(result {})", thousand("i32")), format!("(param {})", thousand("i32")));
    let drops = "drop ".repeat(1000);
    let table = format!(
        "(module (type $t (func {results})) (func {} {values} br_table {labels} 0 {} {drops}))",
        "block (type $t) ".repeat(20_000),
        "end ".repeat(20_000),
    );
    let ifs = format!(
        "(module (type $t (func {params} {results})) (func {values} {} drop {} {drops}))",
        "if (type $t) i32.const 0 ".repeat(20_000),
        "end ".repeat(20_000),
    );
    let engine = Engine::new(&Config::new().compilation(Compilation::Eager)).unwrap();
    for text in [table, ifs] {
        let bytes = wat::parse_str(text).unwrap();
        Module::validate(&engine, &bytes).unwrap();
        let error = Module::new(&engine, &bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }
}

#[test]
fn compile_time_is_linear_in_the_nesting_of_blocks() {
    let nested = |open: &str, inside: &str, close: &str, depth: usize| {
        let text =
            format!("(module (func (param i32) {} {inside} {}))", open.repeat(depth), close.repeat(depth));
        wat::parse_str(text).unwrap()
    };
    let outwards: String = (0..20_000).map(|label| format!("local.get 0 br_if {label} ")).collect();
    let engine = unverified();
    for bytes in [
        nested("block ", &outwards, "end ", 20_000),
        nested("loop ", "", "local.get 0 br_if 0 end ", 20_000),
        nested("local.get 0 if ", "", "end ", 20_000),
        nested("try_table (catch_all 0) ", "local.get 0 call 0", "end ", 20_000),
    ] {
        Module::new(&engine, &bytes).unwrap();
    }
}

/// A store with this total limit in bytes.
fn store_of(max_bytes: u64) -> Store {
    Store::new(&Engine::new(&Config::new().max_bytes(max_bytes)).unwrap())
}

#[test]
fn memories_tables_and_objects_share_a_budget() {
    let module = "(module (memory (export \"m\") 8) (table $t 50000 funcref) (type $a (array (mut i8)))
        (func (export \"table\") (result i32) (table.grow $t (ref.null func) (i32.const 50000)))
        (func (export \"memory\") (result i32) (memory.grow (i32.const 8)))
        (func (export \"object\") (drop (array.new_default $a (i32.const 400000)))))";
    let mut store = store_of(1 << 20);
    let module = Module::new(store.engine(), &wat::parse_str(module).unwrap()).unwrap();
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    for name in ["table", "memory"] {
        assert_eq!(func(&store, instance, name).invoke(&mut store, &[]).unwrap(), [Val::I32(-1)], "{name}");
    }
    let error = func(&store, instance, "object").invoke(&mut store, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    // Rejected allocations are not charged.
    assert_eq!(Linker::new().instantiate(&mut store, &module).unwrap_err().kind(), ErrorKind::Limit);
    let small = Module::new(store.engine(), &wat::parse_str("(module (memory 1))").unwrap()).unwrap();
    Linker::new().instantiate(&mut store, &small).unwrap();
}

#[test]
fn stores_created_by_beside_share_a_budget() {
    let first = store_of(1 << 20);
    let (mut second, mut third) = (Store::sharing_limit(&first), Store::sharing_limit(&first));
    let module = Module::new(first.engine(), &wat::parse_str("(module (memory 10))").unwrap()).unwrap();
    Linker::new().instantiate(&mut second, &module).unwrap();
    assert_eq!(Linker::new().instantiate(&mut third, &module).unwrap_err().kind(), ErrorKind::Limit);
    drop(second);
    Linker::new().instantiate(&mut third, &module).unwrap();
}
