//! Benchmarks of the engine: compilation, entering and leaving compiled code, traps, host calls.
//!
//! `cargo bench -p wassay-engine`; `docs/performance.md` has results with their date and machine.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wassay_engine::{
    Compilation, Config, Engine, Extern, Func, FuncType, HashedBytes, Linker, Module, Precompiled, Store,
    TrustedFile, Val, ValType,
};

/// A module with `functions` functions of about `operators` operators each.
fn module(functions: usize, operators: usize) -> Vec<u8> {
    let mut text = String::from("(module (memory 1)");
    for function in 0..functions {
        write!(text, "(func (export \"f{function}\") (param i32 i32) (result i32) (local i32) (local.get 0)")
            .unwrap();
        for operator in 0..operators / 4 {
            match operator % 3 {
                0 => text.push_str("(i32.add (local.get 1)) (local.tee 2) (i32.const 7) (i32.xor)"),
                1 => text.push_str("(i32.load (i32.and (i32.const 0xfffc)))"),
                _ => text.push_str("(i32.mul (local.get 2)) (i32.const 3) (i32.rotl)"),
            }
        }
        text.push(')');
    }
    text.push(')');
    wat::parse_str(text).unwrap()
}

fn compile(c: &mut Criterion) {
    let config = Config::new().verifier(false).compilation(Compilation::Eager);
    let engine = Engine::new(&config).unwrap();
    let mut group = c.benchmark_group("compile");
    for (functions, operators) in [(1, 4), (1, 64), (100, 64), (100, 400)] {
        let bytes = module(functions, operators);
        group.throughput(Throughput::Elements(functions as u64));
        group.bench_function(format!("{functions} functions of {operators} operators"), |b| {
            b.iter(|| Module::new(&engine, black_box(&bytes)).unwrap());
        });
    }
    group.finish();
}

