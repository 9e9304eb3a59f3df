//! Host functions that keep state in the store, use the caller's memory, and fail with any error.

#![allow(clippy::disallowed_macros, clippy::unwrap_used, reason = "the example shows its results and errors")]

use std::error::Error;
use std::num::ParseIntError;

use wassay_engine::{Caller, Config, Engine, Extern, HostResult, Linker, Module, Store};

const MODULE: &str = r#"(module
    (import "sum" "add" (func $add (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "40")
    (data (i32.const 8) "2")
    (data (i32.const 16) "many")
    (func (export "good")
        (call $add (i32.const 0) (i32.const 2))
        (call $add (i32.const 8) (i32.const 1)))
    (func (export "bad") (call $add (i32.const 16) (i32.const 4))))"#;

/// What the host functions of one store share.
#[derive(Default)]
struct State {
    sum: i64,
    calls: u32,
}

/// Adds the number that the caller's memory contains as text.
fn add(mut caller: Caller<'_, State>, start: u32, length: u32) -> HostResult<()> {
    let memory = caller.export("memory").and_then(Extern::memory).ok_or("no memory is exported")?;
    let (bytes, state) = caller.memory_and_data(memory).ok_or("the memory is shared")?;
    let text = bytes.get(start as usize..).and_then(|bytes| bytes.get(..length as usize));
    state.calls += 1;
    state.sum += std::str::from_utf8(text.ok_or("out of bounds")?)?.parse::<i64>()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(&Config::new())?;
    let module = Module::new(&engine, &wat::parse_str(MODULE)?)?;
    let mut store = Store::with_data(&engine, State::default());
    let mut linker = Linker::new();
    linker.func_wrap(&mut store, "sum", "add", add)?;
    let instance = linker.instantiate(&mut store, &module)?;

    instance.get_typed_func::<(), ()>(&mut store, "good")?.call(&mut store, ())?;
    println!("the sum of {} numbers is {}", store.data().calls, store.data().sum);

    // The error comes back through the wasm code that called the host function.
    let error = instance.get_typed_func::<(), ()>(&mut store, "bad")?.call(&mut store, ()).unwrap_err();
    let is_parse = error.source().is_some_and(|source| source.is::<ParseIntError>());
    println!("error: {error} (a ParseIntError: {is_parse})");
    println!("{} calls", store.into_data().calls);
    Ok(())
}
