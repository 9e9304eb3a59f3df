//! Measures the writable memory of engines, which `ulimit -d` and strict overcommit accounting
//! limit.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::{func, instantiate};
use wassay_engine::{Config, Engine, Features, Linker, Store};

/// The size of the process's private writable mappings in bytes.
fn writable() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

#[test]
fn engines_use_little_writable_memory() {
    let before = writable();
    let config = Config::new().features(Features::V3);
    let first = Engine::new(&config).unwrap();
    let one = writable() - before;
    assert!(one < 20 << 20, "the first engine uses {one} bytes");
    let others: Vec<Engine> = (0..50).map(|_| Engine::new(&config).unwrap()).collect();
    let each = (writable() - before - one) / others.len();
    assert!(each < 1 << 20, "each further engine uses {each} bytes");
    // With code, a memory and objects.
    let mut store = Store::new(&first);
    let text = r#"(module (type $s (struct (field i32))) (memory 1)
        (func (export "f") (drop (struct.new $s (i32.load (i32.const 0))))))"#;
    let instance = instantiate(&mut store, &Linker::new(), text);
    func(&store, instance, "f").invoke(&mut store, &[]).unwrap();
    let all = writable() - before - each * others.len();
    assert!(all < 20 << 20, "an engine with running code uses {all} bytes");
}
