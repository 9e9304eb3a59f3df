//! Tests of frames larger than a guard page: recursion exhausts any stack without skipping the
//! guard page.

#![allow(clippy::unwrap_used)]

mod common;

use common::{func, instantiate};
use wassay_engine::{Config, Engine, ErrorKind, Linker, Store, Val};

/// A function that calls itself without end: with this many live vectors for the argument 0, and
/// without any for other arguments.
fn recursion(vectors: usize) -> String {
    let loads: String = (0..vectors).map(|at| format!("(v128.load (i32.const {}))", at * 16)).collect();
    let adds = "i32x4.add ".repeat(vectors - 1);
    format!(
        "(module (memory 1) (func $f (export \"f\") (param i32)
          (if (i32.eqz (local.get 0))
            (then (i32.const 0) {loads} (call $f (i32.const 0)) {adds} v128.store)
            (else (call $f (local.get 0)) (drop (i32.load (local.get 0)))))))"
    )
}

#[test]
fn recursion_with_large_frames_exhausts_any_stack() {
    for stack in [512 << 10, 2 << 20, 16 << 20] {
        let run = move || {
            for vectors in [100, 300, 1000, 4000] {
                let config = Config::new().max_stack(64 << 20).verifier(false);
                let mut store = Store::new(&Engine::new(&config).unwrap());
                let instance = instantiate(&mut store, &Linker::new(), &recursion(vectors));
                for argument in [0, 1] {
                    let function = func(&store, instance, "f");
                    let error = function.invoke(&mut store, &[Val::I32(argument)]).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Exhaustion, "{vectors} vectors, {stack}: {error}");
                }
            }
        };
        std::thread::Builder::new().stack_size(stack).spawn(run).unwrap().join().unwrap();
    }
}
