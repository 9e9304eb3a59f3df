//! Compiles a module, calls a function of it with Rust's types, and reads its memory.

#![allow(clippy::disallowed_macros, clippy::unwrap_used, reason = "the example shows its results and errors")]

use std::error::Error;

use wassay_engine::{Config, Engine, Linker, Module, Store};

const MODULE: &str = r#"(module
    (memory (export "memory") 1)
    (data (i32.const 16) "greetings from wasm")
    (func (export "gcd") (param $a i32) (param $b i32) (result i32)
        (local $rest i32)
        (loop $next
            (if (i32.eqz (local.get $b)) (then (return (local.get $a))))
            (local.set $rest (i32.rem_u (local.get $a) (local.get $b)))
            (local.set $a (local.get $b))
            (local.set $b (local.get $rest))
            (br $next))
        (unreachable))
    (func (export "text") (result i32 i32) (i32.const 16) (i32.const 19)))"#;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(&Config::new())?;
    let module = Module::new(&engine, &wat::parse_str(MODULE)?)?;
    let mut store = Store::new(&engine);
    let instance = Linker::new().instantiate(&mut store, &module)?;

    let gcd = instance.get_typed_func::<(u32, u32), u32>(&mut store, "gcd")?;
    println!("gcd(1071, 462) = {}", gcd.call(&mut store, (1071, 462))?);

    // A function with another type is refused here, not when it is called.
    let wrong = instance.get_typed_func::<f64, f64>(&mut store, "gcd").unwrap_err();
    println!("error: {wrong}");

    let text = instance.get_typed_func::<(), (u32, u32)>(&mut store, "text")?;
    let (start, length) = text.call(&mut store, ())?;
    let memory = instance.get_memory(&store, "memory").ok_or("no memory is exported")?;
    let mut bytes = vec![0; length as usize];
    memory.read(&store, start.into(), &mut bytes)?;
    println!("{}", String::from_utf8(bytes)?);
    Ok(())
}
