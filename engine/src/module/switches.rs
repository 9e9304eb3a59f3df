//! Tests for the code of instructions with very many targets.

use std::fmt::Write as _;

use super::layout;
use crate::compile::parallel::with_compiler;
use crate::config::Config;
use crate::decode::decode;
use crate::engine::Engine;
use crate::translate::{Goal, ModuleEnv};

/// A function that branches to one of `count` labels, each of which stores another number.
fn switch(count: usize) -> String {
    let labels: String = (0..count).map(|label| format!("{label} ")).collect();
    let mut text = format!(
        "(module (memory 1) (func (param i32) (loop $again {} (br_table {labels} {count} (i32.load (local.get 0)))",
        "(block ".repeat(count + 1)
    );
    for number in 0..count {
        let value = 31 * number;
        write!(text, ") (i32.store (local.get 0) (i32.const {value})) (br $again)").unwrap();
    }
    text + ")) ))"
}

#[test]
fn a_switch_with_thousands_of_cases_is_optimised() {
    let engine = Engine::new(&Config::new()).unwrap();
    let bytes = wat::parse_str(switch(4000)).unwrap();
    let code = |is_quick_forced: bool| {
        let decoded = decode(&bytes, engine.features(), engine.types(), None).unwrap();
        let (info, layout) = (&decoded.info, layout(&decoded.info).unwrap());
        let (isa, fast_isa) = (engine.isa(), engine.fast_isa());
        // If the function is too complex for the optimising register allocator, it is compiled by
        // the other one.
        let fast_isa = if is_quick_forced { fast_isa } else { isa };
        let env =
            ModuleEnv { info, layout, isa, fast_isa, deadline: None, guard_pages: true, functions: None };
        let body = decoded.bodies.into_iter().next().unwrap();
        with_compiler(|compiler| compiler.compile_body(&env, Goal::Optimized, body)).unwrap().0.bytes
    };
    assert!(code(true) == code(false), "the other allocator was used");
}
