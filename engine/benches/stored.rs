//! Benchmarks of code of earlier runs: what the code cache saves, and what it costs.
//!
//! `cargo bench -p wassay-engine --bench stored`

#![allow(clippy::unwrap_used, missing_docs, unsafe_code)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use wassay_engine::{
    Config, Engine, Extern, HashedBytes, Linker, Module, Precompiled, Store, TrustedFile, Val,
};

/// The number of functions of the module.
const FUNCTIONS: usize = 1000;

/// A module whose exported function calls all others, which have some sixty operators each.
fn bytes() -> Vec<u8> {
    let step = "(local.set 0 (i32.xor (i32.mul (local.get 0) (i32.const 31))
        (i32.load (i32.and (local.get 0) (i32.const 0xfffc)))))";
    let mut text = String::from("(module (memory 1)");
    for number in 0..FUNCTIONS {
        let (body, last) = (step.repeat(8), "(i32.add (local.get 0) (i32.const 1))");
        write!(text, "(func $f{number} (param i32) (result i32) {body} {last})").unwrap();
    }
    text.push_str("(func (export \"run\") (param i32) (result i32)");
    for number in 0..FUNCTIONS {
        write!(text, "(local.set 0 (call $f{number} (local.get 0)))").unwrap();
    }
    wat::parse_str(text + "(local.get 0)))").unwrap()
}

fn engine() -> Engine {
    Engine::new(&Config::new().verifier(false).speculation(false)).unwrap()
}

fn open(path: &Path) -> Precompiled {
    // SAFETY: this process wrote the file into a folder of its own.
    let file = unsafe { TrustedFile::new(File::open(path).unwrap()) };
    Precompiled::open(file).unwrap()
}

/// Calls the exported function in a new instance.
fn run(engine: &Engine, module: &Module) {
    let mut store = Store::new(engine);
    let instance = Linker::new().instantiate(&mut store, module).unwrap();
    let Some(Extern::Func(run)) = instance.export(&store, "run") else { panic!("run is exported") };
    run.invoke(&mut store, &[Val::I32(1)]).unwrap();
}

/// The parts of a start: with code in a file, and without.
fn start(c: &mut Criterion) {
    let bytes = bytes();
    let engine = engine();
    let module = Module::with_code(&engine, HashedBytes::new(bytes.clone()), None).unwrap();
    run(&engine, &module);
    let object = module.object(None).unwrap().unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&object).unwrap();

    let mut group = c.benchmark_group("a module of 1000 functions");
    group.bench_function("hash the module", |b| {
        b.iter_batched(|| bytes.clone(), HashedBytes::new, BatchSize::LargeInput);
    });
    group.bench_function("open the file", |b| b.iter(|| open(file.path())));
    group.bench_function("create the module, with code", |b| {
        let inputs = || (HashedBytes::new(bytes.clone()), open(file.path()));
        let create = |(bytes, code)| Module::with_code(&engine, bytes, Some(code)).unwrap();
        b.iter_batched(inputs, create, BatchSize::PerIteration);
    });
    group.bench_function("create the module, without", |b| {
        let create = |bytes| Module::with_code(&engine, bytes, None).unwrap();
        b.iter_batched(|| HashedBytes::new(bytes.clone()), create, BatchSize::PerIteration);
    });
    let with_code =
        || Module::with_code(&engine, HashedBytes::new(bytes.clone()), Some(open(file.path()))).unwrap();
    let call = |module: Module| {
        run(&engine, &module);
        module
    };
    group.bench_function("load all functions, each when it is called", |b| {
        b.iter_batched(with_code, call, BatchSize::PerIteration);
    });
    let without = || Module::new(&engine, &bytes).unwrap();
    group.bench_function("compile all functions, each when it is called", |b| {
        b.iter_batched(without, call, BatchSize::PerIteration);
    });
    group.bench_function("create the file", |b| b.iter(|| module.object(None).unwrap().unwrap()));
    group.finish();
}

/// From the settings to a running function, as in a new process.
fn new_engine(c: &mut Criterion) {
    let bytes = wat::parse_str("(module (func (export \"run\") (param i32) (result i32) (local.get 0)))");
    let bytes = bytes.unwrap();
    let first = engine();
    let module = Module::with_code(&first, HashedBytes::new(bytes.clone()), None).unwrap();
    run(&first, &module);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&module.object(None).unwrap().unwrap()).unwrap();
    let mut group = c.benchmark_group("an engine and a module of one function");
    group.bench_function("with code", |b| {
        b.iter(|| {
            let engine = engine();
            let hashed = HashedBytes::new(bytes.clone());
            run(&engine, &Module::with_code(&engine, hashed, Some(open(file.path()))).unwrap());
        });
    });
    group.bench_function("without", |b| {
        b.iter(|| {
            let engine = engine();
            run(&engine, &Module::new(&engine, &bytes).unwrap());
        });
    });
    group.finish();
}

criterion_group!(benches, start, new_engine);
criterion_main!(benches);
