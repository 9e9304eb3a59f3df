//! Modules by number. No two of them have a type in common.

use wassay_engine::{
    Config, Engine, Extern, Features, Func, FuncType, Global, GlobalType, Linker, Module, Mutability,
    RefType, Store, Table, TableType, Tag, Val, ValType,
};

use super::func;

/// The value types in lists.
const VALUES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

/// A unique list of value types for each number, and its representation in the text format.
pub(crate) fn list(mut number: usize) -> (Vec<ValType>, String) {
    let mut types = Vec::new();
    loop {
        types.push(VALUES[number % 4]);
        number /= 4;
        if number == 0 {
            break;
        }
        number -= 1;
    }
    let text: Vec<String> = types.iter().map(ToString::to_string).collect();
    (types, text.join(" "))
}

/// A module whose types are unique for its number: functions, structures, arrays, a recursive
/// group, a tag, and imports of each kind.
pub(crate) fn module(number: usize) -> String {
    let (_, list) = list(number);
    format!(
        r#"(module
          (type $f (func (param {list}) (result i32)))
          (rec (type $s (sub (struct (field (ref null $a)) (field (ref null $f)))))
               (type $a (array (mut (ref null $s)))))
          (type $t (sub $s (struct (field (ref null $a)) (field (ref null $f)) (field i64))))
          (type $e (func (param {list} (ref null $s))))
          (import "host{number}" "f" (func $host (type $f)))
          (import "host{number}" "g" (global i32))
          (import "host{number}" "t" (table 1 externref))
          (import "host{number}" "e" (tag (param {list})))
          (tag $tag (type $e))
          (global $g (mut (ref null $s)) (ref.null $s))
          (table $own 2 (ref null $f))
          (elem (table $own) (i32.const 0) (ref null $f) (ref.func $callee))
          (memory 1)
          (data (i32.const 0) "module {number}")
          (func $callee (type $f) (i32.const {number}))
          (func (export "run") (param {list}) (result i32)
            (global.set $g (struct.new $t
              (array.new $a (global.get $g) (i32.const 3)) (ref.func $callee) (i64.const 1)))
            (drop (ref.cast (ref $t) (global.get $g)))
            (i32.add
              (call $host {gets})
              (call_indirect $own (type $f) {gets} (i32.const 0)))))"#,
        gets = (0..list.split(' ').count()).map(|local| format!("(local.get {local})")).collect::<String>(),
    )
}

fn zero(ty: &ValType) -> Val {
    Val::default_of(*ty).unwrap()
}

/// Compiles, links, runs and drops the module with this number and its host definitions.
pub(crate) fn run(engine: &Engine, number: usize) {
    let (mut store, run, arguments) = link(engine, number);
    assert_eq!(run.invoke(&mut store, &arguments).unwrap(), [Val::I32(number as i32 + 1)]);
    store.collect().unwrap();
}

/// A store with the module with this number, the function to call, and its arguments.
pub(crate) fn link(engine: &Engine, number: usize) -> (Store, Func, Vec<Val>) {
    let module = Module::new(engine, &wat::parse_str(module(number)).unwrap()).unwrap();
    let mut store = Store::new(engine);
    let (params, _) = list(number);
    let ty = FuncType::new(params.iter().copied(), [ValType::I32]);
    let host = Func::alloc(&mut store, ty, |_, _, results| {
        results[0] = Val::I32(1);
        Ok(())
    });
    let tag = Tag::alloc(&mut store, &FuncType::new(params.iter().copied(), [])).unwrap();
    let ty = GlobalType { content: ValType::I32, mutability: Mutability::Const };
    let global = Global::alloc(&mut store, ty, Val::I32(1)).unwrap();
    let null = Val::default_of(ValType::EXTERNREF).unwrap();
    let Val::Ref(null) = null else { panic!("a reference") };
    let table = Table::alloc(&mut store, TableType::new(RefType::EXTERNREF, 1, None), null).unwrap();
    let mut linker = Linker::new();
    let name = format!("host{number}");
    for (field, thing) in [
        ("f", Extern::Func(host.unwrap())),
        ("g", Extern::Global(global)),
        ("t", Extern::Table(table)),
        ("e", Extern::Tag(tag)),
    ] {
        linker.define(&name, field, thing);
    }
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = func(&store, instance, "run");
    (store, run, params.iter().map(zero).collect())
}

/// An engine with fast compilation.
pub(crate) fn engine() -> Engine {
    Engine::new(&Config::new().features(Features::V3).verifier(false).optimize(false)).unwrap()
}
