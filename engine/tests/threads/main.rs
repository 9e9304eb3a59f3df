//! Tests of shared memories on several threads, each with a store of its own (threads proposal).

// The tests print their results.
#![allow(clippy::disallowed_macros)]
#![allow(clippy::unwrap_used)]

mod accesses;
mod litmus;
mod memories;
mod waiting;

use std::thread;
use std::time::{Duration, Instant};

use wassay_engine::{
    Config, Engine, Error, Extern, Instance, Linker, Memory, MemoryType, Module, SharedMemory, Store, Val,
};

/// An engine with guard pages, and one with bounds checks.
fn engines() -> [Engine; 2] {
    [true, false].map(|guard_pages| Engine::new(&Config::new().guard_pages(guard_pages)).unwrap())
}

fn shared_type(min: u64, max: u64) -> MemoryType {
    MemoryType { shared: true, ..MemoryType::new(min, Some(max)) }
}

/// The state of a thread: an instance of a module that imports the memory `h.m`, in a store of its
/// own.
struct Agent {
    store: Store,
    instance: Instance,
}

impl Agent {
    fn new(engine: &Engine, shared: &SharedMemory, text: &str) -> Agent {
        let mut store = Store::new(engine);
        // A test that hangs fails.
        store.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
        let memory = Memory::from_shared(&mut store, shared);
        let mut linker = Linker::new();
        linker.define("h", "m", Extern::Memory(memory));
        let module = Module::new(engine, &wat::parse_str(text).unwrap()).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Agent { store, instance }
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, Error> {
        let Some(Extern::Func(func)) = self.instance.export(&self.store, name) else {
            panic!("`{name}` is exported")
        };
        func.invoke(&mut self.store, args)
    }

    /// Calls a function with `i32` parameters and one result.
    fn call32(&mut self, name: &str, args: &[i32]) -> i32 {
        let args: Vec<Val> = args.iter().map(|arg| Val::I32(*arg)).collect();
        match self.call(name, &args).unwrap()[..] {
            [Val::I32(result)] => result,
            ref other => panic!("`{name}` returned {other:?}"),
        }
    }
}

/// Runs `threads` agents at the same time, each with a function that gets its number.
fn run_agents<T: Send>(
    (engine, shared, text): (&Engine, &SharedMemory, &str),
    threads: i32,
    run: impl Fn(Agent, i32) -> T + Sync,
) -> Vec<T> {
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || run(Agent::new(engine, shared, text), number)))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn read32(shared: &SharedMemory, address: u64) -> u32 {
    let mut bytes = [0; 4];
    shared.read(address, &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

/// A module with a function for each operation.
const ONE_THING: &str = r#"(module (memory (import "h" "m") 1 4 shared)
    (func (export "wait32") (param i32 i32 i64) (result i32)
      (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait64") (param i32 i64 i64) (result i32)
      (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "notify") (param i32 i32) (result i32)
      (memory.atomic.notify (local.get 0) (local.get 1)))
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "run-until-grown") (param i32)
      (loop $again (br_if $again (i32.eq (memory.size) (local.get 0)))) (i32.store8 (i32.const 65536) (i32.const 7)))
    (func (export "load-until-grown") (param i32) (result i32)
      (loop $again (br_if $again (i32.eqz (i32.atomic.load (i32.const 0))))) (i32.load8_u (i32.const 65536))))"#;
