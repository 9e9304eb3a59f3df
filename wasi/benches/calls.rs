//! What calls of a guest cost: 1000 of each in a loop.
//!
//! `cargo bench -p wassay-wasi`; compare with another version in one run, on an idle machine.

#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use wassay_engine::{Config, Engine, Linker, Module, Store};
use wassay_wasi::{WasiCtx, add_to_linker};

/// A function and its arguments. Memory is zero but for a buffer of 8 bytes at 128, described at 8.
const CALLS: [(&str, &str, &str); 6] = [
    ("args_sizes_get", "i32 i32", "(i32.const 32) (i32.const 36)"),
    ("clock_time_get", "i32 i64 i32", "(i32.const 1) (i64.const 0) (i32.const 32)"),
    ("fd_fdstat_get", "i32 i32", "(i32.const 1) (i32.const 32)"),
    ("fd_read", "i32 i32 i32 i32", "(i32.const 0) (i32.const 8) (i32.const 1) (i32.const 32)"),
    ("fd_write", "i32 i32 i32 i32", "(i32.const 1) (i32.const 8) (i32.const 1) (i32.const 32)"),
    ("proc_raise", "i32", "(i32.const 0)"),
];

fn calls(c: &mut Criterion) {
    let engine = Engine::new(&Config::new().verifier(false)).unwrap();
    for (name, params, arguments) in CALLS {
        let text = format!(
            r#"(module
            (import "wasi_snapshot_preview1" "{name}" (func $call (param {params}) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 8) "\80\00\00\00\08\00\00\00")
            (func (export "run") (local $left i32)
                (local.set $left (i32.const 1000))
                (loop $next
                    (if (call $call {arguments}) (then (unreachable)))
                    (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#
        );
        let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        let context = WasiCtx::builder().arg("bench").build().unwrap();
        let (mut store, mut linker) = (Store::with_data(&engine, context), Linker::new());
        add_to_linker(&mut store, &mut linker).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
        c.bench_function(&format!("1000 calls of {name}"), |b| b.iter(|| run.call(&mut store, ()).unwrap()));
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);