/// A module whose functions are compiled when they are called, and calls by a slot and directly.
fn lazy(c: &mut Criterion) {
    let config = Config::new().verifier(false).compilation(Compilation::Lazy);
    let engine = Engine::new(&config).unwrap();
    let bytes = module(100, 64);
    c.bench_function("load 100 functions of 64 operators, lazy", |b| {
        b.iter(|| Module::new(&engine, black_box(&bytes)).unwrap());
    });
    let small = module(1, 4);
    c.bench_function("load, instantiate and first call of a function of 4 operators, lazy", |b| {
        b.iter(|| {
            let module = Module::new(&engine, black_box(&small)).unwrap();
            let mut store = Store::new(&engine);
            let instance = Linker::new().instantiate(&mut store, &module).unwrap();
            let Some(Extern::Func(f)) = instance.export(&store, "f0") else { panic!("f0 is exported") };
            f.invoke(&mut store, &[Val::I32(1), Val::I32(2)]).unwrap()
        });
    });
    let text = "(module (func $before (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func $after (param i32) (result i32) (i32.add (local.get 0) (i32.const 2)))
        (func (export \"prepare\") (drop (call $before (i32.const 0))))
        (func (export \"direct\") (param i32) (result i32) (local i32)
          (loop (local.set 1 (call $before (local.get 1)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))
        (func (export \"slot\") (param i32) (result i32) (local i32)
          (loop (local.set 1 (call $after (local.get 1)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)))";
    let mut store = Store::new(&engine);
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let func = |store: &Store, name: &str| match instance.export(store, name) {
        Some(Extern::Func(func)) => func,
        _ => panic!("{name} is exported"),
    };
    func(&store, "prepare").invoke(&mut store, &[]).unwrap();
    for (name, called) in [("direct", "directly"), ("slot", "through a slot")] {
        let f = func(&store, name);
        c.bench_function(&format!("1000 calls {called}"), |b| {
            b.iter(|| f.invoke(&mut store, &[Val::I32(1000)]).unwrap());
        });
    }
}

/// A module with code of an earlier run: creating it, and the first call of a function.
fn stored(c: &mut Criterion) {
    let engine = Engine::new(&Config::new().verifier(false)).unwrap();
    let run = |module: &Module| {
        let mut store = Store::new(&engine);
        let instance = Linker::new().instantiate(&mut store, module).unwrap();
        for export in module.exports() {
            let Some(Extern::Func(f)) = instance.export(&store, export.name) else { continue };
            f.invoke(&mut store, &[Val::I32(1), Val::I32(2)]).unwrap();
        }
    };
    let mut group = c.benchmark_group("create, instantiate and call each function once");
    for (functions, operators) in [(1, 4), (100, 64), (100, 400)] {
        let bytes = module(functions, operators);
        let hashed = || HashedBytes::new(bytes.clone());
        let first = Module::with_code(&engine, hashed(), None).unwrap();
        run(&first);
        let object = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&object, first.object(None).unwrap().unwrap()).unwrap();
        let open = || {
            let file = std::fs::File::open(&object).unwrap();
            #[expect(unsafe_code, reason = "the file was written above")]
            // SAFETY: the engine wrote the file, and only this process knows it.
            Precompiled::open(unsafe { TrustedFile::new(file) }).unwrap()
        };
        group.throughput(Throughput::Elements(functions as u64));
        group.bench_function(format!("{functions} functions of {operators} operators, compiled"), |b| {
            b.iter(|| run(&Module::new(&engine, &bytes).unwrap()));
        });
        group.bench_function(format!("{functions} functions of {operators} operators, stored"), |b| {
            b.iter(|| run(&Module::with_code(&engine, hashed(), Some(open())).unwrap()));
        });
    }
    group.finish();
}

fn instantiate(c: &mut Criterion) {
    let engine = Engine::new(&Config::new().verifier(false)).unwrap();
    let module = Module::new(&engine, &module(10, 16)).unwrap();
    c.bench_function("instantiate with a memory, in a fresh store", |b| {
        b.iter(|| Linker::new().instantiate(&mut Store::new(&engine), black_box(&module)).unwrap());
    });
}

fn call(c: &mut Criterion) {
    let engine = Engine::new(&Config::new().verifier(false)).unwrap();
    let mut store = Store::new(&engine);
    let mut linker = Linker::new();
    let host = Func::alloc(&mut store, FuncType::new([ValType::I32], [ValType::I32]), |_, args, results| {
        results[0] = args[0].clone();
        Ok(())
    });
    linker.define("h", "f", Extern::Func(host.unwrap())).unwrap();
    let text = "(module (import \"h\" \"f\" (func $h (param i32) (result i32)))
        (func (export \"empty\")) (func (export \"trap\") unreachable)
        (func (export \"divide\") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
        (func (export \"host\") (param i32) (loop (drop (call $h (i32.const 1)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))";
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let func = |name: &str| match instance.export(&store, name) {
        Some(Extern::Func(func)) => func,
        _ => panic!("{name} is exported"),
    };
    let (empty, trap, divide, host) = (func("empty"), func("trap"), func("divide"), func("host"));
    c.bench_function("enter and return", |b| b.iter(|| empty.invoke(&mut store, &[]).unwrap()));
    c.bench_function("enter and trap by unreachable", |b| {
        b.iter(|| trap.invoke(&mut store, &[]).unwrap_err())
    });
    c.bench_function("enter and trap by a division", |b| {
        b.iter(|| divide.invoke(&mut store, &[Val::I32(0)]).unwrap_err());
    });
    c.bench_function("1000 host calls", |b| b.iter(|| host.invoke(&mut store, &[Val::I32(1000)]).unwrap()));
}

/// `memory.copy` to another range and to an overlapping range from below, in an unshared and a
/// shared memory.
fn copy(c: &mut Criterion) {
    let engine = Engine::new(&Config::new().verifier(false)).unwrap();
    let mut group = c.benchmark_group("memory.copy");
    for (name, memory) in [("own", "64"), ("shared", "64 64 shared")] {
        let text = format!(
            "(module (memory {memory}) (func (export \"f\") (param i32 i32 i32)
            (memory.copy (local.get 0) (local.get 1) (local.get 2))))"
        );
        let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        let mut store = Store::new(&engine);
        let instance = Linker::new().instantiate(&mut store, &module).unwrap();
        let Some(Extern::Func(f)) = instance.export(&store, "f") else { panic!("f is exported") };
        for (length, target) in [(16, 0), (4096, 0), (1 << 20, 0), (1 << 20, (1 << 21) + 64)] {
            let args = [Val::I32(target), Val::I32(1 << 21), Val::I32(length)];
            group.throughput(Throughput::Bytes(length as u64));
            group.bench_function(format!("{name}, {length} bytes to {target:#x}"), |b| {
                b.iter(|| f.invoke(&mut store, &args).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, compile, lazy, stored, instantiate, call, copy);
criterion_main!(benches);
