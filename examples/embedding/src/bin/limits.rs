//! Limits what untrusted code may use: memory, objects, the stack, and time.

#![allow(clippy::disallowed_macros, clippy::unwrap_used, reason = "the example shows its results and errors")]

use std::error::Error;
use std::time::{Duration, Instant};

use wassay_engine::{Config, Engine, ErrorKind, Linker, Module, Store, StoreLimits};

const MODULE: &str = r#"(module
    (memory (export "memory") 1)
    (type $list (struct (field (ref null $list)) (field v128 v128 v128 v128)))
    (global $list (mut (ref null $list)) (ref.null $list))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "allocate")
        (loop $more
            (global.set $list (struct.new $list (global.get $list)
                (v128.const i64x2 0 0) (v128.const i64x2 0 0)
                (v128.const i64x2 0 0) (v128.const i64x2 0 0)))
            (br $more)))
    (func $recurse (export "recurse") (call $recurse))
    (func (export "spin") (loop $forever (br $forever))))"#;

fn main() -> Result<(), Box<dyn Error>> {
    let limits = StoreLimits { memory_bytes: 1 << 20, heap_bytes: 16 << 20, ..StoreLimits::default() };
    let engine = Engine::new(&Config::new().limits(limits).max_stack(256 << 10))?;
    let module = Module::new(&engine, &wat::parse_str(MODULE)?)?;
    let mut store = Store::new(&engine);
    let instance = Linker::new().instantiate(&mut store, &module)?;

    // As the specification has it, `memory.grow` returns -1 if it fails. A page has 64 KiB.
    let grow = instance.get_typed_func::<u32, i32>(&mut store, "grow")?;
    println!("grow by 15 pages: {}", grow.call(&mut store, 15)?);
    println!("grow by one more: {}", grow.call(&mut store, 1)?);

    for name in ["allocate", "recurse"] {
        let error = instance.get_typed_func::<(), ()>(&mut store, name)?.call(&mut store, ()).unwrap_err();
        println!("{name}: {error}");
    }

    let start = Instant::now();
    store.set_deadline(Some(start + Duration::from_millis(50)));
    let error = instance.get_typed_func::<(), ()>(&mut store, "spin")?.call(&mut store, ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    println!("spin: {error}, after at least 50 ms: {}", start.elapsed() >= Duration::from_millis(50));

    // The code was interrupted anywhere, so that nothing of this store runs any more.
    let after = grow.call(&mut store, 0).unwrap_err();
    println!("grow: {after}");
    Ok(())
}
