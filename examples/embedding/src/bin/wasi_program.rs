//! Runs a WASI program with arguments, a read-only directory and captured output.
//!
//! `wasi_program FILE DIR [ARGUMENT]...` runs a program of your own, which sees DIR as `/data`.
//! Without arguments it runs a small one that prints the name of its directory.

#![allow(clippy::disallowed_macros, reason = "the example shows its results")]

use std::error::Error;
use std::path::Path;

use wassay_engine::{Config, Engine, Linker, Module, Store};
use wassay_wasi::{Access, Capture, Exit, WasiCtx, add_to_linker};

/// Prints the name of descriptor 3, the directory, or exits with code 1 if there is none.
const PROGRAM: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_prestat_dir_name"
        (func $name (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    ;; The buffer to write: address 32, 16 bytes.
    (data (i32.const 0) "\20\00\00\00\10\00\00\00")
    (data (i32.const 32) "I can see .....\n")
    (func (export "_start")
        (if (call $name (i32.const 3) (i32.const 42) (i32.const 5)) (then (call $exit (i32.const 1))))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (bytes, directory) = match (arguments.next(), arguments.next()) {
        (Some(file), Some(directory)) => (std::fs::read(file)?, directory),
        _ => (PROGRAM.as_bytes().to_vec(), std::env::temp_dir().into_os_string()),
    };

    let engine = Engine::new(&Config::new())?;
    let module = Module::new(&engine, &wat::parse_bytes(&bytes)?)?;
    let output = Capture::new(1 << 20);
    let context = WasiCtx::builder()
        .arg("program")
        .args(arguments)
        .preopen(Path::new(&directory), "/data", Access::ReadOnly)?
        .capture_stdout(&output)
        .inherit_stderr()
        .build()?;
    // State of your own can be beside the context: see `add_to_linker`.
    let mut store = Store::with_data(&engine, context);
    let mut linker = Linker::new();
    add_to_linker(&mut store, &mut linker)?;

    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    // A program that calls `proc_exit` does not return: the error contains its exit code.
    let code = match start.call(&mut store, ()) {
        Ok(()) => 0,
        Err(error) => error.into_payload::<Exit>()?.code(),
    };
    print!("{}", String::from_utf8_lossy(&output.take()));
    println!("exit code {code}");
    Ok(())
}
